"""Linear probes: what can be read from the responses of all units of a layer together."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.stats import rankdata

from facslens.association.ridge import FOLDS, PENALTIES, grouped_folds, ridge
from facslens.errors import NotEnoughDataError
from facslens.experiments.trials import GRADES, Trials

#: Grades at which every person was drawn with every action unit.
SHOWN: Final = ("C", "E")


@dataclass(frozen=True)
class Faces:
    """Responses of a layer to every type of face of every person in every setting.

    A *type* is the face at rest, or one action unit at one grade: rest first, then all action
    units at each grade of `SHOWN`.

    Parameters
    ----------
    responses
        Of the units that answer at all, to mean 0 and standard deviation 1 over the choosing
        people; (block, type, unit).
    person
        Number of each block's person.
    choosing
        Whether probes are fitted on each block; on the others they are measured.
    """

    responses: Float[np.ndarray, "block type unit"]
    person: Int[np.ndarray, " block"]
    choosing: Bool[np.ndarray, " block"]


def by_type(trials: Trials) -> Float[np.ndarray, "block type column"]:
    """Arrange what was answered by block and type.

    Raises
    ------
    NotEnoughDataError
        If a person in a setting lacks an action unit at a grade of `SHOWN`.
    """
    graded = [trials.alone[GRADES.index(grade)] for grade in SHOWN]
    for grade, faces in zip(SHOWN, graded, strict=True):
        lacking = np.isnan(faces).any(axis=2)
        if lacking.any():
            block, au = np.argwhere(lacking)[0]
            raise NotEnoughDataError(
                f"the stimuli lack {trials.aus[au]} at {grade} for "
                f"{trials.people[trials.person[block]]}: a probe needs every action unit at "
                f"{' and '.join(SHOWN)} of everybody"
            )
    found: Float[np.ndarray, "block type column"] = np.concatenate(
        [trials.rest[:, None], *graded], axis=1
    )
    return found


def faces_of(trials: Trials) -> Faces:
    """Arrange and standardise the responses of a layer; constant units are left out."""
    responses, choosing = by_type(trials), trials.choosing[trials.person]
    centre, spread = responses[choosing].mean(axis=(0, 1)), responses[choosing].std(axis=(0, 1))
    live = spread > 1e-6 * np.abs(centre)  # as single precision has it
    standard = (responses[:, :, live] - centre[live]) / spread[live]
    return Faces(standard, trials.person, choosing)


def tell(
    faces: Faces,
    label: Bool[np.ndarray, "type task"],
    known: Bool[np.ndarray, "type task"],
    seed: int,
) -> Float[np.ndarray, "measured type task"]:
    """Fit probes that tell types of faces from the others, and apply them to the measuring people.

    Parameters
    ----------
    faces
        Of a layer.
    label
        Which types a task calls present.
    known
        Which types take part in a task.
    seed
        Of the folds.

    Returns
    -------
    numpy.ndarray
        The probes' outputs, up to a constant.

    Notes
    -----
    Ridge regression [hoerl1970]_ of the label, 1 or 0. The penalty of each task is the one of
    largest AUROC over five folds of the choosing people; of equals the larger is taken.
    """
    types, tasks = label.shape
    blocks = len(faces.person)
    found = np.empty((int((~faces.choosing).sum()), types, tasks))
    for field in np.unique(known, axis=1).T:
        own = (known == field[:, None]).all(axis=0)
        target = np.broadcast_to(label[:, own].astype(float), (blocks, types, own.sum()))
        found[:, :, own] = _fitted(faces, target, field, _aurocs, seed)
    return found


def foretell(
    faces: Faces, target: Float[np.ndarray, "block type column"], seed: int
) -> Float[np.ndarray, "measured type column"]:
    """Fit probes that foretell numbers, and apply them to the measuring people.

    Returns
    -------
    numpy.ndarray
        What the probes foretell, up to a constant.

    Notes
    -----
    As `tell`, with the penalty of largest `explained` share of the change.
    """
    return _fitted(faces, target, np.ones(target.shape[1], dtype=bool), _explained, seed)


def change_sums(
    foretold: Float[np.ndarray, "block type ..."], true: Float[np.ndarray, "block type ..."]
) -> tuple[Float[np.ndarray, "block ..."], Float[np.ndarray, "block ..."]]:
    """Sum up over types the squared error of the change from rest, and its square."""
    change = true[:, 1:] - true[:, :1]
    error = foretold[:, 1:] - foretold[:, :1] - change
    return (error**2).sum(axis=1), (change**2).sum(axis=1)


def explained(
    error: Float[np.ndarray, "*column"], square: Float[np.ndarray, "*column"]
) -> Float[np.ndarray, "*column"]:
    """Give the share of the change that is foretold, 1 − squared error / squared change.

    At most 1; 0 for a probe that foretells no change at all; NaN where nothing changes.

    Examples
    --------
    >>> explained(np.array([0.0, 2.0, 0.0]), np.array([4.0, 4.0, 0.0]))
    array([1. , 0.5, nan])
    """
    missed = np.full(np.shape(square), np.nan)
    np.divide(error, square, out=missed, where=square > 1e-20)
    return 1 - missed


def _fitted(
    faces: Faces,
    target: Float[np.ndarray, "block type column"],
    field: Bool[np.ndarray, " type"],
    merit: Callable[[np.ndarray, np.ndarray], np.ndarray],
    seed: int,
) -> Float[np.ndarray, "measured type column"]:
    own, wanted = faces.responses[faces.choosing][:, field], target[faces.choosing][:, field]
    fold = grouped_folds(faces.person[faces.choosing], FOLDS, seed)
    merits = []
    for number in range(FOLDS):
        out = fold == number
        weights, _ = ridge(_flat(own[~out]), _flat(wanted[~out]))
        merits.append(merit(np.tensordot(own[out], weights, axes=1), wanted[out][:, :, None]))
    mean = np.nan_to_num(np.mean(merits, axis=0), nan=-np.inf)
    best = len(PENALTIES) - 1 - mean[::-1].argmax(axis=0)
    weights, _ = ridge(_flat(own), _flat(wanted))
    chosen = np.take_along_axis(weights, best[None, None], axis=1)[:, 0]
    found: Float[np.ndarray, "measured type column"] = faces.responses[~faces.choosing] @ chosen
    return found


def _flat(values: Float[np.ndarray, "block type column"]) -> Float[np.ndarray, "row column"]:
    return values.reshape(-1, values.shape[-1])


def _aurocs(
    scores: Float[np.ndarray, "block type penalty task"],
    label: Float[np.ndarray, "block type 1 task"],
) -> Float[np.ndarray, "penalty task"]:
    """From mid-ranks, Hanley & McNeil 1982 [hanley1982]_."""
    shape = scores.shape[2:]
    ranks = rankdata(scores.reshape(-1, int(np.prod(shape))), axis=0).reshape(-1, *shape)
    present = label.reshape(-1, 1, shape[1])
    n = present.sum(axis=0)
    found: Float[np.ndarray, "penalty task"] = ((ranks * present).sum(axis=0) - n * (n + 1) / 2) / (
        n * (len(ranks) - n)
    )
    return found


def _explained(
    scores: Float[np.ndarray, "block type penalty column"],
    true: Float[np.ndarray, "block type 1 column"],
) -> Float[np.ndarray, "penalty column"]:
    error, square = change_sums(scores, np.broadcast_to(true, scores.shape))
    return explained(error.sum(axis=0), square.sum(axis=0))
