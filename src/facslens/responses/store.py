"""Store responses on disk or in memory: per layer, those of every unit to every face."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import zarr
from jaxtyping import Float, Int
from zarr.codecs import Crc32cCodec, ZstdCodec
from zarr.storage import MemoryStore

from facslens.errors import ArtifactError, CallError

#: Faces in one Zarr chunk; rows wait in memory until a chunk is full.
CHUNK: Final = 1024
#: The arrays of a layer.
_ARRAYS: Final = ("response", "location")
#: Every chunk is written, zeros too, so that a missing one shows; a checksum finds a changed one.
_CHECKED: Final[dict[str, Any]] = {
    "compressors": [ZstdCodec(level=0), Crc32cCodec()],
    "config": {"write_empty_chunks": True},
}
#: What Zarr and its codecs raise on a store that is damaged.
_DAMAGED: Final = (OSError, KeyError, ValueError, TypeError, RuntimeError, AssertionError)


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
        A Zarr group: attribute ``image`` holds the names of the faces; each layer is a
        group with the arrays ``response`` (image, unit) float32 and ``location``
        (image, unit, 2) int16, and the attribute ``shape``, its map's rows and columns.
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
            images = len(responses.images)
            for layer in responses.layers:
                responses.shape(layer)
                for name in _ARRAYS:
                    _check_whole(responses._array(layer, name), images)
        except _DAMAGED as error:
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

    @property
    def images(self) -> np.ndarray:
        """Names of the faces, in the order of the rows."""
        names = np.asarray(self.group.attrs["image"], dtype=object)
        return names if self.rows is None else names[self.rows]

    @property
    def layers(self) -> tuple[str, ...]:
        """Names of the layers, in the order of the network."""
        return tuple(self.group.attrs["layers"])  # type: ignore[arg-type]

    def response(self, layer: str) -> Float[np.ndarray, "image unit"]:
        """Each unit's spatial maximum, float32."""
        return self._read(layer, "response")

    def location(self, layer: str) -> Int[np.ndarray, "image unit 2"]:
        """Row and column of each maximum in the layer's map; −1 where nothing fired."""
        return self._read(layer, "location")

    def shape(self, layer: str) -> tuple[int, int]:
        """Rows and columns of the layer's map."""
        rows, columns = self._layer(layer).attrs["shape"]  # type: ignore[misc, str-unpack]
        return int(rows), int(columns)  # type: ignore[arg-type]

    def _layer(self, layer: str) -> zarr.Group:
        if layer not in self.layers:
            raise CallError(f"no layer {layer!r} was recorded: there are {', '.join(self.layers)}")
        group = self.group[layer]
        assert isinstance(group, zarr.Group)
        return group

    def _array(self, layer: str, name: str) -> Any:
        return self._layer(layer)[name]

    def _read(self, layer: str, name: str) -> np.ndarray:
        array = self._array(layer, name)
        try:
            values: np.ndarray = np.asarray(array[:])
        except _DAMAGED as error:
            raise ArtifactError(
                f"the {name}s of {layer!r} in {self.group.store_path} are damaged: {error}"
            ) from error
        return values if self.rows is None else values[self.rows]


def _check_whole(array: Any, images: int) -> None:
    """Refuse an array that lacks a chunk, which Zarr would read as zeros, or rows."""
    if array.shape[0] != images:
        raise ValueError(f"{array.path} has {array.shape[0]} rows for {images} faces")
    if array.nchunks_initialized != array.nchunks:
        raise ValueError(
            f"{array.path} lacks {array.nchunks - array.nchunks_initialized} of its "
            f"{array.nchunks} chunks"
        )


@dataclass
class ResponseWriter:
    """Collects responses batch by batch and writes them in whole chunks.

    Parameters
    ----------
    path
        Folder of the Zarr store, or None to keep it in memory.
    images
        Names of all faces, in the order in which their responses will be added.
    """

    path: Path | None
    images: Sequence[str]
    _group: zarr.Group = field(init=False, repr=False)
    # Zarr forgets that empty chunks are to be written where an array is looked up again
    _arrays: dict[tuple[str, str], Any] = field(init=False, repr=False)
    _waiting: dict[str, list[tuple[np.ndarray, np.ndarray]]] = field(init=False, repr=False)
    _written: int = field(default=0, init=False, repr=False)
    _held: int = field(default=0, init=False, repr=False)

    def __post_init__(self) -> None:
        self._group = zarr.open_group(self.path or MemoryStore(), mode="w")
        self._group.attrs["image"] = list(self.images)
        self._arrays, self._waiting = {}, {}

    def add(self, batch: Mapping[str, BatchResponses]) -> None:
        """Add one batch of every layer."""
        if not self._waiting:
            self._make_arrays(batch)
        for layer, found in batch.items():
            self._waiting[layer].append((found.response, found.location))
        self._held += len(next(iter(batch.values())).response)
        while self._held >= CHUNK:
            self._write(CHUNK)

    def close(self) -> Responses:
        """Write the responses that are still in memory, and give the store.

        Raises
        ------
        CallError
            If the number of faces added is not that of `images`.
        """
        self._write(self._held)
        if self._written != len(self.images):
            raise CallError(
                f"images names {len(self.images)} faces: responses of {self._written} were added"
            )
        return Responses(self._group)

    def _make_arrays(self, batch: Mapping[str, BatchResponses]) -> None:
        self._group.attrs["layers"] = list(batch)
        count = len(self.images)
        for layer, found in batch.items():
            units = found.response.shape[1]
            group = self._group.create_group(layer)
            group.attrs["shape"] = list(found.shape)
            rows = max(1, min(CHUNK, count))
            shapes = {"response": (count, units), "location": (count, units, 2)}
            for (name, shape), kind in zip(shapes.items(), ("float32", "int16"), strict=True):
                self._arrays[layer, name] = group.create_array(
                    name, shape=shape, chunks=(rows, *shape[1:]), dtype=kind, **_CHECKED
                )
            self._waiting[layer] = []

    def _write(self, count: int) -> None:
        if count == 0:
            return
        rows = slice(self._written, self._written + count)
        for layer, waiting in self._waiting.items():
            response = np.concatenate([r for r, _ in waiting])
            location = np.concatenate([place for _, place in waiting])
            self._arrays[layer, "response"][rows] = response[:count]
            self._arrays[layer, "location"][rows] = location[:count]
            waiting[:] = [(response[count:], location[count:])]
        self._written += count
        self._held -= count
