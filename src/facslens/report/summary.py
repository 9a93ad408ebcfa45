"""The run in ten plain lines, each of one sentence or two, from what the sections show.

Nothing is computed here: a line says what a section of the page shows, and is left out where the
stage that it needs has not run.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from facslens.names import listed
from facslens.report.about import build_about
from facslens.report.coded import SOME, build_coded
from facslens.report.findings import Findings, build_findings
from facslens.report.formats import decimal, percent, thousands
from facslens.report.missing import Missing
from facslens.report.section import Page
from facslens.report.sections.controls import Controls, build_controls
from facslens.report.sections.experiment import Experiment, build_experiment
from facslens.report.sections.faces import Data, build_data
from facslens.report.sections.methods import Methods, build_methods
from facslens.report.sections.network import Confusion, build_confusion
from facslens.report.sections.units import Units, build_units

#: What a network does with expressions, or was brought to do.
_AUDITED: Final = "reads"
_TRAINED: Final = "was only taught to read"
#: What the networks that facslens trains are called in a sentence.
_NETWORKS: Final = {"paper": "The network of the paper", "compact": "The compact network"}


@dataclass(frozen=True)
class Line:
    """One line of the summary: what it is about, in a word, and the sentence."""

    about: str
    sentence: str


def build_summary(page: Page) -> tuple[Line, ...]:
    """Put the run into at most ten lines, fewer where stages have not run."""
    said = ((about, say(page)) for about, say in _LINES)
    return tuple(Line(about, sentence) for about, sentence in said if sentence)


def question(page: Page) -> str:
    """Ask what the page answers."""
    return (
        f"Which feature maps of a network that {_AUDITED if page.tables.is_audit else _TRAINED} "
        f"facial expressions have become detectors of facial action units?"
    )


def _faces(page: Page) -> str:
    data, about, audit = page.of(build_data), page.of(build_about), page.tables.is_audit
    if not isinstance(data, Data):
        return ""
    total = data.total
    roles = _CHOSEN if audit else _ROLES
    parts = [f"{thousands(s.subjects)} {roles.get(s.split, s.split)}" for s in data.splits]
    drawn = ", drawn by a program" if about.synthetic else ""
    faces = page.tables.faces
    programs = page.of(build_coded).programs(faces.aus if faces is not None else ())
    some, who = ("some of ", programs[len(SOME) :]) if programs.startswith(SOME) else ("", programs)
    coded = f"; {some}the action units are {who}" if programs else ""
    return (
        f"{thousands(total.images)} faces of {thousands(total.subjects)} people "
        f"({about.dataset}{drawn}){': ' + listed(parts) if parts else ''}{coded}. Nobody is in two "
        f"parts."
    )


#: What the people of a part of the faces are there for, in a run and in an audit.
_ROLES: Final = {
    "train": "to train on",
    "validation": "to choose the epoch on",
    "test": "unseen, to confirm on",
}
_CHOSEN: Final = {
    "train": "to choose units on",
    "validation": "to choose units on",
    "test": "others, to confirm on",
}


def _network(page: Page) -> str:
    methods: Methods = page.of(build_methods)
    if not methods.parameters:
        return ""
    opened = page.tables.opened
    size = f"{thousands(methods.parameters)} parameters"
    if opened:
        return (
            f"{opened['network']} ({size}) was trained elsewhere and opened as it is; it tells "
            f"{methods.classes} expressions apart."
        )
    name = _NETWORKS.get(methods.architecture, f"A network ({methods.architecture})")
    trained = ""
    if methods.epochs is not None:
        begun = f", begun from {methods.began}" if methods.began else ""
        trained = f" in {methods.epochs} epochs{begun}"
    kept = f"; epoch {methods.best_epoch} was kept" if methods.best_epoch is not None else ""
    return f"{name}, of {size}, learned {methods.classes} expressions{trained}{kept}."


def _accuracy(page: Page) -> str:
    read = page.of(build_confusion)
    if not isinstance(read, Confusion):
        return ""
    unseen = "" if page.tables.is_audit else " unseen"
    return (
        f"It names the expression correctly for {percent(read.accuracy)} of {thousands(read.n)} "
        f"faces of {thousands(read.subjects)}{unseen} people; always naming the commonest gives "
        f"{percent(read.baseline)}."
    )


def _detected(page: Page) -> str:
    found = page.of(build_findings)
    if not isinstance(found, Findings):
        return ""
    named = [card.au for card in found.cards if card.status == "confirmed"]
    said = observed(found, page.tables.is_audit)
    if named:
        said = f"{said[:-1]}: {listed(sorted(named))}."
    if found.mean_test_aus:
        many = found.mean_test_aus
        said += (
            f" The mean AUROC of {f'all {many} units' if many > 1 else 'the one unit'} chosen is "
            f"{decimal(found.mean_test)}; ½ is chance."
        )
    return said


def observed(found: Findings, audit: bool) -> str:
    """Say how many action units have a unit that is confirmed on other people."""
    units = next((c.units for c in found.layers if c.layer == found.layer), 0)
    n = found.confirmed
    coded = f", {found.coded}," if found.coded else ""
    others = "other subjects" if audit else "subjects the network never saw"
    return (
        f"{n or 'None'} of {found.tested_aus} action units{coded} {'has' if n < 2 else 'have'} a "
        f"detector among the {thousands(units)} units of {found.layer} that holds on "
        f"{found.test_subjects} {others}."
    )


def _within(page: Page) -> str:
    """Say how many units stand behind the count, and what is left within expression."""
    found = page.of(build_findings)
    if not isinstance(found, Findings) or not found.confirmed:
        return ""
    n, units, beyond = found.confirmed, found.confirmed_units, found.beyond_expression
    parts = [f"The {n} share {units} unit{'s' if units > 1 else ''}."] if n > units else []
    if beyond is not None and beyond < n:
        parts.append(
            f"With labels permuted only among faces of one expression, {beyond or 'none'} of the "
            f"{n} still {'passes' if beyond < 2 else 'pass'} the test; "
            f"{_others(n - beyond, beyond)} may only follow the expression."
        )
    elif beyond is not None:
        parts.append(
            "All of them also pass the test with labels permuted only among faces of one "
            "expression."
        )
    return " ".join(parts)


def _others(n: int, beyond: int) -> str:
    if not beyond:
        return "they" if n > 1 else "it"
    return "the others" if n > 1 else "the other"


def _caused(page: Page) -> str:
    experiment = page.of(build_experiment)
    return " ".join(switched(experiment)) if isinstance(experiment, Experiment) else ""


def switched(experiment: Experiment) -> tuple[str, str]:
    """Put the experiment into a sentence, and how it was made into another."""
    n, of = len(experiment.caused), len(experiment.rows)
    are, themselves = ("is", "itself") if n < 2 else ("are", "themselves")
    headline = (
        f"On drawn faces, {n or 'none'} of {of} action units {are} shown to move a unit of "
        f"{experiment.layer} by {themselves}."
    )
    caused = experiment.caused
    if not n and experiment.uncompared:
        caused = experiment.uncompared
        n = len(caused)
        headline = (
            f"On drawn faces, {n} of {of} action units {'moves' if n == 1 else 'move'} a unit of "
            f"{experiment.layer} in every test but one: there is no untrained network to compare "
            f"with."
        )
    named = f"{'It is' if n == 1 else 'They are'} {listed(caused)}. " if n else ""
    how = (
        f"{named}Each was switched on alone, with nothing else changed, on {experiment.people} "
        f"people who had no part in the choice of the units."
    )
    return headline, how


def _controls(page: Page) -> str:
    """Say what the controls say, on coded faces and in the experiment."""
    parts = []
    beside = page.of(build_controls)
    if isinstance(beside, Controls) and beside.asked:
        n = len(beside.learned)
        parts.append(
            f"On the same unseen people, the network detects {n or 'none'} of {beside.asked} "
            f"action units better than untrained networks do"
            f"{': ' + listed(beside.learned) if n else ''}."
        )
    experiment = page.of(build_experiment)
    if isinstance(experiment, Experiment):
        rows = experiment.layers[0].candidates
        ahead = [(c.name, c.ahead) for c in rows if c.ahead is not None]
        if ahead:
            (name, first), *others = ahead
            of = [f"{name} in {first} of {len(experiment.rows)} action units"]
            of += [f"of {name} in {n}" for name, n in others]
            parts.append(f"On drawn faces, the best unit is ahead of {listed(of)}.")
    return " ".join(parts)


def _pictures(page: Page) -> str:
    """Say what pictures and drawn faces cannot prove."""
    parts = []
    units = page.of(build_units)
    if isinstance(units, Units) and any(card.exemplars for card in units.findings.cards):
        alike = (
            ""
            if units.alike is None
            else f"; in this run they correlate by {decimal(units.alike)} with pictures made with "
            f"random weights"
        )
        parts.append(
            f"That a projection looks like a mouth: such pictures recover the edges of the image "
            f"whatever the weights are{alike}."
        )
    if isinstance(page.of(build_experiment), Experiment):
        parts.append("That photographs behave as drawn faces do.")
    parts.append("What anybody feels: an expression label is an appearance.")
    return " ".join(parts)


def _missing(page: Page) -> str:
    """Say how much of the page waits for which command."""
    waiting = Counter(_waiting(page))
    if not waiting:
        return "Nothing: every part of this page is there."
    parts = [
        f"{n} part{'s' if n > 1 else ''} of this page {'wait' if n > 1 else 'waits'} for "
        f"facslens {command}"
        for command, n in waiting.items()
    ]
    return f"{listed(parts)}. Each says so in its place."


def _waiting(page: Page) -> Iterator[str]:
    """Name the command that each section waits for, in the order of the page."""
    for section in page.sections:
        if section.anchor != "answer":  # this very summary
            view = page.of(section.build)
            if isinstance(view, Missing) and view.command:
                yield view.command.split()[1]


#: The lines in their order: what each is about, and what says it.
_LINES: Final[tuple[tuple[str, Callable[[Page], str]], ...]] = (
    ("Asked", question),
    ("Faces", _faces),
    ("Network", _network),
    ("Accuracy", _accuracy),
    ("Detected", _detected),
    ("Or the expression?", _within),
    ("Caused", _caused),
    ("Controls", _controls),
    ("Not proved", _pictures),
    ("Missing", _missing),
)
