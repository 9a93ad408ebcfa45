"""Frames in order: what a sequence of frames counts for where its labels vary within it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from jaxtyping import Bool, Int

from facslens.action_units import ACTION_UNITS
from facslens.datasets.base import COLUMNS, PHASE, Faces, is_neutral
from facslens.datasets.defects import Defect, few
from facslens.datasets.labels import APEX
from facslens.errors import DataError

#: Why nothing is tested by frame.
WHY: Final = "the frames of one video are no independent observations"


@dataclass(frozen=True)
class Way:
    """What a sequence of frames counts for.

    Parameters
    ----------
    summary
        In one line, for help.
    sentence
        For the methods of a paper.
    take
        Takes the table of the frames that belong to sequences, in order, and gives those that are
        kept, with the labels they then have, and notes.
    """

    summary: str
    sentence: str
    take: Callable[[pd.DataFrame], tuple[pd.DataFrame, list[str]]]


def by_sequence(table: pd.DataFrame, way: str, source: str) -> tuple[pd.DataFrame, list[Defect]]:
    """Give every sequence one set of labels.

    Neutral frames and faces of no sequence stay as they are.

    Parameters
    ----------
    table
        A Faces table.
    way
        One of `WAYS`.
    source
        The dataset's name, for messages.

    Returns
    -------
    DataFrame
        The table of the frames that are kept.
    list of Defect
        What was left out or changed: warnings.
    """
    apart = table["sequence"].isna().to_numpy(dtype=bool) | is_neutral(table)
    frames = table[~apart].sort_values(["sequence", "frame", "image"], kind="stable")
    kept, notes = WAYS[way].take(frames)
    rows = pd.concat([table[apart], kept]).sort_values("image").reset_index(drop=True)
    return rows, [
        Defect("left out", source, f"{note} (by={way}, as asked)", "warning") for note in notes
    ]


def check_sequences(faces: Faces) -> None:
    """Refuse faces whose action units could only be tested by frame.

    Raises
    ------
    DataError
        If several faces of a subject have a frame number and no sequence, or if an action unit is
        present in some frames of a sequence and absent in others; neutral frames do not count.
    """
    table = faces.table[~faces.neutral]
    loose = table[table["frame"].notna() & table["sequence"].isna()]
    of_one = loose.groupby("subject", dropna=False).size().max() if len(loose) else 0
    if of_one > 1:
        raise DataError(
            f"{faces.name} has {len(loose)} faces with a frame number and no sequence, up to "
            f"{of_one} of one subject: {WHY}, so name the column of sequences, such as "
            f"sequence=video"
        )
    by_sequence = table.dropna(subset=["sequence"]).groupby("sequence")[list(faces.aus)]
    if not faces.aus or not len(by_sequence):
        return
    varies = (by_sequence.max() > by_sequence.min()).to_numpy(dtype=bool)
    if varies.any():
        sequence, au = np.argwhere(varies)[0]
        name = by_sequence.size().index[sequence]
        raise DataError(
            f"{faces.name} has action units that come and go within "
            f"{int(varies.any(axis=1).sum())} of its {len(varies)} sequences, such as "
            f"{faces.aus[au]} in {name}: {WHY}, so say what a sequence counts for, "
            f"{' or '.join(f'by={way}' for way in WAYS)}"
        )


def _peak(frames: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """Keep the frame of each sequence in which its expression is strongest.

    It is one, for how many frames are averaged must not depend on the labels: a mean of fewer
    varies more, which a distance between distributions would take for a difference.
    """
    units = [column for column in frames.columns if column in ACTION_UNITS]
    grades = [column for column in frames.columns if column.endswith("_intensity")]
    # no frame has a higher score than an apex, and a sequence is judged by one scale only
    scores = {
        "a frame coded as apex": pd.Series(1.0, index=frames.index).where(_is_apex(frames)),
        "the largest sum of intensities": _sum(frames[grades]),
        "the most action units": _sum(frames[units]),
    }
    score = pd.Series(np.nan, index=frames.index)
    told: dict[str, int] = {}
    for what, values in scores.items():
        known = values.notna().groupby(frames["sequence"]).transform("any")
        new = known & score.groupby(frames["sequence"]).transform("count").eq(0)
        told[what] = int(frames["sequence"][new].nunique())
        score = score.where(~new, values)
    top = score.groupby(frames["sequence"]).transform("max")
    untold = top.isna()
    kept = frames[(score == top) | untold]
    kept = kept[_alike(kept, units) | untold[kept.index]]
    place = kept.groupby("sequence").cumcount()
    size = kept.groupby("sequence")["image"].transform("size")
    kept = kept[(place == (size - 1) // 2) | untold[kept.index]]
    by = ", ".join(f"{count} by {what}" for what, count in told.items() if count)
    notes = []
    if by:
        notes.append(
            f"the peak is taken of {_many(frames)}, in {by}: {len(kept)} of {len(frames)} frames "
            f"are kept"
        )
    if untold.any():
        bare = frames[untold]
        names = few(bare["sequence"].unique())
        notes.append(f"nothing tells the peak of {_many(bare)} ({names}): all frames are kept")
    return kept, notes


def _is_apex(frames: pd.DataFrame) -> pd.Series:
    if PHASE not in frames.columns:
        return pd.Series(False, index=frames.index)
    return frames[PHASE].fillna("").eq(APEX).astype(bool)


def _sum(values: pd.DataFrame) -> pd.Series:
    """Add up what is known of each row; NaN where nothing is."""
    return values.astype(np.float64).sum(axis=1, min_count=1)


def _alike(frames: pd.DataFrame, units: list[str]) -> Bool[np.ndarray, " image"]:
    """Choose frames of equal labels in each sequence: the most, and of as many the first."""
    labels = _numbered(frames[["sequence", "expression", *units]])
    size = np.bincount(labels)[labels] if len(labels) else labels
    _, sequence = np.unique(frames["sequence"].to_numpy(dtype=str), return_inverse=True)
    order = np.lexsort((np.arange(len(frames)), -size, sequence))
    first = order[np.diff(sequence[order], prepend=-1) != 0]
    chosen: Bool[np.ndarray, " image"] = np.isin(labels, labels[first])
    return chosen


def _numbered(labels: pd.DataFrame) -> Int[np.ndarray, " image"]:
    """Give equal rows, missing values included, one number."""
    columns = [pd.factorize(labels[column])[0] for column in labels.columns]
    _, numbers = np.unique(np.stack(columns, axis=1), axis=0, return_inverse=True)
    return np.asarray(numbers.reshape(-1))


def _mean(frames: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """Keep the coded frames, and give each of them the labels of its whole sequence."""
    values = [column for column in frames.columns if column not in (*COLUMNS, PHASE)]
    coded = frames[values].notna().any(axis=1)
    partly = coded.groupby(frames["sequence"]).transform("any")
    kept = frames[coded | ~partly].copy()
    groups = kept.groupby("sequence")[values]
    largest, known = groups.transform("max"), groups.transform("count")
    size = kept.groupby("sequence")["image"].transform("size")
    before = kept[values]
    for column in values:
        complete = known[column].eq(size)
        if column in ACTION_UNITS:  # once is enough
            complete |= largest[column].eq(1)
        kept[column] = largest[column].where(complete).astype(np.float32)
    equal = before.eq(kept[values]) | (before.isna() & kept[values].isna())
    changed = int((~equal).to_numpy().sum())
    notes = [
        f"{_many(frames)} taken as a whole, and an action unit as present in all frames of one "
        f"that shows it in any: {changed} values of {len(kept)} frames are changed"
    ]
    if len(kept) < len(frames):
        notes.append(
            f"{len(frames) - len(kept)} of {len(frames)} frames that nobody coded are left out"
        )
    return kept, notes


def _many(frames: pd.DataFrame) -> str:
    number = frames["sequence"].nunique()
    return f"{number} sequence{'s' * (number != 1)}"


#: What a sequence can count for, by name.
WAYS: Final[Mapping[str, Way]] = {
    "peak": Way(
        "one frame of each sequence, at its peak (coded as apex, else of the largest sum of "
        "intensities, else of most action units; of several the middle one)",
        "Of each sequence, one frame at its peak was taken: one coded as apex, where there is any, "
        "otherwise one with the largest sum of intensities or, where only presence is coded, with "
        "most action units; of several the middle one.",
        _peak,
    ),
    "mean": Way(
        "each sequence as a whole (an action unit is present if any coded frame shows it)",
        "Each sequence was taken as a whole: its responses were averaged over all coded frames, "
        "and an action unit counts as present where any of them shows it.",
        _mean,
    ),
}
