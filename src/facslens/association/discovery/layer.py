"""A layer's responses, read some units at a time, so that not all have to be in memory."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float

from facslens.association.columns import Columns, Matrix
from facslens.association.coverage import Status, unit_status
from facslens.association.sample import Sequences

#: Responses that are read at once: 160 MB in each of a few arrays.
_RESPONSES_AT_ONCE: Final = 20_000_000


@dataclass(frozen=True)
class Layer:
    """Responses of one layer and the sequences over which they are averaged.

    Parameters
    ----------
    responses
        (image, unit); only ``responses[:, a:b]`` is asked for.
    sequences
        Of the same images.

    Examples
    --------
    >>> from facslens.association.sample import make_sequences
    >>> responses = np.array([[1.0, 2.0], [3.0, 2.0]])
    >>> layer = Layer(responses, make_sequences(responses, np.array([[0], [1]])))
    >>> layer.status()
    ['live', 'constant']
    """

    responses: Matrix | Columns
    sequences: Sequences

    def status(self) -> list[Status]:
        """Distinguish live units from dead and constant ones; see `unit_status`."""
        every = np.ones(self.responses.shape[1], bool)
        return [s for part in self.read(every, len(every)) for s in unit_status(part)]

    def read(
        self, wanted: Bool[np.ndarray, " unit"], at_once: int
    ) -> Iterator[Float[np.ndarray, "sequence unit"]]:
        """Read the wanted units, not more than `at_once` at a time, and average them."""
        images, units = self.responses.shape
        step = max(1, min(at_once, _RESPONSES_AT_ONCE // images))
        for start in range(0, units, step):
            own = wanted[start : start + step]
            if own.any():
                means = self.sequences.average(self._columns(start, start + step), start)
                yield means if own.all() else means[:, own]

    def _columns(self, start: int, end: int) -> np.ndarray:
        if isinstance(self.responses, pd.DataFrame):
            return self.responses.iloc[:, start:end].to_numpy()
        return np.asarray(self.responses[:, start:end])
