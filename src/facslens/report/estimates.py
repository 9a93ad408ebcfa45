"""A number with its interval, as the tables of a run hold it."""

from dataclasses import dataclass

from facslens.report.tables import Row, number


@dataclass(frozen=True)
class Estimate:
    """A number with its interval; NaN where there is none."""

    value: float
    low: float
    high: float


def estimate_of(row: Row, column: str = "auroc_test") -> Estimate:
    """Read an estimate and its interval, by default the AUROC on unseen subjects.

    Examples
    --------
    >>> estimate_of({"r": 0.5, "r_low": 0.1, "r_high": 0.8}, "r")
    Estimate(value=0.5, low=0.1, high=0.8)
    """
    return Estimate(*(number(row, f"{column}{end}") for end in ("", "_low", "_high")))
