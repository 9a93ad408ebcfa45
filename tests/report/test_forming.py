"""The section on when detectors arose; it stands on the page where there is something to show."""

import re

import pandas as pd
import pytest

from facslens.artifacts import sha256, write_table
from facslens.experiments.forming import FORMING
from facslens.report.html import open_page, render
from facslens.report.sections.forming import build_forming

ROWS = [
    (0, "conv1", "AU01", 3, 0.2, "AU12", 0.5, "rival", 0.25),
    (0, "conv1", "AU12", 1, 0.4, "AU01", 0.6, "rival", 0.25),
    (0, "conv2", "AU01", None, None, None, None, "silent", 0.25),
    (0, "conv2", "AU12", None, None, None, None, "silent", 0.25),
    (8, "conv1", "AU01", 3, 0.3, "AU12", 0.7, "dose", 0.75),
    (8, "conv1", "AU12", 2, 0.5, "AU01", 0.5, "rival", 0.75),
    (8, "conv2", "AU01", 5, 0.9, "AU12", 0.8, "caused", 0.75),
    (8, "conv2", "AU12", 4, 1.0, "AU01", 1.0, "caused", 0.75),
]


@pytest.fixture
def formed(write_run):
    run = write_run()
    table = pd.DataFrame(ROWS, columns=list(FORMING)).astype({"unit": "Int64"})
    write_table(run / "experiment" / "forming.csv", table)
    noted = {"experiment": sha256(run / "experiment")}
    run.update(stages=run.info["stages"] | {"experiment": {"status": "done", "files": noted}})
    return run


def test_curves_are_means_over_action_units_by_layer(formed):
    found = build_forming(open_page(formed))
    assert (found.epochs, found.aus, found.layer, found.most) == ((0, 8), 2, "conv2", 2)
    first, last = found.lines
    assert first.wins == pytest.approx((0.3, 0.4))
    assert first.auroc == pytest.approx((0.55, 0.6))
    assert last.wins == pytest.approx((float("nan"), 0.95), nan_ok=True)
    assert (first.caused, last.caused, last.accuracy) == ((0, 0), (0, 2), (0.25, 0.75))


def test_the_section_is_on_the_page_where_there_is_a_table(formed):
    page = render(open_page(formed))
    assert "<h3>When detectors arose</h3>" in page
    assert (
        "Before the training 0 of 2 action units are caused in conv2, and 2 after epoch 8." in page
    )
    charts = re.findall(r'<figure class="curves along">.*?</figure>', page, flags=re.DOTALL)
    assert len(charts) == 4
    # 0.55 and 0.6 of a height of 104, at both ends of a width of 204
    assert "M0.0,46.8L204.0,41.6" in charts[2]
    # an epoch without a unit that answers breaks the line
    assert "M204.0,5.2" in charts[1]


def test_without_a_table_nothing_is_missed(full_run):
    page = render(open_page(full_run))
    assert "When detectors arose" not in page
    assert build_forming(open_page(full_run)) is None


def test_figures_have_the_curves_of_every_layer(formed):
    figures = open_page(formed).figures()
    for measure, values in (
        ("accuracy", (0.25, 0.75)), ("wins", (float("nan"), 0.95)), ("caused", (0, 2)),
    ):  # fmt: skip
        axes = figures[f"forming-{measure}"]().axes[0]
        assert len(axes.lines) == 2
        assert list(axes.lines[-1].get_ydata()) == pytest.approx(values, nan_ok=True)
        assert [label.get_text() for label in axes.get_xticklabels()] == ["0", "8"]
