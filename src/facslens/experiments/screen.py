"""Whether names of action units, dealt at random within each person, do as well."""

from typing import Final

import numpy as np
from jaxtyping import Float
from scipy.stats import rankdata

from facslens.experiments.specificity import changes
from facslens.experiments.trials import Trials

#: Permutations that are dealt at a time, so that their sums stay in the cache.
_AT_ONCE: Final = 8


def screen(trials: Trials, permutations: int, seed: int) -> Float[np.ndarray, "au unit"]:
    """Permute the names of action units within person, and correct over the whole layer.

    The statistic of a unit and an action unit is the mean, over the choosing people, of the rank
    of its change among those under all action units. A person's settings keep one permutation
    between them, so that what is peculiar to a person does not count twice.

    Returns
    -------
    numpy.ndarray
        p of the largest statistic of the layer (max-T, Westfall & Young 1993 [westfall1993]_);
        (au, unit).

    Notes
    -----
    This screens and does not decide: on faces aligned to the pixel, pixels pass it.
    """
    change = changes(trials, choosing=True)
    people, aus, units = change.shape
    ranks = rankdata(change, axis=1)
    observed = ranks.mean(axis=0)
    # twice a rank is whole, and so are their sums, in the smallest type that holds them
    twice = (2 * ranks).astype(np.min_scalar_type(2 * aus * people))
    rng = np.random.default_rng(seed)
    reached = np.ones((aus, units))
    ordered = np.sort(observed, axis=None)
    counts = np.zeros(len(ordered) + 1, dtype=np.int64)
    for first in range(0, permutations, _AT_ONCE):
        some = min(_AT_ONCE, permutations - first)
        dealt = rng.permuted(np.tile(np.arange(aus), (some * people, 1)), axis=1)
        rows = dealt.reshape(some, people, aus)
        total = twice[0][rows[:, 0]]
        for person in range(1, people):
            total += twice[person][rows[:, person]]
        # rounding apart, a permutation that deals the names as they are reaches the observed
        largest = total.max(axis=(1, 2)) / (2 * people)
        np.add.at(counts, np.searchsorted(ordered, largest + 1e-9, side="right"), 1)
    # how many permutations have a largest statistic at or above each observed one
    above = counts[::-1].cumsum()[::-1]
    place = np.searchsorted(ordered, observed, side="left")
    reached += above[np.minimum(place + 1, len(ordered))]
    return reached / (1 + permutations)
