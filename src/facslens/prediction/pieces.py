"""The inputs of a prediction in pieces, which are read one after the other or on many machines."""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Final

from facslens.datasets.archive import Carried, carried
from facslens.engines.engine import Seen, ignore
from facslens.errors import CallError
from facslens.prediction.faces import Finder, finder
from facslens.prediction.network import Network
from facslens.prediction.predict import BATCH, Row, predict
from facslens.prediction.sources import Picture, is_moving, pictures
from facslens.prediction.write import Kept

#: Most pictures of a piece. Where a piece is sent to another machine, its files are in memory
#: together: 64 photographs of a telephone are some 300 MB.
PIECE: Final = 64
#: Most bytes of a video that is sent to another machine.
MAX_VIDEO_BYTES: Final = 1_000_000_000


@dataclass(frozen=True)
class Piece:
    """Inputs that a network reads in batches of their own.

    Parameters
    ----------
    first
        Number of its first input among all.
    entries
        Its inputs, as `facslens.prediction.sources.find` gives them, or with their bytes.
    kept
        What an interrupted file holds already; frames that it holds are not read again.
    """

    first: int
    entries: Sequence[Path | Carried | Picture]
    kept: Kept

    @property
    def end(self) -> int:
        """Number of the input after its last one."""
        return self.first + len(self.entries)

    def pictures(self, every: int = 1, seen: Seen = ignore) -> Iterator[Picture]:
        """Read its pictures.

        Parameters
        ----------
        every
            Of a video or camera, every how many frames one is read.
        seen
            Called with the number of the next input, counted among all, when one is read.
        """
        for number, entry in enumerate(self.entries, self.first):
            for picture in pictures(entry, every):
                if self.kept.lacks(number, picture.frame):
                    yield picture
            seen(number + 1)


def beginnings(entries: Sequence[Path | Picture]) -> list[int]:
    """Give the numbers of the inputs that begin a piece.

    A piece is `PIECE` pictures that follow one another, or one video or camera. Batches end where
    a piece ends, so that the network reads the same faces together wherever pieces are read, and
    gives the same numbers to the last digit.

    Examples
    --------
    >>> beginnings([Path("a.png"), Path("b.png"), Path("c.mp4"), Path("d.png"), Path("e.png")])
    [0, 2, 3]
    """
    found: list[int] = []
    alone = True
    for number, entry in enumerate(entries):
        moving = is_moving(entry)
        if alone or moving or number - found[-1] >= PIECE:
            found.append(number)
        alone = moving
    return found


def pieces(entries: Sequence[Path | Picture], begun: Sequence[int], kept: Kept) -> Iterator[Piece]:
    """Give the pieces that are still to be read.

    Parameters
    ----------
    entries
        All inputs.
    begun
        Their `beginnings`.
    kept
        What an interrupted file holds already.
    """
    for start, end in pairwise([*begun, len(entries)]):
        first = max(start, kept.inputs)
        if first < end:
            yield Piece(first, entries[first:end], kept)


def carry(piece: Piece) -> Piece:
    """Give a piece with the bytes of its files, for a process that may not see the disk.

    Raises
    ------
    CallError
        If a video holds more than `MAX_VIDEO_BYTES`.
    """
    return replace(piece, entries=[_carry(entry) for entry in piece.entries])


def _carry(entry: Path | Carried | Picture) -> Carried | Picture:
    if not isinstance(entry, Path):
        return entry
    if not is_moving(entry):
        return carried(entry)
    if not os.path.isfile(entry):  # noqa: PTH113 - Path.is_file raises where a name is too long
        return next(pictures(entry))  # what is wrong with it
    size = entry.stat().st_size
    if size > MAX_VIDEO_BYTES:
        raise CallError(
            f"{entry} holds {size / 1e6:.0f} MB, and a video of more than "
            f"{MAX_VIDEO_BYTES / 1e6:.0f} MB is not sent to other machines: predict it without "
            f"--engine ray"
        )
    return carried(entry, MAX_VIDEO_BYTES)


@dataclass(frozen=True)
class ReadPiece:
    """Reads pieces wherever it is sent, each in one thread.

    Parameters
    ----------
    opener
        Opens the network there.
    detector
        The name of what finds faces; None takes every picture for a crop of one face.
    every, batch
        As `facslens.prediction.sources.pictures` and `facslens.prediction.predict.predict` take
        them.
    """

    opener: Callable[[], Network]
    detector: str | None
    every: int = 1
    batch: int = BATCH

    def __call__(self, piece: Piece, _seen: Seen) -> list[Row]:
        """Give the rows of a piece."""
        network, find = self._opened
        found = predict(piece.pictures(self.every), find, network, batch=self.batch)
        return [row for _, row in found]

    @cached_property
    def _opened(self) -> tuple[Network, Finder]:
        network = self.opener()
        return network, finder(self.detector, network.input)
