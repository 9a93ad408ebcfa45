"""``facslens predict``: expressions and evidence of action units for photographs and videos."""

import io
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from itertools import takewhile
from pathlib import Path
from typing import Annotated, Any

import typer

from facslens.cli import options
from facslens.datasets.defects import Defect
from facslens.engines.engine import Engine
from facslens.errors import CallError
from facslens.names import printable
from facslens.prediction.inputs import state_of
from facslens.prediction.pieces import PIECE, Piece, ReadPiece, beginnings, carry, pieces
from facslens.prediction.predict import BATCH, columns, predict
from facslens.prediction.sources import Picture, find, is_camera
from facslens.prediction.write import Kept, csv_rows, form_of, json_rows, writing
from facslens.preprocess.detect import DEFAULT
from facslens.progress import Report, shown
from facslens.stages.open_network import Choice, fingerprint, opener


def predict_command(
    paths: Annotated[
        list[str],
        typer.Argument(
            metavar="PATH",
            help="Pictures, videos, folders, quoted patterns, or camera:0. With - the paths are "
            "read from standard input, one a line.",
        ),
    ],
    model: Annotated[
        str,
        typer.Option(
            "--model",
            metavar="NAME|RUN|FILE.onnx",
            help="The network: compact (in the package), the folder of a run, or an ONNX file "
            "written by facslens export.",
        ),
    ] = "compact",
    labels: Annotated[
        str | None,
        typer.Option(
            "--labels",
            help="The labels that compact gives: ferplus (the default) or fer2013.",
        ),
    ] = None,
    runtime: Annotated[
        str,
        typer.Option(
            "--runtime",
            help="What runs the network: onnx, torch, or auto (ONNX where possible, which starts "
            "faster).",
        ),
    ] = "auto",
    detector: options.Detector = DEFAULT,
    cropped: Annotated[
        bool,
        typer.Option(
            "--faces-are-cropped",
            help="Treat every picture as one cropped face, and detect no faces.",
        ),
    ] = False,
    every: Annotated[
        int,
        typer.Option(
            "--every", min=1, metavar="N", help="Read every Nth frame of a video or camera."
        ),
    ] = 1,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="The file to write: .csv, .jsonl or .parquet."),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON lines instead of CSV.")
    ] = False,
    overlay: Annotated[
        Path | None,
        typer.Option(
            "--overlay",
            metavar="DIR",
            help="Draw every picture into this folder, with the faces that were found and the "
            "projections of the units that contributed most.",
        ),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option("--workers", min=1, help="Threads that detect faces [default: one per core]."),
    ] = None,
    engine: options.EngineName = "local",
    address: options.Address = None,
) -> None:
    """Read the expression of every face in photographs and videos, and which action units show.

    Each face gives one row. It says where the face is and how probable each expression is. For each
    action unit that the network has a confirmed detector of, it says whether the detector fired,
    and gives a calibrated probability where the evidence allows one. A picture without a face
    gives a row, too. A file that cannot be read gives a row with the reason, and the exit code is
    then 1.

    Without --out the rows are printed as CSV. With --out, the same command continues after an
    interruption; if an input has changed since, it starts again. In CSV, text that a spreadsheet
    would take for a formula has an apostrophe before it.

    camera:0 is the first camera: rows are printed while it records, until Ctrl-C.

    With --engine ray the files are read here and sent to the machines of the cluster, 64 pictures
    or one video at a time.

    An expression label says how a face looks to raters, not what the person feels.
    """
    if out is not None:
        form_of(out)
        if as_json:
            raise CallError("--json writes to standard output: with --out, name a .jsonl file")
    from facslens.prediction.faces import Face, finder

    cluster = None if (engine, address) == ("local", None) else _cluster(engine, address)
    choice = Choice(model, labels, runtime)
    open_it = opener(choice)
    network = open_it()
    detecting = None if cropped else detector
    find_faces = finder(detecting, network.input)
    skipped: list[Defect] = []
    entries = [entry for entry in find(_named(paths), skipped) if not _is_drawing(entry, overlay)]
    for defect in skipped:
        _say(defect.message)
    begun = beginnings(entries)
    live = any(is_camera(entry) for entry in entries)
    here = {"a camera": live, "--overlay": overlay is not None, "--workers": workers is not None}
    for what in (what for what, given in here.items() if given and cluster):
        raise CallError(f"{what} is for this machine alone: it needs --engine local")
    batch = BATCH if overlay is None and not live else 1
    stopped = threading.Event()
    failed, shown_out = 0, printable(out)

    def near(left: list[Piece], progress: Report) -> Iterator[dict[str, Any]]:
        def seen(number: int) -> None:
            progress(number, len(entries), "")

        def read() -> Iterator[tuple[Face, dict[str, Any]]]:
            threads, keep = workers or os.cpu_count() or 1, overlay is not None
            for piece in left:
                source = takewhile(lambda _: not stopped.is_set(), piece.pictures(every, seen))
                yield from predict(source, find_faces, network, threads, keep=keep, batch=batch)

        found = read()
        if overlay is not None:
            from facslens.stages.overlays import drawn

            found = drawn(found, overlay, choice, entries)
        return (row for _, row in found)

    def far(left: list[Piece], progress: Report) -> Iterator[dict[str, Any]]:
        assert cluster is not None
        work = ReadPiece(open_it, detecting, every, batch)
        for piece, found in zip(left, cluster.map(work, map(carry, left)), strict=True):
            yield from found
            progress(piece.end, len(entries), "")

    def rows(progress: Report, kept: Kept) -> Iterator[dict[str, Any]]:
        nonlocal failed
        failed = kept.problems
        for row in (far if cluster else near)([*pieces(entries, begun, kept)], progress):
            failed += row["problem"] is not None
            yield row

    try:
        with _interrupt_sets(stopped) if live else nullcontext(), shown("predict") as progress:
            if out is not None:
                question = {
                    "inputs": state_of(entries),
                    "network": fingerprint(choice),
                    "detector": detecting,
                    "every": every,
                    "piece": PIECE,
                    "overlay": None if overlay is None else str(overlay.absolute()),
                    "camera": time.time() if live else None,  # what it filmed does not come again
                }
                with writing(out, columns(network), question, batch, begun) as (write, kept):
                    if kept.rows:
                        _say(f"goes on after {kept.rows} rows of {shown_out}.part")
                    for row in rows(progress, kept):
                        write(row)
            else:
                write = (json_rows if as_json else csv_rows)(sys.stdout, columns(network))
                for row in rows(progress, Kept()):
                    write(row)
                    if live:
                        sys.stdout.flush()
    except KeyboardInterrupt:
        again = f"; the same command goes on from {shown_out}.part" if out is not None else ""
        _say(f"stopped{again}")
        raise typer.Exit(1) from None
    if out is not None:
        _say(f"predictions: {shown_out}")
    if failed:
        _say(f"{failed} of {len(entries)} could not be read: see the column problem")
        raise typer.Exit(1)


def _cluster(engine: str, address: str | None) -> Engine:
    """Choose an engine other than this process, which needs no such import."""
    from facslens.engines.choose import choose

    return choose(engine, address)


def _say(text: str) -> None:
    from rich.console import Console  # most calls have nothing to say

    Console(stderr=True, soft_wrap=True, highlight=False, markup=False).print(text)


@contextmanager
def _interrupt_sets(stopped: threading.Event) -> Iterator[None]:
    """Let the first Ctrl-C end the camera's pictures, and a second one the command."""

    def stop(*_: object) -> None:
        stopped.set()
        signal.signal(signal.SIGINT, before)

    before = signal.signal(signal.SIGINT, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _is_drawing(entry: Path | Picture, overlay: Path | None) -> bool:
    """Tell whether an input lies where drawings are left: those of an earlier call are none."""
    if overlay is None or isinstance(entry, Picture):
        return False
    folder, file = (os.path.abspath(path) for path in (overlay, entry))  # noqa: PTH100 - as named
    return file.startswith(folder + os.sep)


def _named(paths: list[str]) -> list[str]:
    """Replace - by the paths that standard input lists."""
    if isinstance(sys.stdin, io.TextIOWrapper):
        sys.stdin.reconfigure(errors="surrogateescape")  # the name of a file need not be text
    named: list[str] = []
    for path in paths:
        named += map(_unquoted, _lines()) if path == "-" else [path]
    return [path for path in named if path]


def _unquoted(line: str) -> str:
    """Take the quotes from around a path, which file managers copy with it, but for a real name."""
    quoted = len(line) > 2 and line[0] == line[-1] and line[0] in "\"'"
    return line[1:-1] if quoted and not os.path.lexists(line) else line


def _lines() -> list[str]:
    """Read the lines of standard input as names of files, which need not be UTF-8."""
    binary = getattr(sys.stdin, "buffer", None)
    if binary is None:
        text = sys.stdin.read()
    else:
        content = binary.read()
        wide = content.startswith((b"\xff\xfe", b"\xfe\xff")) and b"\0" in content
        text = content.decode("utf-16") if wide else os.fsdecode(content)  # as PowerShell writes
    return [line.rstrip("\r") for line in text.removeprefix("\ufeff").split("\n")]
