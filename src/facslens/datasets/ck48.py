"""CK+48: the 48×48 crops of CK+ in one folder per expression, with a table of FACS codes."""

import os
import re
from pathlib import Path
from typing import Final

import pandas as pd

from facslens.datasets.ckplus import AT_PEAK
from facslens.datasets.coding import PEOPLE, Coding
from facslens.datasets.columns import au_values, read_csv, value_columns
from facslens.datasets.conflicts import check_split, without_conflicts
from facslens.datasets.defects import Defect, Found, few, one_a_cause
from facslens.datasets.files import images_below, relative
from facslens.datasets.folder import split_of
from facslens.datasets.labels import expression_name
from facslens.datasets.layout import Key, Layout, Official, folder_or_file
from facslens.datasets.programs import codings_of_values, origins_of, prepared
from facslens.datasets.reading import Reading

_FILE: Final = re.compile(
    r"(?P<subject>S\d+)_(?P<take>\d+)_(?P<frame>\d{1,18})\.png", re.IGNORECASE
)


def read_ck48(root: Path, aus: Path | None = None) -> Reading:
    """Read faces from ``<expression>/<subject>_<sequence>_<frame>.png``.

    The faces are the last three frames of each sequence, which show the expression. Action units
    come from a table with one row per sequence; those of a sequence without a row are unknown.
    Folders called train, val, test and so on above those of the expressions say the split.

    Parameters
    ----------
    root
        The folder that holds the expression folders, or ``CK+48`` with them.
    aus
        CSV file with the column ``sequence`` (such as ``S011_004``), optionally ``subject``
        and ``emotion`` (they have to agree with the images), and 0/1 columns for action
        units. Without it ``facs.csv`` in `root`, where that exists. They count as coded by people,
        unless their columns are those of a known program.

    References
    ----------
    Lucey et al. 2010 [lucey2010]_.
    """
    defects: list[Defect] = []
    rows: dict[str, dict[str, object]] = {}
    found: list[Found] = []
    codes = aus if aus is not None else root / "facs.csv"
    for file in images_below(root, defects, known=(codes, root / "facs.csv")):
        folder, match = file.parent.name, _FILE.fullmatch(file.name)
        where, expression = relative(file, root), expression_name(folder)
        if expression is None:
            message = f"{where} lies in {folder!r}: expected a folder named after an expression"
            found.append(Found(folder, "", Defect("bad name", where, message)))
        elif match is None:
            message = f"{where}: expected a name such as S011_004_00000019.png"
            found.append(Found("name", "", Defect("bad name", where, message)))
        elif file.name in rows:
            message = f"{file.name} occurs twice: as {rows[file.name]['image']} and as {where}"
            found.append(Found("twice", "", Defect("duplicate name", where, message)))
        else:
            subject = match["subject"].upper()
            rows[file.name] = {
                "image": f"{folder}/{file.name}",
                "path": str(file.absolute()),
                "subject": subject,
                "sequence": f"{subject}_{match['take']}",
                "frame": int(match["frame"]),
                "expression": expression,
                "split": split_of(where, defects),
            }
    defects.extend(one_a_cause(found))
    faces, codings = pd.DataFrame(list(rows.values())), dict[str, Coding]()
    if not len(faces) and not any(defect.level == "error" for defect in defects):
        message = f"{root} holds no image: expected CK+48/<expression>/<subject>_…_<frame>.png"
        defects.append(Defect("empty folder", str(root), message))
    if len(faces):
        _agree(faces, defects)
        check_split(faces["split"], "ck48", defects)
        faces = without_conflicts(faces, "ck48", defects)
    if len(faces) and (aus is not None or os.path.lexists(codes)):
        faces, codings = _join(faces, codes, defects)
    return Reading("ck48", faces, tuple(defects), codings=codings)


def _agree(faces: pd.DataFrame, defects: list[Defect]) -> None:
    """Report the sequences that lie in two expression folders."""
    found = []
    for sequence, shown in faces.groupby("sequence")["expression"].unique().items():
        if len(shown) > 1:
            expressions = few(sorted(shown))
            message = (
                f"the sequence {sequence} lies in the folders of two expressions: {expressions}"
            )
            defect = Defect("labels disagree", str(sequence), message)
            found.append(Found("folders", str(sequence), defect))
    defects.extend(one_a_cause(found))


def _join(
    faces: pd.DataFrame, file: Path, defects: list[Defect]
) -> tuple[pd.DataFrame, dict[str, Coding]]:
    """Give every face the action units of its sequence, and say who coded them."""
    table = read_csv(file, defects)
    if table.empty:
        return faces, {}
    if "sequence" not in table.columns:
        message = f"{file} lacks the column 'sequence': it has {few(table.columns, 8)}"
        defects.append(Defect("missing column", str(file), message))
        return faces, {}
    origins = origins_of(table.columns)
    table = prepared(table, origins, file.name, defects, None)
    units = au_values(table, file.name, defects, kinds=origins.kinds)
    written = value_columns(table.columns, kinds=origins.kinds)
    codings = codings_of_values(written, origins, None, file.name, defects)
    twice = table["sequence"].duplicated() & table["sequence"].notna()
    defects += one_a_cause(
        Found(
            "rows",
            sequence,
            Defect(
                "duplicate name",
                sequence,
                f"{file.name} has two rows for the sequence {sequence}: expected one",
            ),
        )
        for sequence in table["sequence"][twice].unique()
    )
    kept = table["sequence"].notna() & ~twice
    known = table[kept].set_index("sequence")
    _compare(faces, known, file.name, defects)
    joined = faces.join(units[kept].set_index(known.index), on="sequence")
    return joined, dict.fromkeys(units.columns, PEOPLE) | codings


def _compare(faces: pd.DataFrame, known: pd.DataFrame, source: str, defects: list[Defect]) -> None:
    """Report the sequences whose files and whose row tell of different labels."""
    found = []
    for column, own in (("emotion", "expression"), ("subject", "subject")):
        if column not in known.columns:
            continue
        said = known[column].dropna().rename("said")
        pairs = faces[["sequence", own]].drop_duplicates().join(said, on="sequence", how="inner")
        for sequence, mine, cell in pairs.itertuples(index=False):
            other = expression_name(cell) if column == "emotion" else cell.upper()
            if other != mine:
                message = (
                    f"the sequence {sequence} has the {own} {mine} in the names of its images and "
                    f"{cell} in {source}: expected them to agree"
                )
                defect = Defect("labels disagree", sequence, message)
                found.append(Found(column, sequence, defect))
    defects.extend(one_a_cause(found))


CK48: Final = Layout(
    summary="CK+48: crops of the last three frames of each labelled CK+ sequence",
    people="CK+",
    path="the folder that holds CK+48/<expression>/S011_004_00000019.png",
    read=read_ck48,
    keys={"aus": Key("a CSV file of action units (default PATH/facs.csv)", folder_or_file)},
    # Three frames of each of the 327 sequences that the makers of CK+ gave an expression.
    official=Official(
        "lucey2010",
        images=981,
        subjects=118,
        sequences=327,
        expressions=AT_PEAK,
    ),
    source="lucey2010",
    seen=True,
)
