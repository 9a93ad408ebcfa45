"""Every action unit by itself: its unit, the evidence, and pictures."""

import io
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final

from PIL import Image

from facslens.plot.curves import histogram
from facslens.plot.style import Drawing
from facslens.report.findings import Finding, Findings, build_findings
from facslens.report.missing import Missing
from facslens.report.section import Drawn, Page, Section
from facslens.report.sections.experiment import Tuned, build_experiment
from facslens.report.sections.place import build_place
from facslens.report.sections.sanity import build_sanity

#: Longest side in pixels of a picture on the page; larger ones are made smaller.
PICTURE: Final = 128


@dataclass(frozen=True)
class Units:
    """The cards, and what the checks say of their pictures.

    ``alike`` is how pictures of this rule correlate with those of random weights, and ``place``
    the first sentence on where the units look; None and empty where it was not checked.
    ``switched`` is the experiment's row of each action unit.
    """

    findings: Findings
    alike: float | None
    place: str
    switched: Mapping[str, Tuned]


def build_units(page: Page) -> Units | Missing:
    """Gather the cards."""
    findings = page.of(build_findings)
    if isinstance(findings, Missing):
        return findings
    sanity, place = page.of(build_sanity), page.of(build_place)
    curves = () if isinstance(sanity, Missing) else sanity.curves
    words = () if isinstance(place, Missing) else place.words
    alike = next((curve.rank[-1] for curve in curves if curve.rule == findings.rule), None)
    experiment = page.of(build_experiment)
    rows = () if isinstance(experiment, Missing) else experiment.rows
    return Units(findings, alike, words[0] if words else "", {row.au: row for row in rows})


def copy_pictures(page: Page) -> dict[str, bytes]:
    """Give the pictures that the cards show."""
    findings = page.of(build_findings)
    if isinstance(findings, Missing):
        return {}
    exemplars = [e for card in findings.cards for e in card.exemplars]
    names = {name for e in exemplars for name in (e.whole, e.face, e.projection)} - {""}
    return {f"pictures/{name}": _small(page.tables.picture(name)) for name in sorted(names)}


def _small(content: bytes) -> bytes:
    with Image.open(io.BytesIO(content)) as picture:
        if max(picture.size) <= PICTURE:
            return content
        kind = picture.format
        picture.thumbnail((PICTURE, PICTURE), Image.Resampling.LANCZOS)
        stream = io.BytesIO()
        picture.save(stream, kind)
    return stream.getvalue()


def draw(page: Page) -> Drawn:
    """Draw the responses of every card’s unit."""
    found = page.of(build_findings)
    cards = found.cards if isinstance(found, Findings) else ()
    return {f"responses-{c.au}": partial(_responses, c) for c in cards if c.histogram}


def _responses(card: Finding) -> Drawing:
    h = card.histogram
    assert h is not None  # only such cards are drawn
    return histogram(
        (h.present, h.present_test),
        (h.absent, h.absent_test),
        h.low,
        h.high,
        title=f"{card.au} {card.name}: {card.layer} unit {card.unit}",
    )


SECTION: Final = Section(
    order=30,
    anchor="units",
    heading="Action units, one by one",
    title="Action units",
    template="units.html",
    build=build_units,
    figures=draw,
    downloads={
        "mapping.csv": "unit to AU, AU to unit, one to one, with every number of the cards",
        "verdicts.csv": "a sentence for each action unit and layer",
    },
    files=copy_pictures,
)
