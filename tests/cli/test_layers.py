"""``facslens layers``: a table to read, and one for programs."""

import json

import pytest
from typer.testing import CliRunner

from facslens.cli.main import app
from facslens.errors import CallError

CODE = """
from torch import nn
def build():
    return nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.SiLU(), nn.Conv2d(4, 5, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1),
        nn.Flatten(), nn.Linear(5, 2), nn.Softmax(1),
    )
"""


@pytest.fixture
def call(tmp_path):
    (tmp_path / "mine.py").write_text(CODE)
    named = [f"{tmp_path / 'mine.py'}:build", "--input", "grey16", "--expressions", "happy,calm"]
    return lambda *more: CliRunner().invoke(app, ["layers", *named, *more], catch_exceptions=True)


def test_every_layer_has_a_line_and_every_reason_is_said_once(call):
    lines = call().stdout.splitlines()
    sizes = [line.split()[:7] for line in lines[1:3]]
    assert sizes[0] == ["0", "convolution", "4", "14×14", "3×3", "1×1", "silu"]
    assert sizes[1] == ["2", "convolution", "5", "12×12", "5×5", "1×1", "relu"]
    assert all(line.endswith("by derivative [1]") for line in lines[1:3])
    assert lines[3].startswith("[1] silu: its derivative passes (1 step, the last is silu in '1'")
    assert lines[4].startswith("note: The network answers with numbers that are not negative")


def test_the_table_as_json(call):
    (row,) = json.loads(call("--layer", "[23]", "--json").stdout)
    assert (row["layer"], row["units"], row["field_rows"], row["shortcut"]) == ("2", 5, 5, False)


def test_a_wrong_layer_is_refused(call):
    found = call("--layer", "9")
    assert isinstance(found.exception, CallError)
    assert "the network has no layer '9': it has 0, 2" in str(found.exception)
