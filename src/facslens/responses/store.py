"""Read responses from the disk or from memory: per layer, those of every unit to every face."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import zarr
from jaxtyping import Bool, Float, Int

from facslens.errors import ArtifactError, CallError

#: Faces in a shard: what is recorded, written and, after an interruption, kept as a whole.
SHARD: Final = 2048
#: The arrays of a layer.
ARRAYS: Final = ("response", "location")
#: What Zarr and its codecs raise on a store that is damaged.
DAMAGED: Final = (OSError, KeyError, ValueError, TypeError, RuntimeError, AssertionError)


@dataclass(frozen=True)
class BatchResponses:
    """Responses of one layer to one batch.

    Parameters
    ----------
    response
        (image, unit) float32: each unit's spatial maximum.
    location
        (image, unit, 2) int16: row and column of that maximum, the first in row-major
        order on a tie; (−1, −1) where the response is not above 0, for then nothing fired.
    shape
        Rows and columns of the layer's map.
    """

    response: Float[np.ndarray, "image unit"]
    location: Int[np.ndarray, "image unit 2"]
    shape: tuple[int, int]


@dataclass(frozen=True)
class Responses:
    """The responses of every unit of some layers to some faces.

    Parameters
    ----------
    group
        A Zarr group: the array ``image`` holds the names of the faces; each layer is a
        group with the arrays ``response`` (image, unit) float32 and ``location``
        (image, unit, 2) int16, and the attribute ``shape``, its map's rows and columns.
        Both arrays lie in shards of `SHARD` faces.
    rows
        Rows of the store in the order in which they are given; None for the store's own.
    """

    group: zarr.Group
    rows: Int[np.ndarray, " image"] | None = None

    @classmethod
    def open(cls, path: Path) -> "Responses":
        """Open a ``responses.zarr``.

        Raises
        ------
        ArtifactError
            If the store or a part of it is missing, or it is no store of responses.
        """
        try:
            responses = cls(zarr.open_group(path, mode="r"))
            images = responses._names().shape[0]
            for layer in responses.layers:
                responses.shape(layer)
                for name in ARRAYS:
                    _check_whole(responses.array(layer, name), images)
        except DAMAGED as error:
            raise ArtifactError(f"{path} is no readable store of responses: {error}") from error
        return responses

    def aligned(self, images: Sequence[str] | pd.Series) -> "Responses":
        """Give the responses in the order of some faces, found by name.

        Parameters
        ----------
        images
            Names of the faces that are wanted, each once.

        Raises
        ------
        ArtifactError
            If one of them was not recorded.

        Examples
        --------
        >>> from facslens.responses.writer import ResponseWriter
        >>> writer = ResponseWriter(None, ["a", "b"])
        >>> found = BatchResponses(np.float32([[1], [2]]), np.zeros((2, 1, 2), np.int16), (1, 1))
        >>> writer.add({"conv1": found})
        >>> writer.close().aligned(["b", "a"]).response("conv1").ravel()
        array([2., 1.], dtype=float32)
        """
        wanted = np.asarray(images, dtype=object)
        if np.array_equal(wanted, self.images):
            return self
        place = pd.Series(np.arange(len(self.images)), index=self.images)
        unknown = wanted[~np.isin(wanted.astype(str), self.images.astype(str))]
        if len(unknown):
            raise ArtifactError(
                f"the responses hold no face {unknown[0]!r}: record the units again"
            )
        rows = place[wanted].to_numpy()
        return Responses(self.group, rows if self.rows is None else self.rows[rows])

    @cached_property
    def images(self) -> np.ndarray:
        """Names of the faces, in the order of the rows."""
        names = np.asarray(self._names()[:], dtype=object)
        return names if self.rows is None else names[self.rows]

    @property
    def layers(self) -> tuple[str, ...]:
        """Names of the layers, in the order of the network."""
        return tuple(self.group.attrs["layers"])  # type: ignore[arg-type]

    def response(self, layer: str, units: slice = slice(None)) -> Float[np.ndarray, "image unit"]:
        """Read each unit's spatial maximum, float32; those of some units without the others."""
        return self._read(layer, "response", units)

    def location(self, layer: str) -> Int[np.ndarray, "image unit 2"]:
        """Row and column of each maximum in the layer's map; −1 where nothing fired."""
        return self._read(layer, "location")

    def shape(self, layer: str) -> tuple[int, int]:
        """Rows and columns of the layer's map."""
        rows, columns = self._layer(layer).attrs["shape"]  # type: ignore[misc, str-unpack]
        return int(rows), int(columns)  # type: ignore[arg-type]

    def units(self, layer: str) -> int:
        """Count the units of a layer."""
        return int(self.array(layer, "response").shape[1])

    def _names(self) -> Any:
        return self.group["image"]

    def _layer(self, layer: str) -> zarr.Group:
        if layer not in self.layers:
            raise CallError(f"no layer {layer!r} was recorded: there are {', '.join(self.layers)}")
        group = self.group[layer]
        assert isinstance(group, zarr.Group)
        return group

    def array(self, layer: str, name: str) -> Any:
        """Give the Zarr array ``response`` or ``location`` of a layer, in the store's own order."""
        return self._layer(layer)[name]

    def _read(self, layer: str, name: str, units: slice = slice(None)) -> np.ndarray:
        array = self.array(layer, name)
        try:
            values: np.ndarray = np.asarray(array[:, units])
        except DAMAGED as error:
            raise ArtifactError(
                f"the {name}s of {layer!r} in {self.group.store_path} are damaged: {error}"
            ) from error
        return values if self.rows is None else values[self.rows]


@dataclass(frozen=True)
class StoredColumns:
    """Responses of one layer to some faces, of which units are read when they are asked for.

    ``columns[:, 3:7]`` reads four units.

    Parameters
    ----------
    responses
        Where they are.
    layer
        The layer.
    rows
        Which of the faces.
    """

    responses: Responses
    layer: str
    rows: Bool[np.ndarray, " image"]

    @property
    def shape(self) -> tuple[int, int]:
        """Faces and units."""
        return int(self.rows.sum()), self.responses.units(self.layer)

    def __getitem__(self, key: tuple[slice, slice]) -> Float[np.ndarray, "image unit"]:
        """Read some units of all of the faces."""
        faces, units = key
        if faces != slice(None):
            raise CallError("all faces are read at once: expected [:, units]")
        values: np.ndarray = self.responses.response(self.layer, units)[self.rows]
        return values


def _check_whole(array: Any, images: int) -> None:
    """Refuse an array that lacks a shard, which Zarr would read as zeros, or rows."""
    if array.shape[0] != images:
        raise ValueError(f"{array.path} has {array.shape[0]} rows for {images} faces")
    whole = len(shards(images))
    if (found := written_shards(array)) != whole:
        raise ValueError(f"{array.path} lacks {whole - found} of its {whole} shards")


def written_shards(array: Any) -> int:
    """Count the shards of an array that are there."""
    # Zarr counts the chunks in the shards that are there, also those beyond the last face
    held: int = math.prod(array.shards) // math.prod(array.chunks)
    chunks: int = array.nchunks_initialized
    return chunks // held


def shards(images: int) -> list[slice]:
    """Divide faces into shards.

    Examples
    --------
    >>> shards(3000)
    [slice(0, 2048, None), slice(2048, 3000, None)]
    """
    return [slice(start, min(start + SHARD, images)) for start in range(0, images, SHARD)]
