"""Which sequence of a table each event of a file belongs to."""

import posixpath
from collections import Counter
from collections.abc import Iterable, Mapping

import pandas as pd

from facslens.datasets.defects import Defect, few
from facslens.datasets.events import Events


def sequences_of(
    events: Events, sequence: pd.Series, file: str, source: str, defects: list[Defect]
) -> pd.Series | None:
    """Find the sequence of each event, by its name or by that of its video file.

    Parameters
    ----------
    events
        The events.
    sequence
        The sequence of each row of the table.
    file, source
        The names of both, for messages.
    defects
        Takes what is wrong: no event is of any sequence, or those of a sequence are of several
        videos, persons or observations, of whom each may have been coded at other times; and as
        warnings how many events and sequences have no partner.

    Returns
    -------
    Series or None
        A name, or missing; None where it cannot be told.
    """
    known = list(sequence.dropna().unique())
    places = _by_name(known)
    found = None
    named = pd.Series(pd.NA, index=events.table.index, dtype="string")
    for column in events.videos.columns:
        matched = events.videos[column].map(lambda cell: places.get(cell, places.get(_stem(cell))))
        if matched.notna().any():
            found, named = matched, events.videos[column]
            break
    if not len(events.videos.columns) and len(known) == 1:
        found = pd.Series(known[0], index=events.table.index)
    if found is None:
        told = "by no column"
        if len(events.videos.columns):
            told = f"such as {few(events.videos.iloc[:, 0].dropna().unique())}"
        message = (
            f"{file} names the videos of its events {told}, {source} has the sequences "
            f"{few(known)}: expected a column such as video with the same names"
        )
        defects.append(Defect("labels disagree", file, message))
        return None
    if not _single({"file": named, **events.single}, found, file, defects):
        return None
    lost, bare = int(found.isna().sum()), sorted(set(known) - set(found.dropna()))
    if lost:
        message = f"{lost} of {len(found)} events of {file} are of no sequence of {source}: ignored"
        defects.append(Defect("left out", file, message, "warning"))
    if bare:
        message = (
            f"{file} has no event of {len(bare)} of the {len(known)} sequences of {source} "
            f"({few(bare)}): their action units are unknown"
        )
        defects.append(Defect("left out", file, message, "warning"))
    return found


def _by_name(known: Iterable[str]) -> dict[str, str]:
    """Give sequences by their names, and by what is left of these without folder and ending."""
    names = list(known)
    stems = Counter(map(_stem, names))
    return {_stem(name): name for name in names if stems[_stem(name)] == 1} | dict(
        zip(names, names, strict=True)
    )


def _stem(name: object) -> str:
    file = posixpath.basename(str(name).replace("\\", "/"))
    return posixpath.splitext(file)[0].lower()


def _single(
    told: Mapping[str, pd.Series], found: pd.Series, file: str, defects: list[Defect]
) -> bool:
    """Tell whether the events of every sequence are of one file, one person, one observation."""
    for what, names in told.items():
        count = names.groupby(found).nunique()
        if count.max() > 1:
            sequence = count.idxmax()
            several = sorted(names[(found == sequence).fillna(False)].dropna().unique())
            message = (
                f"{file} has events of {len(several)} {what}s for the sequence {sequence} "
                f"({few(several)}): expected those of one"
            )
            defects.append(Defect("labels disagree", file, message))
            return False
    return True
