"""The page as a file: its words, its links, what it leaves out."""

import base64
import hashlib
import io
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from facslens.errors import ArtifactError
from facslens.report.figures import HIGH, LOW, heat_png
from facslens.report.findings import build_findings
from facslens.report.html import open_page, render, write_report
from facslens.report.missing import Missing
from facslens.report.sections.heatmap import build_heatmaps
from facslens.report.sections.units import PICTURE
from facslens.report.slide import slide
from facslens.runs.folder import Run


class Page(HTMLParser):
    """Collects what the tests ask about."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.sources: list[str] = []
        self.without_alt: list[str] = []
        self.ids: list[str] = []
        self.tags: set[str] = set()
        self.words: list[str] = []
        self._silent = 0
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self._silent += tag in ("style", "script")
        found = dict(attrs)
        if tag == "a":
            self.links.append(found.get("href") or "")
        if "src" in found:
            self.sources.append(found["src"] or "")
        if tag == "img" and not found.get("alt"):
            self.without_alt.append(found.get("src") or "")
        if "id" in found:
            self.ids.append(found["id"] or "")

    def handle_endtag(self, tag: str) -> None:
        self._silent -= tag in ("style", "script")

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join("".join(self.words).split())


@pytest.fixture(scope="module")
def index(full_run: Run) -> Path:
    return write_report(full_run)


@pytest.fixture(scope="module")
def page(index: Path) -> Page:
    return Page(index.read_text(encoding="utf-8"))


def test_the_headline_and_the_numbers_are_on_the_page(page: Page) -> None:
    assert "2 of 5 action units have a detector among the 6 units of conv2" in page.text
    assert "0.97 (0.91–1.00)" in page.text
    assert "0.61 (0.44–0.78)" in page.text
    assert "87.5 % of 24 faces of 4 unseen subjects (21 correct)" in page.text


def test_undefined_numbers_are_dashes(page: Page, index: Path) -> None:
    words = page.text.lower().replace("(", " ").replace(")", " ").split()
    assert not {"nan", "none,", "<na>", "inf"} & set(words)
    markup = index.read_text(encoding="utf-8")
    assert '"nan"' not in markup
    assert "nan%" not in markup


def test_synthetic_faces_are_called_so(page: Page, write_run: Callable[..., Run]) -> None:
    assert "Synthetic faces." in page.text
    real = write_report(write_run(synthetic=False))
    assert "Synthetic faces." not in Page(real.read_text(encoding="utf-8")).text


def test_limits_and_warnings_are_said(page: Page) -> None:
    assert "An expression label is an appearance, not a feeling." in page.text
    assert "hiring, policing" in page.text
    assert "recover the edges of the image whatever the weights are" in page.text


def test_the_evidence_is_on_the_page(page: Page) -> None:
    words = " ".join(page.text.split())
    assert "the trained network detects 1 of 2 action units better: AU01." in words
    assert "+0.27 (0.10 to 0.40)" in words
    assert "no unit can tell AU06 and AU12 apart" in words
    assert "for 1 of 3 action units. Its accuracy falls by more for 0." in words
    assert "how a picture looks is not evidence" in words
    assert "such pictures correlate by 0.49 with pictures made with random weights" in words
    assert "Learned? Yes, 27 (10 to 40) more of 100 pairs than in the untrained network." in words
    assert "facslens verify" in words  # stability was not checked, and says so
    assert {"data/controls.csv", "data/confounds.csv"} <= set(page.links)


def test_a_page_without_verification_names_the_command_once_a_part(
    write_run: Callable[..., Run], noted: Callable[[Run], None]
) -> None:
    run = write_run()
    for path in (run / "verify").iterdir():
        path.unlink()
    noted(run)
    words = " ".join(Page(write_report(run).read_text(encoding="utf-8")).text.split())
    assert words.count(f"run facslens verify {run.folder}") == 5
    assert "The mapped units have not been ablated: run facslens verify" in words


def test_methods_are_filled_in(page: Page) -> None:
    assert "1 333 995 parameters" in page.text
    assert (
        "compared that distance with those of 1 000 permutations of whole label rows" in page.text
    )
    assert "epoch 2 of 3" in page.text


def test_many_layers_take_little_room(full_run: Run) -> None:
    page = open_page(full_run)
    findings, heatmaps = page.of(build_findings), page.of(build_heatmaps)
    assert not isinstance(findings, Missing)
    assert not isinstance(heatmaps, Missing)
    card = next(c for c in findings.cards if c.au == "AU12")
    (other,) = card.others
    others = (other, *(replace(other, layer=f"more{n}", unit=None) for n in range(11)))
    many = {
        build_findings: replace(findings, cards=(replace(card, others=others),)),
        build_heatmaps: (heatmaps[0],) * 13,
    }
    markup = render(replace(page, _built=many))
    words = " ".join(Page(markup).text.split())
    assert "conv1: unit 1, 0.91; no unit in 11 other layers" in words
    assert "more3" not in words
    assert words.count("The other 10 layers") == 1
    assert markup.count("<details") == markup.count("</details>")


def test_every_local_link_leads_somewhere(page: Page, index: Path) -> None:
    assert page.sources
    for target in [*page.links, *page.sources]:
        if target.startswith("#"):
            assert target[1:] in page.ids, target
        else:
            assert (index.parent / target).is_file(), target
    assert len(page.ids) == len(set(page.ids))


def test_every_picture_has_words(page: Page) -> None:
    assert page.without_alt == []


def test_downloads_equal_the_files_of_the_run(index: Path, full_run: Run, page: Page) -> None:
    for name in ("mapping.csv", "coverage.csv"):
        assert f"data/{name}" in page.links
        assert (index.parent / "data" / name).read_bytes() == (full_run / name).read_bytes()
    written = pd.read_csv(index.parent / "data" / "association.csv")
    table = pd.read_parquet(full_run / "association.parquet")
    assert len(written) == len(table)
    np.testing.assert_allclose(written["value"], table["value"], rtol=1e-5)  # six digits


def test_no_cell_of_a_download_is_a_formula(
    write_run: Callable[..., Run], noted: Callable[[Run], None]
) -> None:
    run = write_run()
    table = pd.read_csv(run / "coverage.csv")
    table.loc[0, "reason"] = "=HYPERLINK(evil)"
    table["shift"] = -0.25
    table.to_csv(run / "coverage.csv", index=False)
    noted(run)
    index = write_report(run)
    written = pd.read_csv(index.parent / "data" / "coverage.csv")
    assert written.loc[0, "reason"] == "'=HYPERLINK(evil)"
    assert (written["shift"] == -0.25).all()


def test_a_large_association_is_cut_to_one_distance(
    write_run: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("facslens.report.downloads.LARGE_TABLE", 8_000)
    run = write_run()
    index = write_report(run)
    written = pd.read_csv(index.parent / "data" / "association.csv")
    assert set(written["distance"]) == {"kl"}


def test_hostile_names_are_only_words(write_run: Callable[..., Run]) -> None:
    name = '<script>alert("x")</script><img src=x onerror=alert(1)>'
    index = write_report(write_run(name=name))
    markup = index.read_text(encoding="utf-8")
    assert name not in markup
    assert "<script>alert" not in markup
    assert 'alert("x")' in Page(markup).text


def test_hostile_image_names_stay_within_their_attribute(
    write_run: Callable[..., Run], noted: Callable[[Run], None]
) -> None:
    run = write_run()
    index = pd.read_csv(run / "projections" / "index.csv")
    index["image"] = '"><script>alert(1)</script>'
    index.to_csv(run / "projections" / "index.csv", index=False)
    noted(run)
    page = write_report(run).read_text(encoding="utf-8")
    assert "<script>alert" not in page
    assert 'title="&#34;&gt;&lt;script&gt;alert(1)&lt;/script&gt;; response' in page


@pytest.mark.parametrize(
    ("file", "sentence"),
    [
        ("mapping.csv", "The units have not been compared with the action units"),
        ("training.csv", "The network has not been trained in this run"),
        ("predictions.parquet", "The network has not been tested on the test faces"),
        ("coverage.csv", "The action units have not been counted"),
    ],
)
def test_a_missing_file_is_said_in_one_sentence(
    write_run: Callable[..., Run], file: str, sentence: str, noted: Callable[[Run], None]
) -> None:
    run = write_run()
    (run / file).unlink()
    noted(run)
    assert sentence in Page(write_report(run).read_text(encoding="utf-8")).text


def test_a_bare_run_has_a_page(tmp_path: Path) -> None:
    index = write_report(Run.create(tmp_path / "bare", data="synthetic", seed=0))
    text = Page(index.read_text(encoding="utf-8")).text
    assert "facslens associate" in text
    assert "There is no table to download yet" in text


def test_without_projections_the_rest_stands(
    write_run: Callable[..., Run], noted: Callable[[Run], None]
) -> None:
    run = write_run()
    shutil.rmtree(run / "projections")
    noted(run)
    text = Page(write_report(run).read_text(encoding="utf-8")).text
    assert "facslens project" in text
    assert "0.97 (0.91–1.00)" in text


def test_the_policy_allows_the_pages_own_style_and_script_and_no_network(index: Path) -> None:
    markup = index.read_text(encoding="utf-8")
    policy = unescape(re.search(r'Content-Security-Policy" content="([^"]*)"', markup)[1])
    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
    assert rules["default-src"] == "'none'"
    assert rules["img-src"] == "'self' data: file:"
    for tag, name in (("style", "style-src-elem"), ("script", "script-src")):
        (inner,) = re.findall(rf"<{tag}>(.*?)</{tag}>", markup, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(inner.encode("utf-8")).digest()).decode()
        assert rules[name] == f"'sha256-{digest}'"
    assert "http:" not in policy
    assert "https:" not in policy
    # before anything that it could forbid
    assert markup.index("Content-Security-Policy") < markup.index("<link")


def test_the_folder_is_small_and_asks_nothing_of_a_network(index: Path) -> None:
    files = [p for p in index.parent.rglob("*") if p.is_file()]
    assert sum(p.stat().st_size for p in files) < 15_000_000
    markup = index.read_text(encoding="utf-8")
    assert "http://" not in markup
    assert "https://" not in markup


def test_large_pictures_are_made_smaller(
    write_run: Callable[..., Run], noted: Callable[[Run], None]
) -> None:
    run = write_run()
    big = np.zeros((600, 400), np.uint8)
    Image.fromarray(big).save(run / "projections" / "conv2-2-1-whole.png")
    noted(run)
    index = write_report(run)
    with Image.open(index.parent / "pictures" / "conv2-2-1-whole.png") as picture:
        assert max(picture.size) == PICTURE


def test_a_second_report_takes_the_place_of_the_first(write_run: Callable[..., Run]) -> None:
    run = write_run()
    first = write_report(run)
    (first.parent / "stale.txt").write_text("from before")
    assert write_report(run) == first
    assert not (first.parent / "stale.txt").exists()


def test_a_damaged_table_is_an_error_and_the_old_report_stays(
    write_run: Callable[..., Run],
) -> None:
    run = write_run()
    index = write_report(run)
    before = index.read_bytes()
    (run / "association.parquet").write_bytes(b"no parquet")
    with pytest.raises(ArtifactError, match=r"association\.parquet is not what the stage"):
        write_report(run)
    assert index.read_bytes() == before


def test_the_slide_is_16_to_9_and_always_the_same(index: Path, full_run: Run) -> None:
    with Image.open(index.parent / "slide.png") as picture:
        assert picture.size == (1920, 1080)
    assert slide(open_page(full_run), "svg") == slide(open_page(full_run), "svg")


def test_without_a_detector_there_is_no_slide(
    write_run: Callable[..., Run], noted: Callable[[Run], None]
) -> None:
    run = write_run()
    mapping = pd.read_csv(run / "mapping.csv")
    mapping.loc[mapping["rule"] == "tested", "unit"] = None
    mapping.to_csv(run / "mapping.csv", index=False)
    noted(run)
    assert not (write_report(run).parent / "slide.png").exists()


def test_heat_png_shows_sign_as_colour_and_size_as_opacity(full_run: Run) -> None:
    heatmaps = open_page(full_run).of(build_heatmaps)
    assert not isinstance(heatmaps, Missing)
    values = np.asarray(heatmaps[0].overview)
    with Image.open(io.BytesIO(heat_png(values, heatmaps[0].limit))) as picture:
        pixels = np.asarray(picture)
    assert pixels.shape == (*values.shape, 4)
    row, column = np.unravel_index(values.argmax(), values.shape)
    assert tuple(pixels[row, column, :3]) == HIGH
    assert pixels[row, column, 3] == round(255 * values.max() / 0.5)
    row, column = np.unravel_index(values.argmin(), values.shape)
    assert tuple(pixels[row, column, :3]) == LOW


def test_files_that_were_replaced_by_hand_are_named_at_the_top(
    write_run: Callable[..., Run],
) -> None:
    run = write_run()
    assert "Replaced by hand" not in Page(write_report(run).read_text(encoding="utf-8")).text
    mapping = pd.read_csv(run / "mapping.csv")
    mapping.iloc[:-1].to_csv(run / "mapping.csv", index=False)
    run.accept(["mapping.csv"])
    words = " ".join(Page(write_report(run).read_text(encoding="utf-8")).text.split())
    assert (
        "Replaced by hand. Somebody replaced mapping.csv and told facslens to take it as" in words
    )
