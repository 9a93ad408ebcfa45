"""Twins of other groups on the page: a small table, written by hand."""

from collections.abc import Callable

import pandas as pd
import pytest

from facslens.artifacts import write_table
from facslens.experiments.groups import GROUPS
from facslens.report.html import open_page, render, write_report
from facslens.report.missing import Missing
from facslens.report.sections.groups import build_groups
from facslens.runs.folder import Run

ENDS = {"skin": ("darker", "lighter"), "age": ("younger", "older")}
#: group, au, measure, unit, expression, means, difference and share, detectable, differs.
ROWS = (
    ("skin", "AU06", "unit", 4, None, (-0.1, 0.3), (0.4, None), 0.3, True),
    ("skin", "AU12", "unit", 7, None, (2.0, 3.0), (1.0, 0.4), 0.5, True),
    ("skin", "AU12", "expression", None, "happiness", (4.0, 4.0), (0.0, 0.0), 1.0, False),
    ("skin", "AU15", "expression", None, "happiness", (-3.0, -1.0), (2.0, -1.0), 1.0, True),
    ("skin", "AU12", "pixels", None, None, (0.1, 0.12), (0.02, 0.18), None, None),
    ("skin", "AU15", "pixels", None, None, (0.1, 0.2), (0.1, 0.7), None, None),
    ("age", "AU12", "unit", 7, None, (2.0, 1.9), (-0.1, -0.05), 0.39, False),
)


def write_groups(run: Run, rows: tuple[tuple, ...] = ROWS) -> None:
    found = []
    for group, au, measure, unit, expression, means, (change, share), least, differs in rows:
        row = {"layer": "conv2" if measure == "unit" else None, "group": group, "au": au}
        row |= {"measure": measure, "unit": unit, "expression": expression, "n_people": 30}
        row |= dict(
            zip(("end_from", "end_to", "mean_from", "mean_to"), ENDS[group] + means, strict=True)
        )
        row |= {"difference": change, "detectable": least, "differs": differs, "share": share}
        row |= {"difference_low": change - 0.01, "difference_high": change + 0.01}
        if share is not None:
            row |= {"share_low": share - 0.1, "share_high": share + 0.1}
            row["detectable_share"] = least and least * abs(share / change if change else 0.25)
        row["p"] = None if differs is None else 0.01
        found.append(row)
    table = pd.DataFrame(found, columns=list(GROUPS))
    table = table.astype({"unit": "Int64", "differs": "boolean"})
    (run / "mechanism").mkdir(exist_ok=True)
    write_table(run / "mechanism" / "groups.csv", table)
    stages = run.info["stages"]
    run.update(stages={**stages, "mechanism": {**stages["project"], "files": {}}})
    run.accept(["mechanism"])


@pytest.fixture
def run(write_run: Callable[..., Run]) -> Run:
    return write_run()


def test_every_action_unit_has_a_cell_for_each_group(run: Run) -> None:
    write_groups(run)
    view = open_page(run).of(build_groups)
    assert not isinstance(view, Missing)
    assert (view.layer, view.people, view.tests) == ("conv2", 30, 5)
    assert [(group.name, group.ends) for group in view.groups] == [
        ("Skin", ("darker", "lighter")), ("Age", ("younger", "older")),
    ]  # fmt: skip
    assert [row.au for row in view.rows] == ["AU06", "AU12", "AU15"]
    skin, age = view.rows[1].cells
    assert skin.unit is not None
    assert (skin.unit.what, skin.unit.share.value, skin.unit.differs) == ("unit 7", 0.4, True)
    assert skin.expression is not None
    assert (skin.expression.what, skin.expression.differs) == ("happiness", False)
    assert skin.pixels is not None
    assert skin.pixels.share.value == 0.18
    assert (age.expression, age.pixels) == (None, None)


def test_what_differs_is_said_and_what_would_have_been_missed(run: Run) -> None:
    write_groups(run)
    view = open_page(run).of(build_groups)
    assert not isinstance(view, Missing)
    skin, age = (group.words for group in view.groups)
    assert skin == (
        "on these drawn faces 2 of 2 action units move their unit differently: more in lighter "
        "than in darker faces under AU06 (darker −0.10, lighter +0.30) and AU12 (by 40\u202f%)",
        # happiness falls under AU15, and by more in darker faces
        "on these drawn faces 1 of 2 action units moves the expression that it moves most "
        "differently: more in darker than in lighter faces under AU15 (happiness, by 100\u202f%)",
        "in 1 of these 3 the pixels that the network reads change more at the same end",
        "where no difference was found, a true one of less than 25\u202f% of the change would have "
        "been missed in more than one such experiment of five",
    )
    assert age[0] == "no difference was found in how strongly an action unit moves its unit"
    assert len(age) == 2


def test_the_page_has_lines_numbers_and_the_table(run: Run) -> None:
    write_groups(run)
    index = write_report(run)
    page = index.read_text(encoding="utf-8")
    section = page[page.index('<section id="groups">') :]
    section = section[: section.index("</section>")]
    assert "its unit in <b>conv2</b>" in section
    assert (
        "unit 7: darker +2.00, lighter +3.00, difference +40 per cent differs, smallest "
        "detectable 0.50" in section
    )
    assert '<circle class="of-unit" cx="70.0%"' in section
    assert '<circle class="of-expression open" cx="50.0%"' in section
    assert "over all 5 tests of the table" in section
    assert "bias" not in section
    assert "<img" not in section
    assert (index.parent / "data" / "mechanism-groups.csv").is_file()


def test_too_few_people_are_said_to_be_too_few(run: Run) -> None:
    write_groups(run, (("age", "AU12", "unit", 7, None, (2.0, 1.9), (-0.1, -0.05), None, False),))
    view = open_page(run).of(build_groups)
    assert not isinstance(view, Missing)
    assert view.groups[0].words == ("no difference could have been found: 30 people are too few",)


def test_without_twins_the_page_says_how_to_draw_some(run: Run) -> None:
    write_groups(run, ())
    page = render(open_page(run))
    assert "These stimuli have no twins" in page
    assert "facslens data stimuli --design long" in page


def test_without_the_part_the_page_names_the_command(run: Run) -> None:
    assert f"facslens mechanism {run.folder}" in render(open_page(run))


def test_a_figure_of_each_group_has_the_differences_as_shares(run: Run) -> None:
    write_groups(run)
    figures = open_page(run).figures()
    assert {"groups-skin", "groups-age"} <= set(figures)
    axes = figures["groups-skin"]().axes[0]
    names = [label.get_text() for label in axes.get_yticklabels()]
    assert [name.split()[0] for name in names] == ["AU06", "AU12", "AU15"]
    marks = [line for line in axes.lines if line.get_marker() == "o"]
    # AU06 has no share; AU12's unit and expression, then AU15's expression
    assert [float(mark.get_xdata()[0]) for mark in marks] == [0.4, 0.0, -1.0]
    filled = [mark.get_markerfacecolor() != "white" for mark in marks]
    assert filled == [True, False, True]
    assert [label.get_text() for label in axes.get_xticklabels()] == [
        "darker\n−100 %", "0", "lighter\n+100 %",
    ]  # fmt: skip
