import io
import sys

import pytest
from rich import console

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
        progress,
        "Console",
        lambda stderr: console.Console(file=screen, force_terminal=True, width=200),
    )
    with progress.shown("step") as report:
        report(2, 2, note)
    assert printable(note) in screen.getvalue()
    assert "\x1b[2J" not in screen.getvalue()
    assert sys.stderr is not screen
