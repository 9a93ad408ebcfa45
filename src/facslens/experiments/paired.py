"""Exact tests of paired differences, and the smallest difference that one would find."""

import math
from typing import Final

import numpy as np
from jaxtyping import Float
from scipy import optimize, stats

from facslens.statistics import resampled_p

#: Up to so many people all arrangements of signs are counted; above, some are drawn.
EXACT: Final = 32
#: Arrangements that are drawn for more people.
ARRANGEMENTS: Final = 99_999
#: Probability with which the smallest detectable difference is found.
POWER: Final = 0.8
#: Sums nearer than this share of the sum of sizes count as equal: they are added in other orders.
_TIE: Final = 1e-10


def sign_flips(differences: Float[np.ndarray, " person"], seed: int = 0) -> float:
    """Test paired differences against their own with other signs, on both sides.

    If what differs within pairs made no difference, either member of a pair could be the first:
    every arrangement of signs would be as probable [fisher1935]_. The statistic is the size of
    the mean, which orders the arrangements as Student's t does.

    Parameters
    ----------
    differences
        Of each person.
    seed
        Of the drawn arrangements, for more than `EXACT` people.

    Returns
    -------
    float
        Share of arrangements whose mean is as far from 0 or farther; NaN for nobody.

    Notes
    -----
    All 2ⁿ arrangements are counted without listing them: the sums of each half of the people are
    listed, and for each of the one half those of the other that reach the mean are found by
    bisection [horowitz1974]_.

    References
    ----------
    [fisher1935]_, [horowitz1974]_

    Examples
    --------
    Of eight arrangements only the observed one and its opposite are as far from 0.

    >>> sign_flips(np.array([1.0, 2.0, 3.0])), sign_flips(np.array([1.0, -1.0]))
    (0.25, 1.0)
    """
    people = len(differences)
    if not people:
        return math.nan
    size = np.abs(differences)
    least = abs(float(differences.sum())) - _TIE * float(size.sum())
    if least <= 0:
        return 1.0
    if people > EXACT:
        rng = np.random.default_rng(seed)
        signs = rng.integers(0, 2, (ARRANGEMENTS, people), dtype=np.int8) * 2 - 1
        return float(resampled_p(int((np.abs(signs @ size) >= least).sum()), ARRANGEMENTS))
    one, other = _sums(size[: people // 2]), np.sort(_sums(size[people // 2 :]))
    reached = len(one) * len(other) - int(np.searchsorted(other, least - one).sum())
    return float(2 * reached / 2**people)  # sums lie alike on both sides of 0


def smallest_p(people: int) -> float:
    """Give the smallest p-value that `sign_flips` can have.

    Examples
    --------
    >>> smallest_p(3)
    0.25
    """
    return 2.0 ** (1 - people) if people <= EXACT else 1 / (1 + ARRANGEMENTS)


def detectable(spread: float, people: int, level: float, power: float = POWER) -> float:
    """Give the smallest true difference that a paired test finds with some probability.

    Parameters
    ----------
    spread
        Standard deviation of the differences over people.
    people
        How many.
    level
        Below which p counts; two-sided.
    power
        The probability.

    Returns
    -------
    float
        In the unit of ``spread``; NaN where the spread is 0, or where so few people never reach
        the level.

    Notes
    -----
    From the noncentral t distribution, for normal differences [cohen1988]_. `sign_flips` has the
    power of Student's test as people increase [hoeffding1952]_.

    References
    ----------
    [cohen1988]_, [hoeffding1952]_

    Examples
    --------
    At 0.05, 34 people find half a standard deviation with probability 0.8.

    >>> round(detectable(1.0, 34, 0.05), 1)
    0.5
    """
    if people < 2 or not spread > 0 or not smallest_p(people) < level:
        return math.nan
    freedom = people - 1
    critical = float(stats.t.isf(level / 2, freedom))

    def lacking(shift: float) -> float:
        return float(stats.nct.sf(critical, freedom, shift)) - power

    shift = optimize.brentq(lacking, 0.0, 3 * critical + 10)
    return float(shift) * spread / math.sqrt(people)


def _sums(size: Float[np.ndarray, " person"]) -> Float[np.ndarray, " arrangement"]:
    """List the sums of all arrangements of signs."""
    found = np.zeros(1)
    for one in size:
        found = np.concatenate([found - one, found + one])
    return found
