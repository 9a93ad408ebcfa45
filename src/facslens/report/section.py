"""A section of the page, as it is declared, and the page that is being built."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

import jinja2
import pandas as pd
from matplotlib.figure import Figure

from facslens.report.tables import RunTables

T = TypeVar("T")

#: What draws each figure of a section, by its name.
Drawn = Mapping[str, Callable[[], Figure]]

#: Templates of facslens: what sections share, and each section's own beside its code.
TEMPLATES: Final = jinja2.ChoiceLoader(
    [
        jinja2.PackageLoader("facslens.report", "templates"),
        jinja2.PackageLoader("facslens.report", "sections"),
    ]
)


@dataclass(frozen=True)
class Section:
    """One section of the page; each module of `facslens.report.sections` declares one.

    Parameters
    ----------
    order
        Sections stand on the page in this order, and so do the parts of a section.
    anchor
        Its id on the page, to which links lead.
    heading
        Stands above it. Empty: the template writes its own.
    build
        From the page to what the template shows, as ``view``: a frozen dataclass, or a
        `facslens.report.missing.Missing` where its stage has not run. Then the page says
        which command to run, and the template is not used.
    template
        Name of the template. Empty: the section consists of its parts.
    title
        Its name in the navigation. Empty: it is not listed there.
    part_of
        Anchor of the section that it is a part of; empty for a section of its own.
    downloads
        Tables of the run that the page offers, by their names in the run, and what they hold.
    figures
        From the page to its figures for a paper, by name: each is drawn when it is called, and
        written as ``figures/NAME.svg`` and ``.png``. Templates link them by ``charts.save``.
    tables
        From the page to tables that it shows and no file of the run holds, by the names under
        which they are offered, with what they hold.
    files
        From the page to further files of the report, by their names in its folder.
    loader
        Finds the template.
    """

    order: int
    anchor: str
    heading: str
    build: Callable[["Page"], Any]
    template: str = ""
    title: str = ""
    part_of: str = ""
    downloads: Mapping[str, str] = field(default_factory=dict)
    figures: Callable[["Page"], Drawn] | None = None
    tables: Callable[["Page"], Mapping[str, tuple[str, pd.DataFrame]]] | None = None
    files: Callable[["Page"], Mapping[str, bytes]] | None = None
    loader: jinja2.BaseLoader = TEMPLATES


@dataclass(frozen=True)
class Page:
    """The page of one run while it is built: what there is to read, and what was made of it.

    Parameters
    ----------
    tables
        The files of the run; any of them may be absent.
    sections
        What the page consists of.
    """

    tables: RunTables
    sections: tuple[Section, ...] = ()
    _built: dict[Callable[..., Any], Any] = field(default_factory=dict, repr=False)

    def of(self, build: Callable[["Page"], T]) -> T:
        """Give what a builder makes of the run; each is called once, whoever asks for it."""
        if build not in self._built:
            self._built[build] = build(self)
        found: T = self._built[build]
        return found

    def figures(self) -> dict[str, Callable[[], Figure]]:
        """Give what draws each figure of the page, by name; names that are no file's are left out.

        They hold the names of action units, which a table that somebody replaced may give.
        """
        return {
            name: draw
            for section in self.sections
            if section.figures
            for name, draw in section.figures(self).items()
            if re.fullmatch(r"[\w-]+", name, re.ASCII)
        }

    def further_checks(self) -> tuple[str, ...]:
        """Name the tables of `facslens verify` that no section offers."""
        offered = {name for section in self.sections for name in section.downloads}
        offered.add("verify/verdicts.csv")  # as verdicts.csv, whichever stage wrote it last
        return tuple(name for name in self.tables.checks() if name not in offered)
