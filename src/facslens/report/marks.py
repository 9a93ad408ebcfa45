"""The best units of a run as rows of a forest; the page and the slide draw the same ones."""

from facslens.plot.estimates import Mark
from facslens.report.findings import Findings


def marks(findings: Findings, name: str) -> list[Mark]:
    """Give a row for each action unit that has a unit.

    Parameters
    ----------
    findings
        Of the layer in focus.
    name
        What a row is called, with ``{au}``, ``{name}`` and ``{unit}`` for those of its card.
    """
    return [
        Mark(
            name.format(au=card.au, name=card.name, unit=card.unit),
            (card.test.value, card.test.low, card.test.high),
            card.auroc,
            card.status == "confirmed",
        )
        for card in findings.cards
        if card.unit is not None
    ]
