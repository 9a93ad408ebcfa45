"""What probes are to tell: an action unit, or a control task whose labels mean nothing."""

from typing import Final

import numpy as np
from jaxtyping import Bool, Float, Int

from facslens.experiments.probes import SHOWN

#: How often action units are exchanged at random for control tasks.
EXCHANGES: Final = 4
_TRIES: Final = 100


def exchanges(rivals: Bool[np.ndarray, "au au"], seed: int) -> Int[np.ndarray, "exchange grade au"]:
    """Deal to every action unit, at each grade, another one at random.

    Each is dealt once, to one that it is a rival of. No exchange at all where that is impossible.

    Examples
    --------
    >>> exchanges(~np.eye(2, dtype=bool), seed=0)[0].tolist()
    [[1, 0], [1, 0]]
    """
    rng, aus = np.random.default_rng(seed), len(rivals)
    found = np.empty((EXCHANGES, len(SHOWN), aus), dtype=np.int64)
    for place in np.ndindex(EXCHANGES, len(SHOWN)):
        for _ in range(_TRIES):
            order = rng.permutation(aus)
            found[(*place, order)] = np.roll(order, 1)
            if rivals[np.arange(aus), found[place]].all():
                break
        else:
            return found[:0]
    return found


def units_tasks(
    rivals: Bool[np.ndarray, "au au"],
) -> tuple[Bool[np.ndarray, "type task"], Bool[np.ndarray, "type task"]]:
    """Give the label of each type of face, and whether it takes part: a task for each action unit.

    Positive are its faces at both grades. Faces that are neither its own nor those of a rival take
    no part.
    """
    own = np.arange(len(rivals))
    return _tasks(rivals, own, own)


def control_tasks(
    rivals: Bool[np.ndarray, "au au"], exchange: Int[np.ndarray, "grade au"]
) -> tuple[Bool[np.ndarray, "type task"], Bool[np.ndarray, "type task"]]:
    """Give control tasks: each action unit's upper grade is exchanged for that of another one.

    The label is a random function of the type of the face, with as many positives as in
    `units_tasks`; each type is positive in one task.
    """
    return _tasks(rivals, np.arange(len(rivals)), exchange[1])


def exchanged(
    answers: Float[np.ndarray, "block type column"], exchange: Int[np.ndarray, "grade au"]
) -> Float[np.ndarray, "block type column"]:
    """Exchange what was answered to each type of face for the answer to another of the grade."""
    aus = exchange.shape[1]
    graded = [1 + grade * aus + dealt for grade, dealt in enumerate(exchange)]
    found: Float[np.ndarray, "block type column"] = answers[:, np.concatenate([[0], *graded])]
    return found


def _tasks(
    rivals: Bool[np.ndarray, "au au"],
    lower: Int[np.ndarray, " task"],
    upper: Int[np.ndarray, "..."],
) -> tuple[Bool[np.ndarray, "type task"], Bool[np.ndarray, "type task"]]:
    """Call one action unit at the lower grade and one at the upper grade positive."""
    each = np.eye(len(rivals), dtype=bool)
    label = np.concatenate([np.zeros((1, len(lower)), bool), each[:, lower], each[:, upper]])
    fields = rivals | each
    part = fields[:, lower] & fields[:, upper]
    return label, label | np.concatenate([np.ones((1, len(lower)), bool), part, part])
