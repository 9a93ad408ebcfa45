"""Images that are nearly the same as another one, and what is wrong with that."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from jaxtyping import Bool, Int

from facslens.datasets.base import Faces
from facslens.datasets.defects import Defect
from facslens.datasets.likeness import ALIKE, candidates, correlation
from facslens.datasets.pictures import Pictures

#: What is wrong with two images that are nearly the same, by its name: the other image, and what
#: follows from it.
CAUSES: Final[Mapping[str, tuple[str, str]]] = {
    "split": (
        "one in another part of the split",
        "a network is tested on what it was trained on",
    ),
    "subject": (
        "one of another subject",
        "one person has two names, or an image lies in the wrong place",
    ),
    "expression": (
        "one with another expression",
        "at most one of the two labels is right",
    ),
    "unknown": (
        "another one, and nothing says whose they are",
        "do not count them as different people",
    ),
}

_EXAMPLES: Final = 3
# Pairs whose small pictures are compared at once.
_AT_ONCE: Final = 1 << 14


@dataclass(frozen=True)
class Repeat:
    """Images that are nearly the same as another one, with one cause for concern.

    Parameters
    ----------
    cause
        One of `CAUSES`.
    images
        How many images have such a counterpart.
    examples
        Some pairs, by the names of the images.
    """

    cause: str
    images: int
    examples: tuple[tuple[str, str], ...]

    @property
    def defect(self) -> Defect:
        """Say it in one sentence."""
        other, follows = CAUSES[self.cause]
        shown = "; ".join(f"{a} and {b}" for a, b in self.examples)
        message = f"{self.images} images are nearly the same as {other}, such as {shown}: {follows}"
        return Defect("near duplicates", self.examples[0][0], message, "warning")


def find_repeats(faces: Faces, pictures: Pictures) -> tuple[Repeat, ...]:
    """Find the images that are nearly the same as another one, in the order of `CAUSES`.

    Frames of one sequence belong together, and faces of one known person may look alike: neither is
    reported. Images with exactly the same pixels are another matter, and left out here, too. A pair
    counts under each cause that it has, and under the last one only if it has no other. Whoever
    `assume_independent` names by the image counts as unknown.
    """
    table = faces.table
    own = table["subject"].where(table["subject"] != table["image"])
    sequence, subject, split, expression = (
        pd.factorize(column)[0]
        for column in (table["sequence"], own, table["split"], table["expression"])
    )
    same = pd.factorize(np.array(pictures.digest, dtype=object))[0]
    rows = np.flatnonzero(pictures.sound & (pictures.spread > 0))
    marked = {cause: np.zeros(len(faces), dtype=bool) for cause in CAUSES}
    shown: dict[str, list[tuple[int, int]]] = {cause: [] for cause in CAUSES}
    for left, right in candidates(pictures.hash[rows]):
        a, b = rows[np.minimum(left, right)], rows[np.maximum(left, right)]
        apart = same[a] != same[b]
        apart &= (sequence[a] != sequence[b]) | (sequence[a] < 0)
        apart &= (subject[a] != subject[b]) | (subject[a] < 0) | _differ(split, a, b)
        pairs = np.stack((a[apart], b[apart]), axis=1)
        for start in range(0, len(pairs), _AT_ONCE):
            a, b = pairs[start : start + _AT_ONCE].T
            nobody = (subject[a] < 0) | (subject[b] < 0)
            has = {
                "split": _differ(split, a, b),
                "subject": _differ(subject, a, b),
                "expression": nobody & _differ(expression, a, b),
            }
            has["unknown"] = ~(has["split"] | has["subject"] | has["expression"])
            # Of thousands of frames that are all alike, most pairs say nothing new.
            new = np.zeros(len(a), dtype=bool)
            for cause, which in has.items():
                new |= which & ~(marked[cause][a] & marked[cause][b])
            alike = np.flatnonzero(new)
            found = correlation(pictures.small[a[alike]], pictures.small[b[alike]])
            alike = alike[found >= ALIKE]
            for cause, which in has.items():
                its = alike[which[alike]]
                marked[cause][a[its]] = marked[cause][b[its]] = True
                first = its[np.lexsort((b[its], a[its]))][:_EXAMPLES]
                more = zip(a[first].tolist(), b[first].tolist(), strict=True)
                shown[cause] = sorted([*shown[cause], *more])[:_EXAMPLES]
    names = table["image"].to_numpy()
    return tuple(
        Repeat(
            cause, int(marked[cause].sum()), tuple((names[a], names[b]) for a, b in shown[cause])
        )
        for cause in CAUSES
        if shown[cause]
    )


def _differ(
    codes: Int[np.ndarray, " image"], a: Int[np.ndarray, " pair"], b: Int[np.ndarray, " pair"]
) -> Bool[np.ndarray, " pair"]:
    """Tell of pairs whether both values are known, and differ."""
    differ: np.ndarray = (codes[a] != codes[b]) & (codes[a] >= 0) & (codes[b] >= 0)
    return differ
