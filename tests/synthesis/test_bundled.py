import io

import numpy as np
import pytest
from PIL import Image

from facslens.datasets import archive
from facslens.datasets.images import read_grey
from facslens.datasets.load import load
from facslens.datasets.synthetic import ARCHIVE, BUNDLED, read_regions
from facslens.errors import CallError
from facslens.preprocess.fit import centres
from facslens.preprocess.input import grey_contrast
from facslens.synthesis.generate import Order, draw_subject, encode


@pytest.mark.parametrize(
    ("design", "images", "subjects"), [("natural", 3003, 143), ("factorial", 1026, 57)]
)
def test_the_package_brings_faces(design, images, subjects):
    faces = load(f"synthetic,design={design}")
    assert (len(faces), faces.table["subject"].nunique()) == (images, subjects)
    assert len(faces.aus) == 23
    assert faces.presence().sum(axis=0).min() >= 10
    regions = read_regions(None, design=design)
    assert set(regions.images) == set(faces.table["image"])


def test_they_are_the_default_and_small():
    assert load().table.equals(load("synthetic").table)
    assert ARCHIVE.stat().st_size <= 10_000_000


def test_factorial_faces_say_no_expression_and_are_other_people():
    natural, factorial = (load(f"synthetic,design={design}").table for design in BUNDLED)
    assert set(factorial["expression"].dropna()) == {"neutral"}  # the first frame, at rest
    assert factorial.loc[factorial["frame"] > 0, "expression"].isna().all()
    assert not set(natural["subject"]) & set(factorial["subject"])


def test_an_unknown_design_is_one_sentence():
    with pytest.raises(CallError, match="design is 'free': expected natural"):
        load("synthetic,design=free")


@pytest.mark.parametrize(
    ("design", "subjects", "letter"), [("natural", 143, "N"), ("factorial", 57, "F")]
)
def test_regenerated_faces_are_those_in_the_package(studio, design, subjects, letter):
    # On the platform where they were made they are equal bit for bit, with any number of
    # threads; elsewhere a ray at the edge of a triangle may meet its neighbour, and the JPEG
    # enlarges that. The tolerance is in grey levels.
    order = Order(subjects, design, format="webp")
    regions = read_regions(None, design=design)
    for number in (0, subjects - 1):
        for shot, picture, _ in draw_subject(studio, order, number):
            name = f"{letter}{number:03d}"
            image = f"images/{name}/{name}_{shot.sequence}_{shot.frame}.webp"
            with Image.open(io.BytesIO(encode(picture.grey, "webp"))) as again:
                levels = np.asarray(again.convert("L"), dtype=float)
            assert np.abs(levels - read_grey(ARCHIVE / design / image)).mean() < 2
            mask = regions.mask(image, "AU12", *centres(grey_contrast(64)))
            assert (mask ^ picture.regions[regions.aus.index("AU12")]).mean() < 0.05


def test_a_file_in_an_archive_is_read_like_any_other(tmp_path):
    with pytest.raises(FileNotFoundError, match="no such member"):
        archive.read_bytes(ARCHIVE / "none.csv")
    assert archive.is_file(ARCHIVE / "natural" / "faces.csv")
    assert not archive.is_file(ARCHIVE / "none.csv")
    broken = tmp_path / "faces.zip"
    broken.write_bytes(b"no archive")
    assert not archive.is_file(broken / "faces.csv")
    with pytest.raises(OSError, match="the archive is damaged"):
        archive.read_bytes(broken / "faces.csv")
