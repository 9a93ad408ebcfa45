"""What the book tells people to type works: Python is run, commands are parsed."""

import contextlib
import io
import itertools
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from facslens.cli.commands import COMMANDS, load

ROOT = Path(__file__).parents[2]
#: Pages that are written by hand, and the README.
PAGES = sorted([*(ROOT / "docs").glob("*.md"), ROOT / "README.md", ROOT / "CONTRIBUTING.md"])

_FENCE = re.compile(r"^```(?P<language>\w+)\n(?P<code>.*?)^```$", re.MULTILINE | re.DOTALL)


class Block(NamedTuple):
    """A block of code, and what it prints: the text block that follows at once."""

    code: str
    output: str
    line: int


def python_blocks(page: Path) -> Iterator[Block]:
    """Give the blocks of Python that are run; those that begin with ``# not run`` say why not."""
    text = page.read_text(encoding="utf-8")
    fences = list(_FENCE.finditer(text))
    for fence, after in itertools.zip_longest(fences, fences[1:]):
        if fence["language"] != "python" or fence["code"].startswith("# not run"):
            continue
        told = after is not None and after["language"] == "text"
        told = told and not text[fence.end() : after.start()].strip()
        line = text.count("\n", 0, fence.start()) + 2
        yield Block(fence["code"], after["code"] if told else "", line)


def console_lines(page: Path) -> Iterator[str]:
    """Give what is typed in the consoles of a page, lines that go on joined."""
    for fence in _FENCE.finditer(page.read_text(encoding="utf-8")):
        if fence["language"] == "console":
            for line in fence["code"].replace("\\\n", " ").splitlines():
                if line.startswith("$ "):
                    yield line.removeprefix("$ ")


RUN = [page for page in PAGES if any(python_blocks(page))]
TYPED = [
    pytest.param(line, id=f"{page.name}-{number}")
    for page in PAGES
    for number, line in enumerate(console_lines(page))
    if "facslens " in line
]
SHOWN = [pytest.param(line, id=line) for known in COMMANDS.values() for line in known.examples]


def parsed(line: str) -> dict[str, object]:
    """Parse a call of facslens as the command does, and do nothing of it."""
    words = [
        word for word in shlex.split(line, comments=True) if word != "…"
    ]  # what a page leaves out
    program = next(n for n, word in enumerate(words) if word.rpartition("/")[2] == "facslens")
    name, *arguments = words[program + 1 :]
    command = load(name)
    while hasattr(command, "commands"):
        inner, *arguments = arguments
        command = command.commands[inner]
    return command.make_context(name, arguments).params


@pytest.mark.parametrize("line", [*TYPED, *SHOWN])
def test_a_line_that_is_to_be_typed_has_arguments_that_exist(line):
    assert parsed(line) is not None


def test_a_line_with_an_option_that_does_not_exist_is_noticed():
    with pytest.raises(Exception, match="No such option"):
        parsed("facslens run --no-such-option 3")
    assert parsed(".venv/bin/facslens run --data ck48:A --out B")["data"] == "ck48:A"


def test_the_tutorial_and_the_page_of_networks_are_among_what_is_run():
    assert {"tutorial.md", "your-network.md", "predict.md"} <= {page.name for page in RUN}
    assert len(TYPED) > 50


@pytest.mark.parametrize("page", RUN, ids=lambda page: page.name)
def test_python_of_a_page_prints_what_the_page_says(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {"__name__": "page"}
    for block in python_blocks(page):
        code = compile("\n" * (block.line - 1) + block.code, str(page.relative_to(ROOT)), "exec")
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(code, names)
        assert printed.getvalue() == block.output, f"{page.name}, line {block.line}"
