"""PNG files without the texts that stand in them, which no reader of pixels needs."""

import zlib
from typing import Final

_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
# What is no part of the picture, and has limits of its own where it is unpacked.
_TEXTS: Final = (b"tEXt", b"zTXt", b"iTXt", b"iCCP")
# Texts that say how the camera was held.
_NEEDED: Final = (b"Raw profile type exif\0", b"Raw profile type APP1\0", b"XML:com.adobe.xmp\0")


def without_texts(content: bytes) -> bytes:
    """Leave texts and colour profiles out of a PNG file, unread.

    Programs that make or edit pictures leave megabytes there, and Pillow refuses a file for what it
    would have to unpack. Texts in which the orientation stands are kept, and so is every chunk
    whose checksum is wrong, so that whoever reads the file can say so.

    Parameters
    ----------
    content
        Of any file.

    Returns
    -------
    bytes
        The same bytes where the file is no PNG file or has no such text.
    """
    if not content.startswith(_SIGNATURE):
        return content
    view = memoryview(content)
    kept, start, here = [], 0, len(_SIGNATURE)
    while here + 12 <= len(content):
        end = here + 12 + int.from_bytes(view[here : here + 4])
        kind, data = bytes(view[here + 4 : here + 8]), view[here + 8 : end - 4]
        if end > len(content):
            break
        if (
            kind in _TEXTS
            and not bytes(data[:32]).startswith(_NEEDED)
            and zlib.crc32(view[here + 4 : end - 4]) == int.from_bytes(view[end - 4 : end])
        ):
            kept.append(view[start:here])
            start = end
        here = end
    return b"".join([*kept, view[start:]]) if start else content
