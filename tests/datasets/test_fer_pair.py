"""FER+ as published: its table of votes beside the CSV file of FER2013."""

import zipfile

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from facslens.datasets.ferplus import read_ferplus, read_votes
from facslens.datasets.images import read_grey
from facslens.datasets.labels import FER2013
from facslens.datasets.layouts import LAYOUTS
from facslens.datasets.load import load
from facslens.datasets.parts import USAGES
from facslens.datasets.votes import VOTES
from facslens.errors import DataError

HEAD = "Usage,Image name,neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF"
# FER+ counts on where it leaves a face out, so that names and rows drift apart.
NEW = """\
Training,fer0000000.png,0,8,1,0,0,0,0,0,1,0
Training,,0,0,0,0,0,0,0,0,0,10
Training,fer0000001.png,5,5,0,0,0,0,0,0,0,0
PublicTest,fer0000002.png,0,0,0,0,6,1,1,1,1,0
Training,fer0000003.png,9,0,0,0,0,0,1,0,0,0
Training,fer0000001.png,5,5,0,0,0,0,0,0,0,0
PrivateTest,fer0000004.png,0,0,0,8,0,0,2,0,0,0
"""
EMOTIONS = (3, 6, 6, 0, 6, 6, 4)


def levels(number):
    rng = np.random.default_rng([11, number])
    return rng.integers(0, 256, (12, 12), dtype=np.uint8)


def write(root, new=NEW, head=HEAD, emotions=EMOTIONS, pictures=range(7)):
    """Both tables; the fifth face is a copy of the fourth if `pictures` says so."""
    root.mkdir(exist_ok=True)
    (root / "fer2013new.csv").write_text(f"{head}\n{new}")
    lines = ["emotion,pixels,Usage"]
    usages = [line.split(",")[0] for line in NEW.splitlines()]
    for picture, emotion, usage in zip(pictures, emotions, usages, strict=True):
        lines.append(f"{emotion},{' '.join(map(str, levels(picture).ravel()))},{usage}")
    (root / "fer2013.csv").write_text("\n".join(lines) + "\n")
    return root


def write_folders(root, pictures=range(7)):
    """What the FER+ tool makes of the same two tables."""
    seen = set()
    for line, picture, emotion in zip(NEW.splitlines(), pictures, EMOTIONS, strict=True):
        usage, name, *votes = line.split(",")
        if not name or name in seen:
            continue
        seen.add(name)
        folder = root / next(f for u, f in USAGES.items() if u == usage)
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(levels(picture)).save(folder / name)
        with (folder / "label.csv").open("a") as file:
            file.write(f'{name},"(0, 0, 12, 12)",{",".join(votes)}\n')
        if not (folder / "fer2013.csv").exists():
            (folder / "fer2013.csv").write_text("Image name,emotion\n")
        with (folder / "fer2013.csv").open("a") as file:
            file.write(f"{name},{emotion}\n")
    return root


def test_each_face_has_the_votes_of_its_row_and_the_name_of_ferplus(tmp_path):
    defects = []
    rows = read_votes(write(tmp_path), defects).set_index("image")
    assert list(rows.index) == [
        "FER2013Train/fer0000000.png",
        "FER2013Train/fer0000001.png",
        "FER2013Train/fer0000003.png",
        "FER2013Valid/fer0000002.png",
        "FER2013Test/fer0000004.png",
    ]
    assert rows.loc["FER2013Train/fer0000001.png", list(VOTES)].tolist() == [5, 5, *[0] * 8]
    assert rows["fer2013"].tolist() == ["happiness", "neutral", "neutral", "anger", "sadness"]
    # The third row of the table, not the second.
    picture = read_grey(rows["path"]["FER2013Train/fer0000001.png"])
    np.testing.assert_array_equal(picture, levels(2))
    assert [d.message for d in defects] == [
        "rows of fer2013new.csv without the name of an image, no face by their votes, are left "
        "out: 1 of 7",
        "rows of fer2013new.csv that name the image of an earlier row, are left out: 1 of 7",
    ]


@pytest.mark.parametrize("labels", ["ferplus", "fer2013"])
@pytest.mark.parametrize("pictures", [range(7), (0, 1, 2, 3, 3, 2, 6)])
def test_the_reading_equals_that_of_the_folders(tmp_path, labels, pictures):
    """Copies of faces of another part included: the fifth face is the fourth's picture."""
    pair = read_ferplus(write(tmp_path / "pair", pictures=pictures), labels)
    folders = read_ferplus(write_folders(tmp_path / "folders", pictures), labels)
    columns = ["image", "expression", "split"]
    pd.testing.assert_frame_equal(pair.rows[columns], folders.rows[columns])
    for one, other in zip(pair.rows["path"], folders.rows["path"], strict=True):
        np.testing.assert_array_equal(read_grey(one), read_grey(other))
    assert (len(pair.rows) == 5) == (pictures == range(7))


def test_the_folders_are_read_where_both_are_there(tmp_path):
    write_folders(write(tmp_path))
    assert load(f"ferplus:{tmp_path}").table["path"][0].endswith("FER2013Test/fer0000004.png")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"new": NEW.replace("PublicTest", "Training")},
            r"row 5 of fer2013new.csv says Training, the same row of fer2013.csv is of "
            r"FER2013Valid: expected the same rows in the same order$",
        ),
        (
            {"new": NEW + "PrivateTest,fer0000005.png,0,0,0,8,0,0,2,0,0,0\n"},
            r"fer2013new.csv has 8 rows and fer2013.csv has 7: expected one for each",
        ),
        (
            {"new": NEW.replace("0,8,1,", "0,x,1,")},
            r"row 2 of fer2013new.csv \(fer0000000.png\) does not hold ten counts of votes",
        ),
        (
            {"head": HEAD.replace("Image name", "image")},
            r"fer2013new.csv lacks the column 'name': expected Usage, Image name and votes",
        ),
        ({"emotions": (3, 6, 9, 0, 6, 6, 4)}, r"row 4 of fer2013.csv has the unknown emotion '9'"),
        ({"emotions": (3, 6, 6, 0, 6, 6, 9)}, r"row 8 of fer2013.csv has the unknown emotion '9'$"),
    ],
)
def test_what_does_not_fit_is_named(tmp_path, changes, message):
    write(tmp_path, **changes)
    with pytest.raises(DataError, match=message):
        load(f"ferplus:{tmp_path}")


def test_votes_without_faces_are_told_what_lacks(tmp_path):
    write(tmp_path)
    (tmp_path / "fer2013.csv").unlink()
    with pytest.raises(DataError, match=r"holds fer2013new.csv but no fer2013.csv, which has the "):
        load(f"ferplus:{tmp_path}")


def test_the_tables_have_to_be_unpacked(tmp_path):
    write(tmp_path / "pair")
    with zipfile.ZipFile(tmp_path / "pair.zip", "w") as file:
        for name in ("fer2013.csv", "fer2013new.csv"):
            file.write(tmp_path / "pair" / name, name)
    match = r"pair.zip is an archive with fer2013new.csv: unpack it, with fer2013.csv beside"
    with pytest.raises(DataError, match=match):
        load(f"ferplus:{tmp_path / 'pair.zip'}")


def test_the_makers_count_35710_faces():
    assert LAYOUTS["ferplus"].official.images == 28558 + 3579 + 3573
    assert LAYOUTS["ferplus"].seen


def test_real_faces_are_equal_in_both_forms(tmp_path, data_folder):
    archive = data_folder / "ferplus.zip"
    if not archive.is_file():
        pytest.skip(f"no {archive}")
    every = read_votes(archive, [], own=False)
    folders = every.groupby("split").head(60).reset_index(drop=True)
    usages = {"train": "Training", "validation": "PublicTest"}
    new, pixels = [HEAD], ["emotion,pixels,Usage"]
    for row in folders.itertuples(index=False):
        counts = (f"{getattr(row, vote):g}" for vote in VOTES)
        new.append(",".join([usages[row.split], row.image.split("/")[1], *counts]))
        grey = " ".join(map(str, read_grey(row.path).ravel()))
        pixels.append(f"{FER2013.index('neutral')},{grey},{usages[row.split]}")
    (tmp_path / "fer2013new.csv").write_text("\n".join(new) + "\n")
    (tmp_path / "fer2013.csv").write_text("\n".join(pixels) + "\n")
    pair = read_votes(tmp_path, [])
    columns = ["image", "split", *VOTES]
    pd.testing.assert_frame_equal(pair[columns], folders[columns])
    np.testing.assert_array_equal(read_grey(pair["path"][7]), read_grey(folders["path"][7]))
