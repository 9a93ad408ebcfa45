"""The loops that NumPy is slow at, compiled by numba where that is installed (extra ``fast``).

Both run over blocks of label columns, whose running sums stay in the processor's nearest cache,
and inside over the columns, which the compiler turns into vector instructions. Nothing here is
compiled or imported before a distance asks for it.
"""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, cast

import numpy as np

#: Columns whose running sums are held at once, 2 kB for each sum in float32.
_COLUMNS_AT_ONCE: Final = 512
#: No division here is by zero, and a check for it would keep the compiler from vectors.
_OPTIONS: Final[dict[str, Any]] = {"error_model": "numpy"}

Loop = Callable[..., None]


@dataclass(frozen=True)
class Loops:
    """The compiled loops.

    Parameters
    ----------
    walk
        See `_walk`.
    look_up
        See `_look_up`.
    """

    walk: Loop
    look_up: Loop


@cache
def loops() -> Loops | None:
    """Compile the loops, or read them from numba's cache; None where numba is not installed."""
    try:
        import numba
    except ImportError:
        return None
    return Loops(walk=_compiled(numba, _walk), look_up=_compiled(numba, _look_up))


def _compiled(numba: Any, function: Loop) -> Loop:
    plain = inspect.unwrap(function)  # where types are checked at call, that check is Python
    try:
        return cast(Loop, numba.njit(plain, cache=True, **_OPTIONS))
    except RuntimeError:  # neither this folder nor the user's own cache can be written to
        return cast(Loop, numba.njit(plain, **_OPTIONS))


def _walk(order, step, codes, n1, n0, complete, places, out):  # type: ignore[no-untyped-def]
    """Go through each unit's responses from the largest down and add up what the labels say.

    `sweep_distances` has the formulas; nothing is divided by its total yet.

    Parameters
    ----------
    order, step
        As in `Units`, (unit, image).
    codes, n1, n0, complete
        As in `Counts`.
    places
        Where ks, wasserstein, auprc and auroc stand in `out`, −1 where one is not wanted.
    out
        (distance, unit, column).
    """
    units, images = order.shape
    zero, one, half = n1.dtype.type(0), n1.dtype.type(1), n1.dtype.type(0.5)
    gap = np.empty(_COLUMNS_AT_ONCE, n1.dtype)
    hits, old_hits, false, old_false = gap.copy(), gap.copy(), gap.copy(), gap.copy()
    largest, moved, found, won = gap.copy(), gap.copy(), gap.copy(), gap.copy()
    ks, wasserstein, auprc, auroc = places
    for left in range(0, codes.shape[1], _COLUMNS_AT_ONCE):
        right = min(left + _COLUMNS_AT_ONCE, codes.shape[1])
        width = right - left
        m1, m0 = n1[left:right], n0[left:right]
        for unit in range(units):
            gap[:] = hits[:] = old_hits[:] = false[:] = old_false[:] = zero
            largest[:] = moved[:] = found[:] = won[:] = zero
            last = images - 1  # the first of the smallest responses: all of them are one step
            while last > 0 and step[unit, last - 1] == 0:
                last -= 1
            for i in range(last):
                code = codes[order[unit, i], left:right]
                down = step[unit, i]
                if ks >= 0 or wasserstein >= 0:
                    for c in range(width):
                        present, absent = m0[c], m1[c]
                        gap[c] += present if code[c] == 1 else (-absent if code[c] == 0 else zero)
                if auprc >= 0 or auroc >= 0:
                    for c in range(width):
                        hits[c] += one if code[c] == 1 else zero
                    if not complete:
                        for c in range(width):
                            false[c] += one if code[c] == 0 else zero
                if down == 0:
                    continue
                if ks >= 0:
                    for c in range(width):
                        # The larger of the two; written so, it becomes a vector instruction.
                        rise = abs(gap[c]) - largest[c]
                        largest[c] += rise if rise > zero else zero
                if wasserstein >= 0:
                    for c in range(width):
                        moved[c] += abs(gap[c]) * down
                if auprc >= 0 and complete:
                    share = one / n1.dtype.type(i + 1)
                    for c in range(width):
                        found[c] += (hits[c] - old_hits[c]) * hits[c] * share
                elif auprc >= 0:
                    for c in range(width):
                        said = hits[c] + false[c]
                        precision = hits[c] / (said if said > one else one)
                        found[c] += (hits[c] - old_hits[c]) * precision
                if auroc >= 0:
                    if complete:
                        for c in range(width):
                            false[c] = n1.dtype.type(i + 1) - hits[c]
                    for c in range(width):
                        beaten = m0[c] - half * (false[c] + old_false[c])
                        won[c] += (hits[c] - old_hits[c]) * beaten
                if auprc >= 0 or auroc >= 0:
                    for c in range(width):
                        old_hits[c] = hits[c]
                    for c in range(width):
                        old_false[c] = false[c]
            for c in range(width):
                left_over, total = m1[c] - hits[c], m1[c] + m0[c]
                found[c] += left_over * (m1[c] / (total if total > one else one))
                won[c] += left_over * (m0[c] - old_false[c]) * half
            if ks >= 0:
                out[ks, unit, left:right] = largest[:width]
            if wasserstein >= 0:
                out[wasserstein, unit, left:right] = moved[:width]
            if auprc >= 0:
                out[auprc, unit, left:right] = found[:width]
            if auroc >= 0:
                out[auroc, unit, left:right] = won[:width]


def _look_up(bins, starts, codes, groups, tables, out):  # type: ignore[no-untyped-def]
    """Count the present images of each bin and add up what such a count contributes.

    Parameters
    ----------
    bins
        The bin of each image for one unit, (image,).
    starts
        Where the counts 0, 1 … of each bin begin in a group's part of a table; int32, (bin,).
    codes
        As in `Counts`, none unknown; (image, column).
    groups
        Where each column's group begins in a table; int32, (column,).
    tables
        (distance, place).
    out
        (distance, column), zeros.
    """
    places = np.empty((len(starts), _COLUMNS_AT_ONCE), np.int32)
    for left in range(0, codes.shape[1], _COLUMNS_AT_ONCE):
        right = min(left + _COLUMNS_AT_ONCE, codes.shape[1])
        width = right - left
        for b in range(len(starts)):
            for c in range(width):
                places[b, c] = groups[left + c] + starts[b]
        for i in range(len(bins)):
            place, code = places[bins[i]], codes[i, left:right]
            for c in range(width):
                place[c] += code[c]
        for d in range(len(tables)):
            table, total = tables[d], out[d, left:right]
            for b in range(len(starts)):
                place = places[b]
                for c in range(width):
                    total[c] += table[place[c]]
