"""Split faces into training, validation and test parts that have no subject in common."""

import hashlib
import math
from typing import Final

import numpy as np
import pandas as pd
from jaxtyping import Bool

from facslens.datasets.base import Faces
from facslens.errors import CallError, NotEnoughDataError

#: The splits whose subjects choose a mapping, and those that confirm it.
DISCOVERY: Final = ("train", "validation")
CONFIRMATION: Final = ("test",)


def holdout(
    faces: Faces, seed: int = 0, *, test: int | None = None, validation: int | None = None
) -> pd.Series:
    """Choose some subjects for testing and some for validation; the others are for training.

    Parameters
    ----------
    faces
        Faces whose subjects are known.
    seed
        Chooses the subjects. The choice depends on the seed and the subjects' names alone:
        neither on the order of the rows nor on the library that draws random numbers.
    test, validation
        How many subjects; by default a quarter and a tenth of them, rounded up, but at most
        24 and 10.

    Returns
    -------
    Series
        ``train``, ``validation`` or ``test``, with the index of ``faces.table``.

    Raises
    ------
    CallError
        If subjects are unknown, or a number is below 1.
    NotEnoughDataError
        If no subject would be left for training.
    """
    subjects = _subjects(faces)
    count = len(subjects)
    test = min(24, math.ceil(count / 4)) if test is None else test
    validation = min(10, math.ceil(count / 10)) if validation is None else validation
    for name, number in (("test", test), ("validation", validation)):
        if number < 1:
            raise CallError(f"{name} is {number}: expected at least one subject")
    if test + validation >= count:
        raise NotEnoughDataError(
            f"{faces.name} has {count} subject{'s' * (count != 1)}: {test} for testing and "
            f"{validation} for validation leave none for training"
        )
    drawn = sorted(subjects, key=lambda subject: _draw(subject, seed))
    return _split(faces, test=drawn[:test], validation=drawn[test : test + validation])


def halves(faces: Faces, seed: int = 0) -> pd.Series:
    """Halve the subjects, for a network trained elsewhere: some choose units, others confirm them.

    No subject is needed for training. If their number is odd, one more chooses than confirms.

    Parameters
    ----------
    faces
        Faces whose subjects are known.
    seed
        Chooses the subjects, in the order of `holdout`: those that confirm are the same as by
        ``holdout(faces, seed, test=subjects // 2)``, so that a network trained on these faces
        can be confirmed beside it.

    Returns
    -------
    Series
        ``validation`` (discovery) or ``test`` (confirmation), with the index of ``faces.table``.

    Raises
    ------
    CallError
        If subjects are unknown.
    NotEnoughDataError
        If there are fewer than two.
    """
    subjects = _subjects(faces)
    if len(subjects) < 2:
        raise NotEnoughDataError(
            f"{faces.name} has {len(subjects)} subject{'s' * (len(subjects) != 1)}: expected two "
            f"or more, some to choose units and others to confirm them"
        )
    drawn = sorted(subjects, key=lambda subject: _draw(subject, seed))
    half = len(drawn) // 2
    return _split(faces, test=drawn[:half], validation=drawn[half:])


def khorrami_folds(faces: Faces, folds: int = 10) -> list[pd.Series]:
    """Give the cross-validation of Khorrami et al.: every tenth subject to a fold.

    Subjects are sorted by name and assigned to the folds in turn. Fold *i* is for testing, the
    next one (after the last, the first) for validation, the others for training.

    Parameters
    ----------
    faces
        Faces whose subjects are known.
    folds
        How many, at least 3.

    Returns
    -------
    list of Series
        One split a fold, each as `holdout` gives it.

    Raises
    ------
    CallError
        If subjects are unknown, or there are fewer than 3 folds.
    NotEnoughDataError
        If there are more folds than subjects.

    References
    ----------
    Khorrami, Paine & Huang 2015, section 4 [khorrami2015]_.
    """
    if folds < 3:
        raise CallError(f"folds is {folds}: expected at least 3, to test, validate and train")
    subjects = _subjects(faces)
    if folds > len(subjects):
        raise NotEnoughDataError(
            f"{faces.name} has {len(subjects)} subject{'s' * (len(subjects) != 1)}: expected at "
            f"least {folds}, one per fold"
        )
    dealt = [subjects[fold::folds] for fold in range(folds)]
    return [
        _split(faces, test=dealt[fold], validation=dealt[(fold + 1) % folds])
        for fold in range(folds)
    ]


def one_sequence_each(faces: Faces, seed: int, count: int) -> Bool[np.ndarray, " image"]:
    """Choose whole sequences, one of a subject at most and never the only one of a subject.

    So what is learned of a subject from the other sequences can be tried on this one. A face of no
    sequence is a sequence of its own.

    Parameters
    ----------
    faces
        Faces; those of unknown subject are never chosen.
    seed
        Chooses the sequences, by their names alone, as `holdout` chooses subjects.
    count
        Sequences are chosen until they have so many faces, or no subject is left.

    Returns
    -------
    numpy.ndarray
        Whether each face is of a chosen sequence.
    """
    sequence = faces.table["sequence"].fillna(faces.table["image"])
    table = pd.DataFrame({"sequence": sequence, "subject": faces.table["subject"]})
    sizes = table.groupby("sequence").size()
    names = table.dropna().drop_duplicates().set_index("sequence")["subject"]
    names = names[names.duplicated(keep=False)]
    drawn = sorted(names.index, key=lambda name: _draw(name, seed))
    first = names[drawn].drop_duplicates().index
    before = sizes[first].cumsum() - sizes[first]
    chosen: Bool[np.ndarray, " image"] = sequence.isin(first[before < count]).to_numpy(dtype=bool)
    return chosen


def _subjects(faces: Faces) -> list[str]:
    subject = faces.table["subject"]
    unknown = int(subject.isna().sum())
    if unknown:
        raise CallError(
            f"{faces.name} has {unknown} of {len(faces)} faces of unknown subject, so a split "
            f"could put one person into two parts: tell the subjects (subject=…), or "
            f"say assume_independent=yes if every face shows another person"
        )
    return sorted(subject.unique())


def _draw(name: str, seed: int) -> str:
    return hashlib.sha256(f"{seed} {name}".encode()).hexdigest()


def _split(faces: Faces, *, test: list[str], validation: list[str]) -> pd.Series:
    subject = faces.table["subject"]
    split = pd.Series("train", index=subject.index, dtype="string", name="split")
    return split.mask(subject.isin(validation), "validation").mask(subject.isin(test), "test")
