"""Rows to CSV, JSON lines or Parquet: whole or not at all; an interrupted file goes on."""

import contextlib
import csv
import json
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol, runtime_checkable

from facslens.artifacts import locked
from facslens.errors import ArtifactError, CallError
from facslens.names import one_line
from facslens.spreadsheets import defused_cell

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
    """What an interrupted file holds already: the first inputs, and the first frames of the next.

    Parameters
    ----------
    rows
        How many rows.
    problems
        How many of them say why something could not be read.
    inputs
        How many inputs, counted from the first, are complete.
    frame
        The last frame of the next input that is complete; None where none is.
    """

    rows: int = 0
    problems: int = 0
    inputs: int = 0
    frame: int | None = None

    def lacks(self, number: int, frame: int | None = None) -> bool:
        """Tell whether rows of an input, or of one of its frames, are still to be made.

        Parameters
        ----------
        number
            Which input, from 0.
        frame
            Of a video.

        Examples
        --------
        >>> kept = Kept(rows=5, inputs=2, frame=10)
        >>> kept.lacks(1), kept.lacks(2), kept.lacks(2, 10), kept.lacks(2, 11)
        (False, True, False, True)
        """
        if number == self.inputs and frame is not None and self.frame is not None:
            return frame > self.frame
        return number >= self.inputs


@contextlib.contextmanager
def writing(
    path: Path,
    columns: Sequence[str],
    question: Mapping[str, Any],
    batch: int,
    begun: Iterable[int] = (),
) -> Iterator[tuple[Writer, Kept]]:
    """Write rows to a file, in the form that its name tells.

    The rows first go to ``<path>.part``, each as a JSON object on a line of its own, and from
    there to the file when all have come. After an interruption or a kill the part stays, and the
    same question goes on where it ended. It goes on at the end of a batch, so that the network
    reads the same faces together as without the interruption and gives the same numbers to the
    last digit.

    Parameters
    ----------
    path
        The file to write.
    columns
        Of the rows.
    question
        What the rows depend on, the inputs and their state included (see
        `facslens.prediction.inputs.state_of`); values as JSON has them. The part of another
        question is begun anew.
    batch
        Rows that make a batch, as `facslens.prediction.predict.predict` counts them: it ends with
        the picture that completes it.
    begun
        Numbers of the inputs that begin a batch however few rows came before them; see
        `facslens.prediction.pieces.beginnings`.

    Yields
    ------
    Writer and Kept
        What takes a row, and which rows are there already. The rows have to come in the order of
        the inputs, and those of a frame one after the other.

    Raises
    ------
    CallError
        If the name tells no form.
    ArtifactError
        If the file cannot be written, or another process is writing it.
    """
    form = form_of(path)
    part, whole = (path.with_name(path.name + ending) for ending in (".part", ".tmp"))
    content = {**question, "columns": list(columns), "batch": batch}
    head = json.dumps(content, sort_keys=True).encode() + b"\n"
    try:
        with locked(path, what=f"the file {path}"):
            kept, end = _kept(part, head, batch, frozenset(begun))
            with part.open("r+b" if end else "wb") as file:
                file.truncate(end)
                file.seek(end)
                if not end:
                    file.write(head)

                def write(row: dict[str, Any]) -> None:
                    file.write(json.dumps(row).encode() + b"\n")

                yield write, kept
            try:
                with part.open("rb") as file, FORMS[form](whole, columns) as finish:
                    next(file)
                    for line in file:
                        finish(json.loads(line))
                whole.replace(path)
            finally:
                whole.unlink(missing_ok=True)
            part.unlink()
    except OSError as error:
        raise ArtifactError(f"{path} cannot be written: {error.strerror or error}") from error


def _kept(part: Path, head: bytes, batch: int, begun: Container[int]) -> tuple[Kept, int]:
    """Find what a part holds up to the end of its last whole batch, and where that ends.

    Where no row of a next picture follows, the last picture may lack rows.
    """
    kept, end = Kept(), 0
    if not part.exists():
        return kept, end
    rows = problems = inputs = since = 0
    last: tuple[str, int | None] | None = None
    with part.open("rb") as file:
        if file.readline() != head:
            return kept, end
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
                another = place[0] != last[0]
                inputs += another
                if since >= batch or (another and inputs in begun):
                    kept, end = Kept(rows, problems, inputs, None if another else last[1]), here
                    since = 0
            last = place
            here += len(line)
            rows += 1
            since += 1
            problems += row["problem"] is not None
    return kept, end


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
            rows.append({name: _shown(row[name]) for name in columns})
            if len(rows) >= GROUP:
                flush()

        try:
            yield write
        finally:
            flush()


def csv_rows(file: Sink, columns: Sequence[str]) -> Writer:
    """Write a header line, and give what writes a line for each row; what is unknown is empty.

    Text that a spreadsheet would take for a formula, because it begins with ``=``, ``+``, ``-`` or
    ``@``, gets an apostrophe before it; numbers stay numbers.
    """
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow([_cell(name) for name in columns])

    def write(row: dict[str, Any]) -> None:
        writer.writerow([_rounded(name, _cell(row[name])) for name in columns])

    return write


def json_rows(file: Sink, columns: Sequence[str]) -> Writer:
    """Give what writes each row as a JSON object on its own line; what is unknown is null."""

    def write(row: dict[str, Any]) -> None:
        values = {name: _rounded(name, _shown(row[name])) for name in columns}
        file.write(json.dumps(values, ensure_ascii=False) + "\n")

    return write


def _cell(value: object) -> object:
    if isinstance(value, bool):
        return int(value)
    return _shown(defused_cell(value))


def _shown(value: object) -> object:
    """Give text without what no file can hold or a terminal would obey: names of files have it."""
    return one_line(value) if isinstance(value, str) else value


def _rounded(name: str, value: object) -> object:
    """Six digits are more than a network knows, and make a file half as large; a time has more."""
    return float(f"{value:.6g}") if isinstance(value, float) and name != "time" else value


FORMS: Final = {"csv": _csv, "jsonl": _jsonl, "parquet": _parquet}
