"""A spelling of action units, a suffix, a numbering and a layout, each added as one entry."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from facslens import action_units
from facslens.action_units import KINDS, SPELLINGS
from facslens.cli.data import list_layouts
from facslens.datasets.columns import UNKNOWN
from facslens.datasets.layout import Key, Layout
from facslens.datasets.layouts import LAYOUTS
from facslens.datasets.load import load, read
from facslens.datasets.reading import Reading
from facslens.errors import CallError, DataError


@pytest.fixture
def table(tmp_path, write_image):
    """A specification of a table with one image, and these columns after the expression."""

    def write(columns, cells):
        write_image(tmp_path / "a.png")
        file = tmp_path / "labels.csv"
        file.write_text(f"path,expression,{columns}\na.png,joy,{cells}\n")
        return f"table:{file}"

    return write


def test_a_spelling_is_one_entry(monkeypatch, table, capsys):
    spec = table("ActionUnit 12,actionunit4_r,ActionUnit 12 left,AU06", "1,3,1,0")
    assert load(spec).aus == ("AU06",)
    with pytest.raises(CallError, match="is no action unit"):
        action_units.parse("ActionUnit 12")
    monkeypatch.setitem(SPELLINGS, "ActionUnit 12", r"ActionUnit\s?")
    assert action_units.parse("actionunit 12") == "AU12"
    faces = load(spec)
    np.testing.assert_array_equal(faces.presence(["AU12", "AU06"]), [[1, 0]])
    assert faces.table["AU04_intensity"].tolist() == [3]
    assert faces.notes == (
        "labels.csv has columns that are of one side of the face, or may be, ignored: "
        "ActionUnit 12 left (1×)",
    )
    with pytest.raises(
        CallError, match="AU-12, Action Unit 12, 12 or ActionUnit 12, with a number from 1 to 46"
    ):
        action_units.parse("smile")
    list_layouts()
    assert (
        "are called AU12, AU_12, AU 12, AU-12, Action Unit 12 or ActionUnit 12; "
        in capsys.readouterr().out
    )


def test_a_suffix_is_one_entry(monkeypatch, table, capsys):
    spec = table("AU12_grade,AU06", "2,0")
    assert "ignored: AU12_grade (1×)" in load(spec).notes[0]
    known = KINDS["intensity"]
    monkeypatch.setitem(KINDS, "intensity", replace(known, suffixes=(*known.suffixes, "grade")))
    assert load(spec).table["AU12_intensity"].tolist() == [2]
    list_layouts()
    assert "_intensity or _r or _grade for intensity" in capsys.readouterr().out


def test_a_numbering_is_one_entry(monkeypatch, table):
    spec = table("AU12", "1").replace("labels.csv", "labels.csv,labels=mine")
    with pytest.raises(CallError, match="labels is 'mine': expected what other labels mean"):
        load(spec)
    monkeypatch.setattr("facslens.datasets.labels.NUMBERINGS", {"mine": {"joy": "contempt"}})
    assert load(spec).table["expression"].tolist() == ["contempt"]


def test_a_number_for_unknown_is_one_entry(monkeypatch, table):
    spec = table("AU12,AU06", "77,1")
    monkeypatch.setitem(UNKNOWN, "mine", 77.0)
    with pytest.raises(DataError, match=r"\(unknown=77 where it means that, as in mine\)"):
        load(spec)
    presence = load(f"{spec},unknown=mine").presence(["AU06", "AU12"])
    np.testing.assert_array_equal(presence, [[1, np.nan]])


def test_a_layout_is_one_entry(monkeypatch, tmp_path, write_image, capsys):
    def read_mine(path, word="joy"):
        file = path / "one.png"
        rows = {"image": [file.name], "path": [str(file)], "subject": ["a"], "expression": [word]}
        return Reading("mine", pd.DataFrame(rows))

    mine = Layout("one face", "the folder of one.png", read_mine, {"word": Key("an expression")})
    write_image(tmp_path / "one.png")
    monkeypatch.setitem(LAYOUTS, "mine", mine)
    list_layouts()
    listed = capsys.readouterr().out
    assert "mine:PATH  one face\n    PATH is the folder of one.png\n    word=  an expr" in listed
    with pytest.raises(CallError, match=r"one of the names synthetic, .*, table, mine"):
        read("yours:x")
    faces = load(f"mine:{tmp_path},word=fear")
    assert (faces.name, faces.expressions) == ("mine", ("fear",))
    with pytest.raises(CallError, match="unknown key 'words': it has word, assume_independent"):
        load(f"mine:{tmp_path},words=fear")
