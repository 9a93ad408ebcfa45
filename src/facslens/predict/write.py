"""Rows to CSV, JSON lines or Parquet, one batch after the other, whole or not at all."""

import contextlib
import csv
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, Protocol, runtime_checkable

from facslens.errors import ArtifactError, CallError

#: Rows that a Parquet file gets at once.
GROUP: Final = 4096


@runtime_checkable
class Sink(Protocol):
    """What text can be written to."""

    def write(self, text: str, /) -> object:
        """Take a piece of text."""


#: Takes one row after the other.
Writer = Callable[[dict[str, Any]], None]


def form_of(path: Path) -> str:
    """Tell from a file's name in which form it is written: csv, jsonl or parquet.

    Raises
    ------
    CallError
        If the ending is none of these.
    """
    form = path.suffix.lower().removeprefix(".")
    if form not in FORMS:
        raise CallError(f"--out {path} ends in {path.suffix!r}: expected .csv, .jsonl or .parquet")
    return form


@contextlib.contextmanager
def writing(path: Path, columns: Sequence[str]) -> Iterator[Writer]:
    """Write rows to a file, in the form that its name tells.

    The rows go to ``<path>.part``, which takes the file's place at the end; after an
    interruption it stays, with the rows so far.

    Raises
    ------
    CallError
        If the name tells no form.
    ArtifactError
        If the file cannot be written.
    """
    form = form_of(path)
    part = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with FORMS[form](part, columns) as write:
            yield write
        part.replace(path)
    except OSError as error:
        raise ArtifactError(f"{path} cannot be written: {error.strerror or error}") from error


@contextlib.contextmanager
def _csv(path: Path, columns: Sequence[str]) -> Iterator[Writer]:
    with path.open("w", encoding="utf-8", newline="") as file:
        yield csv_rows(file, columns)


@contextlib.contextmanager
def _jsonl(path: Path, columns: Sequence[str]) -> Iterator[Writer]:
    with path.open("w", encoding="utf-8") as file:
        yield json_rows(file, columns)


@contextlib.contextmanager
def _parquet(path: Path, columns: Sequence[str]) -> Iterator[Writer]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    texts = {"input", "expression", "note", "problem"}
    kinds: dict[str, Any] = {"frame": pa.int64(), "face": pa.int64()}
    schema = pa.schema(
        [
            (
                name,
                pa.string()
                if name in texts or name.endswith("_unit")
                else pa.bool_()
                if name.endswith("_fired")
                else kinds.get(name, pa.float64()),
            )
            for name in columns
        ]
    )
    rows: list[dict[str, Any]] = []
    with pq.ParquetWriter(path, schema) as writer:

        def flush() -> None:
            writer.write_table(pa.Table.from_pylist(rows, schema))
            rows.clear()

        def write(row: dict[str, Any]) -> None:
            rows.append(row)
            if len(rows) >= GROUP:
                flush()

        try:
            yield write
        finally:
            flush()


def csv_rows(file: Sink, columns: Sequence[str]) -> Writer:
    """Write a header line, and give what writes a line a row; unknown is empty."""
    writer = csv.DictWriter(file, columns, lineterminator="\n")
    writer.writeheader()

    def write(row: dict[str, Any]) -> None:
        writer.writerow({name: _cell(row[name]) for name in columns})

    return write


def json_rows(file: Sink, columns: Sequence[str]) -> Writer:
    """Give what writes a JSON object a row, on a line of its own; unknown is null."""

    def write(row: dict[str, Any]) -> None:
        values = {name: _rounded(row[name]) for name in columns}
        file.write(json.dumps(values, ensure_ascii=False) + "\n")

    return write


def _cell(value: object) -> object:
    if isinstance(value, bool):
        return int(value)
    return _rounded(value)


def _rounded(value: object) -> object:
    """Six digits are more than a network knows, and make a file half as large."""
    return float(f"{value:.6g}") if isinstance(value, float) else value


FORMS: Final = {"csv": _csv, "jsonl": _jsonl, "parquet": _parquet}
