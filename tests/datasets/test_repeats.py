import tracemalloc

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from facslens.datasets.base import Faces, make_table
from facslens.datasets.check import check
from facslens.datasets.pictures import Pictures, read_pictures
from facslens.datasets.repeats import find_repeats


@pytest.fixture
def make_faces(tmp_path, rng):
    """Faces of some pictures, each with noise of its own so that no pixels are equal."""

    def make(rows):
        pictures = {}
        table = []
        for number, (picture, labels) in enumerate(rows):
            coarse = pictures.setdefault(picture, rng.integers(30, 220, (7, 7), dtype=np.uint8))
            levels = Image.fromarray(coarse).resize((48, 48), Image.Resampling.BICUBIC)
            noise = rng.integers(-2, 3, (48, 48))
            name = f"{number}.png"
            Image.fromarray((np.asarray(levels) + noise).clip(0, 255).astype(np.uint8)).save(
                tmp_path / name
            )
            table.append({"image": name, "path": str(tmp_path / name), **labels})
        return Faces(make_table(pd.DataFrame(table)), "made")

    return make


def found(faces):
    return {r.cause: (r.images, r.examples) for r in find_repeats(faces, read_pictures(faces))}


def test_each_cause_is_told_with_the_number_of_images(make_faces):
    faces = make_faces(
        [
            ("a", {"subject": "p0", "split": "train", "expression": "fear"}),
            ("a", {"subject": "p1", "split": "test", "expression": "fear"}),
            ("a", {"subject": "p2", "split": "test", "expression": "anger"}),
            ("b", {"expression": "fear"}),
            ("b", {"expression": "anger"}),
            ("c", {"expression": "fear"}),
            ("c", {"expression": "fear"}),
            ("d", {"expression": "fear"}),
        ]
    )
    assert found(faces) == {
        "split": (3, (("0.png", "1.png"), ("0.png", "2.png"))),
        "subject": (3, (("0.png", "1.png"), ("0.png", "2.png"), ("1.png", "2.png"))),
        "expression": (2, (("3.png", "4.png"),)),
        "unknown": (2, (("5.png", "6.png"),)),
    }


def test_one_person_and_one_sequence_may_look_alike(make_faces):
    person = {"subject": "p0"}
    faces = make_faces(
        [
            ("a", {**person, "expression": "fear"}),
            ("a", {**person, "expression": "anger"}),
            ("b", {"sequence": "s", "expression": "fear"}),
            ("b", {"sequence": "s", "expression": "anger"}),
            ("c", {**person, "sequence": "t"}),
            ("c", {**person, "sequence": "u"}),
        ]
    )
    assert found(faces) == {}


def test_people_who_are_only_assumed_are_unknown(make_faces):
    faces = make_faces([("a", {}), ("a", {})]).assume_independent()
    assert found(faces) == {"unknown": (2, (("0.png", "1.png"),))}


def test_the_same_pixels_and_plain_pictures_are_left_out(tmp_path, make_faces):
    faces = make_faces([("a", {}), ("b", {}), ("c", {}), ("d", {}), ("e", {})])
    levels = np.asarray(Image.open(tmp_path / "0.png"))
    Image.fromarray(levels).save(tmp_path / "1.png", compress_level=1)
    Image.new("L", (48, 48), 90).save(tmp_path / "2.png")
    Image.new("L", (48, 48), 91).save(tmp_path / "3.png")
    (tmp_path / "4.png").write_text("nothing")
    pictures = read_pictures(faces)
    assert pictures.digest[0] == pictures.digest[1] != pictures.digest[2]
    assert pictures.sound.tolist() == [True] * 4 + [False]
    assert find_repeats(faces, pictures) == ()


def test_thousands_that_are_all_alike_are_counted_in_little_memory(rng):
    count = 1200
    names = [f"{n:04d}" for n in range(count)]
    faces = Faces(make_table(pd.DataFrame({"image": names, "path": names})), "frames")
    ones = np.ones(count, dtype=np.float32)
    small = np.repeat(rng.integers(0, 256, (1, 16, 16), dtype=np.uint8), count, axis=0)
    digests = tuple(name.encode() for name in names)
    hashes = np.zeros(count, dtype=np.uint64)
    size = np.full((count, 2), 48)
    pictures = Pictures(ones > 0, size, ones, ones, digests, hashes, small, {}, {})
    tracemalloc.start()
    (found,) = find_repeats(faces, pictures)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (found.cause, found.images) == ("unknown", count)
    assert found.examples == (("0000", "0001"), ("0000", "0002"), ("0000", "0003"))
    # 719,400 pairs, whose small pictures as floats would take 1.5 GB a side
    assert most < 250e6


def test_the_check_says_it_in_one_sentence_a_cause(make_faces):
    faces = make_faces([(n // 2, {"subject": f"p{n}"}) for n in range(10)])
    (defect,) = (d for d in check(faces).defects if d.kind == "near duplicates")
    assert defect.level == "warning"
    assert defect.message == (
        "10 images are nearly the same as one of another subject, such as 0.png and 1.png; 2.png "
        "and 3.png; 4.png and 5.png: one person has two names, or an image lies in the wrong place"
    )
