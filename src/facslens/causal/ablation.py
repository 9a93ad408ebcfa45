"""How ablating an action unit's units changes the expressions, compared with other units."""

import itertools
import math
from collections.abc import Sequence
from typing import Final, Literal

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float, Int, Num

from facslens.causal.replace import Rest
from facslens.errors import CallError
from facslens.progress import Report, silent
from facslens.statistics import resampled_p

Mode = Literal["zero", "mean"]
MODES: Final[tuple[Mode, ...]] = ("zero", "mean")
#: Random sets to compare with.
SETS: Final = 200
#: Units are alike if their mean responses differ at most by this factor.
LIKE: Final = 2.0
#: At most this many of an action unit's accepted units are ablated: the best.
MOST: Final = 10
#: Columns of `ablation_table`, in order.
COLUMNS: Final = (
    "layer", "au", "units", "n_units", "action", "mode", "expression", "n_faces",
    "score_change", "score_null_mean", "score_null_sd", "p_score",
    "accuracy", "accuracy_change", "accuracy_null_mean", "accuracy_null_sd", "p_accuracy",
    "n_sets", "status",
)  # fmt: skip
#: All sets are listed if there are at most this many.
_ENUMERATED: Final = 5000


def like_sets(
    units: Sequence[int],
    mean_response: Float[np.ndarray, " unit"],
    forbidden: Sequence[int],
    *,
    seed: int,
    sets: int = SETS,
) -> list[tuple[int, ...]]:
    """Draw sets of other units with similar mean responses, or list them all if there are few.

    Each unit of a set replaces one of `units`: its mean response is between half and twice that
    of the unit.

    Parameters
    ----------
    units
        The units to be replaced.
    mean_response
        (unit,): of all units of the layer; units whose mean is not above 0 are never drawn.
    forbidden
        Units that no set may contain; `units` need not be repeated.
    seed
        Of the drawing.
    sets
        Number of sets to draw.

    Returns
    -------
    list of tuple
        Different sets, each sorted: `sets` of them, or all that exist where they are fewer.
        Empty if one of `units` has no similar unit.

    Notes
    -----
    A set is drawn unit by unit, those with the fewest similar units first; if none is left, the
    set is discarded and another one drawn. After 20 drawings for each set that is wanted, the
    sets found so far are returned.

    Examples
    --------
    Unit 0 may be replaced by 1 or 2; the response of 3 is too small.

    >>> like_sets([0], np.array([1.0, 2.0, 0.5, 0.1]), [], seed=0)
    [(1,), (2,)]
    """
    banned = {*map(int, units), *map(int, forbidden)}
    free = np.array([u for u in range(len(mean_response)) if u not in banned], dtype=int)
    free = free[mean_response[free] > 0]
    pools = []
    for unit in units:
        ratio = mean_response[free] / mean_response[unit] if mean_response[unit] > 0 else free * 0
        pools.append(free[(ratio >= 1 / LIKE) & (ratio <= LIKE)].tolist())
    pools.sort(key=len)
    if not pools or not pools[0]:
        return []
    found: dict[tuple[int, ...], None] = {}
    if math.prod(map(len, pools)) <= _ENUMERATED:
        for choice in itertools.product(*pools):
            if len(set(choice)) == len(choice):
                found[tuple(sorted(choice))] = None
        every = list(found)
        if len(every) <= sets:
            return every
        rng = np.random.default_rng(seed)
        return [every[k] for k in np.sort(rng.permutation(len(every))[:sets])]
    rng = np.random.default_rng(seed)
    for _ in range(20 * sets):
        drawn: list[int] = []
        for pool in pools:
            left = [unit for unit in pool if unit not in drawn]
            if not left:
                break
            drawn.append(left[int(rng.integers(len(left)))])
        if len(drawn) == len(pools):
            found[tuple(sorted(drawn))] = None
        if len(found) == sets:
            break
    return list(found)


def effects(
    scores: Float[np.ndarray, "image expression"],
    intact: Float[np.ndarray, "image expression"],
    true: Int[np.ndarray, " image"],
) -> tuple[Float[np.ndarray, " expression"], Float[np.ndarray, " expression"]]:
    """Give the change of each expression's own score and accuracy on its own faces.

    Parameters
    ----------
    scores, intact
        (image, expression): before the softmax, of the changed network and of the intact one.
    true
        (image,): the number of the face's expression.

    Returns
    -------
    score, accuracy
        (expression,): mean over the faces of that expression; NaN if there is none. The mean
        over the expressions is first subtracted from the scores, because the softmax does not
        depend on it.

    Examples
    --------
    >>> before, after = np.array([[3.0, 1.0]]), np.array([[1.0, 2.0]])
    >>> effects(after, before, np.array([0]))
    (array([-1.5,  nan]), array([-1., nan]))
    """
    rows = np.arange(len(true))
    own = [(s - s.mean(axis=1, keepdims=True))[rows, true] for s in (scores, intact)]
    right = [(s.argmax(axis=1) == true).astype(float) for s in (scores, intact)]
    count = np.bincount(true, minlength=scores.shape[1])
    changes = []
    for after, before in (own, right):
        total = np.bincount(true, weights=after - before, minlength=scores.shape[1])
        changes.append(np.where(count > 0, total / np.maximum(count, 1), np.nan))
    return changes[0], changes[1]


def ablation_table(
    rest: Rest,
    true: Num[np.ndarray, " image"],
    expressions: Sequence[str],
    mapped: dict[str, list[int]],
    mean_response: Float[np.ndarray, " unit"],
    *,
    layer: str,
    seed: int,
    sets: int = SETS,
    progress: Report = silent,
) -> pd.DataFrame:
    """Ablate the units mapped to each action unit, or all others, and compare with random sets.

    Parameters
    ----------
    rest
        The held-out faces' maps and the rest of the network; see
        `facslens.causal.replace.rest_of`.
    true
        (image,): number of each face's expression, NaN or −1 if it is not known.
    expressions
        In the order of the scores.
    mapped
        Every action unit with the units accepted for it, best first; the list may be empty.
    mean_response
        (unit,): over the faces on which the units were chosen.
    layer
        Name of the layer in the table.
    seed
        Of the random sets.
    sets
        Number of random sets of similar units; see `like_sets`. None contains a unit accepted
        for the AU.

    Returns
    -------
    pandas.DataFrame
        One row for every action unit, ``action`` (``ablate`` the units, or ``keep`` only
        them), ``mode`` (maps are set to ``zero``, or to their ``mean`` over other faces) and
        expression, with the columns of `COLUMNS`. At most the `MOST` best accepted units are
        used. The p-values, (1 + #{sets as extreme}) / (1 + sets) [phipson2010]_, are
        one-sided: towards a larger loss for ``ablate``, towards a smaller one for ``keep``.
        ``status`` is ``tested``, ``no unit``, ``no like units`` or ``no faces``.

    Raises
    ------
    CallError
        If the lengths disagree.

    References
    ----------
    Ablation of single directions [morcos2018]_; [phipson2010]_.
    """
    if len(true) != len(rest.held.maps):
        raise CallError(
            f"true has {len(true)} values for {len(rest.held.maps)} faces: needs one each"
        )
    known = np.flatnonzero(np.nan_to_num(true.astype(float), nan=-1) >= 0)
    codes = true[known].astype(int)
    every = np.arange(rest.held.maps.shape[1])
    intact = _scores(rest, [], "zero")[known]
    accuracy = _accuracy(intact, codes)
    rows = []
    for done, (au, accepted) in enumerate(mapped.items()):
        units = sorted(accepted[:MOST])
        others = like_sets(units, mean_response, accepted, sets=sets, seed=seed)
        status = "no unit" if not units else "tested" if others else "no like units"
        for action, mode in itertools.product(("ablate", "keep"), MODES):

            def change(kept: Sequence[int], action: str = action, mode: Mode = mode) -> np.ndarray:
                gone = np.setdiff1d(every, kept) if action == "keep" else np.array(kept)
                return np.stack(effects(_scores(rest, gone, mode)[known], intact, codes))

            shape = (2, len(expressions))
            own = change(units) if units else np.full(shape, np.nan)
            null = np.stack([change(o) for o in others]) if others else np.empty((0, *shape))
            for e, expression in enumerate(expressions):
                faces = int((codes == e).sum())
                row = {
                    "layer": layer, "au": au, "units": " ".join(map(str, units)),
                    "n_units": len(units), "action": action, "mode": mode,
                    "expression": expression, "n_faces": faces, "accuracy": accuracy[e],
                    "n_sets": len(others), "status": status if faces else "no faces",
                }  # fmt: skip
                for k, name in enumerate(("score", "accuracy")):
                    row |= _held_against(name, own[k, e], null[:, k, e], action)
                rows.append(row)
        progress(done + 1, len(mapped), au)
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _held_against(
    name: str, own: float, null: Float[np.ndarray, " set"], action: str
) -> dict[str, float]:
    defined = len(null) > 0 and not np.isnan(own)
    # ties, up to rounding, count against the finding
    reached = null <= own + 1e-9 if action == "ablate" else null >= own - 1e-9
    return {
        f"{name}_change": float(own),
        f"{name}_null_mean": float(null.mean()) if defined else float("nan"),
        f"{name}_null_sd": float(null.std()) if defined else float("nan"),
        f"p_{name}": float(resampled_p(int(reached.sum()), len(null))) if defined else float("nan"),
    }


def _scores(rest: Rest, units: Sequence[int] | np.ndarray, mode: Mode) -> np.ndarray:
    values = torch.zeros_like(rest.mean) if mode == "zero" else rest.mean
    chosen = torch.from_numpy(np.asarray(units, dtype=np.int64))
    scores: np.ndarray = rest.scores(chosen, values).double().numpy()
    return scores


def _accuracy(scores: np.ndarray, true: np.ndarray) -> Float[np.ndarray, " expression"]:
    count = np.bincount(true, minlength=scores.shape[1])
    right = np.bincount(true, weights=scores.argmax(axis=1) == true, minlength=scores.shape[1])
    return np.where(count > 0, right / np.maximum(count, 1), np.nan)
