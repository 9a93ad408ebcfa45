import contextlib
import errno
import io
import json
import subprocess
import sys
from functools import partial

import pandas as pd
import pyarrow.parquet as pq
import pytest

from facslens.errors import ArtifactError, CallError
from facslens.names import printable
from facslens.prediction.write import FORMS, Kept, csv_rows, json_rows, writing

COLUMNS = [
    "input",
    "frame",
    "face",
    "FaceScore",
    "anger",
    "AU12",
    "AU12_fired",
    "AU12_unit",
    "note",
    "problem",
]
QUESTION = {"network": "a"}
FACE = dict(
    zip(
        COLUMNS,
        ["a, b.png", 3, 0, 0.98765432, 0.25, None, True, "conv3/7", None, None],
        strict=True,
    )
)
NONE = dict.fromkeys(COLUMNS) | {"input": "c.png", "note": "no face found"}


def test_csv_has_six_digits_and_empty_cells():
    file = io.StringIO()
    write = csv_rows(file, COLUMNS)
    write(FACE)
    write(NONE)
    assert file.getvalue() == (
        "input,frame,face,FaceScore,anger,AU12,AU12_fired,AU12_unit,note,problem\n"
        '"a, b.png",3,0,0.987654,0.25,,1,conv3/7,,\n'
        "c.png,,,,,,,,no face found,\n"
    )


def test_a_time_keeps_its_milliseconds_in_a_long_video():
    file, lines = io.StringIO(), io.StringIO()
    row = {"time": 7199.966667, "anger": 7199.966667}
    csv_rows(file, list(row))(row)
    json_rows(lines, list(row))(row)
    assert file.getvalue() == "time,anger\n7199.966667,7199.97\n"
    assert json.loads(lines.getvalue()) == {"time": 7199.966667, "anger": 7199.97}


def test_json_lines_have_null():
    file = io.StringIO()
    json_rows(file, COLUMNS)(FACE)
    assert json.loads(file.getvalue()) == FACE | {"FaceScore": 0.987654}


def test_parquet_keeps_kinds_also_where_all_is_unknown(tmp_path):
    path = tmp_path / "new" / "rows.parquet"
    with writing(path, COLUMNS, QUESTION, 1) as (write, _):
        write(NONE)
        write(FACE)
    table = pq.read_table(path)
    assert [str(field.type) for field in table.schema] == [
        "string", "int64", "int64", "double", "double", "double", "bool", "string", "string",
        "string",
    ]  # fmt: skip
    assert table.to_pylist() == [NONE, FACE]


def test_csv_and_parquet_read_alike(tmp_path):
    for name in ("rows.csv", "rows.parquet"):
        with writing(tmp_path / name, COLUMNS, QUESTION, 1) as (write, _):
            write(FACE)
    csv, parquet = pd.read_csv(tmp_path / "rows.csv"), pd.read_parquet(tmp_path / "rows.parquet")
    assert csv["FaceScore"].item() == pytest.approx(parquet["FaceScore"].item(), rel=1e-5)
    assert csv["AU12_unit"].item() == parquet["AU12_unit"].item() == "conv3/7"


def row(source, frame=None, face=0, problem=None):
    place = {"input": source, "frame": frame, "face": face, "problem": problem}
    return dict.fromkeys(COLUMNS) | place


#: Two faces in a picture, a file that is none, a video of three frames, a picture.
ROWS = [
    row("a.png", face=0),
    row("a.png", face=1),
    row("b.png", problem="broken"),
    *(row("c.mp4", frame) for frame in (0, 2, 4)),
    row("d.png"),
]


INPUTS = ["a.png", "b.png", "c.mp4", "d.png"]


def stopped_after(count, path, question=QUESTION):
    with contextlib.suppress(KeyboardInterrupt), writing(path, COLUMNS, question, 1) as (write, _):
        for number in range(count):
            write(ROWS[number])
        raise KeyboardInterrupt


@pytest.mark.parametrize("name", ["rows.csv", "rows.jsonl", "rows.parquet"])
@pytest.mark.parametrize("count", range(len(ROWS) + 1))
def test_an_interrupted_file_goes_on_to_the_same_bytes(tmp_path, name, count):
    with writing(tmp_path / "whole" / name, COLUMNS, QUESTION, 1) as (write, kept):
        assert kept == Kept()
        for each in ROWS:
            write(each)
    path = tmp_path / name
    path.write_text("old\n")
    stopped_after(count, path)
    assert path.read_text() == "old\n"
    with writing(path, COLUMNS, QUESTION, 1) as (write, kept):
        lacking = [r for r in ROWS if kept.lacks(INPUTS.index(r["input"]), r["frame"])]
        # the last picture or frame is made again, for it may have had more faces
        assert kept.rows == [0, 0, 0, 2, 3, 4, 5, 6][count]
        assert kept.problems == (count >= 4)
        assert ROWS[kept.rows :] == lacking
        for each in lacking:
            write(each)
    assert path.read_bytes() == (tmp_path / "whole" / name).read_bytes()
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted([name, "whole"])


def test_another_question_begins_anew_and_a_torn_line_is_made_again(tmp_path):
    path = tmp_path / "rows.csv"
    part = tmp_path / "rows.csv.part"
    stopped_after(7, path)
    content = part.read_bytes()
    for torn in (content[:-20], content[:-20] + bytes(20) + b"\n", content[:-1]):
        part.write_bytes(torn)
        with writing(path, COLUMNS, QUESTION, 1) as (_, kept):
            assert kept == Kept(5, 1, 2, 2)
    part.write_bytes(content)
    with writing(path, COLUMNS, {"network": "b"}, 1) as (_, kept):
        assert kept == Kept()
    part.write_bytes(b"\x00\xff no such file\n")
    with writing(path, COLUMNS, QUESTION, 1) as (_, kept):
        assert kept == Kept()


def test_a_name_without_a_form_and_a_place_that_cannot_be_written(tmp_path):
    with (
        pytest.raises(CallError, match=r"ends in '.xlsx': expected .csv, .jsonl or .parquet"),
        writing(tmp_path / "rows.xlsx", COLUMNS, QUESTION, 1),
    ):
        pass
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(ArtifactError, match=r"rows\.csv cannot be written: "),
        writing(tmp_path / "file" / "rows.csv", COLUMNS, QUESTION, 1),
    ):
        pass


def test_a_file_goes_on_only_at_the_end_of_a_batch(tmp_path):
    """So that a network reads the same faces together: here in batches of three rows or more."""
    path = tmp_path / "rows.csv"
    for count, rows in enumerate([0, 0, 0, 0, 3, 3, 3, 6]):
        with contextlib.suppress(KeyboardInterrupt), writing(path, COLUMNS, QUESTION, 3) as (w, _):
            for each in ROWS[:count]:
                w(each)
            raise KeyboardInterrupt
        with (
            contextlib.suppress(KeyboardInterrupt),
            writing(path, COLUMNS, QUESTION, 3) as (_, kept),
        ):
            assert kept.rows == rows, count
            raise KeyboardInterrupt
        (tmp_path / "rows.csv.part").unlink()


def test_a_batch_ends_where_a_piece_ends(tmp_path):
    """The video begins a piece and the picture after it another: batches would be of four rows."""
    path = tmp_path / "rows.csv"
    for count, rows in enumerate([0, 0, 0, 0, 3, 3, 3, 6]):
        for seen in (None, rows):
            with (
                contextlib.suppress(KeyboardInterrupt),
                writing(path, COLUMNS, QUESTION, 4, [0, 2, 3]) as (write, kept),
            ):
                assert seen in (None, kept.rows), count
                for each in ROWS[:count]:
                    write(each)
                raise KeyboardInterrupt
        (tmp_path / "rows.csv.part").unlink()


def test_a_file_that_another_process_writes_is_left_to_it(tmp_path):
    path = tmp_path / "rows.csv"
    other = (
        "import sys; from pathlib import Path; from facslens.artifacts import locked\n"
        "with locked(Path(sys.argv[1]), what='it'): print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", other, str(path)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdout.readline() == "held\n"
        with (
            pytest.raises(
                ArtifactError, match=rf"the file .*rows\.csv is being .*{process.pid} on"
            ),
            writing(path, COLUMNS, QUESTION, 1),
        ):
            pass
        process.kill()  # the lock of a dead process is taken over
        process.wait()
        with writing(path, COLUMNS, QUESTION, 1) as (write, _):
            write(FACE)
    assert [file.name for file in tmp_path.iterdir()] == ["rows.csv"]


NASTY = row("=HYPERLINK(0).png") | {
    "note": "@sum\x1b[2J",
    "problem": "-1.5 \udcff\n",
    "anger": -0.5,
}


@pytest.mark.parametrize("name", ["rows.csv", "rows.jsonl", "rows.parquet"])
def test_names_that_a_spreadsheet_or_a_terminal_would_obey_do_nothing(tmp_path, name):
    with writing(tmp_path / name, COLUMNS, QUESTION, 1) as (write, _):
        write(NASTY)
        for first in "+-@\t\r":
            write(row(f"{first}1.png"))
    if name != "rows.parquet":
        content = (tmp_path / name).read_text(encoding="utf-8")
        assert not any(sign in content for sign in "\x1b\t\r")
    if name == "rows.csv":
        table = pd.read_csv(tmp_path / name)
        assert list(table["input"]) == [
            "'=HYPERLINK(0).png", "'+1.png", "'-1.png", "'@1.png",
            f"'{printable(chr(9))}1.png", f"'{printable(chr(13))}1.png",
        ]  # fmt: skip
        assert table.loc[0, "note"] == "'" + printable("@sum\x1b[2J")
        assert table.loc[0, "problem"] == "'" + printable("-1.5 \udcff\n")
        assert table.loc[0, "anger"] == -0.5
    else:
        read = pd.read_parquet if name == "rows.parquet" else partial(pd.read_json, lines=True)
        table = read(tmp_path / name)
        assert table.loc[0, "input"] == "=HYPERLINK(0).png"
        assert table.loc[0, "problem"] == printable("-1.5 \udcff\n")


def test_nothing_is_left_where_the_end_fails(tmp_path, monkeypatch):
    path = tmp_path / "rows.csv"

    def full(_path, _columns):
        _path.write_text("half")
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setitem(FORMS, "csv", full)
        with (
            pytest.raises(ArtifactError, match=r"rows\.csv cannot be written: No space left"),
            writing(path, COLUMNS, QUESTION, 1) as (write, _),
        ):
            write(FACE)
    assert [file.name for file in tmp_path.iterdir()] == ["rows.csv.part"]
