"""What a paper about a run has to cite, as BibTeX: sources of methods, of faces, and facslens."""

import re
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Final

import facslens
from facslens.version import RELEASED, __version__

#: Who made facslens, and what it is called in a list of references.
AUTHOR: Final = "The facslens authors"
TITLE: Final = (
    "facslens: which feature map of a face-reading network has become a detector of which facial "
    "action unit"
)
#: The key of facslens itself.
OWN: Final = "facslens"


@cache
def sources() -> Mapping[str, str]:
    """Give every entry of ``references.bib``, as it is written there, by its key."""
    packaged = Path(facslens.__file__).with_name("references.bib")
    # the file lies at the root of the sources, and in the package where that was built
    found = packaged if packaged.is_file() else packaged.parents[2] / packaged.name
    text = found.read_text(encoding="utf-8")
    entries = re.split(r"^(?=@)", text, flags=re.MULTILINE)
    return {_key(entry): entry.strip() for entry in entries if entry.startswith("@")}


def software(version: str = __version__, released: str | None = None) -> str:
    """Give the entry of facslens itself.

    Parameters
    ----------
    version
        The version.
    released
        The day of its release, YYYY-MM-DD; None where that is not known, or yet to come.

    Examples
    --------
    >>> print(software("1.0", "2027-01-31"))
    @software{facslens,
      author = {{The facslens authors}},
      title = {facslens: which feature map of a face-reading network has become a detector of \
which facial action unit},
      version = {1.0},
      year = {2027},
      date = {2027-01-31},
      license = {Apache-2.0},
    }
    """
    day = {} if released is None else {"year": released[:4], "date": released}
    fields = {
        "author": f"{{{AUTHOR}}}",  # braces: no person's first and last name
        "title": TITLE,
        "version": version,
        **day,
        "license": "Apache-2.0",
    }
    lines = "".join(f"  {name} = {{{value}}},\n" for name, value in fields.items())
    return f"@software{{{OWN},\n{lines}}}"


def bibtex(keys: Iterable[str], version: str = __version__) -> str:
    """Give the entries of some sources, each once and in order, and that of facslens first."""
    entries = [sources()[key] for key in dict.fromkeys(keys)]
    own = software(version, RELEASED if version == __version__ else None)
    return "\n\n".join([own, *entries]) + "\n"


def _key(entry: str) -> str:
    return entry[entry.index("{") + 1 : entry.index(",")].strip()
