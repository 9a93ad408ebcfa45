"""Write responses shard by shard; what was written stays when the recording is interrupted."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import zarr
from zarr.codecs import Crc32cCodec, ZstdCodec
from zarr.storage import MemoryStore

from facslens.artifacts import cannot_write
from facslens.errors import ArtifactError, CallError
from facslens.responses import store
from facslens.responses.store import (
    ARRAYS,
    DAMAGED,
    BatchResponses,
    Responses,
    shards,
    written_shards,
)

#: Faces and units in a chunk: some units of all faces are read without the others.
CHUNK: Final = (1024, 256)
#: Fewest units in a chunk. The more faces, the fewer units of all of them fit into memory, and
#: the narrower are the chunks, or each would be read again for every few units in it.
_NARROW: Final = 8
#: Responses of one column of chunks, over all faces.
_COLUMN: Final = 1 << 25
#: Names of faces in a chunk.
_NAMES: Final = 65536
#: Every chunk is written, zeros too, so that a missing one shows; a checksum finds a changed one.
_CHECKED: Final[dict[str, Any]] = {
    "compressors": [ZstdCodec(level=0), Crc32cCodec()],
    "config": {"write_empty_chunks": True},
}
_KINDS: Final = {"response": "float32", "location": "int16"}


class ResponseWriter:
    """Writes responses shard by shard; after an interruption the same store goes on.

    Parameters
    ----------
    path
        Folder of the Zarr store, or None to keep it in memory.
    images
        Names of all faces, in the order of their rows.
    order
        What is recorded, in a word of its own such as a hash. A store that was begun with the same
        order and the same images is continued; anything else at `path` is replaced. Without an
        order every store is new.
    """

    def __init__(self, path: Path | None, images: Sequence[str], order: str = "") -> None:
        self._path, self._images = path, list(images)
        # Zarr forgets that empty chunks are to be written where an array is looked up again
        self._arrays: dict[tuple[str, str], Any] = {}
        #: Faces that are written.
        self.written = 0
        begun = self._begun(path, order) if path is not None and order else None
        if begun is not None:
            self._group = begun
            return
        with self._writing():
            self._group = zarr.open_group(path or MemoryStore(), mode="w")
            self._group.attrs["order"] = order
            names = self._group.create_array(
                "image", shape=(len(images),), chunks=(_NAMES,), dtype=str
            )
            names[:] = self._images

    def add(self, batch: Mapping[str, BatchResponses]) -> None:
        """Write the next faces of every layer: a shard, or all that are left.

        Raises
        ------
        CallError
            If they are neither.
        ArtifactError
            If they cannot be written; what was written before stays.
        """
        count = len(next(iter(batch.values())).response)
        rows = slice(self.written, self.written + count)
        if rows not in shards(len(self._images)):
            raise CallError(
                f"{count} faces were added after {self.written} of {len(self._images)}: expected a "
                f"shard of {store.SHARD}, or the last ones"
            )
        with self._writing():
            if not self._arrays:
                self._make_arrays(batch)
            for layer, found in batch.items():
                self._arrays[layer, "response"][rows] = found.response
                self._arrays[layer, "location"][rows] = found.location
        self.written = rows.stop

    def read(self, rows: slice) -> dict[str, BatchResponses]:
        """Read faces that are written.

        Raises
        ------
        ArtifactError
            If they are damaged.
        """
        stored = Responses(self._group)
        try:
            return {
                layer: BatchResponses(
                    self._arrays[layer, "response"][rows],
                    self._arrays[layer, "location"][rows],
                    stored.shape(layer),
                )
                for layer in stored.layers
            }
        except DAMAGED as error:
            raise ArtifactError(
                f"{self._path}, which an interrupted recording has left, is damaged: remove it, "
                f"and record again"
            ) from error

    def close(self) -> Responses:
        """Give the store.

        Raises
        ------
        CallError
            If the number of faces added is not that of `images`.
        """
        if self.written != len(self._images):
            raise CallError(
                f"images names {len(self._images)} faces: responses of {self.written} were added"
            )
        return Responses(self._group)

    def _begun(self, path: Path, order: str) -> zarr.Group | None:
        """Open a store that was begun for the same; one that cannot be read counts as none."""
        try:
            group = zarr.open_group(path, mode="r+")
            stored = Responses(group)
            if group.attrs["order"] != order or list(stored.images) != self._images:
                return None
            arrays = {
                (layer, name): stored.array(layer, name).with_config(_CHECKED["config"])
                for layer in stored.layers
                for name in ARRAYS
            }
            whole = min(written_shards(array) for array in arrays.values())
        except DAMAGED:
            return None
        for half in path.rglob("*.partial"):  # what Zarr was writing
            half.unlink()
        self._arrays = arrays
        self.written = min(whole * store.SHARD, len(self._images))
        return group

    def _make_arrays(self, batch: Mapping[str, BatchResponses]) -> None:
        count = len(self._images)
        rows = min(CHUNK[0], count, store.SHARD)
        for layer, found in batch.items():
            group = self._group.create_group(layer)
            group.attrs["shape"] = list(found.shape)
            units = found.response.shape[1]
            columns = min(_wide(count), units)
            shard = (rows if rows == count else store.SHARD, -(-units // columns) * columns)
            for name in ARRAYS:
                inner = getattr(found, name).shape[2:]
                self._arrays[layer, name] = group.create_array(
                    name,
                    shape=(count, units, *inner),
                    chunks=(rows, columns, *inner),
                    shards=(*shard, *inner),
                    dtype=_KINDS[name],
                    **_CHECKED,
                )
        self._group.attrs["layers"] = list(batch)  # last: without it nothing was begun

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise cannot_write(self._path or Path(), error) from error


def _wide(faces: int) -> int:
    """Give how many units a chunk has.

    Examples
    --------
    >>> [_wide(faces) for faces in (10_000, 200_000, 1_000_000, 10_000_000)]
    [256, 128, 32, 8]
    """
    columns = CHUNK[1]
    while columns > _NARROW and columns * faces > _COLUMN:
        columns //= 2
    return columns
