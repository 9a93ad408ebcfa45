"""The face region of each action unit, in an upright crop like those of CK+48."""

from typing import Final

import numpy as np
from jaxtyping import Bool, Float

from facslens import action_units

#: Centre x, centre y, radius x, radius y, as shares of the crop's side. The mirror image of an
#: ellipse beside the middle line belongs to the region, too.
Ellipse = tuple[float, float, float, float]

_BROWS: Final[Ellipse] = (0.30, 0.28, 0.18, 0.08)
_EYES: Final[Ellipse] = (0.31, 0.39, 0.14, 0.08)
_NOSE: Final[Ellipse] = (0.50, 0.52, 0.14, 0.15)
_CHEEKS: Final[Ellipse] = (0.27, 0.52, 0.15, 0.10)
_MOUTH: Final[Ellipse] = (0.50, 0.78, 0.21, 0.11)
_CHIN: Final[Ellipse] = (0.50, 0.91, 0.19, 0.09)
_JAW: Final[Ellipse] = (0.50, 0.85, 0.23, 0.15)
_FURROW: Final[Ellipse] = (0.36, 0.63, 0.08, 0.09)

#: Ellipses by part of the face, for action units without an entry in `REGIONS`.
_PLACES: Final[dict[str, tuple[Ellipse, ...]]] = {
    "brows": (_BROWS,),
    "eyes": (_EYES,),
    "nose": (_NOSE,),
    "cheeks": (_CHEEKS,),
    "mouth": (_MOUTH,),
    "chin": (_CHIN,),
    "jaw": (_JAW,),
    "neck": (),  # below the crop
}

#: Ellipses of action units whose region is narrower or wider than that of `_PLACES`.
REGIONS: Final[dict[str, tuple[Ellipse, ...]]] = {
    "AU01": ((0.39, 0.27, 0.11, 0.09), (0.50, 0.17, 0.19, 0.09)),
    "AU02": ((0.22, 0.26, 0.12, 0.09), (0.25, 0.16, 0.13, 0.08)),
    "AU04": (_BROWS, (0.50, 0.32, 0.10, 0.09)),
    "AU06": (_CHEEKS, (0.14, 0.41, 0.06, 0.08)),
    "AU07": ((0.31, 0.41, 0.14, 0.07),),
    "AU09": ((0.50, 0.44, 0.12, 0.11), (0.40, 0.56, 0.09, 0.09)),
    "AU10": ((0.50, 0.69, 0.15, 0.07), _FURROW),
    "AU11": (_FURROW,),
    "AU12": ((0.31, 0.73, 0.11, 0.11), _FURROW),
    "AU13": ((0.31, 0.72, 0.10, 0.10),),
    "AU14": ((0.31, 0.76, 0.10, 0.09),),
    "AU15": ((0.34, 0.81, 0.11, 0.09),),
    "AU16": ((0.50, 0.84, 0.17, 0.08),),
    "AU17": (_CHIN, (0.50, 0.82, 0.16, 0.07)),
    "AU20": ((0.31, 0.79, 0.13, 0.10),),
}


def region(au: str | int) -> tuple[Ellipse, ...]:
    """Give the ellipses in which an action unit shows; none if they are not in the crop (neck).

    Raises
    ------
    CallError
        If the spelling is not known.

    Examples
    --------
    >>> region("AU14"), region("AU21")
    (((0.31, 0.76, 0.1, 0.09),), ())
    """
    code = action_units.parse(au)
    return REGIONS.get(code, _PLACES[action_units.ACTION_UNITS[code].region])


def region_mask(
    au: str | int, rows: Float[np.ndarray, " row"], columns: Float[np.ndarray, " column"]
) -> Bool[np.ndarray, "row column"] | None:
    """Give the pixels of a square crop, or of a part of it, in which an action unit shows.

    Parameters
    ----------
    au
        The action unit, in any spelling.
    rows, columns
        Where the centres of the pixels lie, as shares of the crop's side, such as
        `facslens.preprocess.fit.centres` gives them.

    Returns
    -------
    numpy.ndarray or None
        True at pixels whose centre lies in an ellipse of the region; None if the region is not
        in the crop (neck).

    Raises
    ------
    CallError
        If the spelling is not known.

    Notes
    -----
    The ellipses were placed by eye on the mean faces of CK+48, all and by action unit: pupils
    at 0.31 and 0.69 across and 0.40 down, brows at 0.29 (0.24 when raised), the nose's tip at
    0.63, the mouth between 0.30 and 0.70 across and 0.70 and 0.87 down. What an action unit
    changes is taken from the manual [ekman2002facs]_. The regions are not fitted to single faces;
    for synthetic faces use their own true masks.

    References
    ----------
    [ekman2002facs]_

    Examples
    --------
    >>> places = (np.arange(48) + 0.5) / 48
    >>> mask = region_mask("AU12", places, places)
    >>> bool(mask[35, 15]), bool(mask[35, 32]), bool(mask[19, 15])  # corners, and an eye
    (True, True, False)
    """
    ellipses = region(au)
    if not ellipses:
        return None
    mask = np.zeros((len(rows), len(columns)), dtype=bool)
    for x, y, across, down in ellipses:
        for middle in {x, 1 - x}:
            distance = ((columns[None, :] - middle) / across) ** 2
            mask |= distance + ((rows[:, None] - y) / down) ** 2 <= 1
    return mask
