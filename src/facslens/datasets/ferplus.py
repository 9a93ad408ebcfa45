"""FER+: the faces of FER2013 with ten votes each, as two tables or as the FER+ tool writes them."""

import hashlib
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from facslens.datasets.archive import is_file, read_bytes
from facslens.datasets.columns import numbers, read_csv, row_name
from facslens.datasets.defects import Defect, Found, one_a_cause
from facslens.datasets.fer_pair import TABLE, read_pair
from facslens.datasets.labels import FER2013
from facslens.datasets.layout import Key, Layout, Official, one_of
from facslens.datasets.parts import PARTS, copies_note, later_copies
from facslens.datasets.reading import Reading
from facslens.datasets.votes import VOTES, majority, read_counts
from facslens.names import printable

LABELS: Final = ("ferplus", "fer2013")


def read_ferplus(root: Path, labels: str = "ferplus") -> Reading:
    """Read faces of FER2013 with a single expression each.

    Training faces that are copies of a validation or test face are left out, and so are
    validation copies of test faces: 275 groups of identical images span FER2013's parts.

    Parameters
    ----------
    root
        The folder or zip archive that holds ``FER2013Train`` and so on, or a folder ``ferplus``
        with them. Each part has ``label.csv`` without a header line: name, box, ten votes; and
        for FER2013's own labels ``fer2013.csv`` with a header line: name, number. Or a folder
        with ``fer2013.csv`` as Kaggle has it and ``fer2013new.csv`` as FER+ has it (see
        `facslens.datasets.fer_pair.read_pair`). Where both are there, the folders are read.
    labels
        ``ferplus``: the expression of more than half of the votes (see `majority`), unknown
        where there is none. ``fer2013``: the label that FER2013 was published with.

    References
    ----------
    Barsoum et al. 2016 [barsoum2016]_; Goodfellow et al. 2013 [goodfellow2013]_.
    """
    defects: list[Defect] = []
    rows = read_votes(root, defects, own=labels == "fer2013")
    if rows.empty:
        return Reading("ferplus", rows, tuple(defects))
    if labels == "ferplus":
        rows["expression"] = majority(rows[list(VOTES)].to_numpy(dtype=float))
    else:
        rows["expression"] = rows["fer2013"]
    twice = copies(rows)
    if twice.any():
        defects.append(Defect("left out", str(root), copies_note(int(twice.sum())), "warning"))
    kept = rows.loc[~twice, ["image", "path", "expression", "split"]]
    return Reading("ferplus", kept.reset_index(drop=True), tuple(defects))


def read_votes(root: Path, defects: list[Defect], *, own: bool = True) -> pd.DataFrame:
    """Read the votes of every face.

    Parameters
    ----------
    root
        As in `read_ferplus`.
    defects
        Takes what is wrong.
    own
        Whether FER2013's own labels are read, too.

    Returns
    -------
    DataFrame
        Columns ``image``, ``path``, ``split``, the `VOTES`, and with `own` ``fer2013``; sorted
        by part and image. Where two tables were read, ``digest``, too.
    """
    parts = []
    for base in (root, root / "ferplus"):
        for folder, split in PARTS.items():
            if is_file(base / folder / "label.csv"):
                parts.append(_read_part(base / folder, split, own, defects))
    if not parts and is_file(root / TABLE):
        return read_pair(root, defects)
    if not parts and not defects:
        message = (
            f"{root} holds no FER2013Train/label.csv: expected the folders of FER+, or {TABLE} "
            f"beside fer2013.csv"
        )
        defects.append(Defect("missing path", str(root), message))
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def _read_part(folder: Path, split: str, own: bool, defects: list[Defect]) -> pd.DataFrame:
    source = f"{folder.name}/label.csv"
    table = read_csv(folder / "label.csv", defects, header=False)
    if table.shape[1] != 2 + len(VOTES):
        if len(table):
            message = f"{source} has {table.shape[1]} columns: expected name, box and ten votes"
            defects.append(Defect("bad table", source, message))
        return pd.DataFrame()
    table.columns = pd.Index(["name", "box", *VOTES])
    lines = table.index.to_numpy() - 1  # there is no header line
    table = table.reset_index(drop=True)
    refused: list[Found] = []
    votes, wrong = read_counts(table, lines, source, refused)
    nameless, twice = table["name"].isna(), table["name"].duplicated()
    for index in np.flatnonzero(nameless | twice):
        row = row_name(lines[index], source)
        what = "no name" if nameless.iloc[index] else f"the name {table['name'].iloc[index]} again"
        message = f"{row} has {what}: expected one image per row"
        refused.append(Found(bool(nameless.iloc[index]), "", Defect("bad value", row, message)))
    defects.extend(one_a_cause(refused))
    wrong |= nameless | twice
    names = table["name"].fillna("")
    rows = pd.DataFrame(
        {
            "image": [printable(f"{folder.name}/{name}") for name in names],
            "path": [str(folder.absolute() / name) for name in names],
            "split": split,
        }
    ).join(votes)
    if own:
        rows["fer2013"] = _own(folder, table["name"], defects)
    return rows[~wrong].sort_values("image").reset_index(drop=True)


def _own(folder: Path, names: pd.Series, defects: list[Defect]) -> pd.Series:
    """FER2013's own label of each face, matched by name."""
    table = read_csv(folder / "fer2013.csv", defects)
    if table.shape[1] != 2:
        if len(table):
            source = f"{folder.name}/fer2013.csv"
            message = f"{source} has {table.shape[1]} columns: expected name and label"
            defects.append(Defect("bad table", source, message))
        return pd.Series(pd.NA, index=names.index, dtype="string")
    known = pd.Series(numbers(table.iloc[:, 1]).to_numpy(), index=table.iloc[:, 0])
    if known.index.has_duplicates:
        source, name = f"{folder.name}/fer2013.csv", known.index[known.index.duplicated()][0]
        message = f"{source} has two rows for {name}: expected one"
        defects.append(Defect("duplicate name", source, message))
        return pd.Series(pd.NA, index=names.index, dtype="string")
    return names.map(known).map(dict(enumerate(FER2013))).astype("string")


def copies(rows: pd.DataFrame) -> pd.Series:
    """Mark the rows of `read_votes` whose image file occurs, byte for byte, in a later part too."""
    if "digest" in rows.columns:
        return later_copies(rows["digest"], rows["split"])
    digests = pd.Series([_digest(path) for path in rows["path"]], index=rows.index)
    return later_copies(digests, rows["split"])


def _digest(path: str) -> str | None:
    try:
        return hashlib.sha256(read_bytes(path)).hexdigest()
    except OSError:  # the image is missing or broken: whoever reads it will say so
        return None


FERPLUS: Final = Layout(
    summary="FER+: the faces of FER2013 with ten votes each, as its tool writes them or two tables",
    path="the folder or zip archive that holds FER2013Train/label.csv, or the folder that holds "
    "fer2013.csv and fer2013new.csv",
    read=read_ferplus,
    keys={"labels": Key("ferplus (the default) or fer2013, FER2013's own labels", one_of(*LABELS))},
    official=Official("barsoum2016", images=35710),
    source="barsoum2016 https://github.com/microsoft/FERPlus",
    seen=True,
)
