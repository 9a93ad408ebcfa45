"""Arrays that grow by rows on the disk, for what does not fit in memory while a stage makes it."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeVar

import numpy as np

from facslens.artifacts import cannot_write

Value = TypeVar("Value")

#: Bytes of an array that are read at a time.
_BYTES: Final = 1 << 24


@dataclass(eq=False)
class Kept:
    """An array on the disk: rows are added at its end, and parts of it are read by slices.

    Nothing of it stays in memory. It is working material: the file holds bare numbers, without a
    header or a checksum.

    Parameters
    ----------
    file
        Where; a new file.
    """

    file: Path
    rows: int = 0
    _row: tuple[int, ...] = ()
    _type: np.dtype[Any] = field(default_factory=lambda: np.dtype(np.float32))

    def add(self, values: np.ndarray) -> None:
        """Add rows of one shape and type.

        Raises
        ------
        ArtifactError
            If the disk is full.
        """
        if self.rows == 0:
            self._row, self._type = values.shape[1:], values.dtype
        assert (self._row, self._type) == (values.shape[1:], values.dtype)
        try:
            with self.file.open("ab") as stream:
                stream.write(np.ascontiguousarray(values).data)
        except OSError as error:
            raise cannot_write(self.file, error) from error
        self.rows += len(values)

    @property
    def shape(self) -> tuple[int, ...]:
        """As that of an array in memory."""
        return (self.rows, *self._row)

    def __len__(self) -> int:
        return self.rows

    def __getitem__(self, key: slice | tuple[Any, ...]) -> np.ndarray:
        """Read a part, as an array in memory would give it; the first of the key is a slice."""
        rows, *rest = key if isinstance(key, tuple) else (key,)
        start, stop, step = rows.indices(self.rows)
        assert step == 1
        own = (slice(None), *rest)
        size = self._type.itemsize * int(np.prod(self._row))
        some = max(1, _BYTES // max(size, 1))
        found = None
        with self.file.open("rb") as stream:
            for first in range(start, stop, some):
                count = min(some, stop - first)
                stream.seek(first * size)
                read = np.fromfile(stream, self._type, count * (size // self._type.itemsize))
                part = read.reshape(count, *self._row)[own]
                if found is None:
                    found = np.empty((stop - start, *part.shape[1:]), dtype=part.dtype)
                found[first - start : first - start + count] = part
        return np.empty((0, *self._row), self._type)[own] if found is None else found


class Lazy(Mapping[str, Value]):
    """What is known by name, and read or made each time that it is asked for.

    Parameters
    ----------
    names
        In order.
    get
        Reads or makes what has a name.
    """

    def __init__(self, names: tuple[str, ...], get: Callable[[str], Value]) -> None:
        self._names, self._get = names, get

    def __getitem__(self, name: str) -> Value:
        if name not in self._names:
            raise KeyError(name)
        return self._get(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)
