"""The vocabulary of the Facial Action Coding System (FACS): numbers, names, muscles, places."""

import re
from dataclasses import dataclass
from typing import Final, Literal

from facslens.errors import CallError

Region = Literal["brows", "eyes", "nose", "cheeks", "mouth", "chin", "jaw", "neck"]
Kind = Literal["presence", "intensity", "probability"]


@dataclass(frozen=True)
class ActionUnit:
    """One action unit of FACS.

    Parameters
    ----------
    number
        Its number in the manual.
    name
        Its name in the manual, in lower case.
    muscles
        The muscles that make it; empty where the manual names none.
    region
        The part of the face where its main change of appearance lies.

    References
    ----------
    Ekman, Friesen & Hager 2002 [ekman2002facs]_.
    """

    number: int
    name: str
    muscles: str
    region: Region

    @property
    def code(self) -> str:
        """The canonical spelling, such as ``AU06``."""
        return f"AU{self.number:02d}"


_TABLE: Final[tuple[tuple[int, str, str, Region], ...]] = (
    (1, "inner brow raiser", "frontalis, pars medialis", "brows"),
    (2, "outer brow raiser", "frontalis, pars lateralis", "brows"),
    (4, "brow lowerer", "corrugator and depressor supercilii", "brows"),
    (5, "upper lid raiser", "levator palpebrae superioris", "eyes"),
    (6, "cheek raiser", "orbicularis oculi, pars orbitalis", "cheeks"),
    (7, "lid tightener", "orbicularis oculi, pars palpebralis", "eyes"),
    (8, "lips toward each other", "orbicularis oris", "mouth"),
    (9, "nose wrinkler", "levator labii superioris alaeque nasi", "nose"),
    (10, "upper lip raiser", "levator labii superioris", "mouth"),
    (11, "nasolabial deepener", "zygomaticus minor", "cheeks"),
    (12, "lip corner puller", "zygomaticus major", "mouth"),
    (13, "sharp lip puller", "levator anguli oris", "mouth"),
    (14, "dimpler", "buccinator", "mouth"),
    (15, "lip corner depressor", "depressor anguli oris", "mouth"),
    (16, "lower lip depressor", "depressor labii inferioris", "mouth"),
    (17, "chin raiser", "mentalis", "chin"),
    (18, "lip pucker", "incisivii labii", "mouth"),
    (19, "tongue show", "", "mouth"),
    (20, "lip stretcher", "risorius", "mouth"),
    (21, "neck tightener", "platysma", "neck"),
    (22, "lip funneler", "orbicularis oris", "mouth"),
    (23, "lip tightener", "orbicularis oris", "mouth"),
    (24, "lip pressor", "orbicularis oris", "mouth"),
    (25, "lips part", "depressor labii, or relaxed mentalis or orbicularis oris", "mouth"),
    (26, "jaw drop", "masseter, temporal and internal pterygoid relaxed", "jaw"),
    (27, "mouth stretch", "pterygoids and digastric", "jaw"),
    (28, "lip suck", "orbicularis oris", "mouth"),
    (29, "jaw thrust", "", "jaw"),
    (30, "jaw sideways", "", "jaw"),
    (31, "jaw clencher", "masseter", "jaw"),
    (32, "lip bite", "", "mouth"),
    (33, "cheek blow", "", "cheeks"),
    (34, "cheek puff", "", "cheeks"),
    (35, "cheek suck", "", "cheeks"),
    (36, "tongue bulge", "", "cheeks"),
    (37, "lip wipe", "", "mouth"),
    (38, "nostril dilator", "nasalis, pars alaris", "nose"),
    (39, "nostril compressor", "nasalis, pars transversa; depressor septi nasi", "nose"),
    (41, "lid droop", "levator palpebrae superioris relaxed", "eyes"),
    (42, "slit", "orbicularis oculi", "eyes"),
    (43, "eyes closed", "levator palpebrae superioris relaxed", "eyes"),
    (44, "squint", "orbicularis oculi, pars palpebralis", "eyes"),
    (45, "blink", "levator palpebrae superioris relaxed briefly", "eyes"),
    (46, "wink", "orbicularis oculi", "eyes"),
)

ACTION_UNITS: Final[dict[str, ActionUnit]] = {
    unit.code: unit for unit in (ActionUnit(*row) for row in _TABLE)
}

_SPELLING = re.compile(r"(?:AU[ _-]?)?0*(\d{1,2})", re.IGNORECASE)


def parse(text: str | int) -> str:
    """Give the canonical code of an action unit written in any known spelling.

    Parameters
    ----------
    text
        ``12``, ``"12"``, ``"AU12"``, ``"au_12"``, ``"AU 12"`` or ``"AU-12"``.

    Returns
    -------
    str
        The code, such as ``AU12``.

    Raises
    ------
    CallError
        If the text spells no action unit of `ACTION_UNITS`.

    Examples
    --------
    >>> parse("au_1"), parse(12)
    ('AU01', 'AU12')
    """
    code = _match(str(text))
    if code is None:
        raise CallError(
            f"{text!r} is no action unit: expected a spelling such as AU12, au_12 or 12, "
            f"with a number from 1 to 46 that FACS defines"
        )
    return code


def is_action_unit(text: str) -> bool:
    """Tell whether the text spells an action unit, the letters AU included.

    A bare number is refused here: a column called ``1`` in somebody's table
    may be anything.

    Examples
    --------
    >>> is_action_unit("AU 6"), is_action_unit("6"), is_action_unit("AU47")
    (True, False, False)
    """
    return text.strip()[:2].upper() == "AU" and _match(text) is not None


def _match(text: str) -> str | None:
    match = _SPELLING.fullmatch(text.strip())
    if match is None:
        return None
    code = f"AU{int(match.group(1)):02d}"
    return code if code in ACTION_UNITS else None
