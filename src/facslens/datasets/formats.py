"""The formats of pictures: which are read, from files of which endings, and by which decoders."""

import functools
from typing import Final

from PIL import features

#: The formats that are read, by the endings of their files, where their decoder is there (see
#: `lacking`); their files tell by their first bytes what they are.
FORMATS: Final = {
    ".png": "PNG",
    ".apng": "PNG",
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".jpe": "JPEG",
    ".jfif": "JPEG",
    ".mpo": "JPEG",
    ".jp2": "JPEG2000",
    ".j2k": "JPEG2000",
    ".j2c": "JPEG2000",
    ".jpc": "JPEG2000",
    ".jpf": "JPEG2000",
    ".jpx": "JPEG2000",
    ".bmp": "BMP",
    ".gif": "GIF",
    ".tif": "TIFF",
    ".tiff": "TIFF",
    ".pgm": "PPM",
    ".pbm": "PPM",
    ".ppm": "PPM",
    ".pnm": "PPM",
    ".pfm": "PPM",
    ".webp": "WEBP",
    ".avif": "AVIF",
    ".avifs": "AVIF",
    ".heic": "HEIF",
    ".heif": "HEIF",
    ".hif": "HEIF",
}
#: Formats that are read only from files of such an ending: what begins a file of theirs may begin
#: another, too, and noise would be taken for a picture.
BY_ENDING: Final = {
    ".cur": "CUR",
    ".dcx": "DCX",
    ".dds": "DDS",
    ".dib": "DIB",
    ".fli": "FLI",
    ".flc": "FLI",
    ".icns": "ICNS",
    ".ico": "ICO",
    ".msp": "MSP",
    ".pcd": "PCD",
    ".pcx": "PCX",
    ".psd": "PSD",
    ".qoi": "QOI",
    ".ras": "SUN",
    ".sgi": "SGI",
    ".rgb": "SGI",
    ".rgba": "SGI",
    ".bw": "SGI",
    ".tga": "TGA",
    ".icb": "TGA",
    ".vda": "TGA",
    ".vst": "TGA",
    ".xbm": "XBM",
    ".xpm": "XPM",
}
#: Endings of pictures that are not read: other programs would draw them (EPS, WMF), nobody says
#: which of their numbers is white (FITS, GRIB), they hold textures, Pillow gives them up (IM), or
#: they hold what a camera's sensor measured, of which Pillow gives the small preview, if anything.
UNREAD: Final = frozenset((
    ".eps", ".ps", ".emf", ".wmf", ".fit", ".fits", ".bufr", ".grib", ".h5", ".hdf", ".iim",
    ".blp", ".im", ".ftc", ".ftu", ".gbr", ".palm", ".pxr", ".svg", ".jxl", ".exr", ".hdr",
    ".arw", ".cr2", ".cr3", ".dng", ".nef", ".orf", ".raf", ".rw2",
))  # fmt: skip
# Decoders that Pillow may have been built without, by the name that it has for them.
_BUILT_IN: Final = {"AVIF": "avif", "JPEG2000": "jpg_2000", "WEBP": "webp"}


def lacking(form: str) -> str | None:
    """Say what a format of `FORMATS` needs to be read here; None where all is there.

    Returns
    -------
    str or None
        The rest of a sentence, such as ``needs the package pillow-heif: pip install pillow-heif``.
    """
    if form in readable():
        return None
    if form == "HEIF":
        return "needs the package pillow-heif: pip install pillow-heif"
    return f"needs a Pillow that was built with its decoder ({_BUILT_IN[form]})"


@functools.cache
def readable() -> tuple[str, ...]:
    """Name the formats of `FORMATS` whose decoder is there, in alphabetical order."""
    known = features.modules | features.codecs
    lacking = {
        form
        for form, name in _BUILT_IN.items()
        if name not in known or not features.check(name)  # what it does not know, it warns of
    }
    try:
        from pillow_heif import register_heif_opener
    except ImportError:
        lacking.add("HEIF")
    else:
        register_heif_opener()
    return tuple(sorted(set(FORMATS.values()) - lacking))
