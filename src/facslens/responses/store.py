"""Responses on disk and in memory: per layer, what every unit answered to every face."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import zarr
from jaxtyping import Float, Int
from zarr.storage import MemoryStore

from facslens.errors import ArtifactError, CallError

#: Faces in one Zarr chunk; rows wait in memory until a chunk is full.
CHUNK: Final = 1024


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
    """What every unit of some layers answered to some faces.

    Parameters
    ----------
    group
        A Zarr group: attribute ``image`` holds the names of the faces; each layer is a
        group with the arrays ``response`` (image, unit) float32 and ``location``
        (image, unit, 2) int16, and the attribute ``shape``, its map's rows and columns.
    """

    group: zarr.Group

    @classmethod
    def open(cls, path: Path) -> "Responses":
        """Open a ``responses.zarr``.

        Raises
        ------
        ArtifactError
            If it is missing or no such store.
        """
        try:
            responses = cls(zarr.open_group(path, mode="r"))
            responses.images.size  # noqa: B018 - reads the attribute, so a damaged one shows here
        except (OSError, KeyError, ValueError) as error:
            raise ArtifactError(f"{path} is no readable store of responses: {error}") from error
        return responses

    @property
    def images(self) -> np.ndarray:
        """Names of the faces, in the order of the rows."""
        return np.asarray(self.group.attrs["image"], dtype=object)

    @property
    def layers(self) -> tuple[str, ...]:
        """Names of the layers, in the order of the network."""
        return tuple(self.group.attrs["layers"])  # type: ignore[arg-type]

    def response(self, layer: str) -> Float[np.ndarray, "image unit"]:
        """Each unit's spatial maximum, float32."""
        return np.asarray(self._array(layer, "response")[:])

    def location(self, layer: str) -> Int[np.ndarray, "image unit 2"]:
        """Row and column of each maximum in the layer's map; −1 where nothing fired."""
        return np.asarray(self._array(layer, "location")[:])

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


@dataclass
class ResponseWriter:
    """Takes responses batch by batch and writes them in whole chunks.

    Parameters
    ----------
    path
        Folder of the Zarr store, or None to keep it in memory.
    images
        Names of all faces, in the order in which they will come.
    """

    path: Path | None
    images: Sequence[str]
    _group: zarr.Group = field(init=False, repr=False)
    _waiting: dict[str, list[tuple[np.ndarray, np.ndarray]]] = field(init=False, repr=False)
    _written: int = field(default=0, init=False, repr=False)
    _held: int = field(default=0, init=False, repr=False)

    def __post_init__(self) -> None:
        self._group = zarr.open_group(self.path or MemoryStore(), mode="w")
        self._group.attrs["image"] = list(self.images)
        self._waiting = {}

    def add(self, batch: Mapping[str, BatchResponses]) -> None:
        """Take one batch of every layer."""
        if not self._waiting:
            self._make_arrays(batch)
        for layer, found in batch.items():
            self._waiting[layer].append((found.response, found.location))
        self._held += len(next(iter(batch.values())).response)
        while self._held >= CHUNK:
            self._write(CHUNK)

    def close(self) -> Responses:
        """Write what still waits, and give the store.

        Raises
        ------
        CallError
            If fewer or more faces came than were announced.
        """
        self._write(self._held)
        if self._written != len(self.images):
            raise CallError(f"{len(self.images)} faces were announced, {self._written} came")
        return Responses(self._group)

    def _make_arrays(self, batch: Mapping[str, BatchResponses]) -> None:
        self._group.attrs["layers"] = list(batch)
        count = len(self.images)
        for layer, found in batch.items():
            units = found.response.shape[1]
            group = self._group.create_group(layer)
            group.attrs["shape"] = list(found.shape)
            rows = max(1, min(CHUNK, count))
            group.create_array(
                "response", shape=(count, units), chunks=(rows, units), dtype="float32"
            )
            group.create_array(
                "location", shape=(count, units, 2), chunks=(rows, units, 2), dtype="int16"
            )
            self._waiting[layer] = []

    def _write(self, count: int) -> None:
        if count == 0:
            return
        rows = slice(self._written, self._written + count)
        for layer, waiting in self._waiting.items():
            response = np.concatenate([r for r, _ in waiting])
            location = np.concatenate([place for _, place in waiting])
            group = self._group[layer]
            assert isinstance(group, zarr.Group)
            group["response"][rows] = response[:count]  # type: ignore[index]
            group["location"][rows] = location[:count]  # type: ignore[index]
            waiting[:] = [(response[count:], location[count:])]
        self._written += count
        self._held -= count
