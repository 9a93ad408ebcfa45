"""Count what a dataset holds: what one looks at before one believes anything."""

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any, Final

import numpy as np
import pandas as pd
from jaxtyping import Int

from facslens import action_units
from facslens.datasets.base import Faces
from facslens.datasets.description import Count, Description, Shares, Sizes, Spread, UnitValues
from facslens.datasets.labels import SPLITS
from facslens.datasets.load import read
from facslens.datasets.means import Means
from facslens.datasets.pictures import Pictures, read_pictures
from facslens.datasets.repeats import find_repeats
from facslens.names import one_line

#: Sizes of images that are named; the others are counted.
_SIZES: Final = 8
#: Bars of a histogram.
_BARS: Final = 16
_GRADES: Final = ("0", "A", "B", "C", "D", "E")


def describe(
    source: Faces | str, progress: Callable[[int, int], None] | None = None
) -> Description:
    """Count what a dataset holds, and look at every image.

    Parameters
    ----------
    source
        A Faces table, or the specification of a dataset. What of it has errors is left out and
        counted, so that the rest can be looked at.
    progress
        Called after every image with how many are done and how many there are.

    Raises
    ------
    CallError
        If the specification itself is wrong.
    """
    errors = 0
    if isinstance(source, Faces):
        faces = source
    else:
        reading = read(source)
        faces = reading.faces(strict=False)
        errors = sum(defect.level == "error" for defect in reading.defects)
    means = Means(faces)
    pictures = read_pictures(faces, progress, means.add)
    table = faces.table
    owners = table["subject"].value_counts().sort_index()
    by_subject = {str(name): int(count) for name, count in owners.items()}
    step = -(-max(by_subject.values(), default=1) // _BARS)
    return Description(
        name=faces.name,
        errors=errors,
        notes=tuple(one_line(note) for note in faces.notes),
        images=len(faces),
        unread=len(pictures.broken),
        subjects=int(table["subject"].nunique()),
        sequences=int(table["sequence"].nunique()),
        nobody=int(table["subject"].isna().sum()),
        expressions=_counts(table, "expression", faces.expressions),
        splits=_counts(table, "split", _parts(table)),
        units=tuple(_values(faces, column) for column in _columns(table)),
        by_expression=_shares(faces, {e: table["expression"] == e for e in faces.expressions}),
        together=_shares(faces, {au: table[au] == 1 for au in faces.aus}),
        by_subject=by_subject,
        faces_a_subject=_spread(list(by_subject.values()), 1, 1 + _BARS * step),
        sizes=_sizes(pictures),
        level=_spread(pictures.mean[pictures.sound], 0, 256),
        contrast=_spread(pictures.spread[pictures.sound], 0, 128),
        identical=sum(n for n in Counter(filter(None, pictures.digest)).values() if n > 1),
        repeats=find_repeats(faces, pictures),
        means=means.faces_of(),
    )


def _counts(table: pd.DataFrame, column: str, names: Iterable[str]) -> tuple[Count, ...]:
    """Count the faces of each name, and those without one."""
    groups: list[tuple[str | None, pd.DataFrame]] = [
        (name, table[(table[column] == name).fillna(value=False)]) for name in names
    ]
    if (without := table[table[column].isna()]).size:
        groups.append((None, without))
    splits = [] if column == "split" else _parts(table)
    return tuple(
        Count(
            name,
            len(rows),
            int(rows["subject"].nunique()),
            int(rows["sequence"].nunique()),
            {split: int((rows["split"] == split).sum()) for split in splits},
        )
        for name, rows in groups
    )


def _parts(table: pd.DataFrame) -> list[str]:
    """Name the parts of the split that occur."""
    found = set(table["split"].dropna())
    return [split for split in SPLITS if split in found]


def _columns(table: pd.DataFrame) -> list[str]:
    """Give the columns of action units, by number, presence first."""
    return sorted(c for c in table.columns if c.split("_")[0] in action_units.ACTION_UNITS)


def _values(faces: Faces, column: str) -> UnitValues:
    au, _, kind = column.partition("_")
    values = faces.table[column]
    known = values.dropna()
    said = not kind
    nearest = np.floor(known.to_numpy(dtype=float) + 0.5).astype(int)
    grades = {
        name: int((nearest == grade).sum())
        for grade, name in enumerate(_GRADES)
        if kind == "intensity"
    }
    spread = _spread(known.to_numpy(dtype=float), 0, 1)
    return UnitValues(
        au=au,
        kind=kind or "presence",
        coding=faces.codings.get(column),
        known=len(known),
        unknown=len(values) - len(known),
        present=int((known == 1).sum()) if said else None,
        absent=int((known == 0).sum()) if said else None,
        subjects=int(faces.table["subject"][values == 1].nunique()) if said else None,
        splits={
            split: int(((values == 1) & (faces.table["split"] == split)).sum())
            for split in _parts(faces.table)
            if said
        },
        grades=grades,
        least=spread.least,
        median=spread.median,
        most=spread.most,
    )


def _shares(faces: Faces, rows: dict[str, pd.Series]) -> Shares:
    values = faces.presence()
    masks = np.zeros((len(rows), len(faces)), dtype=np.int64)
    for number, mask in enumerate(rows.values()):
        masks[number] = mask.fillna(value=False).to_numpy(dtype=bool)

    def counted(truth: Int[np.ndarray, "image au"]) -> tuple[tuple[int, ...], ...]:
        return tuple(tuple(row) for row in (masks @ truth).tolist())

    present, known = ((values == 1).astype(np.int64), (~np.isnan(values)).astype(np.int64))
    return Shares(tuple(rows), faces.aus, counted(present), counted(known))


def _spread(values: Any, low: int, high: int) -> Spread:
    """Describe numbers that lie from `low` to below `high`."""
    counts, _ = np.histogram(values, bins=_BARS, range=(low, high))
    least, median, most = (
        (float(np.min(values)), float(np.median(values)), float(np.max(values)))
        if len(values)
        else (float("nan"),) * 3
    )
    return Spread(least, median, most, float(low), float(high), tuple(counts.tolist()))


def _sizes(pictures: Pictures) -> Sizes:
    found = Counter((w, h) for h, w in pictures.size[pictures.sound].tolist())
    ordered = sorted(found.items(), key=lambda item: (-item[1], item[0]))
    frequent = tuple((w, h, count) for (w, h), count in ordered[:_SIZES])
    return Sizes(frequent, sum(count for _, count in ordered[_SIZES:]))
