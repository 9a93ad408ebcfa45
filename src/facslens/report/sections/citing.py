"""BibTeX of all that this run used, ready to paste."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from facslens.datasets.programs import PROGRAMS
from facslens.projection.rules import RULES
from facslens.report.about import build_about
from facslens.report.citations import bibtex, sources
from facslens.report.missing import Missing
from facslens.report.section import Page, Section
from facslens.report.sections.cause import Causes, build_causes
from facslens.report.sections.chain import Chains, build_chains
from facslens.report.sections.controls import Controls, build_controls
from facslens.report.sections.effects import Effects, build_effects
from facslens.report.sections.groups import Groups, build_groups
from facslens.report.sections.methods import Methods, build_methods
from facslens.report.sections.readable import build_readable
from facslens.report.sections.sanity import build_sanity
from facslens.report.sections.stability import build_stability

#: What faces of a layout are cited by.
FACES: Final = {
    "ck48": ("lucey2010",),
    "ckplus": ("lucey2010",),
    "fer2013": ("goodfellow2013",),
    "ferplus": ("barsoum2016", "goodfellow2013"),
}


@dataclass(frozen=True)
class Citing:
    """The entries as text, and how many they are."""

    bibtex: str
    entries: int


def build_citing(page: Page) -> Citing:
    """Gather the entries of what the run's stages used."""
    keys = tuple(dict.fromkeys(_keys(page)))
    return Citing(bibtex(keys, page.of(build_about).version), len(keys) + 1)


def _keys(page: Page) -> Iterator[str]:
    """Name the sources, those of the question first, then in the order of the stages."""
    methods: Methods = page.of(build_methods)
    yield from ("zhu2019", "khorrami2015", "ekman2002facs")
    layout = str(page.tables.info.get("data") or "").partition(":")[0]
    yield from FACES.get(layout, ())
    yield from _of_coders(page)
    if page.of(build_about).synthetic or methods.experiment:
        yield "bregier2025anny"
    yield from _of_network(methods)
    if methods.findings:
        yield from ("hanley1982", "westfall1993", "phipson2010", "benjamini1995", "efron1993")
        if methods.findings.distance == "js":
            yield "lin1991"
        yield from ("robinson1988", "hoerl1970")  # the partial effect
    if methods.experiment:
        yield from ("hanley1982", "holm1979", "westfall1993", "efron1993")
    yield from _of_mechanism(page)
    yield from _of_checks(page)
    if methods.rule:
        yield "zeiler2014"
        if methods.rule == RULES["guided"].label:
            yield "springenberg2015"
        yield from ("nie2018", "adebayo2018")
    yield "barrett2019"


def _of_coders(page: Page) -> Iterator[str]:
    """Name the sources of the programs that coded."""
    faces = page.tables.faces
    by = {coding.by for coding in faces.codings.values()} if faces is not None else set()
    for program in PROGRAMS:
        if program.name in by and program.source in sources():
            yield program.source


def _of_network(methods: Methods) -> Iterator[str]:
    if methods.architecture == "compact":
        yield "he2016"
    if methods.recipe:
        yield from ("jarrett2009", "loshchilov2019", "szegedy2016")


def _of_mechanism(page: Page) -> Iterator[str]:
    if isinstance(page.of(build_effects), Effects):
        yield "barrett2019"
    if isinstance(page.of(build_chains), Chains):
        yield from ("vig2020", "geiger2021", "syed2024")
    if not isinstance(page.of(build_readable), Missing):
        yield from ("alain2017", "hewitt2019")
    if isinstance(page.of(build_groups), Groups):
        yield from ("fisher1935", "hoeffding1952", "holm1979")


def _of_checks(page: Page) -> Iterator[str]:
    controls = page.of(build_controls)
    if isinstance(controls, Controls):
        yield "adebayo2018"
        yield from (_CONTROLS[c.name] for c in controls.controls if c.name in _CONTROLS)
    if isinstance(page.of(build_causes), Causes):
        yield "morcos2018"
    if not isinstance(page.of(build_sanity), Missing):
        yield from ("adebayo2018", "wang2004")
    if not isinstance(page.of(build_stability), Missing):
        yield from ("li2016", "kuhn1955")


#: What a control is cited by.
_CONTROLS: Final = {"probe": "alain2017", "gradients": "dalal2005", "rotated": "bau2017"}


SECTION: Final = Section(
    order=121,
    anchor="citing",
    heading="BibTeX",
    template="citing.html",
    build=build_citing,
    part_of="methods",
    files=lambda page: {"data/references.bib": page.of(build_citing).bibtex.encode()},
)
