"""Faces as tables of other programs, and back again."""

import numpy as np
import pandas as pd
import pytest

from facslens.datasets.base import Faces, make_table
from facslens.datasets.convert import convert
from facslens.datasets.load import load
from facslens.errors import CallError, DataError

NAN = np.nan


@pytest.fixture
def faces(tmp_path, write_image):
    rows = pd.DataFrame(
        {
            "image": ["a.png", "b.png", "c.png", "d.png", "e.png"],
            "subject": ["1", "1", "1", "2", "2"],
            "sequence": ["s", "s", "s", "t", None],
            "frame": [1, 2, 3, 4, None],
            "expression": ["neutral", "happiness", "happiness", None, "contempt"],
            "AU01": [0, 0, NAN, 0, 1],
            "AU12": [0, 1, 1, NAN, 0],
            "AU12_intensity": [0, 3, 4.5, NAN, 0],
        }
    )
    rows["path"] = [str(write_image(tmp_path / image)) for image in rows["image"]]
    return Faces(make_table(rows), "five")


def test_netfacs_takes_rows_of_which_all_is_known(faces):
    made = convert(faces, "netfacs")
    assert made.table.to_csv(index=False).split() == [
        "image,1,12", "a.png,0,0", "b.png,0,1", "e.png,1,0",
    ]  # fmt: skip
    assert made.beside is not None
    assert made.beside["expression"].tolist() == ["neutral", "happiness", "contempt"]
    assert made.notes == (
        "2 of 5 rows have an unknown action unit, which NetFACS does not take: left out",
        "1 columns of intensities or probabilities are left out",
    )


def test_a_sequence_shows_what_one_of_its_images_shows(faces):
    made = convert(faces, "netfacs", "sequence")
    # of s AU01 is unknown in one image and seen in none, of t AU12 is unknown
    assert made.table.to_csv(index=False).split() == ["sequence,1,12", "e.png,1,0"]
    known = faces.where((faces.table["image"] != "c.png").to_numpy())
    made = convert(known, "netfacs", "sequence")
    assert made.table.to_csv(index=False).split() == ["sequence,1,12", "s,0,1", "e.png,1,0"]
    assert made.beside is not None
    assert made.beside["expression"].tolist() == ["happiness", "contempt"]


def test_an_action_unit_of_which_nothing_is_known_costs_no_row(faces):
    blank = Faces(faces.table.assign(AU04=np.float32(NAN)), "five")
    made = convert(blank, "netfacs")
    assert len(made.table) == 3
    assert made.notes[0] == "nothing is known of AU04: left out"


def test_what_cannot_be_written_is_said(faces):
    with pytest.raises(CallError, match="--to is 'spss': expected netfacs or fex"):
        convert(faces, "spss")
    with pytest.raises(CallError, match="--by is 'sequence': expected image for fex"):
        convert(faces, "fex", "sequence")
    none = Faces(faces.table.drop(columns=["AU01", "AU12"]), "five")
    with pytest.raises(DataError, match="five has no action unit of known presence"):
        convert(none, "netfacs")
    unknown = faces.where(faces.table["image"].isin(["c.png", "d.png"]).to_numpy())
    with pytest.raises(DataError, match="in each of 2 rows of five an action unit is unknown"):
        convert(unknown, "netfacs")


def test_netfacs_and_back(faces, tmp_path):
    convert(faces, "netfacs").table.to_csv(tmp_path / "m.csv", index=False)
    again = load(f"table:{tmp_path / 'm.csv'},expression=none")
    assert again.aus == ("AU01", "AU12")
    kept = faces.where(faces.table["image"].isin(again.table["image"]).to_numpy())
    np.testing.assert_array_equal(again.presence(), kept.presence())


def test_fex_and_back(faces, tmp_path):
    table = convert(faces, "fex").table
    emotions = ["anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral"]
    assert list(table.columns[:2]) == ["input", "frame"]
    assert table.loc[1, [*emotions, "contempt"]].tolist() == [0, 0, 0, 1, 0, 0, 0, 0]
    assert table.loc[3, [*emotions, "contempt"]].isna().all()
    table.to_csv(tmp_path / "fex.csv", index=False)
    again = load(f"table:{tmp_path / 'fex.csv'}")
    pd.testing.assert_frame_equal(again.table, faces.table)
    assert again.codings == {}  # nobody takes them for py-feat's
