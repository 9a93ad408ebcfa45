"""Writes the report of a run: a folder that opens from the disk with no network."""

import math
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, Literal

import jinja2
import pandas as pd
from PIL import Image

from facslens.artifacts import atomic
from facslens.report import figures
from facslens.report.build import build_view
from facslens.report.evidence import Findings
from facslens.report.formats import FILTERS
from facslens.report.missing import Missing
from facslens.report.slide import slide
from facslens.report.view import Download, ReportView
from facslens.runs.folder import Run

#: Longest side in pixels of a picture on the page; larger ones are made smaller.
PICTURE: Final = 128
#: A table of associations of more bytes than this is cut to the rows that matter most.
LARGE_TABLE: Final = 3_000_000
#: Tables of a run that lie beside the page, and what they hold.
TABLES: Final = {
    "mapping.csv": "unit to AU, AU to unit, one to one, with every number of the cards",
    "verdicts.csv": "a sentence for each action unit and layer",
    "coverage.csv": "how often each action unit was seen",
    "confounds.csv": "which action units come together",
    "contrast.csv": "responses from neutral to peak, where sequences begin at rest",
    "verify/controls.csv": "best units beside untrained networks and other controls",
    "verify/ablation.csv": "what every expression loses without the units of an action unit",
    "verify/place.csv": "where projections and maxima lie",
    "verify/sanity.csv": "likeness of pictures under random weights",
    "verify/stability.csv": "which detectors return in other runs",
    "verify/planted.csv": "what became of filters that are known to follow an action unit",
    "verify/factorial.csv": "the units on faces whose action units no expression explains",
    "verify/true_place.csv": "how much of a projection lies where the action unit truly is",
    "training.csv": "loss and accuracy by epoch",
}


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
    view = build_view(run)
    with atomic(run / "report") as folder:
        folder.mkdir()
        _write_pictures(run, view, folder / "pictures")
        _write_heatmaps(view, folder / "heatmaps")
        downloads = (*_write_tables(run, folder / "data"), *_write_slide(view, folder))
        page = render(view, downloads)
        (folder / "index.html").write_text(page, encoding="utf-8")
    return run / "report" / "index.html"


def render(view: ReportView, downloads: Sequence[Download] = ()) -> str:
    """Fill in the page's template; nothing is computed there."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("facslens.report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(FILTERS)
    environment.tests["missing"] = lambda section: isinstance(section, Missing)
    for tool in (
        figures.at,
        figures.line_path,
        figures.step_path,
        figures.nice_ticks,
        figures.strength,
        figures.hundredths,
    ):
        environment.globals[tool.__name__] = tool
    return environment.get_template("report.html").render(view=view, downloads=downloads)


def _write_pictures(run: Run, view: ReportView, folder: Path) -> None:
    if not isinstance(view.findings, Findings):
        return
    exemplars = [e for card in view.findings.cards for e in card.exemplars]
    names = {name for e in exemplars for name in (e.whole, e.face, e.projection)} - {""}
    if names:
        folder.mkdir()
    for name in sorted(names):
        _copy_picture(run / "projections" / name, folder / name)


def _copy_picture(source: Path, target: Path) -> None:
    with Image.open(source) as picture:
        if max(picture.size) <= PICTURE:
            shutil.copyfile(source, target)
            return
        picture.thumbnail((PICTURE, PICTURE), Image.Resampling.LANCZOS)
        picture.save(target)


def _write_heatmaps(view: ReportView, folder: Path) -> None:
    if isinstance(view.heatmaps, Missing):
        return
    folder.mkdir()
    for number, heatmap in enumerate(view.heatmaps, start=1):
        (folder / f"{number}.png").write_bytes(figures.heat_png(heatmap))


def _write_tables(run: Run, folder: Path) -> tuple[Download, ...]:
    """Copy the tables that a reader may want to go on with."""
    folder.mkdir()
    downloads, stages = [], run.info["stages"]
    for name, label in TABLES.items():
        source = run / name
        if source.is_file() and (source.parent.name != "verify" or "verify" in stages):
            shutil.copyfile(source, folder / source.name)
            downloads.append(_download(folder / source.name, label))
    if (run / "association.parquet").is_file():
        downloads.insert(1, _write_association(run, folder / "association.csv"))
    if not downloads:
        folder.rmdir()
    return tuple(downloads)


def _write_association(run: Run, path: Path) -> Download:
    """Write the associations as CSV: all rows, or of a large table those of one distance."""
    table = pd.read_parquet(run / "association.parquet")
    table.to_csv(path, index=False, float_format="%.6g")
    label = "every unit, action unit and distance"
    if path.stat().st_size > LARGE_TABLE:
        chosen = run.info["settings"].get("distance", "kl")
        table = table[table["distance"] == chosen]
        label = f"every unit and action unit; {chosen} only, the others are in association.parquet"
        table.to_csv(path, index=False, float_format="%.6g")
    if path.stat().st_size > LARGE_TABLE:
        rows = math.floor(len(table) * LARGE_TABLE / path.stat().st_size)
        table = table.nsmallest(rows, "p", keep="first")
        label = f"{chosen} only, smallest p first; the rest is in association.parquet"
        table.to_csv(path, index=False, float_format="%.6g")
    return _download(path, label)


def _write_slide(view: ReportView, folder: Path) -> Iterator[Download]:
    kinds: tuple[Literal["png", "svg"], ...] = ("png", "svg")
    for kind in kinds:
        content = slide(view, kind)
        if content is not None:
            path = folder / f"slide.{kind}"
            path.write_bytes(content)
            yield Download(path.name, "the finding as a slide, 16:9", 0, len(content))


def _download(path: Path, label: str) -> Download:
    with path.open("rb") as stream:
        rows = sum(1 for _ in stream) - 1
    return Download(f"data/{path.name}", label, max(rows, 0), path.stat().st_size)
