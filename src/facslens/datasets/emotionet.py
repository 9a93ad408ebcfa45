"""EmotioNet: photographs from the web, coded by a program, and some of them by people."""

import re
from pathlib import Path
from typing import Final

import pandas as pd

from facslens.datasets.coded import (
    PRESENCE,
    Lines,
    frame_codes,
    read_lines,
    unit_of,
    units_in,
)
from facslens.datasets.coding import PEOPLE, Coding
from facslens.datasets.columns import UNKNOWN, au_values, read_csv
from facslens.datasets.defects import Defect, Found, few, one_a_cause
from facslens.datasets.files import count_skipped, files_below, in_utf8, is_image, relative
from facslens.datasets.layout import Key, Layout, one_of
from facslens.datasets.reading import Reading
from facslens.names import printable

#: Who coded the files of a name: people, or a program.
CODINGS: Final = {
    "people": PEOPLE,
    "program": Coding("the program of EmotioNet", automatic=True),
}
_OF_PEOPLE: Final = re.compile(r".*FACS.*\.csv", re.I)
_OF_PROGRAM: Final = re.compile(r"dataFile_\w+\.txt", re.I)
# After the two addresses of an image come the action units 1 to 60.
_ADDRESSES: Final = 2
_COLUMNS: Final = [unit_of(str(number)) or f"#{number}" for number in range(1, 61)]


def read_emotionet(root: Path, coded: str | None = None) -> Reading:
    """Read the photographs that are there and have codes.

    ``dataFile_0001.txt`` holds an image's address, its first address, and 60 codes a line, between
    tabs; a program wrote them. ``EmotioNet_FACS_aws_2020_24600.csv`` has columns ``URL``, ``AU 1``
    and so on; people did. An image is found below `root` by the last part of its address.

    Parameters
    ----------
    root
        The folder that holds the files of codes and the images, at whatever depth.
    coded
        ``"people"`` or ``"program"``: whose codes to read. They are never mixed; where there are
        codes of both, one has to be named.

    Notes
    -----
    999 is unknown. Nobody is named, so subjects are unknown.

    References
    ----------
    Benitez-Quiroz et al. 2017 [benitez2017]_.
    """
    defects: list[Defect] = []
    found: list[Found] = []
    images: dict[str, Path] = {}
    files: dict[str, list[Path]] = {name: [] for name in CODINGS}
    skipped: list[Path] = []
    for file in in_utf8(files_below(root, defects), root, defects):
        if is_image(file):
            first = images.setdefault(file.name, file)
            if first is not file:
                where = relative(file, root)
                message = f"{file.name} occurs twice: as {relative(first, root)} and as {where}"
                found.append(Found("twice", "", Defect("duplicate name", where, message)))
        elif _OF_PEOPLE.fullmatch(file.name):
            files["people"].append(file)
        elif _OF_PROGRAM.fullmatch(file.name):
            files["program"].append(file)
        else:
            skipped.append(file)
    count_skipped(skipped, root, defects)
    given = [name for name in CODINGS if files[name]]
    if coded is None and len(given) > 1:
        message = (
            f"{root} holds codes of people ({few(f.name for f in files['people'])}) and of a "
            f"program ({few(f.name for f in files['program'])}): say coded=people or coded=program"
        )
        defects.append(Defect("labels disagree", str(root), message))
        return Reading("emotionet", pd.DataFrame(), tuple(defects))
    whose = coded or next(iter(given), "people")
    tables = [
        _of_people(file, defects) if whose == "people" else _of_program(file, root, found)
        for file in files[whose]
    ]
    rows = _with_images(tables, images, root, found, defects)
    defects.extend(one_a_cause(found))
    if rows.empty and not any(defect.level == "error" for defect in defects):
        message = (
            f"{root} holds no image with codes: expected dataFile_0001.txt, or "
            f"EmotioNet_FACS_aws_2020_24600.csv (its workbook saved as CSV), and images such as "
            f"N_0000000001_00001.jpg"
        )
        defects.append(Defect("empty folder", str(root), message))
    codings = dict.fromkeys(units_in(rows), CODINGS[whose])
    return Reading("emotionet", rows, tuple(defects), codings=codings)


def _of_program(file: Path, root: Path, found: list[Found]) -> pd.DataFrame:
    """Read lines of two addresses and 60 codes, with the name of each image."""
    where = relative(file, root)
    lines = read_lines(file, where, found)
    width = _ADDRESSES + len(_COLUMNS)
    whole = [i for i, cells in enumerate(lines.cells) if len(cells) == width]
    for i in sorted(set(range(len(lines.cells))) - set(whole)):
        place = f"line {lines.places[i]} of {where}"
        message = (
            f"{place} has {len(lines.cells[i])} cells between tabs: expected {width}, two "
            f"addresses and 60 codes"
        )
        found.append(Found("width", "", Defect("bad value", place, message)))
    lines = lines.keep(whole)
    names = [_name(cells[0]) for cells in lines.cells]
    numbered = [[str(i), *cells[_ADDRESSES:]] for i, cells in enumerate(lines.cells)]
    codes = frame_codes(
        Lines(where, lines.places, numbered), _COLUMNS, PRESENCE, found, UNKNOWN["emotionet"]
    )
    return codes[[unit for unit in _COLUMNS if not unit.startswith("#")]].assign(name=names)


def _of_people(file: Path, defects: list[Defect]) -> pd.DataFrame:
    """Read a table with a column of addresses."""
    table = read_csv(file, defects)
    table.columns = pd.Index([str(column).strip("'\" ") for column in table.columns])
    address = next((column for column in table.columns if column.lower() == "url"), None)
    if address is None:
        if len(table.columns):
            message = f"{file} lacks the column 'URL': it has {few(table.columns, 8)}"
            defects.append(Defect("missing column", str(file), message))
        return pd.DataFrame({"name": []})
    codes = au_values(table, file.name, defects, unknown=(UNKNOWN["emotionet"],))
    return codes.assign(name=table[address].fillna("").map(_name))


def _name(address: str) -> str:
    """Give the last part of an image's address."""
    return address.strip("'\" ").rsplit("/", 1)[-1]


def _with_images(
    tables: list[pd.DataFrame],
    images: dict[str, Path],
    root: Path,
    found: list[Found],
    defects: list[Defect],
) -> pd.DataFrame:
    """Make rows of the images that are there and have codes; count the others."""
    if not tables:
        return pd.DataFrame()
    codes = pd.concat(tables, ignore_index=True)
    again = codes["name"].duplicated()
    for name in codes["name"][again].unique():
        message = f"{name} has codes twice below {root}: expected once"
        found.append(Found("codes", "", Defect("labels disagree", name, message)))
    codes = codes[~again]
    there = codes["name"].isin(images.keys())
    absent = codes["name"][~there]
    if len(absent):
        message = f"{len(absent)} of {len(codes)} coded images are not there: {few(absent)}"
        defects.append(Defect("left out", str(root), message, "warning"))
    bare = sorted(set(images) - set(codes["name"]))
    if bare:
        message = f"{len(bare)} of {len(images)} images have no code, left out: {few(bare)}"
        defects.append(Defect("left out", str(root), message, "warning"))
    rows = codes[there].reset_index(drop=True)
    files = [images[name] for name in rows["name"]]
    return (
        rows.drop(columns="name")
        .dropna(axis="columns", how="all")
        .assign(
            image=[printable(relative(file, root)) for file in files],
            path=[str(file.absolute()) for file in files],
        )
    )


EMOTIONET: Final = Layout(
    summary="EmotioNet: photographs from the web, coded by a program, some of them by people",
    path="the folder that holds the files of codes and the images",
    read=read_emotionet,
    keys={
        "coded": Key(
            "people or program: whose codes to read, where there are both", one_of(*CODINGS)
        )
    },
    source="https://github.com/cosanlab/py-feat/blob/main/scripts/extract_au_training_features.py",
)
