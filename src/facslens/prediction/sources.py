"""From paths, folders, patterns, videos and cameras to pictures, one after the other."""

import contextlib
import glob
import io
import os
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import numpy as np

from facslens.datasets.archive import Carried, is_file, read_bytes, state_of
from facslens.datasets.defects import Defect
from facslens.datasets.files import count_skipped, files_below, relative
from facslens.datasets.formats import BY_ENDING, FORMATS, UNREAD
from facslens.datasets.images import MAX_PIXELS, read_picture
from facslens.errors import CallError, DataError
from facslens.names import one_line, printable
from facslens.shapes import UInt8

#: The containers of videos that are read, by the endings of their files and as FFmpeg names them.
#: It knows many more, some of which are lists of other files, or of addresses to ask.
VIDEOS: Final = {
    **dict.fromkeys((".mp4", ".m4v", ".mov", ".qt", ".f4v", ".3gp", ".3g2"), "mov"),
    **dict.fromkeys((".mj2", ".ismv", ".psp"), "mov"),
    **dict.fromkeys((".mts", ".m2ts", ".m2t", ".ts", ".tod"), "mpegts"),
    **dict.fromkeys((".mpg", ".mpeg", ".mpv", ".vob", ".mod", ".dvd"), "mpeg"),
    **dict.fromkeys((".m1v", ".m2v"), "mpegvideo"),
    **dict.fromkeys((".h264", ".264", ".avc", ".h26l"), "h264"),
    **dict.fromkeys((".h265", ".265", ".hevc"), "hevc"),
    **dict.fromkeys((".mjpg", ".mjpeg"), "mjpeg"),
    **dict.fromkeys((".asf", ".wmv"), "asf"),
    **dict.fromkeys((".avi", ".divx"), "avi"),
    **dict.fromkeys((".mkv", ".mk3d", ".webm"), "matroska"),
    **dict.fromkeys((".ogv", ".ogm", ".ogg"), "ogg"),
    **dict.fromkeys((".dv", ".dif"), "dv"),
    ".flv": "flv",
    ".gxf": "gxf",
    ".h261": "h261",
    ".h263": "h263",
    ".ivf": "ivf",
    ".mxf": "mxf",
    ".nut": "nut",
    ".obu": "obu",
    ".rm": "rm",
    ".swf": "swf",
    ".wtv": "wtv",
    ".y4m": "yuv4mpegpipe",
}
# What MPEG-4 without a container is called, which also ends in .m4v.
_BARE: Final = ("m4v",)


@dataclass(frozen=True)
class Picture:
    """One picture, or the reason why there is none.

    Parameters
    ----------
    source
        The file or camera, as it was named, made printable.
    frame
        Number of the frame in a video or of a camera, from 0; None for a picture file.
    pixels
        (row, column, 3) RGB, or None where `problem` says why.
    problem
        What is wrong with the file, in one sentence.
    note
        What else to know of it, such as that only the first of several pictures was read.
    reduced
        How many pixels of the file, along a side, are one of `pixels`.
    time
        When the frame is shown, in seconds from the beginning of the video, as its own timestamp
        says; None for a picture file, and where there is no timestamp.
    """

    source: str
    frame: int | None = None
    pixels: UInt8[np.ndarray, "row column 3"] | None = None
    problem: str | None = None
    note: str | None = None
    reduced: int = 1
    time: float | None = None

    def __post_init__(self) -> None:
        if self.problem is not None:
            object.__setattr__(self, "problem", one_line(self.problem))


def find(paths: Iterable[str], skipped: list[Defect] | None = None) -> list[Path | Picture]:
    """Find the files that are meant, and what is wrong with what was said.

    Parameters
    ----------
    paths
        Files, folders (all pictures and videos below them), patterns such as ``*.jpg``, or a
        camera such as ``camera:0``.
    skipped
        Takes, for each folder, how many files below it are neither pictures nor videos by their
        endings. A picture whose decoder is lacking is none of these: it is found, and
        `pictures` says what it needs.

    Returns
    -------
    list
        The files in the order of the paths, each once; in place of a path that leads nowhere,
        a `Picture` with its problem.
    """
    found: dict[str, Path | Picture] = {}
    skipped = [] if skipped is None else skipped
    for text in paths:
        for entry in _find_one(text, skipped):
            found.setdefault(name_of(entry), entry)
    return list(found.values())


def _find_one(text: str, skipped: list[Defect]) -> Iterator[Path | Picture]:
    path = Path(os.path.expanduser(text))  # noqa: PTH111 - Path's own raises for ~nobody
    if os.path.isdir(path):  # noqa: PTH112 - Path.is_dir raises where a name is too long
        defects: list[Defect] = []
        below = files_below(path, defects)
        wanted = [file for file in below if _is_picture(file) or is_video(file)]
        if wanted:
            others = (file for file in below if not _is_picture(file) and not is_video(file))
            count_skipped(others, path, skipped)
        yield from (Picture(d.where, problem=d.message) for d in defects)
        yield from wanted
        if not wanted and not defects:
            names = ", ".join(relative(file, path) for file in below[:3])
            problem = f"{text} holds no picture and no video: it has {names}"
            yield Picture(printable(text), problem=problem)
    elif re.match(r"[a-zA-Z][a-zA-Z0-9+.-]+://", text):
        problem = f"{text} is an address, and nothing is fetched: save what is there, and name it"
        yield Picture(printable(text), problem=problem)
    elif os.path.lexists(path) or is_camera(path) or not glob.has_magic(text):
        yield path
    else:
        matches = sorted(glob.glob(str(path), recursive=True))  # noqa: PTH207 - absolute ones, too
        if not matches:
            yield Picture(printable(text), problem=f"{text} matches no file")
        yield from map(Path, matches)


def name_of(entry: Path | Carried | Picture) -> str:
    """Give the name of one entry of `find`, which its pictures have as their source."""
    return entry.source if isinstance(entry, Picture) else printable(entry)


def _is_picture(path: Path) -> bool:
    """Tell whether a file is called like a picture, be it one that is read or not."""
    ending = path.suffix.lower()
    return ending in FORMATS or ending in BY_ENDING or ending in UNREAD


def is_video(path: Path) -> bool:
    """Tell whether the ending of a file's name is that of a video."""
    return path.suffix.lower() in VIDEOS


def is_moving(entry: Path | Carried | Picture) -> bool:
    """Tell whether an entry of `find` is a video or a camera, which have frames."""
    if isinstance(entry, Picture):
        return False
    return is_video(Path(str(entry))) or is_camera(entry)


def is_camera(entry: Path | Carried | Picture) -> bool:
    """Tell whether an entry of `find` names a camera, and no file of such a name."""
    if not isinstance(entry, Path) or not re.match(r"camera:.", str(entry)):
        return False
    return not os.path.lexists(entry)


def pictures(entry: Path | Carried | Picture, every: int = 1) -> Iterator[Picture]:
    """Read the pictures of one entry of `find`.

    Parameters
    ----------
    entry
        A file, also with its bytes, or a problem, which passes through.
    every
        Of a video or camera, every how many frames one is read.

    Yields
    ------
    Picture
        One for a picture file, one a frame for a video, without an end for a camera; a problem
        ends the file, not the batch.
    """
    if isinstance(entry, Picture):
        yield entry
        return
    name = name_of(entry)
    if is_camera(entry):
        yield from _frames(str(entry), *_device(str(entry)), name, every)
    elif is_moving(entry):
        yield from _video(entry, name, every)
    else:
        yield from _picture(entry, name, every)


def _picture(entry: Path | Carried, name: str, every: int) -> Iterator[Picture]:
    """Read a picture; a file whose ending is of none may be a video all the same."""
    try:
        picture = read_picture(entry)
    except DataError as error:
        if not _is_picture(Path(str(entry))):
            frames = _video(entry, name, every)
            with contextlib.suppress(CallError):  # where PyAV is lacking
                first = next(frames)
                if first.problem is None:
                    yield first
                    yield from frames
                    return
        yield Picture(name, problem=str(error))
        return
    yield Picture(name, None, picture.pixels, note=picture.note, reduced=picture.reduced)


def _video(entry: Path | Carried, name: str, every: int) -> Iterator[Picture]:
    """Read the frames of a video, or say in one `Picture` why there is none."""
    if isinstance(entry, Carried):
        yield from _frames(f"the video {entry}", entry, None, name, every)
    elif is_file(entry):
        yield from _frames(f"the video {entry}", str(entry), None, name, every)
    else:
        yield Picture(name, problem=f"the video {entry} {state_of(entry)}: expected a file")


def _device(camera: str) -> tuple[str, str]:
    """Give what FFmpeg calls a camera, and its name for this system's way to cameras."""
    which = camera.partition(":")[2]
    if sys.platform == "darwin":
        return which, "avfoundation"
    if sys.platform == "win32":
        return f"video={which}", "dshow"
    return (f"/dev/video{which}" if which.isdigit() else which), "video4linux2,v4l2"


def _frames(
    name: str, address: str | Carried, container_format: str | None, source: str, every: int
) -> Iterator[Picture]:
    try:
        import av
    except ImportError as error:
        raise CallError(
            f"reading {name} needs PyAV: install it with pip install 'facslens[video]'"
        ) from error
    number = -1
    try:
        file: Any = address if isinstance(address, str) else io.BytesIO(read_bytes(address))
        kinds = (
            {} if container_format else {"format_whitelist": ",".join({*VIDEOS.values(), *_BARE})}
        )
        with av.open(file, format=container_format, options=kinds) as container:
            if not container.streams.video:
                yield Picture(source, problem=f"{source} has no video stream")
                return
            stream = container.streams.video[0]
            begin = None if container.start_time is None else container.start_time / av.time_base
            for number, frame in enumerate(container.decode(stream)):
                if begin is None:
                    begin = frame.time
                if number % every == 0:
                    time = None if frame.time is None else float(frame.time - (begin or 0))
                    pixels = _upright(frame, stream.sample_aspect_ratio)
                    yield Picture(source, number, pixels, time=time)
    except (av.error.FFmpegError, OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        after = f" after frame {number}" if number >= 0 else ""
        yield Picture(source, problem=f"{name} cannot be read{after}: {reason}")
        return
    if number < 0:
        yield Picture(source, problem=f"{name} has no frames")


def _upright(frame: Any, aspect: Fraction | None) -> UInt8[np.ndarray, "row column 3"]:
    """Give a frame as it is shown: with square pixels, and turned as its camera noted.

    Camcorders and DVDs store pixels that are wider or narrower than high; telephones store what
    they film lying on its side. Nothing is made smaller: where pixels are wider than high, as many
    more columns are made, and where they are higher, as many more rows.

    Parameters
    ----------
    frame
        Decoded, as its file holds it.
    aspect
        Width of one of its pixels, divided by its height; None or 0 where nothing says so.

    Raises
    ------
    ValueError
        If it would have more than `facslens.datasets.images.MAX_PIXELS`.
    """
    wider = aspect or Fraction(1)
    width = round(frame.width * max(wider, 1))
    height = round(frame.height / min(wider, 1))
    if (width, height) != (frame.width, frame.height) and width * height > MAX_PIXELS:
        raise ValueError(
            f"with square pixels its frames are {width}×{height}, more than "
            f"{MAX_PIXELS / 1e6:.0f} megapixels"
        )
    pixels: np.ndarray = frame.to_ndarray(format="rgb24", width=width, height=height)
    return np.ascontiguousarray(np.rot90(pixels, round(getattr(frame, "rotation", 0) / 90)))
