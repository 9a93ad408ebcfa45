"""FACS codes as coders write them, such as ``6+12C+L14``: all of a face in one cell."""

import math
import re
from collections import defaultdict
from typing import Final

import numpy as np
import pandas as pd

from facslens.action_units import ACTION_UNITS
from facslens.datasets.columns import row_name
from facslens.datasets.defects import Defect, tally

_CODE: Final = re.compile(
    r"(?P<part>[LRTB]?)(?P<number>\d{1,2})(?P<grade>[A-E]?)(?P<after>[LRT]?)(?P<doubt>\??)"
)
_BETWEEN: Final = re.compile(r"[+,;|\s]+")
_PREFIX: Final = re.compile(r"\bAU[ _]?(?=[LRTB]?\d)")
#: Two parts of a face that are all of it.
_WHOLE: Final = ({"L", "R"}, {"T", "B"})
_GRADES: Final = "ABCDE"


def is_facs(cell: str) -> bool:
    """Tell whether a text is FACS codes and nothing else.

    Examples
    --------
    >>> is_facs("AU6+12C+L14"), is_facs("left AU12")
    (True, False)
    """
    return None not in map(_CODE.fullmatch, _written(cell))


def _written(cell: str) -> list[str]:
    return [c for c in _BETWEEN.split(_PREFIX.sub("", cell.upper())) if c not in ("", "0")]


def facs_values(cells: pd.Series, column: str, source: str, defects: list[Defect]) -> pd.DataFrame:
    """Read the FACS codes of faces.

    Parameters
    ----------
    cells
        Text such as ``1+2B+T23?``; empty where nobody coded the face, ``0`` where nothing was seen.
    column, source
        The names of the column and of the file, for messages.
    defects
        Takes cells with anything else, which are unknown as a whole, and as warnings how many codes
        say too little of their action unit.

    Returns
    -------
    DataFrame
        float32 columns ``AU12``, and ``AU12_intensity`` where any of its codes is graded, for every
        action unit that some cell lists; rows as in `cells`; unknown is NaN.

    Notes
    -----
    A code is the number of an action unit; before it L or R where only that side of the face
    shows it (or behind), T or B where only the top or bottom lip does; behind it the intensity A to
    E, read as 1 to 5, and ``?`` where the coder was not sure [ekman2002facs]_. An action unit that
    a coded face does not list is absent. One that is listed for a part of the face, and not for
    the other part, or with ``?``, is unknown, as everywhere in this package. Where two grades
    differ, or none is given, the intensity is unknown. Numbers that are no action units (positions
    of head and eyes) are ignored, and counted.

    Examples
    --------
    >>> cells = pd.Series(["6+12C", "12B+L6", None])
    >>> print(facs_values(cells, "FACS", "t.csv", []).to_string())
       AU06  AU12  AU12_intensity
    0   1.0   1.0             3.0
    1   NaN   1.0             2.0
    2   NaN   NaN             NaN
    """
    coded: dict[int, dict[str, list[re.Match[str]]]] = {}
    wrong: list[tuple[int, str]] = []
    others: list[str] = []
    known = cells.dropna()
    for index, cell in zip(known.index, known, strict=True):
        codes = [_CODE.fullmatch(code) for code in _written(cell)]
        if None in codes:
            wrong.append((index, cell))
            continue
        coded[index] = defaultdict(list)
        for code in filter(None, codes):
            unit = f"AU{int(code['number']):02d}"
            if unit in ACTION_UNITS:
                coded[index][unit].append(code)
            else:
                others.append(code[0])
    if wrong:
        row, cell = row_name(wrong[0][0], source), wrong[0][1]
        more = f"; {len(wrong) - 1} more cells are not read" if len(wrong) > 1 else ""
        message = (
            f"{row}: {column} is {cell!r}: expected FACS codes such as 6+12C+L14, or empty"
            f"{more} (facs=none leaves the column out)"
        )
        defects.append(Defect("bad value", row, message))
    units = sorted({unit for codes in coded.values() for unit in codes})
    values = pd.DataFrame(index=cells.index)
    vague: list[str] = []
    for unit in units:
        pairs = {index: _value(codes.get(unit, []), vague) for index, codes in coded.items()}
        values[unit] = pd.Series({index: pair[0] for index, pair in pairs.items()})
        if any(code["grade"] for codes in coded.values() for code in codes.get(unit, [])):
            graded = pd.Series({index: pair[1] for index, pair in pairs.items()})
            values[f"{unit}_intensity"] = graded
    for cause, found in (
        ("of a part of the face, or that are uncertain: these action units are unknown", vague),
        ("of no known action unit, ignored", others),
    ):
        if found:
            message = f"{column} of {source} has codes {cause}: {tally(found)}"
            defects.append(Defect("left out", source, message, "warning"))
    return values.astype(np.float32)


def _value(codes: list[re.Match[str]], vague: list[str]) -> tuple[float, float]:
    """Presence and intensity of one action unit in a coded face; collect codes that say neither."""
    if not codes:
        return 0.0, 0.0
    sure = [code for code in codes if not code["doubt"]]
    parts = {code["part"] or code["after"] for code in sure}
    if "" not in parts and not any(whole <= parts for whole in _WHOLE):
        vague.extend(code[0] for code in codes)
        return math.nan, math.nan
    grades = {code["grade"] for code in sure}
    grade = grades.pop() if len(grades) == 1 else ""
    return 1.0, _GRADES.index(grade) + 1.0 if grade else math.nan
