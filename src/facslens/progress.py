"""Show the progress of a long step: a bar on a terminal, plain lines in a log."""

import contextlib
import sys
import time
from collections.abc import Callable, Iterator
from typing import Final

from facslens.names import one_line

#: Called with the number of parts done, their total number, and a short note.
Report = Callable[[int, int, str], None]

#: Seconds between two lines in a log.
PAUSE: Final = 10.0


def silent(_done: int, _total: int, _note: str) -> None:
    """Show no progress."""


def say(text: str) -> None:
    """Print a line on standard error: what a long step does otherwise than expected."""
    print(one_line(text), file=sys.stderr, flush=True)  # noqa: T201 - it is for people


@contextlib.contextmanager
def shown(title: str) -> Iterator[Report]:
    """Show a step's progress on standard error.

    On a terminal a bar with the remaining time; elsewhere a line every `PAUSE` seconds and
    one at the end. Where fewer parts are done than before, or there are others, another step
    begins, and its times with it.
    """
    before = 0
    parts: int | None = None
    from rich.console import Console

    console = Console(stderr=True)
    if console.is_terminal:
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeElapsedColumn,
            TimeRemainingColumn,
        )

        columns = (
            TextColumn("{task.description:<10}", style="bold", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[note]}", markup=False),
        )
        with Progress(*columns, console=console) as bar:
            task = bar.add_task(title, total=None, note="")

            def move(done: int, total: int, note: str) -> None:
                nonlocal before, parts
                if done < before or parts not in (None, total):
                    bar.reset(task)
                before, parts = done, total
                bar.update(task, completed=done, total=total, note=one_line(note))

            yield move
        return

    start = last = time.monotonic()

    def line(done: int, total: int, note: str) -> None:
        nonlocal start, last, before, parts
        now = time.monotonic()
        if done < before or parts not in (None, total):
            start = now
        before, parts = done, total
        if done >= total or now - last >= PAUSE:
            last = now
            left = (now - start) * (total - done) / max(done, 1)
            times = f"{now - start:.0f} s, {left:.0f} s left"
            print(  # noqa: T201 - a log has no bars
                f"{title}: {done}/{total}, {times}  {one_line(note)}",
                file=sys.stderr,
                flush=True,
            )

    yield line
