"""Who coded the action units of a dataset: people, or a program that estimates them."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Coding:
    """Where the values of an action unit come from.

    Parameters
    ----------
    by
        Such as ``FACS coders``, ``OpenFace 2``, ``the program that drew the faces``.
    automatic
        Whether a program estimated them from the image. What it says is an opinion about the image,
        and may be wrong in the same way as a network that learned from the same faces.
    """

    by: str
    automatic: bool


#: People who code by the Facial Action Coding System.
PEOPLE: Final = Coding("FACS coders", automatic=False)
#: The program that drew the faces knows what it drew.
DRAWN: Final = Coding("the program that drew the faces", automatic=False)
