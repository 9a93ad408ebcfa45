"""The names of expressions and of the parts of a dataset, and how people spell them."""

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
