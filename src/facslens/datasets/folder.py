"""A folder with one folder an expression: the layout that most datasets can be put into."""

import re
from pathlib import Path

import pandas as pd

from facslens.datasets.base import EXPRESSIONS, expression_name
from facslens.datasets.files import files_below, is_image, relative
from facslens.datasets.reading import Defect, Reading


def read_folder(root: Path, subject: re.Pattern[str] | None = None) -> Reading:
    r"""Read faces whose expression is the name of the folder they lie in, at any depth.

    Parameters
    ----------
    root
        The folder that holds the expression folders.
    subject
        Finds the subject in an image's path relative to `root`: its group ``subject``, else
        its first group, else all that it matches. Without it, or where it matches nothing,
        the subject is unknown. ``(\d+)_`` finds 17 in ``anger/17_b.png``.
    """
    defects: list[Defect] = []
    rows: list[dict[str, object]] = []
    for file in filter(is_image, files_below(root, defects, empty=True)):
        where, folder = relative(file, root), file.parent.name
        expression = None if file.parent == root else expression_name(folder)
        if expression is None:
            place = f"folder {folder!r}" if file.parent != root else "no folder"
            message = f"{where} lies in {place}: expected a folder named {' | '.join(EXPRESSIONS)}"
            defects.append(Defect("bad name", where, message))
            continue
        match = subject.search(where) if subject else None
        rows.append(
            {
                "image": where,
                "path": str(file.absolute()),
                "subject": _found(match) if match else None,
                "expression": expression,
            }
        )
    if not rows and not defects:
        message = f"{root} holds no image: expected one folder an expression, with images"
        defects.append(Defect("empty folder", str(root), message))
    return Reading(root.resolve().name, pd.DataFrame(rows), tuple(defects))


def _found(match: re.Match[str]) -> str | None:
    if "subject" in match.re.groupindex:
        return match["subject"]
    return match[1] if match.re.groups else match[0]
