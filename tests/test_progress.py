import io
import sys
from functools import partial
from types import SimpleNamespace

import pytest
from rich import console
from rich.console import Console
from rich.progress import Progress

from facslens import progress
from facslens.names import printable

NOTE = "[red]a\x1b[2J\udcff\n.png"


def test_a_log_has_lines_that_move_no_cursor(capsys):
    with progress.shown("step") as report:
        report(1, 3, "never shown: too soon after the start")
        report(3, 3, NOTE)
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("step: 3/3, 0 s, 0 s left  ")
    assert line.endswith("  " + printable(NOTE))


@pytest.mark.parametrize("note", ["epoch 3", NOTE])
def test_a_bar_shows_a_note_as_it_is(monkeypatch, note):
    screen = io.StringIO()
    monkeypatch.setattr(
        console, "Console", partial(Console, file=screen, force_terminal=True, width=200)
    )
    with progress.shown("step") as report:
        report(2, 2, note)
    assert printable(note) in screen.getvalue()
    assert "\x1b[2J" not in screen.getvalue()
    assert sys.stderr is not screen


@pytest.mark.parametrize("second", [(1, 10), (6, 10), (6, 20)])
def test_another_step_has_its_own_times(capsys, monkeypatch, second):
    """Steps of 100 s and then of 5: fewer parts than before, or others, begin another one."""
    clock = iter([0.0, 100.0, 105.0, 110.0])
    # not in the module time itself: other threads, such as a server's, ask it, too
    monkeypatch.setattr(progress, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    first = (second[0] + 1, second[0] + 1)
    with progress.shown("step") as report:
        report(*first, "first")
        report(*second, "second")
        report(second[1], second[1], "second")
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith(f"step: {first[0]}/{first[1]}, 100 s, 0 s left")
    assert lines[-1] == f"step: {second[1]}/{second[1]}, 5 s, 0 s left  second"


def test_a_bar_begins_anew_with_another_step(monkeypatch):
    screen = io.StringIO()
    monkeypatch.setattr(
        console, "Console", partial(Console, file=screen, force_terminal=True, width=200)
    )
    begun = []
    reset = Progress.reset
    monkeypatch.setattr(
        Progress, "reset", lambda self, *a, **k: begun.append(a) or reset(self, *a, **k)
    )
    with progress.shown("step") as report:
        for step in ((1, 3), (3, 3), (2, 3), (3, 9), (9, 9)):
            report(*step, "")
    assert len(begun) == 2
    assert "9/9" in screen.getvalue()
