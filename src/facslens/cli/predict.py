"""``facslens predict``: expressions and evidence of action units for photographs and videos."""

import os
import signal
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from facslens.cli import options
from facslens.errors import CallError
from facslens.prediction.predict import BATCH, columns, predict
from facslens.prediction.sources import Picture, find, is_camera, name_of, pictures
from facslens.prediction.write import Kept, csv_rows, form_of, json_rows, writing
from facslens.preprocess.detect import DEFAULT, make_detector
from facslens.progress import Report, shown
from facslens.stages.open_network import Choice, fingerprint, open_network


def predict_command(
    paths: Annotated[
        list[str],
        typer.Argument(
            metavar="PATH",
            help="Pictures, videos, folders, quoted patterns, camera:0; - reads paths from "
            "standard input.",
        ),
    ],
    model: Annotated[
        str,
        typer.Option("--model", metavar="NAME|RUN|FILE.onnx", help="The network."),
    ] = "compact",
    labels: Annotated[
        str | None,
        typer.Option("--labels", help="Of compact: ferplus (the default) or fer2013."),
    ] = None,
    runtime: Annotated[
        str, typer.Option("--runtime", help="auto, onnx (which does not load PyTorch) or torch.")
    ] = "auto",
    detector: options.Detector = DEFAULT,
    cropped: Annotated[
        bool, typer.Option("--faces-are-cropped", help="Every picture is one face: find none.")
    ] = False,
    every: Annotated[
        int,
        typer.Option(
            "--every", min=1, metavar="N", help="Read every Nth frame of a video or camera."
        ),
    ] = 1,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="A .csv, .jsonl or .parquet file to write."),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="JSON lines on standard output in place of CSV.")
    ] = False,
    overlay: Annotated[
        Path | None,
        typer.Option(
            "--overlay",
            metavar="DIR",
            help="Draw boxes, bars and the projections of the units that decided.",
        ),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option("--workers", min=1, help="Threads that find faces [default: cores]."),
    ] = None,
) -> None:
    """Read the expression of every face in photographs and videos, and which action units show.

    camera:0 is the first camera: rows come as it films, until Ctrl-C.

    A row a face: where it is, the probability of each expression, and for each action unit that
    the network has a detector for whether that unit fired and, where evidence allows, a
    calibrated probability. A picture without a face has a row, too, and a file that cannot be
    read has one with the reason; then the exit code is 1. CSV on standard output without --out;
    with it, the same command goes on where it was stopped.

    An expression label says how a face looks to raters, not what the person feels.
    """
    if out is not None:
        form_of(out)
        if as_json:
            raise CallError("--json writes to standard output: with --out, name a .jsonl file")
    from facslens.prediction.faces import detected, whole

    choice = Choice(model, labels, runtime)
    network = open_network(choice)
    finder = whole(network.size) if cropped else detected(make_detector(detector), network.size)
    entries = find(_named(paths))
    console = Console(stderr=True, soft_wrap=True, highlight=False, markup=False)
    live = any(is_camera(entry) for entry in entries)
    stopped = threading.Event()
    failed = 0

    def source(progress: Report, kept: Kept) -> Iterator[Picture]:
        for number, entry in enumerate(entries):
            if kept.lacks(name := name_of(entry)):
                for picture in pictures(entry, every):
                    if stopped.is_set():
                        return
                    if kept.lacks(name, picture.frame):
                        yield picture
            progress(number + 1, len(entries), "")

    def rows(progress: Report, kept: Kept) -> Iterator[dict[str, Any]]:
        nonlocal failed
        failed = kept.problems
        threads = workers or os.cpu_count() or 1
        found = predict(
            source(progress, kept),
            finder,
            network,
            threads,
            keep=overlay is not None,
            batch=1 if live else BATCH,
        )
        if overlay is not None:
            from facslens.stages.overlays import drawn

            found = drawn(found, overlay, choice)
        for _face, row in found:
            failed += row["problem"] is not None
            yield row

    with _interrupt_sets(stopped) if live else nullcontext(), shown("predict") as progress:
        if out is not None:
            question = {
                "network": fingerprint(choice),
                "detector": None if cropped else detector,
                "every": every,
                "overlay": None if overlay is None else str(overlay.absolute()),
                "camera": time.time() if live else None,  # what it filmed does not come again
            }
            try:
                with writing(out, columns(network), question) as (write, kept):
                    if kept.rows:
                        console.print(f"goes on after {kept.rows} rows of {out}.part")
                    for row in rows(progress, kept):
                        write(row)
            except KeyboardInterrupt:
                console.print(f"stopped; the same command goes on from {out}.part")
                raise typer.Exit(1) from None
        else:
            write = (json_rows if as_json else csv_rows)(sys.stdout, columns(network))
            for row in rows(progress, Kept()):
                write(row)
                if live:
                    sys.stdout.flush()
    if out is not None:
        console.print(f"predictions: {out}")
    if failed:
        console.print(f"{failed} of {len(entries)} could not be read: see the column problem")
        raise typer.Exit(1)


@contextmanager
def _interrupt_sets(stopped: threading.Event) -> Iterator[None]:
    """Let the first Ctrl-C end a camera's pictures, and only the next one the command."""

    def stop(*_: object) -> None:
        stopped.set()
        signal.signal(signal.SIGINT, before)

    before = signal.signal(signal.SIGINT, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _named(paths: list[str]) -> list[str]:
    """Put what standard input lists in the place of -."""
    named: list[str] = []
    for path in paths:
        named += [line.rstrip("\r\n") for line in _lines()] if path == "-" else [path]
    return [path for path in named if path]


def _lines() -> Iterable[str]:
    """Read standard input as names of files, which need not be UTF-8."""
    binary = getattr(sys.stdin, "buffer", None)
    return sys.stdin if binary is None else map(os.fsdecode, binary)
