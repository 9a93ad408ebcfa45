"""Rows to CSV, JSON lines or Parquet, whole or not at all; an interrupted file goes on."""

import contextlib
import csv
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
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
        raise CallError(f"{path} ends in {path.suffix!r}: expected .csv, .jsonl or .parquet")
    return form


@dataclass(frozen=True)
class Kept:
    """What an interrupted file holds already.

    Parameters
    ----------
    rows
        How many rows.
    problems
        How many of them say why something could not be read.
    inputs
        The inputs that are complete.
    frames
        An input, and the last of its frames that is complete; None where there is none.
    """

    rows: int = 0
    problems: int = 0
    inputs: frozenset[str] = frozenset()
    frames: tuple[str, int] | None = None

    def lacks(self, source: str, frame: int | None = None) -> bool:
        """Tell whether rows of an input, or of one of its frames, are still to be made."""
        if frame is not None and self.frames is not None and self.frames[0] == source:
            return frame > self.frames[1]
        return source not in self.inputs


@contextlib.contextmanager
def writing(
    path: Path, columns: Sequence[str], question: Mapping[str, Any]
) -> Iterator[tuple[Writer, Kept]]:
    """Write rows to a file, in the form that its name tells.

    The rows first go to ``<path>.part``, a JSON object on a line of its own each, and to the
    file when all are there. After an interruption, a kill too, the part stays, and the same
    question goes on where it ended.

    Parameters
    ----------
    path
        The file to write.
    columns
        Of the rows.
    question
        What the rows depend on beside their inputs; values as JSON has them. The part of another
        question is begun anew.

    Yields
    ------
    Writer and Kept
        What takes a row, and which rows are there already. The rows of an input's frame, and
        the frames of an input, come one after the other.

    Raises
    ------
    CallError
        If the name tells no form.
    ArtifactError
        If the file cannot be written.
    """
    form = form_of(path)
    part, whole = (path.with_name(path.name + ending) for ending in (".part", ".tmp"))
    head = json.dumps({**question, "columns": list(columns)}, sort_keys=True) + "\n"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        kept, end = _kept(part, head.encode())
        with part.open("r+b" if end else "wb") as file:
            file.truncate(end)
            file.seek(end)
            if not end:
                file.write(head.encode())

            def write(row: dict[str, Any]) -> None:
                file.write(json.dumps(row).encode() + b"\n")

            yield write, kept
        with part.open("rb") as file, FORMS[form](whole, columns) as finish:
            next(file)
            for line in file:
                finish(json.loads(line))
        whole.replace(path)
        part.unlink()
    except OSError as error:
        raise ArtifactError(f"{path} cannot be written: {error.strerror or error}") from error


def _kept(part: Path, head: bytes) -> tuple[Kept, int]:
    """Find what a part holds: all but what may lack rows, the last frame; and where that ends."""
    if not part.exists():
        return Kept(), 0
    inputs: list[str] = []
    frames: tuple[str, int] | None = None
    rows = problems = rows_before = problems_before = 0
    last: tuple[str, int | None] | None = None
    with part.open("rb") as file:
        if file.readline() != head:
            return Kept(), 0
        end = here = len(head)
        for line in file:
            try:
                row = json.loads(line)
            except ValueError:  # the writing was killed in the middle of it, or the power failed
                break
            if not line.endswith(b"\n"):
                break
            place = (row["input"], row["frame"])
            if last is not None and place != last:
                end, rows_before, problems_before = here, rows, problems
                if place[0] != last[0]:
                    inputs.append(last[0])
                    frames = None
                elif last[1] is not None:
                    frames = (last[0], last[1])
            last = place
            here += len(line)
            rows += 1
            problems += row["problem"] is not None
    return Kept(rows_before, problems_before, frozenset(inputs), frames), end


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
