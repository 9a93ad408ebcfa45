"""What was observed on coded faces beside what the experiment caused."""

from dataclasses import dataclass
from typing import Final

from facslens.report.section import Page, Section
from facslens.report.tables import records, text


@dataclass(frozen=True)
class Group:
    """The action units of one verdict."""

    verdict: str
    aus: tuple[str, ...]


@dataclass(frozen=True)
class Converged:
    """The verdicts of the last layer, and the experiment beside the largest distance.

    ``named`` are the action units for which the largest distance names a unit that the experiment
    tells something of, and ``contradicted`` those whose unit another action unit moves more.
    """

    layer: str
    groups: tuple[Group, ...]
    named: int
    contradicted: tuple[str, ...]
    sentences: tuple[str, ...]


def build_converged(page: Page) -> Converged | None:
    """Group the action units by their verdict; None where nothing was compared."""
    table = page.tables.experiment("convergence.csv")
    if table is None or table.empty:
        return None
    layer = str(table["layer"].iloc[-1])
    rows = records(table[table["layer"] == layer])
    verdicts = dict.fromkeys(text(row, "verdict") for row in rows)
    ordered = [v for v in _ORDER if v in verdicts] + [v for v in verdicts if v not in _ORDER]
    return Converged(
        layer=layer,
        groups=tuple(
            Group(
                _NAMES.get(v, v),
                tuple(text(row, "au") for row in rows if text(row, "verdict") == v),
            )
            for v in ordered
        ),
        named=sum(row["contradicted"] in (True, False) for row in rows),
        contradicted=tuple(text(row, "au") for row in rows if row["contradicted"] is True),
        sentences=tuple(
            text(row, "sentence") for v in ordered for row in rows if text(row, "verdict") == v
        ),
    )


#: The verdicts of `facslens.experiments.convergence`, the best known first.
_ORDER: Final = (
    "both by one unit",
    "observed and caused, by different units",
    "caused",
    "observed",
    "neither",
)
#: What the page calls a verdict.
_NAMES: Final = {
    "unknown on real faces": "too few coded faces show it",
    "unknown on drawn faces": "not switched",
}

SECTION: Final = Section(
    order=17,
    anchor="converged",
    heading="",
    part_of="experiment",
    template="converged.html",
    build=build_converged,
    downloads={"experiment/convergence.csv": "the experiment beside the coded faces"},
)
