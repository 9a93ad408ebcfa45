"""FER+: the faces of FER2013 with ten votes each, in the folders that the FER+ tool writes."""

import hashlib
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
from jaxtyping import Float

from facslens.datasets.archive import is_file, read_bytes
from facslens.datasets.columns import numbers, read_csv, row_name
from facslens.datasets.defects import Defect, Found, one_a_cause
from facslens.datasets.labels import EXPRESSIONS, FER2013
from facslens.datasets.layout import Key, Layout, one_of
from facslens.datasets.reading import Reading
from facslens.names import printable

#: The columns of votes, in the order of FER+'s ``label.csv``; the last is "not a face".
VOTES: Final = (
    "neutral",
    "happiness",
    "surprise",
    "sadness",
    "anger",
    "disgust",
    "fear",
    "contempt",
    "unknown",
    "NF",
)
#: Which folder is which part.
PARTS: Final = {
    "FER2013Train": "train",
    "FER2013Valid": "validation",
    "FER2013Test": "test",
}
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
        for FER2013's own labels ``fer2013.csv`` with a header line: name, number.
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
        message = f"{int(twice.sum())} copies of faces that another part holds are left out"
        defects.append(Defect("left out", str(root), message, "warning"))
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
        by part and image.
    """
    parts = []
    for base in (root, root / "ferplus"):
        for folder, split in PARTS.items():
            if is_file(base / folder / "label.csv"):
                parts.append(_read_part(base / folder, split, own, defects))
    if not parts and not defects:
        message = f"{root} holds no FER2013Train/label.csv: expected the folders of FER+"
        defects.append(Defect("missing path", str(root), message))
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def majority(votes: Float[np.ndarray, "image vote"]) -> pd.Series:
    """Give each face the expression that more than half of its raters saw, or none.

    A count of one is regarded as a slip and set to zero; the winner needs more than half of the
    remaining votes and has to be an expression, neither "unknown" nor "not a face".

    Parameters
    ----------
    votes
        Counts in the order of `VOTES`.

    References
    ----------
    Barsoum et al. 2016, section 3 [barsoum2016]_: majority voting.

    Examples
    --------
    >>> split, clear = [5.0, 5, 0, 0, 0, 0, 0, 0, 0, 0], [0.0, 6, 3, 1, 0, 0, 0, 0, 0, 0]
    >>> majority(np.array([split, clear])).tolist()
    [<NA>, 'happiness']
    """
    counted = np.where(votes == 1, 0, votes)
    winner = counted.argmax(axis=1)
    clear = counted.max(axis=1) > counted.sum(axis=1) / 2
    names = np.array([v if v in EXPRESSIONS else None for v in VOTES], dtype=object)
    return pd.Series(np.where(clear, names[winner], None), dtype="string")


def _read_part(folder: Path, split: str, own: bool, defects: list[Defect]) -> pd.DataFrame:
    source = f"{folder.name}/label.csv"
    table = read_csv(folder / "label.csv", defects, header=False)
    if table.shape[1] != 2 + len(VOTES):
        if len(table):
            message = f"{source} has {table.shape[1]} columns: expected name, box and ten votes"
            defects.append(Defect("bad table", source, message))
        return pd.DataFrame()
    table.columns = pd.Index(["name", "box", *VOTES])
    lines = table.index.to_numpy()
    table = table.reset_index(drop=True)
    votes = table[list(VOTES)].apply(numbers)
    votes = votes.where(votes.ge(0) & votes.le(1e6))
    wrong = ~(votes.ge(0) & votes.eq(votes.round())).all(axis=1) | ~votes.sum(axis=1).gt(0)
    refused: list[Found] = []
    for index in np.flatnonzero(wrong):
        row = row_name(lines[index] - 1, source)
        message = f"{row} ({table['name'].iloc[index]}) does not hold ten counts of votes"
        refused.append(Found("votes", "", Defect("bad value", row, message)))
    nameless, twice = table["name"].isna(), table["name"].duplicated()
    for index in np.flatnonzero(nameless | twice):
        row = row_name(lines[index] - 1, source)
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
    digests = pd.Series([_digest(path) for path in rows["path"]], index=rows.index)
    return later_copies(digests, rows["split"])


def later_copies(digests: pd.Series, splits: pd.Series) -> pd.Series:
    """Mark the faces whose digest occurs in a later part too."""
    order = splits.map({name: i for i, name in enumerate(PARTS.values())})
    return digests.notna() & (order < order.groupby(digests).transform("max"))


def _digest(path: str) -> str | None:
    try:
        return hashlib.sha256(read_bytes(path)).hexdigest()
    except OSError:  # the image is missing or broken: whoever reads it will say so
        return None


FERPLUS: Final = Layout(
    summary="FER+: the faces of FER2013 with ten votes each, as the FER+ tool writes them",
    path="the folder or zip archive that holds FER2013Train/label.csv",
    read=read_ferplus,
    keys={"labels": Key("ferplus (the default) or fer2013, FER2013's own labels", one_of(*LABELS))},
)
