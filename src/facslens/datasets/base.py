"""The Faces table: what is known of every face, whatever dataset it came from."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float

from facslens import action_units
from facslens.datasets.archive import read_bytes
from facslens.datasets.coding import Coding
from facslens.datasets.labels import EXPRESSIONS, NEUTRAL, PHASES, SPLITS
from facslens.errors import CallError, DataError

#: Columns that every Faces table has; action-unit columns follow them.
COLUMNS: Final = ("image", "path", "subject", "sequence", "frame", "expression", "split")
#: The column of phases, which a table has only where one is known.
PHASE: Final = "phase"


def is_neutral(table: pd.DataFrame) -> Bool[np.ndarray, " image"]:
    """Tell for each row of a Faces table whether it is known to be neutral."""
    known = [column for column in ("expression", PHASE) if column in table.columns]
    return (table[known].fillna("") == NEUTRAL).any(axis=1).to_numpy(dtype=bool)


@dataclass(frozen=True)
class Faces:
    """A table of faces, one row per image.

    Parameters
    ----------
    table
        Columns ``image`` (str, unique: the path relative to the dataset, with forward
        slashes), ``path`` (str: the file), ``subject``, ``sequence`` (str or missing;
        a sequence belongs to one subject), ``frame`` (Int64 or missing), ``expression``
        (one of `EXPRESSIONS` or missing), ``split`` (one of `SPLITS` or missing), where any is
        known ``phase`` (one of `PHASES` or missing: what the frame is of its sequence's
        movement), then action units as float32: ``AU12`` is *presence* (0 or 1),
        ``AU12_intensity`` the FACS grade A–E as 1–5, ``AU12_probability`` somebody's estimate
        in [0, 1]. Unknown is NaN in all three, never 0.
    name
        Short name of the dataset, such as ``ck48``.
    notes
        What the loader left out, one sentence each.
    codings
        Who coded each column of action units; none for a column of which nobody says it.
    by
        What the sequences were asked to count for, one of `facslens.datasets.frames.WAYS`, or None.

    Raises
    ------
    DataError
        If a column is missing or unknown, an image name occurs twice, a sequence has two subjects,
        a subject is in two splits, or a value is outside its range.
    """

    table: pd.DataFrame
    name: str
    notes: tuple[str, ...] = ()
    codings: Mapping[str, Coding] = field(default_factory=dict)
    by: str | None = None

    def __post_init__(self) -> None:
        _check(self.table, self.name)

    def __len__(self) -> int:
        return len(self.table)

    @property
    def aus(self) -> tuple[str, ...]:
        """Codes of the action units whose presence the table holds, in order."""
        return tuple(sorted(c for c in self.table.columns if c in action_units.ACTION_UNITS))

    @property
    def neutral(self) -> Bool[np.ndarray, " image"]:
        """Whether each face is known to be neutral."""
        return is_neutral(self.table)

    @property
    def expressions(self) -> tuple[str, ...]:
        """The expressions that occur, in the order of `EXPRESSIONS`."""
        found = set(self.table["expression"].dropna())
        return tuple(e for e in EXPRESSIONS if e in found)

    def presence(self, aus: Sequence[str] | None = None) -> Float[np.ndarray, "image au"]:
        """Presence of action units as float32: 0, 1, or NaN where unknown."""
        columns = [action_units.parse(au) for au in aus] if aus is not None else list(self.aus)
        for column in columns:
            if column not in self.table.columns:
                raise CallError(
                    f"{self.name} says nothing about the presence of {column}: "
                    f"it knows {', '.join(self.aus) or 'no action unit'}"
                )
        return self.table[columns].to_numpy(dtype=np.float32)

    def where(self, mask: np.ndarray) -> "Faces":
        """Keep the rows where the boolean mask is true."""
        return replace(self, table=self.table[mask].reset_index(drop=True))

    def part(self, *splits: str) -> "Faces":
        """Keep the rows of the named splits."""
        unknown = set(splits) - set(SPLITS)
        if unknown:
            raise CallError(f"{sorted(unknown)[0]!r} is no split: expected one of {SPLITS}")
        return self.where(self.table["split"].isin(splits).to_numpy())

    def with_split(self, split: pd.Series) -> "Faces":
        """Give the same faces with another split column, row by row."""
        if len(split) != len(self):
            raise CallError(f"the split has {len(split)} rows: expected {len(self)}, one per face")
        values = pd.array(split.to_numpy(), dtype="string")
        return replace(self, table=self.table.assign(split=values))

    def assume_independent(self) -> "Faces":
        """Declare that every face of an unknown subject shows another person.

        Those faces get the name of their sequence for a subject, else that of their image, so that
        they can be split: a sequence shows one person. Where the assumption is wrong, the network
        is trained and tested on the same person, and the measured accuracy is too high.
        """
        alone = self.table["sequence"].fillna(self.table["image"])
        subject = self.table["subject"].fillna(alone)
        note = "every face of an unknown subject counts as another person, as asked"
        unknown = bool(self.table["subject"].isna().any())
        notes = (*self.notes, note) if unknown else self.notes
        return replace(self, table=self.table.assign(subject=subject), notes=notes)

    def digest(self) -> str:
        """SHA-256 over image names, labels and the bytes of every image file.

        Two runs with equal digests saw the same faces with the same labels; the folder
        they lie in and their split play no part.

        Raises
        ------
        DataError
            If an image file cannot be read.
        """
        sha = hashlib.sha256()
        ordered = self.table.sort_values("image")
        labels = ordered.drop(columns=["path", "split"])
        sha.update(labels.to_csv(index=False).encode())
        for path in ordered["path"]:
            try:
                sha.update(hashlib.sha256(read_bytes(path)).digest())
            except OSError as error:
                raise DataError(
                    f"{self.name}: the image {path} cannot be read: {error.strerror}"
                ) from error
        return sha.hexdigest()


def make_table(rows: pd.DataFrame) -> pd.DataFrame:
    """Give rows the columns, order and dtypes of a Faces table; missing ones become NA.

    Parameters
    ----------
    rows
        At least ``image`` and ``path``; rows are sorted by image name, so that no result
        depends on the order in which a file system lists its files.
    """
    table = rows.copy()
    for column in COLUMNS:
        if column not in table.columns:
            table[column] = None
    first = list(COLUMNS)
    if PHASE in table.columns and table[PHASE].notna().any():
        first.append(PHASE)
    extra = [c for c in table.columns if c not in COLUMNS]
    au_columns = sorted(c for c in extra if c.split("_")[0] in action_units.ACTION_UNITS)
    table = table[[*first, *au_columns]].sort_values("image").reset_index(drop=True)
    for column in first:
        table[column] = table[column].astype("Int64" if column == "frame" else "string")
    return table.astype(dict.fromkeys(au_columns, np.float32))


def _check(table: pd.DataFrame, name: str) -> None:
    missing = [c for c in COLUMNS if c not in table.columns]
    if missing:
        raise DataError(f"{name}: the faces table lacks the column {missing[0]!r}")
    twice = table["image"][table["image"].duplicated()]
    if len(twice):
        raise DataError(f"{name}: the image {twice.iloc[0]!r} occurs twice in the faces table")
    for column, words in (("expression", EXPRESSIONS), ("split", SPLITS), (PHASE, PHASES)):
        if column not in table.columns:
            continue
        unknown = set(table[column].dropna()) - set(words)
        if unknown:
            raise DataError(
                f"{name}: {sorted(unknown)[0]!r} is no {column}: expected one of {', '.join(words)}"
            )
    owners = table.dropna(subset=["sequence"]).groupby("sequence")["subject"].nunique(dropna=False)
    if (owners > 1).any():
        raise DataError(f"{name}: the sequence {owners.idxmax()!r} belongs to two subjects")
    parts = table.groupby("subject")["split"].nunique()
    if (parts > 1).any():
        raise DataError(
            f"{name}: the subject {parts.idxmax()!r} is in two splits: expected them to be "
            f"disjoint in subject"
        )
    for column in table.columns.difference([*COLUMNS, PHASE]):
        _check_values(table, column, name)


def _check_values(table: pd.DataFrame, column: str, name: str) -> None:
    code, _, kind = column.partition("_")
    scale = action_units.KINDS.get(kind or "presence")
    if code not in action_units.ACTION_UNITS or scale is None or kind == "presence":
        raise DataError(
            f"{name}: the faces table has the column {column!r}: expected {', '.join(COLUMNS)} "
            f"and action units such as AU12, AU12_intensity, AU12_probability"
        )
    values = table[column].dropna()
    right = values.isin([0.0, 1.0]) if column == code else values.between(0, scale.high)
    wrong = values[~right]
    if len(wrong):
        raise DataError(
            f"{name}: {column} is {wrong.iloc[0]:g} for the image "
            f"{table.loc[wrong.index[0], 'image']!r}: expected {scale.values} or empty"
        )
