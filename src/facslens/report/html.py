"""Writes the report of a run: a folder that opens from the disk with no network."""

from dataclasses import dataclass
from pathlib import Path

import jinja2
from markupsafe import Markup

from facslens.artifacts import atomic
from facslens.plot.outline import FACE
from facslens.plot.style import KINDS, written
from facslens.report.about import build_about
from facslens.report.contents import SECTIONS
from facslens.report.downloads import Download, build_downloads
from facslens.report.environment import environment
from facslens.report.missing import Missing
from facslens.report.policy import policy
from facslens.report.section import TEMPLATES, Page, Section
from facslens.report.tables import RunTables
from facslens.runs.folder import Run


@dataclass(frozen=True)
class Built:
    """A section with what its template shows, its parts, and its tables as files."""

    section: Section
    view: object
    parts: tuple["Built", ...] = ()
    saved: tuple[Download, ...] = ()


def open_page(run: Run) -> Page:
    """Begin the page of a run; any stage may not have run yet."""
    return Page(RunTables(run), tuple(SECTIONS))


def write_report(run: Run) -> Path:
    """Write ``report/`` of a run: ``index.html``, its pictures and its tables.

    Parameters
    ----------
    run
        A run; sections whose stage has not run say which command makes them.

    Returns
    -------
    Path
        ``report/index.html``.

    Raises
    ------
    ArtifactError
        If a file of the run is damaged, or the report cannot be written; then an earlier
        report is untouched.
    """
    page = open_page(run)
    with atomic(run / "report") as folder:
        folder.mkdir()
        for section in page.sections:
            for name, content in (section.files(page) if section.files else {}).items():
                path = folder / name
                path.parent.mkdir(exist_ok=True)
                path.write_bytes(content)
        _draw(page, folder / "figures")
        (folder / "index.html").write_text(render(page), encoding="utf-8")
    return run / "report" / "index.html"


def _draw(page: Page, folder: Path) -> None:
    """Write every figure of the page, one at a time: a page may have a hundred."""
    for name, draw in page.figures().items():
        folder.mkdir(exist_ok=True)
        figure = draw()
        for kind in KINDS:
            (folder / f"{name}.{kind}").write_bytes(written(figure, kind))


def render(page: Page) -> str:
    """Fill in the page's template; nothing is computed there."""
    loaders = dict.fromkeys([TEMPLATES, *(section.loader for section in page.sections)])
    templates = environment(jinja2.ChoiceLoader(list(loaders)))
    templates.tests["missing"] = lambda view: isinstance(view, Missing)
    style, script = (templates.get_template(f"report.{kind}").render() for kind in ("css", "js"))
    return templates.get_template("report.html").render(
        about=page.of(build_about),
        figures=frozenset(page.figures()),
        outline=FACE,
        sections=_built(page, ""),
        style=Markup(style),
        script=Markup(script),
        policy=policy(style, script),
    )


def _built(page: Page, parent: str) -> tuple[Built, ...]:
    """Build the sections of the page, or the parts of one of them, in their order.

    Left out are those that nothing is to make, and those of parts alone that are empty.
    """
    own = sorted((s for s in page.sections if s.part_of == parent), key=lambda s: s.order)
    saved = page.of(build_downloads)
    every = [
        Built(
            section,
            page.of(section.build),
            () if parent else _built(page, section.anchor),
            tuple(one for one in saved if one.section == section.anchor),
        )
        for section in own
    ]
    return tuple(
        built
        for built in every
        if (built.section.template or any(part.view is not None for part in built.parts))
        and not (isinstance(built.view, Missing) and not built.view.command)
    )
