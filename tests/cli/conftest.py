"""The command, called in this process."""

import io
import sys

import pytest

from facslens.cli.main import main


@pytest.fixture(scope="session")
def two_grades(draw_stimuli, tmp_path_factory):
    """Paired faces in two of the five grades, so that networks are shown less than half of them."""
    return draw_stimuli(tmp_path_factory.mktemp("stimuli") / "set", grades=("C", "E"))


@pytest.fixture(scope="session")
def make_run(drawn_ck48, two_grades):
    """Run the whole way on drawn faces into a folder, with further options."""

    def make(folder, *choices):
        arguments = ["--data", f"ck48:{drawn_ck48}", "--stimuli", two_grades, "--out", folder]
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sys, "argv", ["facslens", "run", *map(str, (*arguments, *choices))])
            with pytest.raises(SystemExit) as stop:
                main()
        assert not stop.value.code
        return folder

    return make


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
