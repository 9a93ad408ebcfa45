"""Which action units move the expression within sequences of real faces, from neutral to peak."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Int

from facslens.association.coverage import MIN_SUBJECTS
from facslens.errors import CallError
from facslens.experiments.absolute import resampled
from facslens.experiments.effects import centred
from facslens.experiments.trials import FULL
from facslens.statistics import percentiles

#: Columns of `sequences`.
SEQUENCES: Final = (
    "au", "expression", "n_subjects", "n_present", "n_absent", "change", "change_low",
    "change_high", "partial", "partial_low", "partial_high", "ridge", "n_undefined", "drawn",
    "drawn_low", "drawn_high", "same",
)  # fmt: skip
#: The penalty on every coefficient where the action units' codes determine one another.
RIDGE: Final = 1.0

#: A resample whose normal equations are worse conditioned tells nothing.
_WORST: Final = 1e10


def sequences(
    faces: pd.DataFrame,
    probability: Float[np.ndarray, "image expression"],
    neutral: Bool[np.ndarray, " image"],
    expressions: Sequence[str],
    aus: Sequence[str],
    effects: pd.DataFrame,
    seed: int = 0,
) -> pd.DataFrame:
    """Measure how the expression changes from neutral to peak with each action unit of the peak.

    Parameters
    ----------
    faces
        ``sequence``, ``subject`` and the presence of each action unit, 1, 0 or NaN, of every
        image; of people whom the network has not seen.
    probability
        What the network says to them. Its logarithm, centred over expressions, is the centred
        logit; a probability of 0 stands for the smallest number that its type can hold.
    neutral
        Which of the images are neutral.
    expressions
        The names of the columns of `probability`.
    aus
        The action units to look at.
    effects
        As `facslens.experiments.effects.effects` gives them, on drawn faces.
    seed
        Of the resamples.

    Returns
    -------
    pandas.DataFrame
        One row an action unit and expression, in logits. ``change``: the mean change, from the
        sequence's neutral images to its others, of sequences with the action unit minus that of
        sequences without; ``partial``: the same with the other action units held, by least
        squares on the presence of all; each with a 95 % interval over resampled subjects.
        ``n_undefined`` counts resamples in which the codes determine one another, which have no
        say. ``ridge`` is the penalty, `RIDGE` where that is so of all sequences, else 0.
        ``drawn``: the change on drawn faces, at the highest grade. ``same``: whether it has the
        sign of ``partial``; missing where one of both intervals holds 0. An action unit takes
        part if five subjects or more show it and five do not; there are no rows without
        sequences that have both neutral and other images.

    Notes
    -----
    People move action units in company, and the partial change parts them only as far as the
    codes vary: action units that always come together share one change in a way that the data
    do not decide. Presence counts, whatever the intensity.

    References
    ----------
    [hoerl1970]_, [efron1993]_
    """
    if probability.shape != (len(faces), len(expressions)) or not np.isfinite(probability).all():
        raise CallError(
            f"probability is of shape {probability.shape}: expected a number for each of "
            f"{len(faces)} images and {len(expressions)} expressions"
        )
    smallest = np.finfo(probability.dtype).tiny
    logits = centred(np.log(np.maximum(probability, smallest).astype(np.float64)))
    data = _changes(faces, logits, neutral, aus)
    if data is None:
        return _typed([])
    enough = [a for a in range(len(aus)) if _enough(data.present[:, a], data.subject)]
    if not enough:
        return _typed([])
    partial = _partial(data.only(enough), seed)
    full = effects[effects["grade"] == FULL]
    sizes = full[["logit", "logit_low", "logit_high"]].to_numpy(dtype=np.float64)
    on_drawn = dict(zip(zip(full["au"], full["expression"], strict=True), sizes, strict=True))
    rows = []
    for place, a in enumerate(enough):
        shown = data.present[:, a]
        counts = {
            "n_subjects": len(np.unique(data.subject[~np.isnan(shown)])),
            "n_present": int((shown == 1).sum()),
            "n_absent": int((shown == 0).sum()),
        }
        raw = _difference(data.change, shown, data.subject, seed)
        for e, expression in enumerate(expressions):
            row: dict[str, object] = {"au": aus[a], "expression": expression, **counts}
            row |= _named("change", *(part[e] for part in raw))
            row |= _named("partial", *(part[place, e] for part in partial.estimate))
            row |= {"ridge": partial.ridge, "n_undefined": partial.undefined}
            ends = on_drawn.get((aus[a], expression), np.full(3, np.nan))
            row |= _named("drawn", *ends)
            real = [part[place, e] for part in partial.estimate]
            signs = _sign(*real), _sign(*ends)
            rows.append(row | {"same": signs[0] == signs[1] if all(signs) else None})
    return _typed(rows)


@dataclass(frozen=True)
class _Data:
    """Of every sequence: the change of each expression, action units at the peak, the subject."""

    change: Float[np.ndarray, "sequence expression"]
    present: Float[np.ndarray, "sequence au"]
    subject: Int[np.ndarray, " sequence"]

    def only(self, aus: Sequence[int]) -> "_Data":
        """Choose action units, and the sequences in which all of them are known."""
        present = self.present[:, list(aus)]
        known = ~np.isnan(present).any(axis=1)
        _, subject = np.unique(self.subject[known], return_inverse=True)
        return _Data(self.change[known], present[known], subject)


@dataclass(frozen=True)
class _Partial:
    estimate: tuple[Float[np.ndarray, "au expression"], ...]
    ridge: float
    undefined: int


def _changes(
    faces: pd.DataFrame,
    logits: Float[np.ndarray, "image expression"],
    neutral: Bool[np.ndarray, " image"],
    aus: Sequence[str],
) -> _Data | None:
    known = (faces["sequence"].notna() & faces["subject"].notna()).to_numpy(dtype=bool)
    names = faces["sequence"].to_numpy()
    wide = pd.DataFrame(logits)
    rest = wide[known & neutral].groupby(names[known & neutral]).mean()
    peak = wide[known & ~neutral].groupby(names[known & ~neutral]).mean()
    both = rest.index.intersection(peak.index)
    if not len(both):
        return None
    first = faces[known & ~neutral].drop_duplicates("sequence").set_index("sequence").loc[both]
    _, subject = np.unique(first["subject"].astype(str), return_inverse=True)
    change = peak.loc[both].to_numpy() - rest.loc[both].to_numpy()
    return _Data(change, first[list(aus)].to_numpy(dtype=np.float64), subject)


def _enough(present: Float[np.ndarray, " sequence"], subject: Int[np.ndarray, " sequence"]) -> bool:
    sides = (subject[present == value] for value in (0, 1))
    return all(len(np.unique(side)) >= MIN_SUBJECTS for side in sides)


def _difference(
    change: Float[np.ndarray, "sequence expression"],
    present: Float[np.ndarray, " sequence"],
    subject: Int[np.ndarray, " sequence"],
    seed: int,
) -> tuple[Float[np.ndarray, " expression"], ...]:
    """Compare sequences with and without an action unit, with an interval over subjects."""
    weights = np.vstack([np.ones((1, subject.max() + 1)), resampled(int(subject.max()) + 1, seed)])
    weights = weights[:, subject]
    with np.errstate(invalid="ignore", divide="ignore"):
        shown, absent = (
            (weights * (present == value)) @ change
            / (weights * (present == value)).sum(axis=1, keepdims=True)
            for value in (1, 0)
        )  # fmt: skip
    low, high = percentiles((shown - absent)[1:].T)
    return (shown - absent)[0], low, high


def _partial(data: _Data, seed: int) -> _Partial:
    """Fit the changes to the presence of all action units, weighted by resampled subjects."""
    if len(data.change) < 2:
        nothing = np.full((data.present.shape[1], data.change.shape[1]), np.nan)
        return _Partial((nothing,) * 3, 0.0, 0)
    design = np.column_stack([np.ones(len(data.present)), data.present])
    columns = design.shape[1]
    ridge = 0.0 if np.linalg.matrix_rank(design) == columns else RIDGE
    penalty = ridge * np.diag([0.0, *np.ones(columns - 1)])
    subjects = int(data.subject.max()) + 1
    weights = np.vstack([np.ones((1, subjects)), resampled(subjects, seed)])[:, data.subject]
    left = np.einsum("rs,sa,sb->rab", weights, design, design, optimize=True) + penalty
    right = np.einsum("rs,sa,se->rae", weights, design, data.change, optimize=True)
    told = np.linalg.cond(left) < _WORST
    found = np.full(right.shape, np.nan)
    found[told] = np.linalg.solve(left[told], right[told])
    low, high = percentiles(np.moveaxis(found[1:, 1:], 0, -1))
    return _Partial((found[0, 1:], low, high), ridge, int((~told[1:]).sum()))


def _sign(_value: float, low: float, high: float) -> int:
    """Give 1 or −1 where the interval lies on one side of 0, else 0."""
    return int(low > 0) - int(high < 0)


def _named(name: str, *ends: float) -> dict[str, float]:
    return dict(zip((name, f"{name}_low", f"{name}_high"), map(float, ends), strict=True))


def _typed(rows: list[dict[str, object]]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=list(SEQUENCES)).astype({"same": "boolean"})
