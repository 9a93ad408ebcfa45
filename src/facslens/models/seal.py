"""The SHA-256 that an exported ONNX file holds of itself, so that a changed byte shows."""

import hashlib
import re
from typing import Final

#: The entry of the file's metadata that holds the SHA-256.
SEAL: Final = "facslens_sha256"
#: What stands there while the SHA-256 is computed.
UNSEALED: Final = "0" * 64
#: In the file a few bytes that tell the length stand between the entry's name and its value.
_WRITTEN: Final = re.compile(SEAL.encode() + rb".{1,4}?([0-9a-f]{64})", re.DOTALL)


def sealed(content: bytes) -> bytes:
    """Put the SHA-256 of a file's bytes in the place of `UNSEALED`.

    Examples
    --------
    >>> found = sealed(f"weights {SEAL}: {UNSEALED}".encode())
    >>> is_sealed(found), is_sealed(found.replace(b"weights", b"weightz"))
    (True, False)
    """
    return _with(content, hashlib.sha256(content).hexdigest())


def is_sealed(content: bytes) -> bool:
    """Tell whether a file has the SHA-256 that it holds; False where it holds none."""
    found = _WRITTEN.search(content)
    if found is None:
        return False
    return hashlib.sha256(_with(content, UNSEALED)).hexdigest() == found[1].decode()


def _with(content: bytes, digest: str) -> bytes:
    found = _WRITTEN.search(content)
    assert found is not None
    return content[: found.start(1)] + digest.encode() + content[found.end(1) :]
