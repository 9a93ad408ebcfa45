"""What a network learns to tell: the faces that it is shown, and their classes."""

from dataclasses import dataclass

import pandas as pd

from facslens.datasets.base import Faces
from facslens.errors import CallError, NotEnoughDataError


@dataclass(frozen=True)
class Lesson:
    """Faces to learn from, others on which the epoch is chosen, and the classes of both.

    Parameters
    ----------
    train, validation
        The faces; none is in both.
    label
        The column of their tables that holds the class: ``expression``, or ``subject`` for a
        network that tells who is shown.
    classes
        Every class, in the order of the network's scores.

    Raises
    ------
    CallError
        If a face has none of these classes, or is in both parts.
    """

    train: Faces
    validation: Faces
    label: str
    classes: tuple[str, ...]

    def __post_init__(self) -> None:
        both = set(self.train.table["image"]) & set(self.validation.table["image"])
        if both:
            raise CallError(
                f"the image {sorted(both)[0]!r} is in both parts: one that is learned cannot "
                f"choose the epoch"
            )
        for faces in (self.train, self.validation):
            strange = ~faces.table[self.label].isin(self.classes)
            if strange.any():
                row = faces.table[strange].iloc[0]
                shown = "none" if pd.isna(row[self.label]) else repr(row[self.label])
                raise CallError(
                    f"the {self.label} of the image {row['image']!r} is {shown}: expected one of "
                    f"the {len(self.classes)} classes"
                )


def expressions(faces: Faces) -> Lesson:
    """Make the lesson of a run: the expressions of the training part.

    Faces without an expression are left out.

    Raises
    ------
    NotEnoughDataError
        If the training part has fewer than two expressions, or the validation part is empty.
    """
    known = faces.where(faces.table["expression"].notna().to_numpy())
    train, validation = known.part("train"), known.part("validation")
    if len(train.expressions) < 2:
        raise NotEnoughDataError(
            f"the training part of {faces.name} shows "
            f"{' '.join(train.expressions) or 'no expression'}: expected two or more expressions"
        )
    if len(validation) == 0:
        raise NotEnoughDataError(
            f"the validation part of {faces.name} holds no face with an expression: "
            f"the best epoch cannot be chosen"
        )
    return Lesson(train, validation, "expression", known.expressions)
