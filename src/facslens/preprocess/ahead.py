"""Read faces ahead of a network, in processes of their own where that is worth it."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch
from jaxtyping import UInt8
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from facslens.datasets.archive import Carried
from facslens.datasets.images import read_grey, read_picture
from facslens.errors import FacslensError
from facslens.preprocess.fit import fit
from facslens.preprocess.input import Input

#: From as many faces on, processes read ahead unless the caller says otherwise.
MANY: Final = 1024


def pictures(
    paths: Sequence[str | Path | Carried], into: Input
) -> UInt8[np.ndarray, "image height width *rgb"]:
    """Read faces in 8 bits at the size of a network; colours are RGB."""
    return np.stack([fit(_read(path, into.channels), into) for path in paths])


def batches(
    paths: Sequence[str | Path | Carried], into: Input, size: int, processes: int | None = None
) -> Iterator[UInt8[Tensor, "image height width *rgb"]]:
    """Read faces batch by batch, as `pictures` does.

    Parameters
    ----------
    paths, into
        As `pictures` takes them.
    size
        Faces in a batch.
    processes
        How many processes decode and resize the faces, a few batches ahead; with 0 the caller's
        own does. None takes as many as there are cores, from `MANY` faces on.

    Raises
    ------
    DataError
        If a file cannot be read.
    FacslensError
        If one of the processes was killed.
    """
    if processes is None:
        processes = (os.cpu_count() or 1) if len(paths) >= MANY else 0
    own = _Batches(paths, into, size)
    loader: DataLoader[Tensor | FacslensError] = DataLoader(
        own,
        batch_size=None,
        num_workers=min(processes, len(own)),
        generator=torch.Generator(),  # its own, for it draws a number
    )
    source = iter(loader)
    while True:
        try:
            found = next(source)
        except StopIteration:
            return
        except RuntimeError as error:
            raise FacslensError(f"a process that read faces ahead was lost: {error}") from error
        if isinstance(found, FacslensError):
            raise found
        yield found


@dataclass(frozen=True)
class _Batches(Dataset[Tensor | FacslensError]):
    """Batches by number; an error is given and not raised, for PyTorch would reword it."""

    paths: Sequence[str | Path | Carried]
    into: Input
    size: int

    def __len__(self) -> int:
        return -(-len(self.paths) // self.size)

    def __getitem__(self, number: int) -> Tensor | FacslensError:
        own = self.paths[number * self.size : (number + 1) * self.size]
        try:
            return torch.from_numpy(pictures(own, self.into))
        except FacslensError as error:
            return error


def _read(path: str | Path | Carried, channels: int) -> UInt8[np.ndarray, "row column *rgb"]:
    return read_grey(path) if channels == 1 else read_picture(path).pixels
