"""The chain on the page: a small one, written by hand."""

import re

import pandas as pd
import pytest

from facslens.artifacts import write_table
from facslens.report.html import open_page, render
from facslens.report.missing import Missing
from facslens.report.sections.chain import build_chains


@pytest.fixture
def run(write_run, write_chain):
    made = write_run()
    write_chain(made)
    return made


def test_the_strongest_effects_come_first_with_the_units_that_carry_half(run):
    view = build_chains(open_page(run))
    assert (view.layer, view.units, view.people) == ("conv3", 8, 30)
    assert [chain.expression for chain in view.chains] == ["happiness", "surprise"]
    assert view.silent == ("sadness",)
    smile = view.chains[0]
    assert [link.au for link in smile.links] == ["AU12", "AU06"]
    first, second = smile.links
    assert (first.width, second.width) == (26.0, 6.5)
    assert (first.start, second.start) == (67.5, 202.5)
    # one band on the other, round the middle of the picture
    assert (first.end - first.width / 2, second.end + second.width / 2) == pytest.approx(
        (135 - 32.5 / 2, 135 + 32.5 / 2), abs=0.1
    )
    assert [(dot.unit, dot.x, dot.y, dot.r) for dot in first.dots] == [
        (3, 325.0, 195.0, 18.0), (5, 385.0, 195.0, 12.0),
    ]  # fmt: skip
    assert first.middle == pytest.approx((325 + 60 * 12**2 / (18**2 + 12**2), 195.0), abs=0.05)
    assert (first.half, first.half_random, first.own) == (2, 5, "3 6")
    assert (first.through.value, first.random.value) == (0.12, 0.03)
    assert second.own == ""
    assert view.chains[1].links[0].dots == ()


def test_the_sentences_are_those_of_the_tables(run):
    view = build_chains(open_page(run))
    assert view.chains[0].words == (
        "AU12 raises happiness most (+4.00); half of it passes through 2 of 8 units; random units "
        "do so where they change as much as the first 5. The unit that carries most, 3, carries "
        "40\u202f%."
    )
    assert view.chains[1].words.startswith(
        "AU26 raises surprise most (+2.00); no number of units carries half of it, for 75\u202f% "
        "goes round"
    )
    assert view.detectors == (
        "Through the units that the cards show as detectors passes 12.0\u202f% of what their AU "
        "does to the expression that it raises most (11.0\u202f% to 13.0\u202f%, mean over 4 AUs): "
        "more than through random units that change as much (3.0\u202f%). In 3 of the 4 AUs at "
        "most one random set in 20 carries as much"
    )


@pytest.mark.parametrize(
    ("low", "high", "said"), [(-0.2, -0.1, ": less than through"), (-0.1, 0.1, ": not shown to")]
)
def test_no_more_than_random_units_is_said_as_plainly(run, low, high, said):
    file = run / "mechanism" / "realised.csv"
    table = pd.read_csv(file).assign(difference_low=low, difference_high=high)
    write_table(file, table)
    run.accept(["mechanism"])
    assert said in build_chains(open_page(run)).detectors


@pytest.mark.parametrize(("random", "said"), [(None, "never carry half"), (1, "carry half, too")])
def test_random_units_are_said_as_they_are(write_run, write_chain, random, said):
    run = write_run()
    write_chain(run, [("AU12", "happiness", 4.0, 1, random)], own=False)
    view = build_chains(open_page(run))
    assert said in view.chains[0].words
    assert view.detectors.startswith("The cards show no unit of this layer as a detector")


def test_the_picture_and_its_table_are_on_the_page(run):
    page = render(open_page(run))
    pictures = re.findall(r'<svg class="chain".*?</svg>', page, flags=re.DOTALL)
    assert len(pictures) == 2
    assert pictures[0].count("<circle") == 3
    assert "AU12 +4.00, half of it through 2 units; AU06 +1.00" in pictures[0]
    assert "half of it through no number of units" in pictures[1]
    assert "M0.0,96.0L72.0,64.0L144.0,48.0L216.0,16.0" in page  # removed, at 0, 1, 2 and 8 units
    assert "<td>3 6</td>" in page


def test_no_effect_leaves_no_chain(write_run, write_chain):
    run = write_run()
    write_chain(run, [("AU12", "sadness", -2.0, 1, None)], own=False)
    view = build_chains(open_page(run))
    assert (view.chains, view.silent) == ((), ("sadness",))
    assert "No AU alone raises sadness" in render(open_page(run))


def test_without_tables_the_page_names_the_command(write_run):
    view = build_chains(open_page(write_run()))
    assert isinstance(view, Missing)
    assert "facslens mechanism" in view.command
