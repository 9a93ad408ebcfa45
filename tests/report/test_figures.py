"""Every figure of the page as SVG and PNG beside it, and every table as CSV."""

import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from facslens.plot.style import DPI, written
from facslens.report.downloads import build_downloads
from facslens.report.html import open_page, write_report
from facslens.report.sections.heatmap import build_heatmaps
from facslens.runs.folder import Run

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(autouse=True)
def undrawn() -> None:
    """Here figures are drawn."""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, whole_run: Callable[[Path], Run]) -> Run:
    return whole_run(tmp_path_factory.mktemp("figures"))


@pytest.fixture(scope="module")
def index(run: Run) -> Path:
    return write_report(run)


def test_every_figure_of_the_page_is_written_in_both_formats(run: Run, index: Path) -> None:
    names = set(open_page(run).figures())
    assert names == {
        "glance", "layers", "heatmap-1", "heatmap-2", "experiment", "dose-AU01", "dose-AU12",
        "effects", "interactions", "chain-1", "chain-2", "passing-1", "passing-2", "confusion",
        "training-accuracy", "training-loss", "sanity-rank", "sanity-ssim",
        *(f"responses-{au}" for au in ("AU01", "AU06", "AU12", "AU20")),
    }  # fmt: skip
    files = {path.name for path in (index.parent / "figures").iterdir()}
    assert files == {f"{name}.{kind}" for name in names for kind in ("svg", "png")}


def test_every_figure_is_linked_beside_it(run: Run, index: Path) -> None:
    page = index.read_text(encoding="utf-8")
    linked = re.findall(r'href="figures/([\w-]+)\.(svg|png)" download', page)
    assert sorted(linked) == sorted(
        (name, kind) for name in open_page(run).figures() for kind in ("svg", "png")
    )
    card = page[page.index('id="AU12"') : page.index("</article>", page.index('id="AU12"'))]
    assert 'href="figures/responses-AU12.svg"' in card


def test_no_picture_is_blank_or_of_another_size(run: Run, index: Path) -> None:
    for name, draw in open_page(run).figures().items():
        inches = draw().get_size_inches()
        with Image.open(index.parent / "figures" / f"{name}.png") as picture:
            assert picture.size == pytest.approx(tuple(inches * DPI), abs=1), name
            pixels = np.asarray(picture.convert("RGB"), dtype=int)
        assert (pixels[0, 0] == 255).all()
        inked = (pixels.min(axis=2) < 200).mean()
        assert 0.003 < inked < 0.6, name
        # nothing runs out of the picture: its outermost pixels are paper
        border = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
        assert border.min() == 255, name


def test_words_of_an_svg_are_words(index: Path) -> None:
    root = ET.fromstring((index.parent / "figures" / "glance.svg").read_text(encoding="utf-8"))
    words = {"".join(text.itertext()).strip() for text in root.iter(f"{SVG}text")}
    assert "AUROC of each action unit’s unit in conv2" in words
    assert {"AU01 inner brow raiser, unit 2", "½", "discovery"} <= words


def test_a_figure_is_the_same_whenever_it_is_drawn(run: Run, index: Path) -> None:
    draw = open_page(run).figures()["heatmap-1"]
    for kind in ("svg", "png"):
        assert (
            written(draw(), kind) == (index.parent / "figures" / f"heatmap-1.{kind}").read_bytes()
        )


def test_a_map_shows_the_numbers_of_the_view(run: Run) -> None:
    page = open_page(run)
    (one, _), figure = page.of(build_heatmaps), page.figures()["heatmap-1"]()
    axes = figure.axes[0]
    np.testing.assert_array_equal(axes.images[0].get_array(), np.asarray(one.overview))
    dots = axes.collections[0].get_offsets()
    pairs = {(one.units[int(x)], one.aus[int(y)]) for x, y in dots}
    # accepted in the hand-written mapping, of conv2
    assert pairs == {(2, "AU01"), (3, "AU01"), (4, "AU06"), (5, "AU12"), (2, "AU20")}


def test_a_name_that_is_no_file_name_is_drawn_nowhere(
    write_run: Callable[..., Run], noted: Callable[[Run], None]
) -> None:
    run = write_run()
    for name in ("mapping.csv", "coverage.csv"):
        file = run / name
        file.write_text(file.read_text().replace("AU12", "../../x<y"))
    faces = pd.read_parquet(run / "faces.parquet").rename(columns={"AU12": "../../x<y"})
    faces.to_parquet(run / "faces.parquet")
    noted(run)
    page = open_page(run)
    assert not [name for name in page.figures() if "x" in name.removeprefix("exp")]
    assert not list(run.folder.parent.glob("x*"))
    assert "x<y" not in write_report(run).read_text(encoding="utf-8").replace("x&lt;y", "")


def test_tables_that_no_file_of_the_run_holds_equal_what_the_page_shows(index: Path) -> None:
    data = index.parent / "data"
    confusion = pd.read_csv(data / "confusion.csv", index_col="true")
    # two angry faces of eight were read as surprise and one as happiness
    expected = [[5, 1, 2], [0, 8, 0], [0, 0, 8]]
    names = ["anger", "happiness", "surprise"]
    assert confusion.to_numpy().tolist() == expected
    assert [*confusion.index] == [*confusion.columns] == names
    scores = pd.read_csv(data / "expressions.csv", index_col="expression")
    assert scores.loc["anger", ["precision", "recall"]].tolist() == [1.0, 5 / 8]
    parts = pd.read_csv(data / "parts.csv", index_col="part")
    assert parts.loc["test"].tolist() == [24, 4, 12, 8, 8, 8]
    assert parts.loc["all", "faces"] == 72
    layers = pd.read_csv(data / "detectors_by_layer.csv", index_col="layer")
    assert layers.loc["conv2"].tolist() == [6, 6, 4, 2]
    permuted = pd.read_csv(data / "permuted.csv", index_col="title")
    assert permuted.loc["within one expression"].tolist() == [5, 3, 1, 0]
    rule = pd.read_csv(data / "tested_or_largest.csv", index_col="au")
    assert rule.loc["AU06", ["tested_unit", "largest_unit", "kl"]].tolist() == [4, 0, 1.55]


def test_tables_of_the_run_are_written_as_they_are(run: Run, index: Path) -> None:
    for name, file in (
        ("controls.csv", "verify/controls.csv"),
        ("experiment-controls.csv", "experiment/controls.csv"),
        ("mechanism-effects.csv", "mechanism/effects.csv"),
    ):
        assert (index.parent / "data" / name).read_bytes() == (run / file).read_bytes()


def test_every_download_has_a_name_of_its_own_and_a_place_on_the_page(
    run: Run, index: Path
) -> None:
    found = open_page(run).of(build_downloads)
    assert len({one.href for one in found}) == len(found)
    page = index.read_text(encoding="utf-8")
    for one in found:
        assert (index.parent / one.href).read_bytes() == one.content
        if one.section:  # in its section, and in the list of files
            assert page.count(f'<a href="{one.href}" download>') == 2, one.href
