"""Matrices of numbers in MATLAB files, read without trust: scipy crashes on damaged ones."""

import io
import math
import struct
import zlib
from collections.abc import Collection
from pathlib import Path
from typing import Any, Final

import numpy as np

#: The types of numbers in a file of version 5 by their number in it.
_NUMBERS: Final = {
    1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8",
}  # fmt: skip
_MATRIX, _COMPRESSED = 14, 15
#: The classes of matrices of numbers: not cells, structures, objects, letters, sparse ones.
_CLASSES: Final = range(6, 16)
_COMPLEX: Final = 0x0800
# Most bytes of what comes before the numbers of a matrix: its class, shape and name.
_MOST_BEFORE: Final = 4096
_CHUNK: Final = 1 << 16


class _Inflated:
    """What a compressed part of a file unpacks to, no more than is asked for."""

    def __init__(self, file: io.BufferedReader, size: int) -> None:
        self._file, self._left = file, size
        self._unpacker = zlib.decompressobj()

    def read(self, count: int) -> bytes | bytearray:
        found = bytearray()
        while len(found) < count:
            packed = self._unpacker.unconsumed_tail
            if not packed:
                packed = self._file.read(min(self._left, _CHUNK))
                self._left -= len(packed)
            part = self._unpacker.decompress(packed, count - len(found))
            found += part
            if not part and not packed:
                break
        return found


_Source = io.BufferedReader | _Inflated


def read_matrices(file: Path, names: Collection[str], limit: int) -> dict[str, np.ndarray]:
    """Read some matrices of a MATLAB file of version 5 to 7.2.

    Parameters
    ----------
    file
        The file.
    names
        The variables that are wanted; others are passed over.
    limit
        Most bytes that the numbers of one may take.

    Returns
    -------
    dict
        The matrices, in the types that they are stored in; a variable that is not there is not in
        it.

    Raises
    ------
    OSError
        If the file cannot be read.
    ValueError
        If it is no such file, is damaged, or a wanted variable holds no real numbers or more than
        `limit` bytes of them. Its text says which, as part of a sentence.

    References
    ----------
    The format is described by MathWorks, *MAT-File Format*, level 5 [mathworks2022mat]_.
    """
    found = {}
    with file.open("rb") as stream:
        head = stream.read(128)
        if head.startswith(b"MATLAB 7.3"):
            raise ValueError("it is of MATLAB 7.3, to be saved by save with '-v7'")
        order = {b"IM": "<", b"MI": ">"}.get(head[126:128])
        if order is None:
            raise ValueError("it is no MATLAB file of version 5")
        while tag := stream.read(8):
            kind, size = struct.unpack(f"{order}II", _whole(tag, 8))
            start = stream.tell()
            source: _Source = stream
            try:
                if kind == _COMPRESSED:
                    source = _Inflated(stream, size)
                    kind, _ = struct.unpack(f"{order}II", _whole(source.read(8), 8))
                if kind == _MATRIX:
                    name, matrix = _matrix(source, order, names, limit)
                    if matrix is not None:
                        found[name] = matrix
            except zlib.error as error:
                raise ValueError(f"it is damaged ({error})") from error
            stream.seek(start + size)
    return found


def _matrix(
    source: _Source, order: str, names: Collection[str], limit: int
) -> tuple[str, np.ndarray | None]:
    """Read one variable, or its name alone where it is not wanted."""
    _, flags = _element(source, order, _MOST_BEFORE)
    _, shape = _element(source, order, _MOST_BEFORE)
    _, letters = _element(source, order, _MOST_BEFORE)
    name = letters.decode("ascii", errors="replace")
    if name not in names:
        return name, None
    (word,) = struct.unpack(f"{order}I", _whole(flags[:4], 4))
    if word & 0xFF not in _CLASSES or word & _COMPLEX:
        raise ValueError(f"its {name} are no real numbers")
    sides = np.frombuffer(shape[: len(shape) // 4 * 4], f"{order}i4").tolist()
    if not 2 <= len(sides) <= 8 or min(sides) < 0:
        raise ValueError(f"its {name} have the shape {sides}")
    kind, content = _element(source, order, limit)
    if kind not in _NUMBERS:
        raise ValueError(f"its {name} are no real numbers")
    values: np.ndarray[Any, Any] = np.frombuffer(content, f"{order}{_NUMBERS[kind]}")
    if len(values) != math.prod(sides):
        raise ValueError(f"its {name} are {len(values)} numbers of the shape {sides}")
    return name, values.reshape(sides, order="F")


def _element(source: _Source, order: str, limit: int) -> tuple[int, bytes | bytearray]:
    """Read the type and the bytes of one part of a variable."""
    tag = _whole(source.read(8), 8)
    kind, size = struct.unpack(f"{order}II", tag)
    if kind >> 16:  # four bytes or fewer stand in the tag itself
        kind, size = kind & 0xFFFF, kind >> 16
        return kind, tag[4 : 4 + min(size, 4)]
    if size > limit:
        raise ValueError(f"a variable in it holds more than {limit / 1e6:g} MB")
    content = _whole(source.read(size), size)
    source.read(-size % 8)
    return kind, content


def _whole(content: bytes | bytearray, count: int) -> bytes | bytearray:
    if len(content) < count:
        raise ValueError("it ends in the middle of a variable")
    return content
