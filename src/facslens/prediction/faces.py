"""From pictures to the faces in them: found, cropped, ready for a network."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from facslens.datasets.images import MAX_PIXELS, grey
from facslens.errors import DataError
from facslens.prediction.sources import Picture
from facslens.preprocess.crop import crop_face
from facslens.preprocess.detect import make_detector
from facslens.preprocess.detection import Detection, Detector
from facslens.preprocess.fit import fit
from facslens.preprocess.input import Input
from facslens.shapes import UInt8

#: Pixels of pictures that wait for a thread or are looked at; while there are as many, no further
#: picture is read, so that the threads together hold at most this and one picture more.
HELD: Final = MAX_PIXELS


@dataclass(frozen=True)
class Face:
    """One face of a picture, or a picture without one.

    Parameters
    ----------
    picture
        Where it comes from; without its pixels where nobody asked for them.
    number
        Of the face in the picture, from 0, the most certain first; None without a face.
    place
        Where it was found; None where the whole picture is the face, or without a face.
    crop
        What a network reads of it, in 8 bits, as `facslens.preprocess.fit.fit` gives it; None
        without a face.
    """

    picture: Picture
    number: int | None = None
    place: Detection | None = None
    crop: UInt8[np.ndarray, "height width *rgb"] | None = None


#: From a picture's pixels to its faces: places and crops.
Finder = Callable[[Picture], list[Face]]


def finder(detector: str | None, into: Input) -> Finder:
    """Find faces with the detector of a name; None takes every picture for a crop of one face."""
    return whole(into) if detector is None else detected(make_detector(detector), into)


def whole(into: Input) -> Finder:
    """Take every picture for a crop of one face."""

    def find(picture: Picture) -> list[Face]:
        assert picture.pixels is not None
        return [Face(picture, 0, None, fit(picture.pixels, into))]

    return find


def detected(detector: Detector, into: Input) -> Finder:
    """Find the faces of a picture and bring each to the one crop that networks are trained on.

    It is cut out at the size at which it has to be resized no further.
    """

    def find(picture: Picture) -> list[Face]:
        assert picture.pixels is not None
        places = detector(picture.pixels)
        if not places:
            return [Face(replace(picture, note=_joined(picture.note, "no face found")))]
        side = max(into.uncut)
        levels = (
            [grey(picture.pixels)]
            if into.channels == 1
            else list(picture.pixels.transpose(2, 0, 1))
        )
        return [
            Face(picture, number, place, fit(_cut(levels, place, side), into))
            for number, place in enumerate(places)
        ]

    return find


def faces(
    pictures: Iterable[Picture], find: Finder, workers: int, keep: bool = False
) -> Iterator[list[Face]]:
    """Find the faces of pictures, several at a time, in the order of the pictures.

    Only a few pictures are held at once, however many there are, and few large ones (`HELD`).

    Parameters
    ----------
    pictures, find
        What to look at, and how.
    workers
        Threads.
    keep
        Whether the faces keep the pixels of their picture.
    """

    def one(picture: Picture) -> list[Face]:
        if picture.pixels is None:
            return [Face(picture)]
        try:
            found = find(picture)
        except DataError as error:  # landmarks that are none: this picture fails, not the batch
            return [Face(replace(picture, pixels=None, problem=f"{picture.source}: {error}"))]
        bare = replace(found[0].picture, pixels=None)
        return found if keep else [replace(face, picture=bare) for face in found]

    source = iter(pictures)
    waiting: deque[tuple[Future[list[Face]], int]] = deque()
    with ThreadPoolExecutor(workers) as pool:

        def read_more() -> None:
            while len(waiting) < 2 * workers and _held(waiting, keep) < HELD:
                picture = next(source, None)
                if picture is None:
                    return
                waiting.append((pool.submit(one, picture), _pixels(picture)))

        read_more()
        while waiting:
            found = waiting.popleft()[0].result()
            read_more()
            yield found


def _cut(
    channels: list[UInt8[np.ndarray, "row column"]], place: Detection, side: int
) -> UInt8[np.ndarray, "side side *rgb"]:
    """Cut a face out of the channels of a picture, one or three."""
    crops = [crop_face(channel, place, side) for channel in channels]
    return crops[0] if len(crops) == 1 else np.stack(crops, axis=2)


def _held(waiting: Iterable[tuple[Future[list[Face]], int]], keep: bool) -> int:
    """Count the pixels of pictures that are still to be looked at, or were and are kept."""
    return sum(pixels for future, pixels in waiting if keep or not future.done())


def _pixels(picture: Picture) -> int:
    return 0 if picture.pixels is None else picture.pixels.shape[0] * picture.pixels.shape[1]


def _joined(*notes: str | None) -> str:
    return "; ".join(note for note in notes if note)
