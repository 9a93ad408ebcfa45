import re
import zipfile

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from facslens.datasets.ferplus import read_ferplus
from facslens.datasets.images import read_grey
from facslens.datasets.load import load
from facslens.datasets.votes import VOTES, majority
from facslens.errors import CallError

LABELS = """\
fer0.png,"(0, 0, 48, 48)",0,8,1,0,0,0,0,0,1,0
fer1.png,"(0, 0, 48, 48)",5,5,0,0,0,0,0,0,0,0
fer2.png,"(0, 0, 48, 48)",0,0,0,1,1,1,1,0,6,0
fer3.png,"(0, 0, 48, 48)",0,0,0,0,6,1,1,1,1,0
"""
OWN = "Image name,emotion\nfer0.png,3\nfer1.png,6\nfer2.png,4\nfer3.png,0\n"


def write_part(folder, shade, labels=LABELS, own=OWN):
    folder.mkdir(parents=True)
    for number in range(4):
        levels = np.full((48, 48), shade + number, dtype=np.uint8)
        Image.fromarray(levels).save(folder / f"fer{number}.png")
    (folder / "label.csv").write_text(labels)
    (folder / "fer2013.csv").write_text(own)


@pytest.fixture
def root(tmp_path):
    """Training and validation part; face 2 of either is the same picture."""
    write_part(tmp_path / "FER2013Train", 100)
    write_part(tmp_path / "FER2013Valid", 200)
    Image.fromarray(np.full((48, 48), 202, np.uint8)).save(tmp_path / "FER2013Train" / "fer2.png")
    return tmp_path


def test_the_majority_is_more_than_half_of_the_votes_that_are_no_slips(root):
    faces = read_ferplus(root).faces()
    known = faces.table.set_index("image")["expression"]
    assert known["FER2013Train/fer0.png"] == "happiness"
    assert pd.isna(known["FER2013Train/fer1.png"])  # five against five
    assert known["FER2013Train/fer3.png"] == "anger"  # four single votes are slips
    assert pd.isna(known["FER2013Valid/fer2.png"])  # "unknown" won


def test_an_older_way_to_count_gives_the_same_majority(rng):
    votes = rng.multinomial(10, [0.3, 0.2, 0.15, 0.1, 0.1, 0.05, 0.04, 0.02, 0.03, 0.01], 500)
    for row, found in zip(votes, majority(votes.astype(float)), strict=True):
        kept = {name: int(v) for name, v in zip(VOTES, row, strict=True) if v != 1}
        winners = [n for n, v in kept.items() if v > sum(kept.values()) / 2]
        expected = winners[0] if winners and winners[0] not in ("unknown", "NF") else None
        assert (None if pd.isna(found) else found) == expected


def test_parts_are_splits_and_training_copies_of_validation_faces_are_left_out(root):
    reading = read_ferplus(root)
    table = reading.faces().table
    assert table["split"].value_counts().to_dict() == {"validation": 4, "train": 3}
    assert "FER2013Train/fer2.png" not in set(table["image"])
    assert reading.defects[0].message == "1 copies of faces that another part holds are left out"


def test_fer2013s_own_labels_by_number(root):
    table = read_ferplus(root, labels="fer2013").faces().table.set_index("image")
    valid = [table["expression"][f"FER2013Valid/fer{i}.png"] for i in range(4)]
    assert valid == ["happiness", "neutral", "sadness", "anger"]


def test_a_zip_archive_reads_like_its_folder(root, tmp_path_factory):
    archive = tmp_path_factory.mktemp("zip") / "ferplus.zip"
    with zipfile.ZipFile(archive, "w") as file:
        for path in root.rglob("*.*"):
            file.write(path, f"ferplus/{path.relative_to(root)}")
    zipped, folder = load(f"ferplus:{archive}"), load(f"ferplus:{root}")
    assert zipped.digest() == folder.digest()
    assert read_grey(zipped.table["path"].iloc[0])[0, 0] == 100


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ("fer0.png,box,1,2,3\n", "has 5 columns: expected name, box and ten votes"),
        (
            LABELS.replace("8,1", "x,1"),
            r"row 1 of FER2013Train/label.csv \(fer0.png\) does not hold ten",
        ),
        (LABELS.replace(",0,", ",x,"), r"row 1 of .*ten counts of votes; [1-9] more like it"),
        (LABELS.replace("0,8,1", "0,-8,1"), "does not hold ten counts of votes"),
    ],
)
def test_bad_votes_are_named(root, labels, message):
    (root / "FER2013Train" / "label.csv").write_text(labels)
    errors = [d.message for d in read_ferplus(root).defects if d.level == "error"]
    assert len(errors) == 1
    assert re.search(message, errors[0])


def test_a_folder_without_parts_and_an_unknown_labelling(tmp_path):
    assert "holds no FER2013Train/label.csv" in read_ferplus(tmp_path).defects[0].message
    with pytest.raises(CallError, match="labels is 'mine': expected ferplus"):
        load(f"ferplus:{tmp_path},labels=mine")


def test_the_real_ones_count_as_published(data_folder):
    archive = data_folder / "ferplus.zip"
    if not archive.is_file():
        pytest.skip(f"no {archive}")
    by_votes, own = load(f"ferplus:{archive}"), load(f"ferplus:{archive},labels=fer2013")
    # 28,558 and 3,579 faces, less 340 training copies of validation faces
    assert own.table["split"].value_counts().to_dict() == {"train": 28218, "validation": 3579}
    clear = by_votes.part("validation").table["expression"]
    assert clear.notna().sum() == 3199
    assert clear.value_counts()["contempt"] == 13
    assert own.part("validation").table["expression"].value_counts()["disgust"] == 55
    same = clear == own.part("validation").table["expression"]
    assert same.sum() == 2136  # of 3,199: two labellings are two tasks
