"""Sets of units: the first ones of an order, and random ones whose change is as large."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from jaxtyping import Bool, Float, Int

#: How many of the first units are patched; all of them come last.
STEPS: Final = (1, 2, 5, 10, 20, 50)
#: Random orders of the units that the chosen ones are compared with.
ORDERS: Final = 20


def steps(units: int) -> tuple[int, ...]:
    """Give the numbers of first units that are patched: `STEPS` below all, and all.

    Examples
    --------
    >>> steps(16)
    (1, 2, 5, 10, 16)
    """
    return (*(k for k in STEPS if k < units), units)


def in_order(shares: Float[np.ndarray, " unit"]) -> Int[np.ndarray, " unit"]:
    """Order units by their share of an effect, most first; those against it come last.

    Examples
    --------
    >>> in_order(np.array([0.5, -2.0, 1.0])).tolist()
    [2, 0, 1]
    """
    order: Int[np.ndarray, " unit"] = np.argsort(-shares, kind="stable")
    return order


def first(order: Int[np.ndarray, " unit"], counts: Sequence[int]) -> Bool[np.ndarray, "set unit"]:
    """Mark the first units of an order, as many as each count says."""
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    marked: Bool[np.ndarray, "set unit"] = place < np.array(counts)[:, None]
    return marked


def of_equal_size(
    sizes: Float[np.ndarray, " unit"], wanted: float, number: int, seed: int
) -> Bool[np.ndarray, "set unit"]:
    """Draw random sets of units whose change is as large as that of a given set.

    Parameters
    ----------
    sizes
        Size of each unit's change, such that sizes add up.
    wanted
        Size of the given set.
    number
        How many sets to draw.
    seed
        Of the random orders.

    Returns
    -------
    numpy.ndarray
        Of each random order so many first units that their size is nearest to the wanted one, at
        least one. Any unit may be among them, those of the given set too.

    Examples
    --------
    >>> of_equal_size(np.array([1.0, 1.0, 1.0]), 2.2, number=1, seed=0).sum().item()
    2
    """
    orders = random_orders(len(sizes), number, seed)
    counts = np.abs(np.cumsum(sizes[orders], axis=1) - wanted).argmin(axis=1) + 1
    pairs = zip(orders, counts.tolist(), strict=True)
    return np.concatenate([first(order, [count]) for order, count in pairs])


def random_orders(units: int, number: int, seed: int) -> Int[np.ndarray, "order unit"]:
    """Draw random orders of the units."""
    rng = np.random.default_rng(seed)
    return np.stack([rng.permutation(units) for _ in range(number)])


def at_size(
    sizes: Float[np.ndarray, "order set"],
    shares: Float[np.ndarray, "order set"],
    wanted: Float[np.ndarray, " given"],
) -> Float[np.ndarray, "order given"]:
    """Give the share that random sets carry whose change has a wanted size.

    Parameters
    ----------
    sizes, shares
        Size of the change, and share of the effect, of growing sets along each random order.
    wanted
        Sizes of given sets; between two sets of an order the share is interpolated linearly, and
        a set of no size carries nothing.

    Examples
    --------
    >>> at_size(np.array([[2.0, 4.0]]), np.array([[0.5, 1.0]]), np.array([1.0, 3.0])).tolist()
    [[0.25, 0.75]]
    """
    rows = zip(sizes, shares, strict=True)
    return np.stack([np.interp(wanted, [0.0, *size], [0.0, *own]) for size, own in rows])
