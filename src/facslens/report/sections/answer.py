"""The top of the page: the finding in plain words, and the numbers behind it."""

from dataclasses import dataclass
from typing import Final

from facslens.report.coded import build_coded
from facslens.report.findings import Findings, build_findings
from facslens.report.formats import decimal, percent, thousands
from facslens.report.missing import Missing
from facslens.report.section import Page, Section
from facslens.report.sections.experiment import Experiment, build_experiment
from facslens.report.sections.faces import Data, build_data
from facslens.report.sections.network import Confusion, build_confusion
from facslens.report.summary import Line, build_summary, observed, switched
from facslens.runs.doubts import doubts

#: The headline before the association.
_NOT_COMPARED: Final = "The units have not been compared with the action units yet."


@dataclass(frozen=True)
class KeyNumber:
    """One large number of the head, with what it counts and a note."""

    value: str
    of: str
    label: str
    note: str


@dataclass(frozen=True)
class Head:
    """The top of the page: what was asked, the answer, and the run in at most ten lines."""

    stale: tuple[str, ...]
    accepted: tuple[str, ...]
    doubts: tuple[str, ...]
    by_program: str
    headline: str
    summary: tuple[Line, ...]
    numbers: tuple[KeyNumber, ...]


def build_head(page: Page) -> Head:
    """Put the answer into a sentence or two, and its numbers beside it."""
    findings, data, confusion = (
        page.of(build_findings),
        page.of(build_data),
        page.of(build_confusion),
    )
    audit = page.tables.is_audit
    found = findings if isinstance(findings, Findings) else None
    answer = observed(found, audit) if found else _NOT_COMPARED
    experiment = page.of(build_experiment)
    return Head(
        doubts=doubts(page.tables.record),
        by_program=page.of(build_coded).warning,
        stale=page.tables.stale,
        accepted=page.tables.accepted,
        headline=switched(experiment)[0] if isinstance(experiment, Experiment) else answer,
        summary=page.of(build_summary),
        numbers=(
            *_caused(experiment),
            *_key_numbers(
                found,
                data if isinstance(data, Data) else None,
                confusion if isinstance(confusion, Confusion) else None,
                audit,
            ),
        ),
    )


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
