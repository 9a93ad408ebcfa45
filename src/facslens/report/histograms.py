"""Responses of a unit with an action unit present and absent, binned for a picture."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from facslens.association.distances.bins import BINS
from facslens.association.sample import make_sample
from facslens.report.tables import RunTables
from facslens.runs.parts import confirmation, discovery


@dataclass(frozen=True)
class Histogram:
    """Responses of one unit with an action unit present and absent.

    Heights are the fraction of a group's sequences in each bin, so that groups of unequal
    size compare; ``*_test`` are the subjects that neither network nor choice has seen.
    """

    low: float
    high: float
    present: tuple[float, ...]
    absent: tuple[float, ...]
    present_test: tuple[float, ...]
    absent_test: tuple[float, ...]
    n_present: int
    n_absent: int
    n_present_test: int
    n_absent_test: int

    @property
    def top(self) -> float:
        """The tallest bin of all groups."""
        groups = (self.present, self.absent, self.present_test, self.absent_test)
        return max((max(g) for g in groups if g), default=0.0)


def histogram_of(tables: RunTables, layer: str, unit: int, au: str) -> Histogram | None:
    """Bin a unit's responses, one value a sequence, on shared bins over discovery's range.

    Values of unseen subjects outside of that range go to the end bins. None where there
    are no responses or no labels.
    """
    faces, responses = tables.faces, tables.responses
    if faces is None or responses is None or au not in faces.aus or layer not in responses.layers:
        return None
    neutral = bool(tables.setting("associate", "neutral"))
    parts = {}
    for name, part in (
        ("discovery", discovery(faces, neutral)),
        ("unseen", confirmation(faces, neutral)),
    ):
        if part.rows.any():
            sample = make_sample(
                responses.response(layer)[part.rows, unit, None],
                part.faces.presence([au]),
                sequence=part.faces.table["sequence"],
            )
            values, label = sample.responses[:, 0], sample.labels[:, 0]
            parts[name] = values[label == 1], values[label == 0]
    nothing = np.empty(0), np.empty(0)
    present, absent = parts.get("discovery", nothing)
    present_test, absent_test = parts.get("unseen", nothing)
    seen = np.concatenate([present, absent])
    if len(seen) == 0:
        return None
    low, high = float(seen.min()), float(seen.max())
    return Histogram(
        low=low,
        high=high,
        present=_fractions(present, low, high),
        absent=_fractions(absent, low, high),
        present_test=_fractions(present_test, low, high),
        absent_test=_fractions(absent_test, low, high),
        n_present=len(present),
        n_absent=len(absent),
        n_present_test=len(present_test),
        n_absent_test=len(absent_test),
    )


def _fractions(
    values: Float[np.ndarray, " sequence"], low: float, high: float
) -> tuple[float, ...]:
    if len(values) == 0 or high <= low:
        return ()
    counts, _ = np.histogram(np.clip(values, low, high), np.linspace(low, high, BINS + 1))
    return tuple(float(c) for c in counts / len(values))
