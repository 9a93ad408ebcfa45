"""What the page says of the checks, against the numbers that the fake run was written with."""

import math
from collections.abc import Callable

import pandas as pd
import pytest

from facslens.artifacts import write_table
from facslens.report.findings import Findings, build_findings
from facslens.report.html import open_page
from facslens.report.missing import Missing
from facslens.report.section import Page
from facslens.report.sections.cause import Causes, build_causes
from facslens.report.sections.confounds import Confounds, build_confounds
from facslens.report.sections.controls import Controls, build_controls
from facslens.report.sections.nulls import Nulls, build_nulls
from facslens.report.sections.place import Place, build_place
from facslens.report.sections.sanity import Sanity, build_sanity
from facslens.report.sections.stability import Stability, build_stability
from facslens.runs.folder import Run


@pytest.fixture(scope="module")
def page(full_run: Run) -> Page:
    return open_page(full_run)


def test_the_nulls_stand_side_by_side(page: Page) -> None:
    assert isinstance(page.of(build_nulls), Nulls)
    free, within = page.of(build_nulls).rows
    # max-T p below 0.05: AU01, AU06, AU12, AU20 freely; within expression not AU12
    assert (free.tested, free.accepted, free.asked, free.confirmed) == (5, 4, 3, 2)
    assert (within.tested, within.accepted, within.asked, within.confirmed) == (5, 3, 1, 0)
    assert page.of(build_nulls).words.startswith(
        "Some of what these units detect is the expression"
    )
    assert (
        "the only one that has enough faces to be tested is not confirmed"
        in page.of(build_nulls).words
    )


@pytest.mark.parametrize(
    ("fixed", "words"),
    [
        (["AU01", "AU06", "AU12"], "Most of what these units detect"),
        ([], "The expression does not explain"),
        (["AU01", "AU06", "AU12", "AU20"], "none when they are permuted only among faces"),
    ],
)
def test_what_the_expression_explains_follows_from_the_counts(
    write_run: Callable[..., Run], fixed: list[str], words: str, noted: Callable[[Run], None]
) -> None:
    run = write_run()
    table = pd.read_parquet(run / "association.parquet")
    within = table["null"] == "within_expression"
    table.loc[within & table["au"].isin(fixed), "p_maxT"] = 0.9
    if not fixed:
        table.loc[within & (table["unit"] == 5) & (table["au"] == "AU12"), "p_maxT"] = 0.01
    write_table(run / "association.parquet", table)
    noted(run)
    nulls = open_page(run).of(build_nulls)
    assert isinstance(nulls, Nulls)
    assert words in nulls.words


def test_controls_stand_beside_the_trained_unit(page: Page) -> None:
    found = page.of(build_controls)
    assert isinstance(found, Controls)
    assert [c.name for c in found.controls] == ["untrained", "probe"]
    assert "mean of 5" in found.controls[0].note
    assert (found.controls[0].ahead, found.controls[0].behind, found.controls[0].asked) == (1, 0, 2)
    assert (found.controls[1].ahead, found.controls[1].behind) == (0, 1)
    assert (found.learned, found.asked) == (("AU01",), 2)
    assert found.mean == pytest.approx((0.973 + 0.912) / 2)
    first, second = found.rows  # AU17 has no unit
    assert (first.au, first.unit, first.accepted) == ("AU01", 2, True)
    assert (first.test.value, first.test.low, first.test.high) == (0.973, 0.914, 1.0)
    assert (first.cells[0].auroc, first.cells[0].difference.low) == (0.7, 0.101)
    assert (second.accepted, second.cells[1].verdict) == (False, "worse")


def test_the_cause_is_that_of_the_expression_that_shows_the_au(page: Page) -> None:
    found = page.of(build_causes)
    assert isinstance(found, Causes)
    rows = {row.au: row for row in found.rows}
    assert {au: (row.expression, row.share) for au, row in rows.items()} == {
        "AU01": ("surprise", 1.0), "AU12": ("happiness", 1.0), "AU20": ("anger", 0.5),
    }  # fmt: skip
    assert (rows["AU01"].score.change, rows["AU01"].score.others) == (-0.9, -0.1)
    assert [rows[au].score.q for au in ("AU01", "AU12", "AU20")] == [0.03, 0.06, 1]
    assert (found.score, found.accuracy) == (1, 0)
    assert len(found.kept) == 3


def test_an_ablation_without_q_is_to_be_made_again(
    write_run: Callable[..., Run], noted: Callable[[Run], None]
) -> None:
    run = write_run()
    path = run / "verify" / "ablation.csv"
    write_table(path, pd.read_csv(path).drop(columns=["related", "share", "q_score"]))
    noted(run)
    found = open_page(run).of(build_causes)
    assert isinstance(found, Missing)
    assert found.command == f"facslens verify {run.folder}"


def test_a_card_has_the_verdict_that_verify_left(page: Page) -> None:
    findings = page.of(build_findings)
    assert isinstance(findings, Findings)
    cards = {card.au: card for card in findings.cards}
    told = cards["AU01"].sentences
    assert told[0].startswith("detected by unit 2 of conv2; on unseen people")
    assert told[1] == "Still true within one expression? Not enough data (3 sequences, needs 10)."
    assert told[3].startswith("Learned? Yes, 27 (10 to 40) more of 100 pairs")
    assert told[4].startswith("Does the network use it? Yes, without it the score of surprise")
    assert "Learned? Not shown" in cards["AU12"].sentences[3]
    assert cards["AU12"].sentences[-1] == "These faces cannot tell AU12 from AU06."
    assert (cards["AU12"].within.value, cards["AU12"].n_within) == (0.61, 12)
    assert cards["AU12"].partial.low == 0.1
    assert len(cards["AU17"].sentences) == 1


def test_place_says_what_was_found(page: Page) -> None:
    found = page.of(build_place)
    assert isinstance(found, Place)
    assert [row.au for row in found.rows] == ["AU01", "AU12"]
    assert math.isnan(found.rows[0].lift)
    assert found.words[0].startswith("There is no evidence that the units look where")
    assert "have 2.6 times as much energy in the region" in found.words[0]
    assert found.words[1].startswith(
        "In the faces to which it responds most, the unit of AU01 does not see"
    )


def test_place_says_so_when_units_look_where_they_should(
    write_run: Callable[..., Run], noted: Callable[[Run], None]
) -> None:
    run = write_run()
    path = run / "verify" / "place.csv"
    table = pd.read_csv(path)
    write_table(path, table.assign(n_unseen=0, p_density=0.01))
    noted(run)
    place = open_page(run).of(build_place)
    assert isinstance(place, Place)
    assert len(place.words) == 1
    assert place.words[0].startswith("Together, the units look where their action units appear")
    write_table(path, table.assign(n_unseen=0, p_density=math.nan))
    noted(run)
    place = open_page(run).of(build_place)
    assert isinstance(place, Place)
    assert place.words == ("Too few action units have a region to test all of them together.",)


def test_sanity_has_a_curve_for_each_rule(page: Page) -> None:
    found = page.of(build_sanity)
    assert isinstance(found, Sanity)
    assert found.steps == ("nothing", "conv2", "conv1")
    assert [c.rule for c in found.curves] == ["deconvnet", "guided", "gradient", "edges"]
    assert found.curves[1].rank == pytest.approx((1.0, 0.9, 0.81))
    assert (found.pictures, found.silent) == (24, (0, 4, 8))
    assert "by 0.49 (deconvnet), 0.81 (guided) and 0.25 (gradient)" in found.words


def test_what_cannot_be_told_apart_is_named_once(page: Page) -> None:
    assert isinstance(page.of(build_confounds), Confounds)
    assert page.of(build_confounds).together == (("AU06", "AU12"),)
    assert page.of(build_confounds).rows[-1].n_differ == 0


def test_stability_counts_what_returns(
    write_run: Callable[..., Run], page: Page, noted: Callable[[Run], None]
) -> None:
    assert isinstance(page.of(build_stability), Missing)
    assert page.of(build_stability).command.endswith("--against RUN")
    run = write_run()
    rows = [("AU01", 3, 3, 6, 1.0, 0.5, 0.9), ("AU12", 3, 1, 2, 0.5, 0.0, 0.8)]
    rows.append(("AU17", 3, 0, 0, math.nan, math.nan, math.nan))
    names = ["au", "runs", "accepted", "pairs", "returned_au", "returned_unit", "correlation"]
    table = pd.DataFrame(rows, columns=names).assign(layer="conv2", chance=0.1)
    write_table(run / "verify" / "stability.csv", table)
    noted(run)
    found = open_page(run).of(build_stability)
    assert isinstance(found, Stability)
    assert [row.au for row in found.rows] == ["AU01", "AU12"]
    assert (found.everywhere, found.runs, found.chance) == (1, 3, 0.1)


def test_a_run_that_was_not_verified_says_which_command_does(
    write_run: Callable[..., Run], noted: Callable[[Run], None]
) -> None:
    run = write_run()
    for path in [*(run / "verify").iterdir(), run / "confounds.csv"]:
        path.unlink()
    noted(run)
    page = open_page(run)
    for part in (
        page.of(build_controls),
        page.of(build_causes),
        page.of(build_place),
        page.of(build_sanity),
    ):
        assert isinstance(part, Missing)
        assert part.command == f"facslens verify {run.folder}"
    assert isinstance(page.of(build_confounds), Missing)
    assert isinstance(page.of(build_findings), Findings)
    told = " ".join(page.of(build_findings).cards[0].sentences)
    assert "Learned?" not in told
    assert "use it?" not in told


def test_checks_of_an_earlier_mapping_are_not_shown(write_run: Callable[..., Run]) -> None:
    run = write_run()
    run.outdate(["verify"])
    page = open_page(run)
    assert isinstance(page.of(build_controls), Missing)
    assert isinstance(page.of(build_sanity), Missing)
    assert isinstance(page.of(build_confounds), Confounds)  # of the association itself
