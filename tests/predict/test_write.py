import io
import json

import pandas as pd
import pyarrow.parquet as pq
import pytest

from facslens.errors import ArtifactError, CallError
from facslens.predict.write import csv_rows, json_rows, writing

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
]
FACE = dict(
    zip(COLUMNS, ["a, b.png", 3, 0, 0.98765432, 0.25, None, True, "conv3/7", None], strict=True)
)
NONE = dict.fromkeys(COLUMNS) | {"input": "c.png", "note": "no face found"}


def test_csv_has_six_digits_and_empty_cells():
    file = io.StringIO()
    write = csv_rows(file, COLUMNS)
    write(FACE)
    write(NONE)
    assert file.getvalue() == (
        "input,frame,face,FaceScore,anger,AU12,AU12_fired,AU12_unit,note\n"
        '"a, b.png",3,0,0.987654,0.25,,1,conv3/7,\n'
        "c.png,,,,,,,,no face found\n"
    )


def test_json_lines_have_null():
    file = io.StringIO()
    json_rows(file, COLUMNS)(FACE)
    assert json.loads(file.getvalue()) == FACE | {"FaceScore": 0.987654}


def test_parquet_keeps_kinds_also_where_all_is_unknown(tmp_path):
    path = tmp_path / "new" / "rows.parquet"
    with writing(path, COLUMNS) as write:
        write(NONE)
        write(FACE)
    table = pq.read_table(path)
    assert [str(field.type) for field in table.schema] == [
        "string", "int64", "int64", "double", "double", "double", "bool", "string", "string"
    ]  # fmt: skip
    assert table.to_pylist() == [NONE, FACE]


def test_csv_and_parquet_read_alike(tmp_path):
    for name in ("rows.csv", "rows.parquet"):
        with writing(tmp_path / name, COLUMNS) as write:
            write(FACE)
    csv, parquet = pd.read_csv(tmp_path / "rows.csv"), pd.read_parquet(tmp_path / "rows.parquet")
    assert csv["FaceScore"].item() == pytest.approx(parquet["FaceScore"].item(), rel=1e-5)
    assert csv["AU12_unit"].item() == parquet["AU12_unit"].item() == "conv3/7"


def test_an_interruption_leaves_the_old_file_and_the_rows_so_far(tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_text("old\n")

    def interrupted():
        with writing(path, COLUMNS) as write:
            write(FACE)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert path.read_text() == "old\n"
    assert json.loads((tmp_path / "rows.jsonl.part").read_text())["input"] == "a, b.png"


def test_a_name_without_a_form_and_a_place_that_cannot_be_written(tmp_path):
    with (
        pytest.raises(CallError, match=r"ends in '.xlsx': expected .csv, .jsonl or .parquet"),
        writing(tmp_path / "rows.xlsx", COLUMNS),
    ):
        pass
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(ArtifactError, match=r"rows\.csv cannot be written: "),
        writing(tmp_path / "file" / "rows.csv", COLUMNS),
    ):
        pass
