"""What the distances need to know of units, whatever the labels: worked out once, when asked for.

Observed labels and thousands of permuted ones meet the same responses.
"""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float, Int, Num, UInt8

from facslens.association.distances.bins import bin_index


@dataclass(frozen=True)
class Units:
    """Responses of some units, sorted, ranked, standardised and binned once each.

    Parameters
    ----------
    responses
        One column a unit; finite, of any scale.
    reference
        The responses that give each unit its range and its standard deviation; by default the
        same.

    Examples
    --------
    >>> units = Units(np.array([[3.0], [1.0], [3.0]]))
    >>> units.order, units.step, units.ranks(np.float64)
    (array([[0, 2, 1]], dtype=int32), array([[0., 2., 0.]]), array([[ 0.5, -1. ,  0.5]]))
    """

    responses: Float[np.ndarray, "image unit"]
    reference: Num[np.ndarray, "reference unit"] | None = None
    _cast: dict[tuple[str, str], np.ndarray] = field(default_factory=dict, repr=False)

    @property
    def scale(self) -> Num[np.ndarray, "reference unit"]:
        """The responses that give each unit its range and spread."""
        return self.responses if self.reference is None else self.reference

    @cached_property
    def constant(self) -> Bool[np.ndarray, " unit"]:
        """Units that respond equally to all images."""
        return np.asarray(np.ptp(self.responses, axis=0) == 0)

    @property
    def order(self) -> Int[np.ndarray, "unit image"]:
        """The images from the largest response down."""
        return self._walk[0]

    @property
    def step(self) -> Float[np.ndarray, "unit image"]:
        """How far each of the ordered responses lies above the next: 0 in a tie, and at the end."""
        return self._walk[1]

    @cached_property
    def _walk(self) -> tuple[np.ndarray, np.ndarray]:
        order = np.empty(self.responses.shape[::-1], np.int32)
        step = np.zeros(order.shape)
        for unit, response in enumerate(self.responses.T):
            order[unit] = np.argsort(-response, kind="stable")
            ordered = response[order[unit]]
            np.subtract(ordered[:-1], ordered[1:], out=step[unit, :-1])
        return order, step

    @cached_property
    def bins(self) -> UInt8[np.ndarray, "unit image"]:
        """The number of the bin of every response; see `bin_index`."""
        return np.ascontiguousarray(bin_index(self.responses, self.scale).T.astype(np.uint8))

    def ranks(self, dtype: np.dtype | type) -> Float[np.ndarray, "unit image"]:
        """Mid-ranks less their mean; exact in float32 for up to eight million images."""
        return self._as("_ranks", dtype)

    def standard(self, dtype: np.dtype | type) -> Float[np.ndarray, "unit image"]:
        """Responses of mean 0 and standard deviation 1."""
        return self._as("_standard", dtype)

    def _as(self, name: Literal["_ranks", "_standard"], dtype: np.dtype | type) -> np.ndarray:
        key = name, np.dtype(dtype).name
        if key not in self._cast:
            self._cast[key] = getattr(self, name)().astype(dtype, copy=False)
        return self._cast[key]

    def _ranks(self) -> np.ndarray:
        images = len(self.responses)
        ranks = np.empty(self.order.shape, np.float32 if images < 2**23 else np.float64)
        for into, order, step in zip(ranks, self.order, self.step, strict=True):
            ends = np.flatnonzero(np.append(step[:-1] > 0, True))
            starts = np.append(0, ends[:-1] + 1)
            into[order] = np.repeat((images - 1 - starts - ends) / 2, ends - starts + 1)
        return ranks

    def _standard(self) -> np.ndarray:
        deviation = self.responses.std(axis=0)
        centred = self.responses - self.responses.mean(axis=0)
        return np.ascontiguousarray((centred / np.where(deviation > 0, deviation, 1)).T)
