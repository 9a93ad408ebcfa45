"""What the page says of the checks against known action units."""

from collections.abc import Callable

import pandas as pd
import pytest

from facslens.artifacts import write_table
from facslens.report.html import open_page, write_report
from facslens.report.missing import Missing
from facslens.report.sections.contrast import build_contrast
from facslens.report.sections.truth import Truth, build_truth
from facslens.runs.folder import Run

NAN = float("nan")


@pytest.fixture
def run(write_run: Callable[..., Run], noted: Callable[[Run], None]) -> Run:
    made = write_run()
    planted = [
        ("factorial", 0, "AU01", True, 1, 0),
        ("factorial", 0, "AU12", True, 2, 0),
        ("factorial", 1, "AU01", True, 1, 3),
        ("factorial", 1, "AU12", False, 1, 3),
        ("natural", 0, "AU01", True, 4, 0),
    ]
    columns = ["design", "seed", "au", "recovered", "n_aus", "n_blind"]
    write_table(made / "verify" / "planted.csv", pd.DataFrame(planted, columns=columns))
    factorial = [
        ("conv3", "AU01", 3, True, True, 0.8, 0.6, 0.2, 0.1, 0.3, 2, 1, "better"),
        ("conv3", "AU12", 4, True, False, 0.5, 0.6, -0.1, -0.2, 0.1, 2, 2, "not better"),
        ("conv3", "AU20", 5, False, False, 0.7, 0.5, 0.2, 0.1, 0.3, 2, 0, "better"),
        ("conv3", "AU28", None, None, False, NAN, NAN, NAN, NAN, NAN, 0, None, "none"),
    ]
    columns = [
        "layer", "au", "unit", "accepted", "confirmed", "auroc_test", "control_auroc_test",
        "difference", "difference_low", "difference_high", "seeds", "control_confirmed", "status",
    ]  # fmt: skip
    write_table(made / "verify" / "factorial.csv", pd.DataFrame(factorial, columns=columns))
    place = [("AU01", "mapped", 3.0), ("AU01", "random", 1.0), ("AU12", "mapped", 1.0)]
    place += [("AU12", "random", NAN)]
    write_table(
        made / "verify" / "true_place.csv", pd.DataFrame(place, columns=["au", "kind", "lift"])
    )
    noted(made)
    return made


def test_the_counts_are_those_of_the_tables(run: Run) -> None:
    truth = open_page(run).of(build_truth)
    assert isinstance(truth, Truth)
    assert (truth.accepted, truth.confirmed, truth.ahead) == (2, 1, 1)
    assert truth.untrained == 1.5  # three confirmations by two networks
    assert [row.au for row in truth.rows] == ["AU01", "AU12", "AU20"]
    factorial, natural = truth.planted
    assert (factorial.recovered, factorial.aus) == (0.75, 1.25)
    assert (factorial.filters, factorial.blind, factorial.seeds) == (2, 1, 2)
    assert natural.aus == 4
    assert (truth.places, truth.lift, truth.random) == (2, 2.0, 1.0)


def test_the_page_says_so(run: Run) -> None:
    page = write_report(run).read_text(encoding="utf-8")
    assert "<b>1 of 2</b> mapped action units are confirmed" in page
    assert "with its own mapping has 1.5 confirmed" in page
    assert "factorial.csv" in page


def test_without_the_checks_the_page_says_which_command_makes_them(
    write_run: Callable[..., Run],
) -> None:
    truth = open_page(write_run()).of(build_truth)
    assert isinstance(truth, Missing)
    assert truth.command.startswith("facslens verify --truth ")


def test_every_face_as_its_own_control_is_counted(
    write_run: Callable[..., Run], noted: Callable[[Run], None]
) -> None:
    made = write_run()
    assert open_page(made).of(build_contrast) is None
    rows = [
        ("conv2", "AU01", "larger"),
        ("conv3", "AU01", "larger"),
        ("conv3", "AU12", "not larger"),
    ]
    rows += [("conv3", "AU20", "not enough data")]
    write_table(made / "contrast.csv", pd.DataFrame(rows, columns=["layer", "au", "status"]))
    noted(made)
    found = open_page(made).of(build_contrast)
    assert found is not None
    assert (found.layer, found.mapped, found.asked, found.larger) == ("conv3", 3, 2, 1)
    page = write_report(made).read_text(encoding="utf-8")
    assert "for <b>1 of 2</b> mapped action units with enough unseen subjects" in page
