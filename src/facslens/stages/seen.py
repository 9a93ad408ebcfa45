"""What a network sees of faces: their mean as it reads them, and the range of its numbers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
import torch
from jaxtyping import Float
from PIL import Image
from torch import Tensor

from facslens.artifacts import Json, atomic
from facslens.datasets.base import Faces
from facslens.datasets.stimuli import Stimuli
from facslens.models.model import Model
from facslens.preprocess import normalise
from facslens.stages.stimulated import as_read, read_faces

#: Faces of a dataset that are averaged at most, evenly from all of them.
MOST: Final = 1000
_BATCH: Final = 64


@dataclass
class Seen:
    """What a network has read so far: sums of the pictures, and the ends of their numbers.

    Parameters
    ----------
    faces
        How many.
    total, square
        The sum of all pictures, and of their squares; (channel, row, column).
    low, high
        The least and the largest number of each channel.
    """

    faces: int = 0
    total: Tensor = field(default_factory=lambda: torch.zeros(1, 1, 1, dtype=torch.float64))
    square: Tensor = field(default_factory=lambda: torch.zeros(1, 1, 1, dtype=torch.float64))
    low: Tensor = field(default_factory=lambda: torch.tensor(torch.inf, dtype=torch.float64))
    high: Tensor = field(default_factory=lambda: torch.tensor(-torch.inf, dtype=torch.float64))

    def add(self, faces: Float[Tensor, "_face channel row column"]) -> None:
        """Read a batch, as the network reads it."""
        values = faces.double()
        self.faces += len(values)
        self.total = self.total + values.sum(0)
        self.square = self.square + values.square().sum(0)
        self.low = torch.minimum(self.low, values.amin(dim=(0, 2, 3)))
        self.high = torch.maximum(self.high, values.amax(dim=(0, 2, 3)))

    @property
    def mean(self) -> Float[np.ndarray, "channel row column"]:
        """The mean picture."""
        mean: Float[np.ndarray, "channel row column"] = (self.total / self.faces).numpy()
        return mean

    def numbers(self) -> Json:
        """Count the faces, and give the range, mean and deviation of each channel's numbers."""
        mean, square = ((sums / self.faces).mean(dim=(1, 2)) for sums in (self.total, self.square))
        found = {"low": self.low, "high": self.high, "mean": mean}
        found["deviation"] = (square - mean.square()).clamp(min=0).sqrt()
        return {"faces": self.faces, **{name: value.tolist() for name, value in found.items()}}

    def paint(self, file: Path) -> None:
        """Write the mean picture, its least number black and its largest white."""
        mean = self.mean
        low, high = mean.min(), mean.max()
        levels = np.round(255 * (mean - low) / ((high - low) or 1.0)).astype(np.uint8)
        picture = np.moveaxis(levels, 0, -1) if len(levels) == 3 else levels[0]
        with atomic(file) as temporary, temporary.open("wb") as stream:
            Image.fromarray(picture).save(stream, "PNG", optimize=True)


def of_drawn(model: Model, stimuli: Stimuli) -> Seen:
    """Show a network the drawn faces at rest."""
    seen = Seen()
    rows = stimuli.table["kind"].eq("rest").to_numpy(dtype=bool)

    def reader(faces: Tensor) -> Mapping[str, np.ndarray]:
        seen.add(as_read(faces, model.input))
        return {}

    read_faces(stimuli, [(rows, reader, model.input)], lambda _read: None)
    return seen


def of_faces(model: Model, faces: Faces) -> Seen:
    """Show a network faces of a dataset, `MOST` at most."""
    seen = Seen()
    paths = list(faces.table["path"])
    chosen = np.unique(np.linspace(0, len(paths) - 1, min(MOST, len(paths))).round().astype(int))
    for batch in normalise.batches([paths[n] for n in chosen], model.input, _BATCH):
        seen.add(batch)
    return seen
