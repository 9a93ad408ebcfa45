"""What a layer's maps hold at every place of many faces, gathered so that no map is kept."""

from dataclasses import dataclass, field
from typing import Final

import numpy as np
from jaxtyping import Float, Int

from facslens.errors import CallError

#: Places of each face of which the values of all units are kept.
PLACES: Final = 2


@dataclass
class Gathered:
    """Means and covariances of a layer's units over the places of faces, block by block.

    A *place* is a row and column of the maps; at each there is one number a unit. A *block* is the
    same face at rest and with one action unit at a time.

    Parameters
    ----------
    units
        How many there are.
    aus
        Names of the action units.
    seed
        Of the places that are kept, and of what is drawn or begun at random later.

    Attributes
    ----------
    least
        The smallest number at any place.
    """

    units: int
    aus: tuple[str, ...]
    seed: int = 0
    least: float = field(default=np.inf, init=False)
    _count: int = field(default=0, init=False)
    _sum: Float[np.ndarray, " unit"] = field(init=False, repr=False)
    _products: Float[np.ndarray, "unit unit"] = field(init=False, repr=False)
    _moved: Float[np.ndarray, "au unit"] = field(init=False, repr=False)
    _faces: Int[np.ndarray, " au"] = field(init=False, repr=False)
    _kept: list[Float[np.ndarray, "place unit"]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._sum, self._products = np.zeros(self.units), np.zeros((self.units, self.units))
        self._moved = np.zeros((len(self.aus), self.units))
        self._faces = np.zeros(len(self.aus), dtype=np.int64)
        self._kept, self._rng = [], np.random.default_rng(self.seed)

    def add(
        self,
        rest: Float[np.ndarray, "unit row column"],
        alone: Float[np.ndarray, "face unit row column"],
        au: Int[np.ndarray, " face"],
    ) -> None:
        """Add a block: the maps at rest, and those with one action unit each.

        Parameters
        ----------
        rest, alone
            Maps of the layer.
        au
            Number of each face's action unit.

        Raises
        ------
        CallError
            If a map holds NaN.
        """
        faces = np.concatenate([rest[None], alone]).astype(np.float64)
        if not np.isfinite(faces).all():
            raise CallError("the network answers NaN: its weights or its input hold NaN")
        flat = faces.reshape(len(faces), self.units, -1)
        places = flat.transpose(0, 2, 1).reshape(-1, self.units)
        self.least = min(self.least, float(places.min()))
        self._count += len(places)
        self._sum += places.sum(axis=0)
        self._products += places.T @ places
        change = ((flat[1:] - flat[0]) ** 2).sum(axis=1)
        most = change.argmax(axis=1)
        np.add.at(self._moved, au, flat[np.arange(1, len(flat)), :, most])
        np.add.at(self._faces, au, 1)
        chosen = self._rng.choice(len(places), min(len(places), PLACES * len(faces)), False)
        self._kept.append(places[chosen].astype(np.float32))

    @property
    def mean(self) -> Float[np.ndarray, " unit"]:
        """Give each unit's mean over all places of all faces."""
        found: Float[np.ndarray, " unit"] = self._sum / self._count
        return found

    @property
    def covariance(self) -> Float[np.ndarray, "unit unit"]:
        """Give the covariance of the units over all places of all faces."""
        mean = self.mean
        found: Float[np.ndarray, "unit unit"] = self._products / self._count - np.outer(mean, mean)
        return found

    @property
    def moved(self) -> Float[np.ndarray, "au unit"]:
        """Give the mean of what is where an action unit changes the maps most.

        It is the place with the largest sum of squares over units of the change from rest, in each
        face by itself. NaN for an action unit that no face showed.
        """
        found = np.full(self._moved.shape, np.nan)
        shown = self._faces > 0
        found[shown] = self._moved[shown] / self._faces[shown, None]
        return found

    @property
    def places(self) -> Float[np.ndarray, "place unit"]:
        """Give what is at some places of all faces, drawn at random."""
        return np.concatenate(self._kept)
