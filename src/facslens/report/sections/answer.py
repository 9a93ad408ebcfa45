"""The top of the page: the finding in plain words, and the numbers behind it."""

from dataclasses import dataclass
from typing import Final

from facslens.report.findings import Findings, build_findings
from facslens.report.formats import decimal, percent, thousands
from facslens.report.missing import Missing
from facslens.report.section import Page, Section
from facslens.report.sections.experiment import Experiment, build_experiment
from facslens.report.sections.faces import Data, build_data
from facslens.report.sections.network import Confusion, build_confusion
from facslens.runs.doubts import doubts

#: What a network does with expressions, or was brought to do.
_AUDITED: Final = "reads"
_TRAINED: Final = "was only taught to read"


@dataclass(frozen=True)
class KeyNumber:
    """One large number of the head, with what it counts and a note."""

    value: str
    of: str
    label: str
    note: str


@dataclass(frozen=True)
class Head:
    """The top of the page: what was asked, of which faces, and the answer.

    ``observed`` is the answer on the coded faces alone, which the slide shows.
    """

    stale: tuple[str, ...]
    accepted: tuple[str, ...]
    doubts: tuple[str, ...]
    question: str
    headline: str
    observed: str
    detail: str
    numbers: tuple[KeyNumber, ...]


def build_head(page: Page) -> Head:
    """Put the answer into a sentence or two, and its numbers beside it."""
    findings, data, confusion = (
        page.of(build_findings),
        page.of(build_data),
        page.of(build_confusion),
    )
    read = confusion if isinstance(confusion, Confusion) else None
    found = findings if isinstance(findings, Findings) else None
    audit = page.tables.is_audit
    headline, detail = _answer(found, read, audit)
    observed = headline
    experiment = page.of(build_experiment)
    if isinstance(experiment, Experiment):
        caused, how = _switched(experiment)
        if found is not None:
            headline = f"On coded faces, {headline[0].lower()}{headline[1:]}"
        elif audit:  # nothing compares them where there are no coded faces
            headline = ""
        headline, detail = caused, " ".join(filter(None, (how, headline, detail)))
    return Head(
        question=(
            f"Which feature maps of a network that {_AUDITED if audit else _TRAINED} facial "
            f"expressions have become detectors of facial action units?"
        ),
        doubts=doubts(page.tables.record),
        stale=page.tables.stale,
        accepted=page.tables.accepted,
        headline=headline,
        observed=observed,
        detail=detail,
        numbers=(
            *_caused(experiment),
            *_key_numbers(found, data if isinstance(data, Data) else None, read, audit),
        ),
    )


def _switched(experiment: Experiment) -> tuple[str, str]:
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
    named = f"{'It is' if n == 1 else 'They are'} {', '.join(caused)}. " if n else ""
    how = (
        f"{named}Each was switched on alone, with nothing else changed, on {experiment.people} "
        f"people who had no part in the choice of the units."
    )
    return headline, how


def _answer(findings: Findings | None, read: Confusion | None, audit: bool) -> tuple[str, str]:
    reading = (
        ""
        if read is None
        else f"The network names the expression correctly for {percent(read.accuracy)} of "
        f"{thousands(read.n)} faces{'' if audit else ' of unseen subjects'}."
    )
    if findings is None:
        return "The units have not been compared with the action units yet.", reading
    units = next((c.units for c in findings.layers if c.layer == findings.layer), 0)
    n, tested = findings.confirmed, findings.tested_aus
    others = "other subjects" if audit else "subjects the network never saw"
    headline = (
        f"{n if n else 'None'} of {tested} action units {'has' if n in (0, 1) else 'have'} a "
        f"detector among the {thousands(units)} units of {findings.layer} that holds on "
        f"{findings.test_subjects} {others}."
    )
    return headline, " ".join([*_qualified(findings), reading]).strip()


def _qualified(findings: Findings) -> list[str]:
    """Say how many units stand behind the count, and what is left within expression."""
    n, units, beyond = findings.confirmed, findings.confirmed_units, findings.beyond_expression
    parts = []
    if n > units:
        parts.append(f"The {n} share {units} unit{'s' if units > 1 else ''}.")
    if n and beyond is not None and beyond < n:
        parts.append(
            f"With labels permuted only among faces of one expression, {beyond or 'none'} of the "
            f"{n} still {'passes' if beyond < 2 else 'pass'} the test; "
            f"the other{'s' if n - beyond > 1 else ''} may only follow the expression."
        )
    elif n and beyond is not None:
        parts.append(
            "All of them also pass the test with labels permuted only among faces of one "
            "expression."
        )
    return parts


def _caused(experiment: Experiment | Missing) -> tuple[KeyNumber, ...]:
    if isinstance(experiment, Missing):
        return ()
    more = len(experiment.uncompared)
    beside = f"; {more} more pass all but the comparison with untrained networks" if more else ""
    return (
        KeyNumber(
            str(len(experiment.caused)),
            f"of {len(experiment.rows)}",
            "action units that themselves move a unit",
            f"of {experiment.layer}, on drawn faces of {experiment.people} people{beside}",
        ),
    )


def _key_numbers(
    findings: Findings | None, data: Data | None, read: Confusion | None, audit: bool
) -> tuple[KeyNumber, ...]:
    numbers = []
    if findings is not None:
        numbers.append(
            KeyNumber(
                str(findings.confirmed),
                f"of {findings.tested_aus}",
                "action units with a confirmed detector",
                _found(findings),
            )
        )
        numbers.append(
            KeyNumber(
                decimal(findings.mean_test),
                "",
                "mean AUROC on unseen subjects",
                f"over the best units of {findings.mean_test_aus} action units; ½ is chance",
            )
        )
    if read is not None:
        numbers.append(
            KeyNumber(
                percent(read.accuracy),
                "",
                "of expressions named correctly",
                f"{thousands(read.n)} faces{'' if audit else ' of unseen subjects'}; always naming "
                f"the commonest "
                f"expression gives {percent(read.baseline)}",
            )
        )
    if data is not None:
        numbers.append(
            KeyNumber(
                thousands(data.total.subjects),
                "",
                "subjects",
                f"{thousands(data.total.images)} faces, "
                f"{thousands(data.total.sequences)} sequences",
            )
        )
    return tuple(numbers)


def _found(findings: Findings) -> str:
    rare = len(findings.cards) - findings.tested_aus
    note = f"{findings.accepted} found in discovery, in {findings.layer}"
    return f"{note}; {rare} more too rare to test" if rare else note


SECTION: Final = Section(
    order=10,
    anchor="answer",
    heading="",
    title="Answer",
    template="answer.html",
    build=build_head,
)
