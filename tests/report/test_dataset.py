"""The page of a dataset: what it says of any dataset, and how it opens."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from facslens.datasets.base import Faces, make_table
from facslens.datasets.coding import PEOPLE, Coding
from facslens.datasets.describe import describe
from facslens.datasets.load import load
from facslens.report.dataset import render, write_dataset_page

CREATED = "2026-01-02T03:04:05+00:00"


def words(page: str) -> str:
    """What a reader sees, in one line."""
    body = page[page.index("<main") : page.index("<script")]
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", body)).replace("\u202f", "")


@pytest.fixture(scope="module")
def drawn(drawn_ck48: Path) -> Faces:
    faces = load(f"ck48:{drawn_ck48}")
    codings = {**dict.fromkeys(faces.aus, PEOPLE), "AU12": Coding("OpenFace 2", automatic=True)}
    return Faces(faces.table, "drawn <48>", ("a & b",), codings)


@pytest.fixture(scope="module")
def page(drawn: Faces) -> str:
    return render(describe(drawn), CREATED)


def test_counts_stand_on_the_page(page: str) -> None:
    said = words(page)
    assert "holds 144 faces of 24 people" in said
    assert "surprise 48 24 24" in said  # faces, people, sequences
    assert "AU17 chin raiser 72 72 0 12" in said  # present, absent, unknown, people
    assert "happiness 48 0 100 50 100 0" in said  # per cent of AU04, AU12, AU17, AU25, AU27
    assert "48 × 48 144" in said
    assert "S001 6 S002 6" in said
    assert "2026-01-02 03:04 UTC" in said


def test_who_coded_is_told_and_a_program_is_marked(page: str) -> None:
    said = words(page)
    assert "FACS coders coded the presence of AU04, AU17, AU25, AU27." in said
    assert "OpenFace 2, which estimates them from the image , coded the presence of AU12." in said


def test_names_are_escaped(page: str) -> None:
    assert "drawn &lt;48&gt;" in page
    assert "a &amp; b" in page
    assert "<48>" not in page


def test_mean_faces_are_in_the_page_itself(page: str) -> None:
    # that of all, and of each of three expressions with its difference to that
    assert page.count('src="data:image/png;base64,') == 1 + 3 * 2
    assert "http" not in page.replace("http-equiv", "")


def test_no_mean_face_of_few_people(drawn: Faces) -> None:
    few = drawn.where(drawn.table["subject"].isin([f"S00{n}" for n in range(1, 5)]).to_numpy())
    page = render(describe(few), CREATED)
    assert "data:image" not in page
    assert "None is drawn: of 4 people only." in words(page)
    assert "It holds mean faces" not in page


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({}, ["No expression is known.", "No action unit is coded.", "nobody says of whom"]),
        ({"expression": "fear"}, ["fear 1"]),
        ({"subject": "p"}, ["holds 1 face of 1 person", "of 1 person only"]),
        ({"AU12": np.nan, "AU06": np.nan}, ["The presence of no action unit is known.", "0 0 1 –"]),
        ({"AU12_intensity": 2.0}, ["intensity 1 0 0 0 1 0 0 0 2.00 2.00 2.00"]),
    ],
)
def test_any_dataset_has_a_page(tmp_path, write_face, columns, said) -> None:
    table = make_table(pd.DataFrame([{"image": "a", "path": write_face, **columns}]))
    page = words(render(describe(Faces(table, "one")), CREATED))
    assert [text for text in said if text not in page] == []
    assert "nan" not in page.lower()


@pytest.fixture
def write_face(tmp_path: Path) -> str:
    from PIL import Image

    Image.new("L", (20, 20), 90).save(tmp_path / "a.png")
    return str(tmp_path / "a.png")


def test_an_empty_dataset_has_a_page() -> None:
    empty = Faces(make_table(pd.DataFrame({"image": [], "path": []})), "none")
    page = words(render(describe(empty), CREATED))
    assert "none holds no face" in page
    assert "There is nothing to compare" in page


@pytest.mark.browser
@pytest.mark.parametrize(("width", "scheme"), [(390, "dark"), (1440, "light")])
def test_opens_from_the_disk_without_complaint(
    browser: Any, drawn: Faces, tmp_path: Path, width: int, scheme: str
) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    write_dataset_page(describe(drawn), tmp_path / "faces.html")
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    asked, complaints = [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto((tmp_path / "faces.html").as_uri())
    page.wait_for_load_state("load")
    assert page.evaluate("[...document.images].every(i => i.naturalWidth === 64)")
    assert complaints == []
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert [found["id"] for found in axe.run(page).response["violations"]] == []
    page.close()
