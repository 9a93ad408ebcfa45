"""What an action unit does to the expression that a network reads: alone, and in a prototype."""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float
from scipy.stats import rankdata

from facslens.experiments.absolute import resampled
from facslens.experiments.combined import by_person, changes_together, checked, means
from facslens.experiments.trials import FULL, GRADES, Trials, arrange
from facslens.models.scale import SCALES
from facslens.statistics import percentiles

_SIZES: Final = ("logit", "logit_low", "logit_high")
_CHANCES: Final = ("probability", "probability_low", "probability_high")
#: Columns of `effects`.
EFFECTS: Final = (
    "au", "grade", "expression", "n_people", *_SIZES, *_CHANCES, "prototype", "differs",
)  # fmt: skip
#: Columns of `members`.
MEMBERS: Final = (
    "expression", "au", "n_people", "whole", "whole_low", "whole_high", "needed", "needed_low",
    "needed_high", "alone", "alone_low", "alone_high",
)  # fmt: skip


def centred(
    logits: Float[np.ndarray, "image expression"],
) -> Float[np.ndarray, "image expression"]:
    """Subtract the mean over expressions, which no probability depends on.

    Examples
    --------
    >>> centred(np.array([[1.0, 2.0, 6.0]])).tolist()
    [[-2.0, -1.0, 3.0]]
    """
    found: Float[np.ndarray, "image expression"] = logits - logits.mean(axis=1, keepdims=True)
    return found


def effects(
    table: pd.DataFrame,
    logits: Float[np.ndarray, "image expression"],
    expressions: Sequence[str],
    prototypes: Mapping[str, Sequence[str]],
    seed: int = 0,
    scale: str = "softmax",
) -> pd.DataFrame:
    """Measure how each action unit, switched alone, changes every expression.

    Nothing is chosen, so all people that were drawn take part.

    Parameters
    ----------
    table
        Rows as `facslens.experiments.trials.arrange` takes them.
    logits
        Of every row; any constant over expressions drops out.
    expressions
        Their names.
    prototypes
        Action units of expressions, by convention.
    seed
        Of the resamples.
    scale
        How probabilities follow from the logits, one of `facslens.models.scale.SCALES`: by a
        softmax; by a logistic function each, or not at all, and then nothing is centred.

    Returns
    -------
    pandas.DataFrame
        One row an action unit, grade and expression: the change from rest of the centred logit and
        of the probability, means over people with a 95 % interval over people. ``prototype`` says
        whether the action unit belongs to the expression's prototype; missing where there is none.
        ``differs`` says at the highest grade that the network departs: the logit falls, or does not
        rise, under a member, or rises under another one, by its interval. A prototype is a
        convention, not the truth [barrett2019]_.
    """
    trials = _trials(table, logits, expressions, scale)
    n, rows = len(expressions), []
    for grade, faces in zip(GRADES, trials.alone, strict=True):
        change = _by_person(trials, faces - trials.rest[:, None])
        known = ~np.isnan(change[:, :, 0])
        mean, low, high = means(change, seed)
        for a, au in enumerate(trials.aus):
            people = int(known[:, a].sum())
            if not people:
                continue
            for e, expression in enumerate(expressions):
                member = au in prototypes[expression] if expression in prototypes else None
                row: dict[str, object] = {"au": au, "grade": grade, "expression": expression}
                row |= {"n_people": people, "prototype": member, "differs": None}
                for names, place in ((_SIZES, e), (_CHANCES, n + e)):
                    values = (mean[a, place], low[a, place], high[a, place])
                    row |= dict(zip(names, map(float, values), strict=True))
                if grade == FULL and member is not None and not np.isnan(low[a, e]):
                    row["differs"] = bool(low[a, e] <= 0) if member else bool(low[a, e] > 0)
                rows.append(row)
    found = pd.DataFrame(rows, columns=list(EFFECTS))
    return found.astype({"prototype": "boolean", "differs": "boolean"})


def agreement(
    table: pd.DataFrame,
    logits: Float[np.ndarray, "image expression"],
    expressions: Sequence[str],
    prototypes: Mapping[str, Sequence[str]],
    seed: int = 0,
    scale: str = "softmax",
) -> tuple[float, float, float]:
    """Compare the effects at the highest grade with the prototypes.

    Returns
    -------
    value, low, high
        The AUROC, over pairs of an action unit and an expression that has a prototype, with which
        the change of the centred logit tells members of the prototype from others, and its 95 %
        interval over people; NaN where no expression has one.
    """
    trials = _trials(table, logits, expressions, scale)
    known = [e for e, name in enumerate(expressions) if name in prototypes]
    member = np.array(
        [[au in prototypes[expressions[e]] for e in known] for au in trials.aus], dtype=bool
    )
    change = _by_person(trials, trials.full - trials.rest[:, None])[:, :, known]
    counts = resampled(len(change), seed)
    drawn = np.tensordot(counts, change, axes=1) / len(change)
    values = np.array([_auroc(one, member) for one in drawn])
    low, high = percentiles(values)
    return _auroc(change.mean(axis=0), member), float(low), float(high)


def members(
    table: pd.DataFrame,
    logits: Float[np.ndarray, "image expression"],
    expressions: Sequence[str],
    prototypes: Mapping[str, Sequence[str]],
    seed: int = 0,
    scale: str = "softmax",
) -> pd.DataFrame:
    """Measure which members of a prototype are needed, and which are enough.

    Returns
    -------
    pandas.DataFrame
        One row an expression and member of its prototype: the change of the expression's centred
        logit under the whole prototype, how much of it is lost without the member (``needed``),
        and the change under the member alone at the same grade; means over people that were drawn
        so, with a 95 % interval over people. Expressions that the network or the stimuli lack are
        left out.
    """
    changes = changes_together(table, SCALES[scale].centred(checked(logits, expressions)))
    rows = []
    for expression, aus in prototypes.items():
        whole = changes.get(("together", " ".join(aus)))
        if expression not in expressions or whole is None:
            continue
        e = list(expressions).index(expression)
        for au in aus:
            rest = changes.get(("without", " ".join(other for other in aus if other != au)))
            alone = changes.get(("alone", au))
            if len(aus) == 1:
                rest = whole * 0.0  # without its only member it is the face at rest
            if rest is None or alone is None:
                continue
            drawn = by_person([whole, rest, alone])[:, :, e]
            if not len(drawn):
                continue
            all_, without, own = drawn.T
            row: dict[str, object] = {"expression": expression, "au": au, "n_people": len(drawn)}
            measured = np.stack([all_, all_ - without, own], axis=1)[:, None]
            mean, low, high = (found[0] for found in means(measured, seed))
            for place, name in enumerate(("whole", "needed", "alone")):
                row |= {name: mean[place], f"{name}_low": low[place], f"{name}_high": high[place]}
            rows.append(row)
    return pd.DataFrame(rows, columns=list(MEMBERS))


def _trials(
    table: pd.DataFrame,
    logits: Float[np.ndarray, "image expression"],
    expressions: Sequence[str],
    scale: str,
) -> Trials:
    wide, by = checked(logits, expressions), SCALES[scale]
    return arrange(table, np.concatenate([by.centred(wide), by.chances(wide)], axis=1))


def _by_person(
    trials: Trials, values: Float[np.ndarray, "block ..."]
) -> Float[np.ndarray, "person ..."]:
    """Average over the settings of all people; NaN where a person was not drawn so."""
    return np.concatenate([trials.by_person(values, choosing=half) for half in (True, False)])


def _auroc(value: Float[np.ndarray, "au expression"], member: Bool[np.ndarray, "..."]) -> float:
    """From mid-ranks, Hanley & McNeil 1982 [hanley1982]_."""
    ranks, label = rankdata(value), member.ravel()
    n = int(label.sum())
    others = label.size - n
    if not n or not others:
        return float("nan")
    return float((ranks.ravel()[label].sum() - n * (n + 1) / 2) / (n * others))
