"""Whether action units do more together than the sum of what each does alone."""

from collections.abc import Sequence
from itertools import combinations
from typing import Final

import numpy as np
import pandas as pd
from jaxtyping import Float

from facslens.experiments.combined import Changes, by_person, changes_together, checked, means
from facslens.models.scale import SCALES

#: Columns of `interactions`.
INTERACTIONS: Final = (
    "aus", "expression", "n_people", "together", "together_low", "together_high", "sum_alone",
    "beyond", "beyond_low", "beyond_high", "interaction", "interaction_low", "interaction_high",
    "more",
)  # fmt: skip
#: What the interval of the change beyond the sum says.
MORE: Final = "more than the sum"
LESS: Final = "less than the sum"
UNKNOWN: Final = "no difference shown"

_DRAWN: Final = ("pair", "without", "together")


def interactions(
    table: pd.DataFrame,
    logits: Float[np.ndarray, "image expression"],
    expressions: Sequence[str],
    sets: Sequence[Sequence[str]],
    seed: int = 0,
    scale: str = "softmax",
) -> pd.DataFrame:
    r"""Measure what action units do to every expression together, beside the sum of each alone.

    With :math:`v(T)` the change from rest of an expression's centred logit under the action units
    :math:`T`, the interaction of :math:`S` is its Harsanyi dividend
    :math:`I(S)=\sum_{T\subseteq S}(-1)^{|S|-|T|}v(T)` [harsanyi1963]_: what all of them add
    beyond all smaller sets.

    Parameters
    ----------
    table
        Rows as `facslens.experiments.trials.arrange` takes them.
    logits
        Of every row; any constant over expressions drops out.
    expressions
        Their names.
    sets
        Action units whose subsets of two or more are looked at.
    seed
        Of the resamples.
    scale
        As `facslens.experiments.effects.effects` takes it.

    Returns
    -------
    pandas.DataFrame
        One row a subset that was drawn, with each of its own subsets, and an expression:
        ``together``, v(S); ``sum_alone``, the sum of v over its members; ``beyond``, their
        difference; ``interaction``, I(S), the same for two. All at the grade
        `facslens.experiments.combined.TOGETHER`, in logits; means over the people in whom all
        were drawn, with a 95 % interval over people. ``more`` says whether the interval of
        ``beyond`` lies above 0, below it, or shows no difference.

    Notes
    -----
    The shapes of the drawn head add up, its pixels only where two action units do not reach the
    same place: an interaction is that of drawing and network together. The intervals are each for
    itself; among many rows some exclude 0 by chance.
    """
    found = changes_together(table, SCALES[scale].centred(checked(logits, expressions)))
    rows: list[dict[str, object]] = []
    for subset in _subsets(sets):
        smaller = [part for n in range(1, len(subset) + 1) for part in combinations(subset, n)]
        drawn = [_drawn(found, part) for part in smaller]
        known = [one for one in drawn if one is not None]
        if len(known) < len(drawn):
            continue
        changes = by_person(known)
        if not len(changes):
            continue
        sign = np.array([(-1.0) ** (len(subset) - len(part)) for part in smaller])
        single = np.array([len(part) == 1 for part in smaller])
        whole, alone = changes[:, -1], changes[:, single].sum(axis=1)
        dividend = np.einsum("pfe,f->pe", changes, sign)
        mean, low, high = means(np.stack([whole, alone, whole - alone, dividend], axis=1), seed)
        for e, expression in enumerate(expressions):
            row = {"aus": " ".join(subset), "expression": expression, "n_people": len(changes)}
            for place, name in ((0, "together"), (2, "beyond"), (3, "interaction")):
                ends = (mean[place, e], low[place, e], high[place, e])
                names = (name, f"{name}_low", f"{name}_high")
                row |= dict(zip(names, map(float, ends), strict=True))
            more = MORE if low[2, e] > 0 else LESS if high[2, e] < 0 else UNKNOWN
            rows.append(row | {"sum_alone": float(mean[1, e]), "more": more})
    return pd.DataFrame(rows, columns=list(INTERACTIONS))


def _subsets(sets: Sequence[Sequence[str]]) -> list[tuple[str, ...]]:
    """Give the subsets of two or more of each set, small ones first, each once."""
    every = [
        part
        for one in sets
        for n in range(2, len(one) + 1)
        for part in combinations(sorted(one), n)
    ]
    return list(dict.fromkeys(every))


def _drawn(found: Changes, aus: tuple[str, ...]) -> pd.DataFrame | None:
    """Find the faces with just these action units, of whatever kind; None if none were drawn."""
    kinds = _DRAWN if len(aus) > 1 else ("alone",)  # one alone among prototypes may be one-sided
    faces = [
        change
        for (kind, names), change in found.items()
        if kind in kinds and tuple(sorted(names.split())) == aus
    ]
    if not faces:
        return None
    pooled = pd.concat(faces)
    return pooled.groupby(level=[0, 1]).mean()
