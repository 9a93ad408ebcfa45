"""KDEF: posed expressions of seventy people from five angles, told by the names of the images."""

import re
from pathlib import Path
from typing import Final

from facslens.datasets.defects import Defect, tally
from facslens.datasets.layout import Key, Layout, Official
from facslens.datasets.named import named_images, named_reading
from facslens.datasets.reading import Reading

#: What the letters in a name mean.
_CODES: Final = {
    "AF": "fear",
    "AN": "anger",
    "DI": "disgust",
    "HA": "happiness",
    "NE": "neutral",
    "SA": "sadness",
    "SU": "surprise",
}
#: The angles: straight, half and full profiles.
ANGLES: Final = ("S", "HL", "HR", "FL", "FR")
# Before the expression: session A or B, sex, number of the person; the averaged faces that come
# with some copies (AKDEF) have the sex alone. Two photographs of KDEF have lost a part of theirs.
_FILE: Final = re.compile(
    rf"(?:(?P<session>[AB])(?P<subject>[FM]\d\d)|(?P<averaged>[FM]))(?P<code>{'|'.join(_CODES)})"
    rf"(?P<angle>{'|'.join(ANGLES)})\.jpe?g|(?P<cut>AF31V|AM31H)\.jpe?g",
    re.IGNORECASE,
)


def parse_angles(text: str) -> tuple[str, ...]:
    """Read angles separated by commas, or ``all``.

    Examples
    --------
    >>> parse_angles("S,hl"), parse_angles("all")
    (('S', 'HL'), ('S', 'HL', 'HR', 'FL', 'FR'))
    """
    if text == "all":
        return ANGLES
    angles = tuple(angle.strip().upper() for angle in text.split(","))
    if not set(angles) <= set(ANGLES):
        raise ValueError(text)
    return angles


def read_kdef(root: Path, angles: tuple[str, ...] = ("S",)) -> Reading:
    """Read faces from ``AF01ANS.JPG``: session A or B, woman 01, anger, straight.

    Both sessions show the same people, so the subject is ``F01`` in either.

    Parameters
    ----------
    root
        The folder that holds the photographs, at any depth.
    angles
        The `ANGLES` that are read; others are counted.

    Notes
    -----
    Left out, and counted, are averaged faces (AKDEF: ``FANS.JPG``), which are of no one, and the
    photographs AF31V and AM31H, whose names do not say the expression.

    References
    ----------
    Lundqvist, Flykt & Öhman 1998 [lundqvist1998]_.
    """
    defects: list[Defect] = []
    rows = []
    others: list[str] = []
    averaged: list[str] = []
    cut: list[str] = []
    for image in named_images(root, _FILE, "AF01ANS.JPG", defects):
        match = image.match
        if match["cut"]:
            cut.append(image.where)
        elif match["averaged"]:
            averaged.append(image.where)
        elif match["angle"].upper() not in angles:
            others.append(match["angle"].upper())
        else:
            subject, expression = match["subject"].upper(), _CODES[match["code"].upper()]
            rows.append(image.row(subject=subject, expression=expression))
    left = []
    if others:
        left.append(f"{len(others)} photographs from other angles (angles=): {tally(others)}")
    if averaged:
        left.append(f"{len(averaged)} averaged faces, such as {averaged[0]}")
    if cut:
        left.append(f"{len(cut)} whose name does not say the expression: {', '.join(cut)}")
    defects += [
        Defect("left out", str(root), f"left out of {root}: {one}", "warning") for one in left
    ]
    expected = f"photographs such as AF01ANS.JPG, of the angles {', '.join(angles)}"
    return named_reading("kdef", rows, root, expected, defects)


KDEF: Final = Layout(
    summary="KDEF: posed expressions of seventy people, in the names of the photographs",
    path="the folder that holds AF01ANS.JPG and so on, at any depth",
    read=read_kdef,
    keys={
        "angles": Key(
            "S for straight (the default), HL, HR for half and FL, FR for full profiles, some of "
            "them separated by commas, or all",
            parse_angles,
            chooses=True,
        )
    },
    # 70 people, seven expressions, two sessions; from five angles 4,900 photographs.
    official=Official(
        "lundqvist1998",
        images=980,
        subjects=70,
        expressions=dict.fromkeys(sorted(_CODES.values()), 140),
    ),
    source="lundqvist1998 https://www.kdef.se",
)
