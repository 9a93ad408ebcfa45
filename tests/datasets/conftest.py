"""Writers of small images and datasets, every image with pixels of its own."""

import itertools
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image


@pytest.fixture
def write_image() -> Callable[..., Path]:
    """Write a 12×12 image whose pixels follow from its number: by default a new one."""
    numbers = itertools.count()

    def write(path: Path, number: int | None = None) -> Path:
        rng = np.random.default_rng(next(numbers) if number is None else [7, number])
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (12, 12), dtype=np.uint8)).save(path)
        return path

    return write


@pytest.fixture
def write_bomb() -> Callable[..., Path]:
    """Write a PNG of a few bytes whose header claims a size."""

    def write(path: Path, width: int, height: int) -> Path:
        def chunk(kind: bytes, data: bytes) -> bytes:
            checksum = zlib.crc32(kind + data).to_bytes(4)
            return len(data).to_bytes(4) + kind + data + checksum

        header = width.to_bytes(4) + height.to_bytes(4) + bytes([8, 0, 0, 0, 0])
        body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b"")
        path.write_bytes(b"\x89PNG\r\n\x1a\n" + body)
        return path

    return write
