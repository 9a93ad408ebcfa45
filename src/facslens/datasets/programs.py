"""Which program wrote a table of action units, told by the names of its columns."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

import pandas as pd

from facslens import action_units
from facslens.datasets.coding import Coding, coders
from facslens.datasets.columns import numbers
from facslens.datasets.defects import Defect, few
from facslens.names import listed

Prepare = Callable[[pd.DataFrame, list[str], str, list[Defect], str | None], pd.DataFrame]


@dataclass(frozen=True)
class Program:
    """A program whose tables are known.

    Parameters
    ----------
    name
        What it is called.
    source
        Who describes its table: a key of ``references.bib``, or an address.
    columns
        Matches the names of its columns of action units.
    example
        How it calls them, for the documents.
    beside
        Names of further columns that it writes; one of them tells its table from a table of
        somebody else whose columns are called alike.
    kind
        What a column without a suffix holds (see `facslens.action_units.KINDS`).
    coding
        Who coded what it wrote; None for a format in which anybody's codes are written.
    prepare
        Takes the table, the columns of action units, the file's name, a list for defects and the
        kind that somebody asks for, and gives the table as `facslens.datasets.columns.au_values`
        reads it.
    expression
        The column in which it writes the expression that it estimates; empty for none.
    note
        What else to know of it, for the documents.
    """

    name: str
    source: str
    columns: re.Pattern[str]
    example: str
    beside: tuple[str, ...]
    kind: str
    coding: Coding | None
    prepare: Prepare | None = None
    expression: str = ""
    note: str = ""


@dataclass(frozen=True)
class Origins:
    """Where the columns of a table come from.

    Parameters
    ----------
    programs
        The programs that wrote some of them.
    by_column
        The program of each column of action units that one of them wrote.
    """

    programs: tuple[Program, ...] = ()
    by_column: Mapping[str, Program] = field(default_factory=dict)

    @property
    def kinds(self) -> dict[str, str]:
        """What the columns without a suffix hold, by the program that wrote them."""
        return {column: program.kind for column, program in self.by_column.items()}


#: The words of FaceReader for an action unit that is not there, and for a face that it lost.
_NOT_ACTIVE: Final = "notactive"
_FAILED: Final = ("FIND_FAILED", "FIT_FAILED")


def _graded(
    table: pd.DataFrame, columns: list[str], source: str, defects: list[Defect], kind: str | None
) -> pd.DataFrame:
    """Read what FaceReader writes: NotActive, A to E, and why there is no value."""
    cells = table[columns]
    failed = {word: cells.isin([word]).any(axis=1) for word in _FAILED}
    words = [f"{word} (of {int(rows.sum())} rows)" for word, rows in failed.items() if rows.any()]
    if words:
        message = (
            f"FaceReader found no face, or could not fit its model, where {source} says "
            f"{listed(words)}: the action units of these rows are unknown"
        )
        defects.append(Defect("left out", source, message, "warning"))
    cells = cells.mask(cells.isin(_FAILED))
    absent = cells.apply(lambda column: column.str.lower()).isin([_NOT_ACTIVE])
    between = cells.apply(lambda column: numbers(column) % 1 > 0)
    if kind is None and between.to_numpy().any():
        message = (
            f"{source} has FaceReader's numbers from 0 to 1, which are neither the letters A to E "
            f"nor probabilities: export the letters, or take them for estimates "
            f"with kind=probability"
        )
        defects.append(Defect("bad table", source, message))
        cells = cells.mask(between)
    return table.assign(**{column: cells[column].mask(absent[column], "0") for column in columns})


def _numbered(
    table: pd.DataFrame, columns: list[str], _: str, __: list[Defect], ___: str | None
) -> pd.DataFrame:
    """Name the columns of a matrix after their action units."""
    return table.rename(columns={column: action_units.parse(column) for column in columns})


def _of(name: str) -> Coding:
    return Coding(name, automatic=True)


#: One entry a program. Which is recognised does not depend on their order.
PROGRAMS: Final[tuple[Program, ...]] = (
    Program(
        "py-feat",
        "cheong2023pyfeat",
        re.compile(r"AU\d\d"),
        "`AU12`",
        ("FaceScore", "FaceRectX"),
        "probability",
        _of("py-feat"),
        note="columns such as anger and happiness are its probabilities, and no labels",
    ),
    Program(
        "OpenFace 2",
        "baltrusaitis2018",
        re.compile(r"AU\d\d_[rc]"),
        "`AU12_r`, `AU12_c`",
        ("confidence", "success", "gaze_0_x", "pose_Rx"),
        "presence",
        _of("OpenFace 2"),
        note=(
            "AU12_r is an intensity, AU12_c a presence; unknown where success is not 1 or "
            "the confidence too low"
        ),
    ),
    Program(
        "LibreFace",
        "chang2024libreface",
        re.compile(r"au_\d{1,2}(?:_intensity)?"),
        "`au_12`, `au_12_intensity`",
        ("facial_expression", "frame_time_in_ms", "gaze_yaw"),
        "presence",
        _of("LibreFace"),
        expression="facial_expression",
        note="au_12 is a presence, au_12_intensity an intensity",
    ),
    Program(
        "FaceReader",
        "https://github.com/d-bohn/facereadeR",
        re.compile(r"Action Unit \d\d - .+"),
        "`Action Unit 12 - Lip Corner Puller`",
        ("Video Time", "Valence", "Arousal"),
        "intensity",
        _of("FaceReader"),
        prepare=_graded,
        note=(
            "NotActive is an intensity of 0; FIND_FAILED and FIT_FAILED are unknown, and "
            "counted; the lines before the table are passed over"
        ),
    ),
    Program(
        "a NetFACS matrix",
        "mielke2021",
        re.compile(r"\d{1,2}"),
        "`12`",
        (),
        "presence",
        None,
        prepare=_numbered,
        note="columns are called 1, 2, 4; only where every number is an action unit",
    ),
)

#: A name in the style of an action unit's column, whatever its number.
_ANY: Final = re.compile(r"(?:au|action unit)[ _-]?(\d{1,2})(?:\D.*)?", re.IGNORECASE)
#: From so many columns on numbers without a gap are no accident: FACS has no action unit 3.
_INDICES: Final = 4
#: Columns of the table that OpenFace 3 writes: https://github.com/CMU-MultiComp-Lab/OpenFace-3.0
_OPENFACE3: Final = ("action_units", "face_detection")
#: Columns by which a table of blendshapes is recognised.
_BLENDSHAPES: Final = ("browInnerUp", "mouthSmileLeft", "jawOpen")


def origins_of(columns: Iterable[str]) -> Origins:
    """Tell which programs wrote which columns of a table.

    Examples
    --------
    >>> origins = origins_of(["frame", "success", "AU12_r", "AU12_c", "AU06"])
    >>> [program.name for program in origins.programs], list(origins.by_column)
    (['OpenFace 2'], ['AU12_r', 'AU12_c'])
    """
    names = [str(column) for column in columns]
    found: list[Program] = []
    by_column: dict[str, Program] = {}
    for program in PROGRAMS:
        own = [name for name in names if program.columns.fullmatch(name)]
        if program.beside:
            is_its = bool(own) and any(name in names for name in program.beside)
        else:  # bare numbers may be anything else, too
            codes = {f"AU{int(name):02d}" for name in own}
            new = len(codes) == len(own) and codes.isdisjoint(names)
            is_its = len(own) > 1 and new and codes <= set(action_units.ACTION_UNITS)
        if is_its:
            found.append(program)
            by_column |= dict.fromkeys(own, program)
    return Origins(tuple(found), by_column)


def prepared(
    table: pd.DataFrame, origins: Origins, source: str, defects: list[Defect], kind: str | None
) -> pd.DataFrame:
    """Give a table of text as if its action units had been written by hand.

    Columns whose number is the index of a network's output are taken out: nothing says which action
    unit they are.

    Parameters
    ----------
    table
        Text cells, as `facslens.datasets.columns.read_csv` gives them.
    origins
        What `origins_of` says of its columns.
    source
        The file's name, for messages.
    defects
        Takes what is refused or left out, with the reason.
    kind
        The kind that somebody asks for; then FaceReader's numbers are read as they are.
    """
    if all(column in table.columns for column in _OPENFACE3):
        message = (
            f"{source} is of OpenFace 3, whose column action_units lists numbers by the order of "
            f"its network's outputs, and does not name an action unit: write them into columns "
            f"such as AU12_probability, by the order of your version"
        )
        defects.append(Defect("bad table", source, message))
    indices = _indices(table.columns)
    if indices:
        message = (
            f"{source} numbers {len(indices)} columns without a gap ({few(indices)}): these are "
            f"the outputs of a network in their order, and no action units, of which FACS has no "
            f"number 3: call them by the action unit that each is"
        )
        defects.append(Defect("bad table", source, message))
        table = table.drop(columns=indices)
    for program in origins.programs:
        own = [c for c, by in origins.by_column.items() if by is program and c in table.columns]
        if program.prepare is not None and own:
            table = program.prepare(table, own, source, defects, kind)
    shapes = [column for column in _BLENDSHAPES if column in table.columns]
    if shapes:
        message = (
            f"{source} has blendshapes such as {shapes[0]}, which are no action units: they are "
            f"left out, unless aus=FILE says which of them is which action unit"
        )
        defects.append(Defect("left out", source, message, "warning"))
    return table


def _indices(columns: Iterable[str]) -> list[str]:
    """Find columns that are called after action units and numbered through."""
    names = [str(column) for column in columns]
    numbered = {name: int(match[1]) for name in names if (match := _ANY.fullmatch(name))}
    found = set(numbered.values())
    through = found == set(range(min(found, default=0), max(found, default=0) + 1))
    is_index = through and len(found) >= _INDICES and min(found) in (0, 1)
    return list(numbered) if is_index else []


def codings_of_values(
    written: Mapping[str, str],
    origins: Origins,
    coded: Coding | None,
    source: str,
    defects: list[Defect],
) -> dict[str, Coding]:
    """Say who coded each column of a Faces table.

    Parameters
    ----------
    written
        From columns of the Faces table, such as ``AU12_intensity``, to those of the file.
    origins
        What `origins_of` says of these.
    coded
        Who coded the columns that no known program wrote, or all of them, if a program wrote all;
        None where nobody says it.
    source
        The file's name, for messages.
    defects
        Takes every action unit of two coders, and as a warning who coded what, if there are
        several.
    """
    of = {value: origins.by_column.get(column) for value, column in written.items()}
    if coded is not None and written and all(program is not None for program in of.values()):
        names = listed([program.name for program in origins.programs])
        message = (
            f"{source} has the columns of {names}, and is read as coded by {coded.words}, as asked"
        )
        defects.append(Defect("left out", source, message, "warning"))
        return dict.fromkeys(written, coded)
    codings = {
        value: coding
        for value, program in of.items()
        if (coding := coded if program is None else program.coding) is not None
    }
    by_au: dict[str, dict[Coding | None, str]] = defaultdict(dict)
    for value, column in written.items():
        by_au[value.split("_")[0]].setdefault(codings.get(value), column)
    twice = {au: own for au, own in by_au.items() if len(own) > 1}
    for au, own in twice.items():
        columns = listed([f"{column} by {_words(coding)}" for coding, column in own.items()])
        message = f"{source} has {au} of two coders: {columns}; leave one of the columns out"
        defects.append(Defect("bad table", source, message))
    several = coders(codings, written)
    if len(several) > 1 and not twice:
        told = "; ".join(f"{_words(coding)}: {few(own)}" for coding, own in several)
        message = f"the action units of {source} are of several coders: {told}"
        defects.append(Defect("mixed codes", source, message, "warning"))
    return codings


def _words(coding: Coding | None) -> str:
    return "somebody (coded= says who)" if coding is None else coding.words
