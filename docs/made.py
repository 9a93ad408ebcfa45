"""What the book takes from elsewhere in the repository: an extension of Sphinx.

A page that holds ``<!-- page: FILE -->`` becomes that file of the repository, and
``<!-- made: NAME -->`` what `MADE` makes under the name, from the tables that the package works by.
Links to files of the repository lead to the pages that these have become, so that they hold in
both places.
"""

import csv
import html
import inspect
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from sphinx.application import Sphinx

from facslens.action_units import ACTION_UNITS, PROTOTYPES, WHEN, column_spellings
from facslens.association.distances.table import DISTANCES
from facslens.cli.commands import COMMANDS, load
from facslens.datasets.description import Description
from facslens.datasets.labels import NUMBERINGS
from facslens.datasets.layout import Key, Layout
from facslens.datasets.layouts import COMMON_KEYS, LAYOUTS
from facslens.datasets.programs import PROGRAMS
from facslens.names import listed

ROOT: Final = Path(__file__).parents[1]
DOCS: Final = ROOT / "docs"

_PAGE: Final = re.compile(r"<!-- page: (\S+) -->")
_MADE: Final = re.compile(r"<!-- made: (\w+) -->")
_CITED: Final = re.compile(r"\[(\w+)\]\(\.\./references\.bib\)")
_LINK: Final = re.compile(r"\]\((?P<place>(?!\w+:)[^)#\s]+)(?P<anchor>#[^)\s]*)?\)")
_OPTION: Final = re.compile(r"(?<![`\w-])--[a-z][a-z-]*")
_ENTRY: Final = re.compile(r"@\w+\{(?P<key>\w+),\n(?P<fields>.*?)\n\}", re.DOTALL)
_FIELD: Final = re.compile(r"^\s*(\w+) = \{(.*)\},?$", re.MULTILINE)


def setup(app: Sphinx) -> dict[str, bool]:
    """Let every page be completed when it is read."""
    app.connect("source-read", complete)
    return {"parallel_read_safe": True}


def complete(_: Sphinx, __: str, source: list[str]) -> None:
    """Complete the text of a page."""
    text = source[0]
    folder = "docs"
    if page := _PAGE.search(text):
        folder = str(Path(page[1]).parent)
        text = (ROOT / page[1]).read_text(encoding="utf-8")
    text = _MADE.sub(lambda match: MADE[match[1]](), text)
    text = _CITED.sub(r'<a href="sources.html#\1">\1</a>', text)
    source[0] = linked(text, folder)


def linked(text: str, folder: str) -> str:
    """Let links between files of the repository, seen from a folder of it, lead to pages."""
    places = pages()

    def led(match: re.Match[str]) -> str:
        place = (ROOT / folder / match["place"]).resolve().relative_to(ROOT).as_posix()
        page = places.get(place, place.removeprefix("docs/"))
        return f"]({page}{match['anchor'] or ''})"

    return _LINK.sub(led, text)


def pages() -> dict[str, str]:
    """Give the page of every file of the repository that is one."""
    found = {"references.bib": "sources.md"}
    for page in DOCS.glob("*.md"):
        if match := _PAGE.search(page.read_text(encoding="utf-8")):
            found[match[1]] = page.name
    return found


def _table(*rows: tuple[str, ...]) -> str:
    """Write a table in Markdown; the first row is its head."""
    lines = [f"| {' | '.join(cell.replace('|', '&#124;') for cell in row)} |" for row in rows]
    return "\n".join([lines[0], f"|{' --- |' * len(rows[0])}", *lines[1:]])


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."


def _layouts() -> str:
    """Describe every dataset layout with its keys."""
    parts = []
    for name, layout in LAYOUTS.items():
        path = ":PATH" if layout.needs_path else "[:PATH]"
        what = html.escape(f"{_sentence(layout.summary)} PATH is {layout.path}.", quote=False)
        parts.append(f"### `{name}{path}`\n\n{' '.join((what, *_described(layout)))}")
        if layout.keys:
            parts.append(_keys(layout.keys))
    parts += ["### Keys of every layout", _keys(COMMON_KEYS)]
    parts += ["### Columns of action units", _sentence(column_spellings())]
    return "\n\n".join(parts)


def _described(layout: Layout) -> Iterator[str]:
    """Say who describes a layout, and whether it was held against the real files."""
    if layout.source:
        yield f"Described by {listed([_source(word) for word in layout.source.split()])}:"
        yield f"{layout.provenance}."
    if layout.official is not None:
        yield _sentence(f"{layout.official.told} ({_source(layout.official.source)})")


def _source(word: str) -> str:
    """Link a key of the references, or an address."""
    return f"<{word}>" if "://" in word else f"[{word}](../references.bib)"


def _keys(keys: Mapping[str, Key]) -> str:
    return _table(("key", "value"), *((f"`{key}=`", known.summary) for key, known in keys.items()))


def _description() -> str:
    """List the keys of a description, as the docstring of its class explains them."""
    parameters = inspect.getdoc(Description).split("----------\n")[1]
    rows = re.findall(r"^(\S.*)\n((?:    .*\n?)+)", parameters, re.MULTILINE)
    cells = (
        (", ".join(f"`{n}`" for n in names.split(", ")), " ".join(text.split()))
        for names, text in rows
    )
    return _table(("key", "value"), *cells)


def _numberings() -> str:
    """List the numbers of expressions that have a name."""
    rows = (
        (f"`{name}`", ", ".join(f"{number} {expression}" for number, expression in known.items()))
        for name, known in NUMBERINGS.items()
    )
    return _table(("`labels=`", "numbers"), *rows)


def _programs() -> str:
    """List the programs whose tables are known by their columns."""
    rows = (
        (
            program.name,
            program.example,
            listed([f"`{name}`" for name in program.beside], "or") if program.beside else "",
            program.kind,
            program.note,
            program.source if ":" in program.source else f"[{program.source}](../references.bib)",
        )
        for program in PROGRAMS
    )
    head = ("table of", "its columns", "beside one of", "without a suffix", "read", "source")
    return _table(head, *rows)


def _blendshapes() -> str:
    """Show the example of a table that says which columns are which action units."""
    with (DOCS / "blendshapes.csv").open(encoding="utf-8", newline="") as file:
        return _table(*(tuple(row) for row in csv.reader(file)))


def _pictures() -> str:
    """Show every action unit that is drawn: rest and E, its name, its muscles."""
    figures = []
    for code, seen in WHEN.items():
        unit = ACTION_UNITS[code]
        figures.append(
            f'<figure><img src="_static/{code.lower()}.webp" width="320" height="160" '
            f'loading="lazy" alt="A drawn face at rest, and the same face when {seen}">'
            f"<figcaption><b>{code}</b> {unit.name}<br><small>{unit.muscles}</small></figcaption>"
            "</figure>"
        )
    return '<div class="faces">\n' + "\n".join(figures) + "\n</div>"


def _codes() -> str:
    """List the action units that are read from datasets and not drawn."""
    others = (unit for code, unit in ACTION_UNITS.items() if code not in WHEN)
    return ", ".join(f"{unit.code} {unit.name}" for unit in others)


def _prototypes() -> str:
    rows = ((name, ", ".join(aus)) for name, aus in PROTOTYPES.items())
    return _table(("expression", "action units of one prototype"), *rows)


def _distances() -> str:
    rows = (
        (f"`{d.name}`", d.description, d.unit, f"{_end(d.low)} to {_end(d.high)}")
        for d in DISTANCES.values()
    )
    return _table(("distance", "definition", "unit", "range"), *rows)


def _end(value: float) -> str:
    """Write an end of a range."""
    return "∞" if value == float("inf") else f"{value:g}".replace("-", "−")


def _commands() -> str:
    """Write down every command from the help that it prints."""
    parts = [
        "Every command says all this itself: `facslens COMMAND --help`. The exit code is 0 where "
        "all went well, 1 where the work failed, and 2 where the call was wrong. An error is one "
        "sentence; `facslens --debug COMMAND …` shows where it arose. "
        "`facslens --install-completion` lets the shell complete commands and options. "
        "`python -m facslens` is the same command."
    ]
    for name, known in COMMANDS.items():
        command = load(name)
        lines = "\n".join(f"$ {example}" for example in known.examples)
        parts += [f"## facslens {name}", _told(command), f"```console\n{lines}\n```"]
        for inner, one in getattr(command, "commands", {}).items():
            parts += [f"### facslens {name} {inner}", _told(one), _options(one)]
        if not hasattr(command, "commands"):
            parts.append(_options(command))
    return "\n\n".join(part.strip() for part in parts if part)


def _told(one: Any) -> str:
    """Give a help text; options in it are written as code, for two hyphens would become a dash."""
    return _OPTION.sub(r"`\g<0>`", one.help or "")


def _options(command: Any) -> str:
    rows = list(_rows(command))
    return _table(("argument", "meaning", "default"), *rows) if rows else ""


def _rows(command: Any) -> Iterator[tuple[str, str, str]]:
    """Give name, meaning and default of every argument and option of a command."""
    for one in command.params:
        metavar = html.escape(one.metavar or "")
        if one.param_type_name == "argument":
            name = f"`{metavar or one.name.upper()}`"
        else:
            name = " ".join(f"`{spelling}`" for spelling in (*one.opts, *one.secondary_opts))
            name += f" {metavar}".replace("[", "\\[") if metavar else ""
        default = "" if one.default in (None, False, True, ()) else f"`{one.default}`"
        yield name, _told(one), default


def _sources() -> str:
    """List every source under its key, which docstrings cite."""
    lines = ["```{eval-rst}"]
    text = (ROOT / "references.bib").read_text(encoding="utf-8")
    for entry in _ENTRY.finditer(text):
        fields = _FIELD.findall(entry["fields"])
        known = {name: value.replace("{", "").replace("}", "") for name, value in fields}
        where = known.get("booktitle") or known.get("journal") or known.get("publisher", "")
        eprint = f"arXiv:{known['eprint']}" if "eprint" in known else known.get("note", "")
        tail = ", ".join(part for part in (where, known["year"], eprint) if part)
        authors = known["author"].replace(" and ", "; ").rstrip(".")
        stop = "" if known["title"].endswith("?") else "."
        lines.append(f".. [{entry['key']}] {authors}. *{known['title']}*{stop} {tail}.")
    return "\n".join([*lines, "```"])


#: What stands in place of ``<!-- made: NAME -->``.
MADE: Final[dict[str, Callable[[], str]]] = {
    "blendshapes": _blendshapes,
    "codes": _codes,
    "commands": _commands,
    "description": _description,
    "distances": _distances,
    "layouts": _layouts,
    "numberings": _numberings,
    "pictures": _pictures,
    "programs": _programs,
    "prototypes": _prototypes,
    "sources": _sources,
}
