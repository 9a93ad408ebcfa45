"""``facslens export --site``, as a user calls it."""

import sys
from pathlib import Path
from typing import Any

import pytest

from facslens.cli.main import main
from facslens.explorer import projected


@pytest.fixture
def facslens(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    def call(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["facslens", *map(str, arguments)])
        monkeypatch.delenv("FACSLENS_DEBUG", raising=False)
        with pytest.raises(SystemExit) as stop:
            main()
        return (int(stop.value.code or 0), *capsys.readouterr())

    return call


def test_a_run_becomes_a_folder(
    facslens: Any, run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(projected, "SECONDS", 0.0)  # project mapped units alone, which is quick
    code, out, _ = facslens("export", run, "--site", tmp_path / "site", "--no-faces")
    assert (code, out) == (0, f"explorer: {tmp_path / 'site' / 'index.html'}\n")
    assert (tmp_path / "site" / "data" / "site.js").is_file()
    assert not (tmp_path / "site" / "faces").exists()


@pytest.mark.parametrize(
    ("choices", "said"),
    [
        ((), "--onnx FILE or --site DIR is what to write: neither was given"),
        (("--onnx", "a.onnx", "--site", "b"), "what to write: both was given"),
        (("--onnx", "a.onnx", "--no-faces"), "--against and --no-faces are for --site"),
        (("--site", "b", "--labels", "ferplus"), "--labels ferplus is for --onnx"),
    ],
)
def test_a_wrong_call_gets_one_sentence(facslens: Any, choices: tuple[str, ...], said: str) -> None:
    code, _, err = facslens("export", "compact", *choices)
    assert code == 2
    assert said in " ".join(err.split())
