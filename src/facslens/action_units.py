"""The vocabulary of the Facial Action Coding System (FACS): numbers, names, muscles, places."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from facslens.errors import CallError
from facslens.names import listed

Region = Literal["brows", "eyes", "nose", "cheeks", "mouth", "chin", "jaw", "neck"]


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


@dataclass(frozen=True)
class Kind:
    """What the values of an action unit are: its presence, its intensity, or a probability.

    Parameters
    ----------
    suffixes
        What may follow the action unit and ``_`` in the name of a column.
    high
        The largest value; the smallest is 0.
    values
        The values, for errors.
    letters
        The letters that are read as 1, 2 and so on, for errors; empty if none are.
    """

    suffixes: tuple[str, ...]
    high: float
    values: str
    letters: str = ""


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

#: Other names of action units, which older editions of the manual and programs have.
ALSO_CALLED: Final[Mapping[str, str]] = {"lip puckerer": "AU18"}

#: One prototype of each expression, after EMFACS as tabled by Ekman, Friesen & Hager 2002
#: [ekman2002facs]_, p. 174; contempt is one-sided.
PROTOTYPES: Final[Mapping[str, tuple[str, ...]]] = {
    "anger": ("AU04", "AU05", "AU07", "AU23"),
    "contempt": ("AU14",),
    "disgust": ("AU09", "AU16", "AU25"),
    "fear": ("AU01", "AU02", "AU04", "AU05", "AU20", "AU25"),
    "happiness": ("AU06", "AU12", "AU25"),
    "sadness": ("AU01", "AU04", "AU15", "AU17"),
    "surprise": ("AU01", "AU02", "AU05", "AU26"),
}

#: Action units of one prototype that may do more, or less, together than the sum of each alone.
INTERACTING: Final = (("AU06", "AU12"), ("AU01", "AU02", "AU05"), ("AU04", "AU07"))

#: What can be seen of an action unit, in words that follow "when".
WHEN: Final[Mapping[str, str]] = {
    "AU01": "the inner brows are raised",
    "AU02": "the outer brows are raised",
    "AU04": "the brows are lowered",
    "AU05": "the upper lids are raised",
    "AU06": "the cheeks are raised",
    "AU07": "the lids are tightened",
    "AU09": "the nose is wrinkled",
    "AU10": "the upper lip is raised",
    "AU12": "the lip corners are pulled up",
    "AU14": "the lip corners are dimpled",
    "AU15": "the lip corners are pulled down",
    "AU16": "the lower lip is pulled down",
    "AU17": "the chin is raised",
    "AU18": "the lips are puckered",
    "AU20": "the lips are stretched sideways",
    "AU22": "the lips are funnelled",
    "AU23": "the lips are tightened",
    "AU24": "the lips are pressed together",
    "AU25": "the lips part",
    "AU26": "the jaw drops",
    "AU27": "the mouth is stretched open",
    "AU28": "the lips are sucked in",
    "AU43": "the eyes are closed",
}

#: How people write an action unit: an example, and the regular expression of what stands before
#: the number in it. Upper and lower case are the same.
SPELLINGS: Final[dict[str, str]] = {
    "AU12": "AU",
    "AU_12": "AU_",
    "AU 12": "AU ",
    "AU-12": "AU-",
    "Action Unit 12": "Action Unit ",
    "12": "",
}

#: What the values of a column say about its action unit. OpenFace writes ``AU01_r`` for the
#: intensity and ``AU01_c`` for the presence [baltrusaitis2018]_.
KINDS: Final[dict[str, Kind]] = {
    "presence": Kind(("presence", "c"), 1.0, "0, 1"),
    "intensity": Kind(("intensity", "r"), 5.0, "0 to 5", "A to E"),
    "probability": Kind(("probability",), 1.0, "0 to 1"),
}


def parse(text: str | int) -> str:
    """Give the canonical code of an action unit written in any known spelling.

    Parameters
    ----------
    text
        An action unit in one of the `SPELLINGS`, such as ``12``, ``"AU12"``, ``"au_12"``.

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
    match = _pattern(SPELLINGS.values()).fullmatch(str(text).strip())
    code = _code(match)
    if code is None:
        raise CallError(
            f"{text!r} is no action unit: expected a spelling such as "
            f"{listed(list(SPELLINGS), 'or')}, with a number from 1 to 46 that FACS defines"
        )
    return code


def named(au: str) -> str:
    """Give an action unit with its name; alone where it has none.

    Examples
    --------
    >>> named("AU12"), named("AU99")
    ('AU12 lip corner puller', 'AU99')
    """
    return f"{au} {ACTION_UNITS[au].name}" if au in ACTION_UNITS else au


def when(au: str) -> str:
    """Say what can be seen of an action unit, in words that follow "when".

    Examples
    --------
    >>> when("AU26"), when("AU30")
    ('the jaw drops', 'AU30 is shown')
    """
    return WHEN.get(au, f"{au} is shown")


def parse_column(name: str, kind: str = "presence") -> tuple[str, str] | None:
    """Give the action unit and the kind of its values that the name of a column says.

    A bare number is refused here: a column called ``1`` in somebody's table
    may be anything. So is a letter that stands at the number (``AU12r``, ``AU12L``): it may be a
    side of the face.

    Parameters
    ----------
    name
        An action unit in one of the `SPELLINGS`, then nothing or one of the suffixes in `KINDS`,
        after ``_`` or in brackets, then nothing or the action unit's own name.
    kind
        The kind of a column without a suffix.

    Returns
    -------
    (str, str) or None
        The code and the kind; None if the name is not of this form, or FACS defines no such
        action unit.

    Examples
    --------
    >>> parse_column("AU 6"), parse_column("AU06 (r)"), parse_column("6"), parse_column("AU47")
    (('AU06', 'presence'), ('AU06', 'intensity'), None, None)
    >>> parse_column("Action Unit 12 - Lip Corner Puller"), parse_column("AU12 brow lowerer")
    (('AU12', 'presence'), None)
    """
    kinds = {suffix: kind for kind, known in KINDS.items() for suffix in known.suffixes}
    suffix = rf"(?:(?:_| ?(?P<open>\())(?P<suffix>{'|'.join(kinds)})(?(open)\)))?"
    match = _pattern(_with_letters(), rf"{suffix}(?P<rest>[\W_].*)?").fullmatch(name)
    code = _code(match)
    if match is None or code is None:
        return None
    if match["rest"] is not None:
        words = _words(match["rest"])
        if words != ACTION_UNITS[code].name and ALSO_CALLED.get(words) != code:
            return None
    return code, kinds[match["suffix"].lower()] if match["suffix"] else kind


def is_of_one_side(name: str) -> bool:
    """Tell whether the name of a column ends in a side of the face, or in what may be one.

    Examples
    --------
    >>> [is_of_one_side(name) for name in ("AU12L", "AU12r", "AU02_r_L", "AU12 left", "AU12_r")]
    [True, True, True, True, False]
    """
    side = r"(?:[ _][rc])?(?:[lr]|[\W_]+(?:l|left|right))\W*"
    return _pattern(_with_letters(), side).fullmatch(name) is not None


def tells_of_action_unit(name: str) -> bool:
    """Tell whether a name has an action unit somewhere in it, whatever stands around it.

    Examples
    --------
    >>> [tells_of_action_unit(name) for name in ("mean AU12", "Brow Lowerer", "audio", "beau 12")]
    [True, True, False, False]
    """
    names = {unit.name for unit in ACTION_UNITS.values()}
    anywhere = re.compile(rf"(?<![a-z])(?:{'|'.join(_with_letters())})\d", re.IGNORECASE)
    return anywhere.search(name) is not None or _words(name) in names


def column_spellings() -> str:
    """Say in one sentence how the columns of action units may be called.

    Examples
    --------
    >>> print(column_spellings().split(";")[0])
    columns of action units are called AU12, AU_12, AU 12, AU-12 or Action Unit 12
    """
    examples = [example for example, before in SPELLINGS.items() if before]
    suffixes = ", ".join(
        f"{' or '.join(f'_{suffix}' for suffix in known.suffixes)} for {kind}"
        for kind, known in KINDS.items()
    )
    return (
        f"columns of action units are called {listed(examples, 'or')}; a suffix may say what they "
        f"hold: {suffixes}, also in brackets; their name in FACS may follow"
    )


def _with_letters() -> list[str]:
    return [before for before in SPELLINGS.values() if before]


def _words(text: str) -> str:
    return " ".join(re.findall("[a-z]+", text.lower())) if not re.search(r"\d", text) else ""


def _pattern(before: Iterable[str], after: str = "") -> re.Pattern[str]:
    return re.compile(rf"(?:{'|'.join(before)})0*(?P<number>\d{{1,2}}){after}", re.IGNORECASE)


def _code(match: re.Match[str] | None) -> str | None:
    code = f"AU{int(match['number']):02d}" if match else ""
    return code if code in ACTION_UNITS else None
