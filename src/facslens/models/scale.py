"""How chances follow from a network's scores, without PyTorch."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float
from scipy.special import expit, softmax

Scores = Float[np.ndarray, "image class"]


@dataclass(frozen=True)
class Scale:
    """How chances follow from scores.

    Parameters
    ----------
    label
        What it is in a sentence.
    chances
        Of scores (image, class).
    centred
        Scores less what no chance depends on.
    """

    label: str
    chances: Callable[[Scores], Scores]
    centred: Callable[[Scores], Scores]


def _itself(scores: Scores) -> Scores:
    return scores


def _softmax(scores: Scores) -> Scores:
    found: Scores = softmax(scores, axis=1)
    return found


def _expit(scores: Scores) -> Scores:
    found: Scores = expit(scores)
    return found


def _less_mean(scores: Scores) -> Scores:
    found: Scores = scores - scores.mean(axis=1, keepdims=True)
    return found


#: Every scale by its name.
SCALES: Final[dict[str, Scale]] = {
    "softmax": Scale("scores of classes that exclude each other", _softmax, _less_mean),
    "logistic": Scale("scores of which each stands for itself", _expit, _itself),
    "none": Scale("numbers that are no chances", _itself, _itself),
}
