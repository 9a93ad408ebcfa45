"""What the command says of itself: help of everything, examples, and completion in a shell."""

import os
import subprocess
import sys
from typing import Any

import pytest

from facslens.cli.commands import COMMANDS, load


def leaves() -> list[Any]:
    """Give every command that does something."""
    found = []
    for name in COMMANDS:
        command = load(name)
        found += getattr(command, "commands", {name: command}).values()
    return found


@pytest.mark.parametrize("command", leaves(), ids=lambda command: command.name)
def test_every_argument_and_option_is_explained_in_sentences(command):
    assert command.help.partition("\n\n")[0].endswith(".")
    for one in command.params:
        if one.name != "help":
            assert one.help, f"{command.name} {one.name}"
            assert one.help[0].isupper() or one.help.split()[0] in {"compact", "short:"}, one.help
            assert one.help.rstrip(")`").endswith((".", "]")), one.help


@pytest.mark.parametrize("name", COMMANDS)
def test_help_ends_with_examples_of_the_command(facslens, name):
    code, out, _ = facslens(name, "--help")
    assert code == 0
    shown = [line.strip(" •") for line in out.splitlines() if "• " in line]
    first = COMMANDS[name].examples[0]
    assert first.startswith(f"facslens {name}")
    assert any(first.startswith(line) for line in shown if line.startswith("facslens"))


def asked(**variables: str) -> str:
    """Call the command as a shell does that wants to complete a line."""
    code = "import sys; sys.argv = ['facslens']; from facslens.cli.main import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("facslens me", ["mechanism"]),
        ("facslens predict --over", ["--overlay"]),
        ("facslens data s", ["stimuli", "synth"]),
        ("facslens verify --tru", ["--truth"]),
    ],
)
def test_a_shell_completes_commands_and_options(line, expected):
    last = str(line.count(" "))
    said = asked(_FACSLENS_COMPLETE="complete_bash", COMP_WORDS=line, COMP_CWORD=last)
    assert said.split() == expected


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_for_a_shell_asks_this_command(shell):
    script = asked(_FACSLENS_COMPLETE=f"source_{shell}")
    assert f"_FACSLENS_COMPLETE=complete_{shell}" in script


def test_the_name_of_the_package_is_the_command(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "facslens", "data", "check", f"folder:{tmp_path}/none"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "does not exist" in " ".join(done.stdout.split())
