"""Charts put their numbers where they belong, leave settings alone, and need no window."""

import subprocess
import sys
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from facslens.colours import BLUE, GREY, VERMILION
from facslens.plot import chains, curves, estimates, matrices
from facslens.plot.outline import FACE, curve
from facslens.plot.style import written


def words(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.findobj(mpl.text.Text) if text.get_text()]


def test_a_forest_has_a_row_an_estimate_with_its_interval() -> None:
    rows = [
        estimates.Mark("AU01", (0.9, 0.8, 1.0), 0.95),
        estimates.Mark("AU06", (0.6, 0.4, 0.7), 0.8, strong=False),
    ]
    figure = estimates.forest(rows, title="Units", value="unseen", beside="discovery")
    (axes,) = figure.axes
    interval, beside, mark = axes.lines[:3]
    assert list(interval.get_xdata()) == [0.8, 1.0]
    assert list(beside.get_xdata()) == [0.95]
    assert (list(mark.get_xdata()), list(mark.get_ydata())) == ([0.9], [0])
    assert [to_hex(line.get_color()) for line in (axes.lines[2], axes.lines[5])] == [BLUE, GREY]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["AU01", "AU06"]
    assert axes.get_ylim()[0] > axes.get_ylim()[1]  # the first row is on top
    assert {"Units", "unseen", "discovery", "½"} <= set(words(figure))


def test_a_matrix_has_its_values_signs_dots_frames_and_words() -> None:
    values = np.array([[0.5, -0.5], [np.nan, 0.0]])
    figure = matrices.matrix(
        values, ["a", "b"], ["c", "d"], title="Map", limit=0.5, label="shares",
        dots=np.array([[True, False], [False, False]]),
        boxes=np.array([[False, False], [False, True]]),
        written=lambda v: f"{v:+.1f}", key=("accepted", "own"),
    )  # fmt: skip
    axes, scale = figure.axes
    image = axes.images[0]
    np.testing.assert_array_equal(image.get_array(), values)
    colours = [to_hex(image.cmap(image.norm(v))) for v in (0.5, -0.5)]
    assert colours == [BLUE, VERMILION]
    # the middle of an even number of colours is within one step of white
    assert np.abs(np.array(image.cmap(image.norm(0.0))[:3]) - 1).max() < 0.01
    assert axes.collections[0].get_offsets().tolist() == [[0, 0]]
    assert [frame.get_xy() for frame in axes.patches] == [(0.5, 0.5)]
    assert {"+0.5", "-0.5", "+0.0", "accepted", "own", "shares"} <= set(words(figure))
    assert [t.get_text() for t in scale.get_yticklabels()] == ["−0.5", "0", "+0.5"]


def test_a_matrix_of_many_columns_does_not_name_them() -> None:
    many = matrices.matrix(
        np.zeros((2, 200)), ["a", "b"], [f"u{n}" for n in range(200)],
        title="Map", limit=1, label="",
    )  # fmt: skip
    assert "u0" not in words(many)
    assert many.get_size_inches()[0] < 11


def test_a_dose_begins_at_rest_and_ends_beside_the_rival() -> None:
    figure = curves.dose(
        ("rest", "A", "B"), (0, 1.5, 3), [((0, 2), (0, 4))], title="AU12", places=(0, 1, 2),
        noise=0.5, rival=("AU06", 1.0),
    )  # fmt: skip
    (axes,) = figure.axes
    zero, person, mean, rival = axes.lines
    assert list(zero.get_ydata()) == [0, 0]
    assert list(person.get_ydata()) == [0, 4]
    assert (list(mean.get_xdata()), list(mean.get_ydata())) == ([0, 1, 2], [0, 1.5, 3])
    assert (list(rival.get_xdata()), list(rival.get_ydata())) == ([2.25], [1.0])
    assert axes.patches[0].get_height() == 0.5
    assert "AU06" in words(figure)


def test_a_histogram_stands_with_the_action_unit_and_hangs_without() -> None:
    figure = curves.histogram(
        ((0.25, 0.75), ()), ((0.5, 0.5), (1.0, 0.0)), 0.0, 4.0, title="Responses"
    )
    stairs = [patch.get_data() for patch in figure.axes[0].patches]
    assert [list(data.values) for data in stairs] == [[0.25, 0.75], [-0.5, -0.5], [-1.0, 0.0]]
    assert [list(data.edges) for data in stairs] == [[0, 2, 4]] * 3


def test_lines_have_their_bands_and_the_place_that_was_kept() -> None:
    figure = curves.lines(
        [curves.Series("read", (0.5, 0.9), low=(0.4, 0.8), high=(0.6, 1.0)),
         curves.Series("control", (0.5, 0.6), GREY, dashed=True)],
        title="Layers", x=range(2), ticks=("conv1", "conv2"), y_range=(0.5, 1), at=("here", 1),
    )  # fmt: skip
    (axes,) = figure.axes
    read, control, here = axes.lines
    assert list(read.get_ydata()) == [0.5, 0.9]
    assert control.is_dashed()
    assert list(here.get_xdata()) == [1, 1]
    assert axes.get_ylim()[0] == 0.5
    vertices = axes.collections[0].get_paths()[0].vertices[:, 1]
    assert {0.4, 0.6, 0.8, 1.0} <= set(vertices.round(6))


def test_bars_are_as_long_as_their_counts() -> None:
    figure = estimates.bars(
        ["conv1", "conv2"], [3, 5], [1, 4], title="Layers", total=9, key=("found", "confirmed")
    )
    widths = [bar.get_width() for bar in figure.axes[0].patches]
    assert widths == [9, 9, 3, 5, 1, 4]
    assert {"1 of 3", "4 of 5"} <= set(words(figure))


def test_twins_beyond_the_axis_stay_at_its_end() -> None:
    twin = estimates.Twin((1.7, 1.2, 2.0), differs=True, noise=0.2)
    same = estimates.Twin((0.1, -0.1, 0.3), differs=False, noise=0.2)
    figure = estimates.twins(["AU12"], [twin], [same], [0.4], title="Skin", ends=("light", "dark"))
    marks = [line for line in figure.axes[0].lines if line.get_marker() == "o"]
    assert [float(m.get_xdata()[0]) for m in marks] == [1.0, 0.1]
    assert [to_hex(m.get_markerfacecolor()) for m in marks] == [BLUE, "#ffffff"]


def test_a_chain_leads_from_the_action_unit_to_the_expression() -> None:
    band = chains.Band("AU12", "M0,0C1,0 2,1 3,1S5,1 6,0", 26.0, 10.0, [(40.0, 50.0, 8.0)])
    figure = chains.chain([band], to="happiness", title="Through conv3", size=(720, 270),
                          face=(265, 15, 240))  # fmt: skip
    *outline, drawn, dot = figure.axes[0].patches
    assert len(outline) == len(FACE)
    assert drawn.get_path().vertices[-1].tolist() == [6, 0]
    assert drawn.get_linewidth() == pytest.approx(26 * 0.72)  # in points, 100 units an inch
    assert (dot.center, dot.radius) == ((40.0, 50.0), 8.0)
    assert {"AU12", "happiness"} <= set(words(figure))


def test_a_smooth_curve_goes_on_in_its_direction() -> None:
    """The first handle of S is the last one of C, mirrored at their common point."""
    vertices = curve("M0,0C0,2 1,3 2,2S4,0 5,5Z").vertices
    assert vertices[4].tolist() == [3, 1]
    assert vertices[-1].tolist() == [0, 0]


def test_long_titles_make_a_figure_wider_and_not_its_axes() -> None:
    short, long = (
        curves.lines([curves.Series("a", (0, 1))], title=title, x=range(2))
        for title in ("Loss", "Loss " * 20)
    )
    assert long.get_size_inches()[0] > 1.5 * short.get_size_inches()[0]
    widths = [f.axes[0].get_position().width * f.get_size_inches()[0] for f in (short, long)]
    assert widths[0] == pytest.approx(widths[1])


def test_settings_of_others_neither_change_nor_matter() -> None:
    def draw() -> bytes:
        return written(curves.lines([curves.Series("a", (0, 1))], title="T", x=range(2)), "svg")

    usual, before = draw(), dict(mpl.rcParams)
    with mpl.rc_context({"lines.linewidth": 9, "font.size": 30, "axes.grid": True}):
        assert draw() == usual
    assert dict(mpl.rcParams) == before


def test_a_figure_shows_itself_in_a_notebook_at_twice_its_size() -> None:
    figure = curves.lines([curves.Series("a", (0, 1))], title="T", x=range(2))
    png, size = figure._repr_png_()
    width, height = figure.get_size_inches()
    assert size == {"width": round(96 * width), "height": round(96 * height)}
    assert int.from_bytes(png[16:20], "big") == pytest.approx(2 * size["width"], abs=2)


def test_neither_pyplot_nor_torch_is_loaded(tmp_path: Path) -> None:
    code = (
        "import sys, numpy as np, facslens as fl\n"
        "labels = np.eye(12)[:, :1] + np.eye(12)[:, 1:2] + np.eye(12)[:, 2:3]\n"
        "found = fl.associate(labels * 3 + np.eye(12)[:, :2], labels, distance='auroc',"
        " min_present=1, permutations=19)\n"
        "fl.plot.heatmap(found).savefig(sys.argv[1])\n"
        "print(sorted({'torch', 'matplotlib.pyplot'} & set(sys.modules)))"
    )
    run = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "map.png")], capture_output=True, check=False
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout.strip() == b"[]"
    assert (tmp_path / "map.png").stat().st_size > 5000
