"""The names of expressions and of the parts of a dataset, and how people spell them."""

import re
import unicodedata
from collections.abc import Mapping
from typing import Final

NEUTRAL: Final = "neutral"
EXPRESSIONS: Final = (
    NEUTRAL,
    "anger",
    "contempt",
    "disgust",
    "fear",
    "happiness",
    "sadness",
    "surprise",
)
SPLITS: Final = ("train", "validation", "test")
#: Parts of a movement: at rest, rising, at its height, falling.
APEX: Final = "apex"
PHASES: Final = (NEUTRAL, "onset", APEX, "offset")

_SPLIT_WORDS: Final = {
    "train": "train",
    "training": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "dev": "validation",
    "test": "test",
    "testing": "test",
    # FER2013's own
    "publictest": "validation",
    "privatetest": "test",
}
_SYNONYMS: Final = {
    "angry": "anger",
    "contemptuous": "contempt",
    "disgusted": "disgust",
    "afraid": "fear",
    "fearful": "fear",
    "scared": "fear",
    "happy": "happiness",
    "joy": "happiness",
    "sad": "sadness",
    "surprised": "surprise",
}
#: FER2013's expressions in the order of their numbers [goodfellow2013]_.
FER2013: Final = ("anger", "disgust", "fear", "happiness", "sadness", "surprise", NEUTRAL)
_RAF: Final = ("surprise", "fear", "disgust", "happiness", "sadness", "anger", NEUTRAL)
_AFFECTNET: Final = (
    NEUTRAL, "happiness", "sadness", "surprise", "fear", "disgust", "anger", "contempt",
)  # fmt: skip
#: What stands for an expression that is not known, where labels are mapped.
UNKNOWN_LABEL: Final = "unknown"
#: How datasets number their expressions: RAF-DB from 1 [li2017]_, AffectNet [mollahosseini2019]_
#: with 8 for none of them, 9 for uncertain and 10 for no face, FER2013.
NUMBERINGS: Final[Mapping[str, Mapping[str, str]]] = {
    "raf": {str(number): name for number, name in enumerate(_RAF, 1)},
    "affectnet": {str(number): name for number, name in enumerate(_AFFECTNET)}
    | dict.fromkeys(("8", "9", "10"), UNKNOWN_LABEL),
    "fer2013": {str(number): name for number, name in enumerate(FER2013)},
}
#: How the key is written that maps labels, for errors.
LABELS_HINT: Final = (
    f"labels= maps others: {', '.join(NUMBERINGS)}, or label:expression,label:expression"
)


def parse_labels(text: str) -> Mapping[str, str]:
    """Read what somebody's labels mean: a name in `NUMBERINGS`, or pairs separated by commas.

    Returns
    -------
    mapping
        From labels, as `expression_of` takes them, to canonical names or `UNKNOWN_LABEL`.

    Raises
    ------
    ValueError
        If it is neither, or a label stands twice.

    Examples
    --------
    >>> parse_labels("Freude:happy,3:unknown")
    {'freude': 'happiness', '3': 'unknown'}
    """
    if text in NUMBERINGS:
        return NUMBERINGS[text]
    labels: dict[str, str] = {}
    for pair in text.split(","):
        label, _, name = pair.rpartition(":")
        word = _label(label)
        known = UNKNOWN_LABEL if name.strip().lower() == UNKNOWN_LABEL else expression_name(name)
        if not word or known is None or word in labels:
            raise ValueError(text)
        labels[word] = known
    return labels


def expression_of(text: str, labels: Mapping[str, str]) -> str | None:
    """Give what a label means: as somebody maps it, else as `expression_name` knows it.

    Returns
    -------
    str or None
        The canonical name; `UNKNOWN_LABEL` where the mapping says so; None where nobody knows.

    Examples
    --------
    >>> raf = NUMBERINGS["raf"]
    >>> expression_of("4.0", raf), expression_of("Happy", raf), expression_of("0", raf)
    ('happiness', 'happiness', None)
    """
    return labels.get(_label(text)) or expression_name(text)


def _label(text: str) -> str:
    """Give a label without what does not matter: case, blanks, accents' spelling, zeros."""
    word = unicodedata.normalize("NFC", text.strip()).casefold()
    number = re.fullmatch(r"([+-]?)0*(\d+)(?:\.0*)?", word)
    return number[1].replace("+", "") + number[2] if number else word


def expression_name(text: str) -> str | None:
    """Give the canonical name of an expression, or None where the word is not known.

    Examples
    --------
    >>> expression_name("Happy"), expression_name("bored")
    ('happiness', None)
    """
    word = text.strip().lower()
    word = _SYNONYMS.get(word, word)
    return word if word in EXPRESSIONS else None


def split_name(text: str) -> str | None:
    """Give the canonical name of a split, or None where the word is not known.

    Examples
    --------
    >>> split_name("Training"), split_name("dev"), split_name("PrivateTest"), split_name("happy")
    ('train', 'validation', 'test', None)
    """
    return _SPLIT_WORDS.get(text.strip().lower())
