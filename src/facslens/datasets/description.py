"""What a dataset holds, in numbers: the shape of what `facslens.datasets.describe` finds."""

from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from jaxtyping import Float

from facslens.datasets.coding import Coding
from facslens.datasets.means import MeanFace
from facslens.datasets.repeats import Repeat


@dataclass(frozen=True)
class Count:
    """Faces of one expression or part; the name is None for those of which it is unknown."""

    name: str | None
    images: int
    subjects: int
    sequences: int
    splits: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Spread:
    """The least, middle and largest of some numbers, and how many lie in equal steps of a range.

    NaN where there is no number.
    """

    least: float
    median: float
    most: float
    low: float
    high: float
    counts: tuple[int, ...]


@dataclass(frozen=True)
class UnitValues:
    """The values of one column of an action unit.

    Parameters
    ----------
    au, kind
        Such as ``AU12`` and ``presence``.
    coding
        Who coded it; None where nobody says it.
    known, unknown
        Images with a value, and without one.
    present, absent
        Images in which it is present and absent; None for intensities and probabilities, which do
        not say it.
    subjects
        People in whom it is present in some image; None as above.
    splits
        Images in which it is present, by part of the split.
    grades
        Of an intensity, images by its nearest grade, 0 and A to E.
    least, median, most
        Of the known values; NaN where none is known.
    """

    au: str
    kind: str
    coding: Coding | None
    known: int
    unknown: int
    present: int | None
    absent: int | None
    subjects: int | None
    splits: dict[str, int]
    grades: dict[str, int]
    least: float
    median: float
    most: float


@dataclass(frozen=True)
class Shares:
    """How often columns are present among the faces of rows, for action units by presence.

    Parameters
    ----------
    rows, aus
        Names of both sides.
    present
        Faces of the row in which the action unit is present.
    known
        Faces of the row of which that is known.
    """

    rows: tuple[str, ...]
    aus: tuple[str, ...]
    present: tuple[tuple[int, ...], ...]
    known: tuple[tuple[int, ...], ...]

    @property
    def share(self) -> Float[np.ndarray, "row au"]:
        """Present of known; NaN where none is known."""
        shape = len(self.rows), len(self.aus)
        present, known = (
            np.array(x, dtype=float).reshape(shape) for x in (self.present, self.known)
        )
        share: np.ndarray = np.divide(present, known, out=np.full(shape, np.nan), where=known > 0)
        return share


@dataclass(frozen=True)
class Sizes:
    """Sizes of the images: the most frequent, as width, height and number, and how many others."""

    frequent: tuple[tuple[int, int, int], ...]
    others: int


@dataclass(frozen=True, eq=False)
class Description:
    """What a dataset holds; `as_json` gives it without pixels.

    Parameters
    ----------
    name
        Short name of the dataset.
    errors
        How many errors reading found, which `facslens.datasets.check.check` lists.
    notes
        What was left out, and other warnings, one sentence each.
    images, unread, subjects, sequences
        How many there are, and how many images could not be read. Unknown subjects and sequences do
        not count.
    nobody
        Images of an unknown subject.
    expressions, splits
        Faces of each that occurs, those without one last and without a ``name``: ``images``,
        ``subjects``, ``sequences``, and images by part of the split.
    units
        Every column of action units: ``au``, ``kind``, ``coding``, how many values are ``known``
        and ``unknown``; of presence the images ``present`` and ``absent``, the ``subjects`` in
        whom it is present, and present images by part; of an intensity the images by its nearest
        grade; the ``least``, ``median`` and ``most`` of the values.
    by_expression, together
        How often each of the ``aus`` is present among the faces of an expression, and among those
        in which another one is: for every one of the ``rows`` the images ``present``, those in
        which it is ``known``, and the ``share`` of the one in the other.
    by_subject
        Images of each known subject, by its name.
    faces_a_subject, level, contrast
        Images of a known subject; mean and standard deviation of the grey levels of an image:
        ``least``, ``median``, ``most``, and ``counts`` in 16 equal steps from ``low`` to ``high``.
    sizes
        The most ``frequent`` sizes as width, height and images, and images of ``others``.
    identical
        Images with the same pixels as another one.
    repeats
        Images that are nearly the same as another one, by ``cause``, with ``examples``.
    means
        Mean faces: ``of`` which expression, ``images``, ``people``, and whether it is ``drawn``.
    """

    name: str
    errors: int
    notes: tuple[str, ...]
    images: int
    unread: int
    subjects: int
    sequences: int
    nobody: int
    expressions: tuple[Count, ...]
    splits: tuple[Count, ...]
    units: tuple[UnitValues, ...]
    by_expression: Shares
    together: Shares
    by_subject: dict[str, int]
    faces_a_subject: Spread
    sizes: Sizes
    level: Spread
    contrast: Spread
    identical: int
    repeats: tuple[Repeat, ...]
    means: tuple[MeanFace, ...]

    def as_json(self) -> dict[str, Any]:
        """Give everything but the pixels of mean faces as JSON can hold it; NaN becomes null."""
        content = {k: v for k, v in vars(self).items() if k != "means"}
        content["by_expression"] = {**asdict(self.by_expression), "share": self.by_expression.share}
        content["together"] = {**asdict(self.together), "share": self.together.share}
        content["means"] = [
            {"of": m.of, "images": m.images, "people": m.people, "drawn": m.pixels is not None}
            for m in self.means
        ]
        found: dict[str, Any] = _plain(content)
        return found


def _plain(value: Any) -> Any:
    """Turn what a description is made of into what JSON holds."""
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, float):
        return None if np.isnan(value) else value
    if hasattr(value, "__dataclass_fields__"):
        return _plain(asdict(value))
    return value
