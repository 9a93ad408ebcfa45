"""The null distribution of distances: whole label rows are permuted.

All units and all action units share each permutation, so that the null keeps the correlations
between units and between action units.
"""

import itertools
import math
from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
from jaxtyping import Float, Int

from facslens.association.distances.counts import count
from facslens.association.distances.table import measure
from facslens.association.distances.units import Units
from facslens.errors import CallError, LabelsFixedError

#: Label values that are worked on at once: 16 MB, and 64 MB in the precision of a product.
_LABELS_AT_ONCE: Final = 16_000_000


def permutation_rows(
    labels: Float[np.ndarray, "row au"],
    permutations: int,
    *,
    seed: int,
    strata: Int[np.ndarray, " row"] | None = None,
) -> Int[np.ndarray, "permutation row"]:
    """Draw permutations of label rows, or list them all when there are few.

    Parameters
    ----------
    labels
        Label rows; NaN is a value like another here.
    permutations
        How many to draw; ≥ 1.
    seed
        Seed of the permutations.
    strata
        Number of each row's stratum; labels are permuted only within a stratum. A row that is
        alone in its stratum keeps its labels.

    Returns
    -------
    numpy.ndarray
        ``labels[rows[b]]`` is the b-th permuted matrix. When fewer different matrices than
        `permutations` exist (the given one left out), each of them once: p-values are then
        exact.

    Raises
    ------
    CallError
        If `permutations` is below 1.
    LabelsFixedError
        If no permutation changes the labels.

    Examples
    --------
    One label present among three rows can lie in two other places.

    >>> permutation_rows(np.array([[1.0], [0.0], [0.0]]), 1000, seed=0)
    array([[1, 1, 0],
           [1, 0, 1]])
    """
    if permutations < 1:
        raise CallError(f"permutations is {permutations}: needs at least 1")
    first, kind = _kinds(labels)
    members = _members(labels, strata)
    others = math.prod(_arrangements(np.bincount(kind[m])) for m in members) - 1
    if others == 0:
        raise LabelsFixedError(
            "labels is the same in every row"
            + ("" if strata is None else " of each stratum of strata")
            + ": permuting needs at least two different rows"
        )
    if others < permutations:
        return np.take(first, _enumerate(kind, members))
    rng = np.random.default_rng(seed)
    rows = np.tile(np.arange(len(labels), dtype=np.int32), (permutations, 1))
    if len(members) == 1:
        return rng.permuted(rows, axis=1, out=rows)
    for m in members:
        rows[:, m] = rng.permuted(rows[:, m], axis=1)
    return rows


def movable_rows(
    labels: Float[np.ndarray, "row au"], strata: Int[np.ndarray, " row"] | None = None
) -> int:
    """Count the rows that can get other labels: their stratum holds a row with others.

    Examples
    --------
    >>> movable_rows(np.array([[1.0], [0.0], [0.0], [1.0]]), np.array([0, 0, 1, 2]))
    2
    """
    _, kind = _kinds(labels)
    members = _members(labels, strata)
    return sum(len(m) for m in members if len(np.unique(kind[m])) > 1)


def _kinds(labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Give the first row of every kind of label row, and each row's kind."""
    _, first, kind = np.unique(
        np.nan_to_num(labels, nan=-1), axis=0, return_index=True, return_inverse=True
    )
    return first, kind.reshape(-1)


def _members(labels: np.ndarray, strata: np.ndarray | None) -> list[np.ndarray]:
    stratum = np.zeros(len(labels), np.intp) if strata is None else strata
    return [np.flatnonzero(stratum == s) for s in np.unique(stratum)]


def _arrangements(counts: np.ndarray) -> int | float:
    """Count the different orders of rows of which counts[k] are of kind k; inf above e⁴⁰."""
    sizes = [int(c) for c in counts]
    if math.lgamma(sum(sizes) + 1) - sum(math.lgamma(c + 1) for c in sizes) > 40:
        return math.inf
    return math.factorial(sum(sizes)) // math.prod(math.factorial(c) for c in sizes)


def _enumerate(kind: np.ndarray, members: list[np.ndarray]) -> np.ndarray:
    """List every arrangement of the kinds within the strata, except the given one."""
    orders = [list(_orders(kind[m].tolist())) for m in members]
    result = []
    for parts in itertools.product(*orders):
        arrangement = kind.copy()
        for m, part in zip(members, parts, strict=True):
            arrangement[m] = part
        if not np.array_equal(arrangement, kind):
            result.append(arrangement)
    return np.array(result)


def _orders(items: list[int]) -> Iterator[list[int]]:
    """List the different orders of items, equal ones not told apart, from the smallest up."""
    order = sorted(items)
    last = len(order) - 1
    while True:
        yield order.copy()
        # The next larger order: raise the last item that can be raised, as little as possible.
        pivot = last - 1
        while pivot >= 0 and order[pivot] >= order[pivot + 1]:
            pivot -= 1
        if pivot < 0:
            return
        other = last
        while order[other] <= order[pivot]:
            other -= 1
        order[pivot], order[other] = order[other], order[pivot]
        order[pivot + 1 :] = reversed(order[pivot + 1 :])


def null_distances(
    units: Units,
    labels: Float[np.ndarray, "row au"],
    rows: Int[np.ndarray, "permutation row"],
    names: Sequence[str],
) -> Float[np.ndarray, "distance unit au permutation"]:
    """Compute distances of all units and action units under every permutation, in float32."""
    given = count(labels, np.float32)
    shape = len(names), units.responses.shape[1], labels.shape[1], len(rows)
    out = np.empty(shape, dtype=np.float32)
    step = max(1, _LABELS_AT_ONCE // labels.size)
    for start in range(0, len(rows), step):
        block = slice(start, start + step)
        values = measure(units, given.permuted(rows[block]), names)
        # Columns are (permutation, au).
        out[..., block] = values.reshape(*shape[:2], -1, shape[2]).swapaxes(2, 3)
    return out
