"""The command, called in this process."""

import io
import sys

import pytest

from facslens.cli.main import main


@pytest.fixture(autouse=True)
def _without_figures(undrawn):
    """Leave out the figures for papers of every report that a test writes by itself."""


@pytest.fixture
def facslens(monkeypatch, capsys):
    """Call the command in this process; gives exit code, standard output, standard error."""

    def call(*arguments, stdin=""):
        monkeypatch.setattr(sys, "argv", ["facslens", *map(str, arguments)])
        monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
        monkeypatch.delenv("FACSLENS_DEBUG", raising=False)
        try:
            main()
            code = 0
        except SystemExit as stop:
            code = stop.code or 0
        out, err = capsys.readouterr()
        return code, out, err

    return call
