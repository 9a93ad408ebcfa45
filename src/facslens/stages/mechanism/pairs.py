"""The faces in pairs: a person at rest, and the same person with one action unit."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from facslens.experiments.faces import compared
from facslens.experiments.trials import Trials, arrange
from facslens.progress import Report
from facslens.stages.mechanism.subject import Subject
from facslens.stages.stimulated import as_read, read_faces


@dataclass(frozen=True)
class Pairs:
    """The faces: each person in each setting at rest, and with one action unit at full intensity.

    Parameters
    ----------
    images
        (image, channel, row, column), as the network reads them.
    trials
        Which image shows what: the "response" of each is its row in `images`.
    """

    images: Tensor
    trials: Trials

    def rest(self, choosing: bool) -> Tensor:
        """Give the faces of one half of the people at rest."""
        return self._images(self.trials.rest[:, 0], choosing)

    def shown(self, au: int, choosing: bool) -> Tensor:
        """Give the same faces with an action unit."""
        return self._images(self.trials.full[:, au, 0], choosing)

    @property
    def members(self) -> Float[np.ndarray, "image person"]:
        """Average over the settings of each measuring person, as a matrix."""
        blocks = self.trials.blocks_of(choosing=False)
        _, person = np.unique(self.trials.person[blocks], return_inverse=True)
        counts = np.bincount(person)
        found: Float[np.ndarray, "image person"] = (
            np.eye(len(counts))[person] / counts[person, None]
        )
        return found

    def _images(self, rows: Float[np.ndarray, " block"], choosing: bool) -> Tensor:
        chosen = rows[self.trials.blocks_of(choosing)].astype(np.int64)
        return self.images[torch.from_numpy(chosen)]


def read_pairs(subject: Subject, progress: Report) -> Pairs:
    """Read the faces at rest and at full intensity, of all people."""
    rows = compared(subject.stimuli)
    total = int(rows.sum())
    into = subject.model.input
    (read,) = read_faces(
        subject.stimuli,
        [(rows, lambda faces: {"images": as_read(faces, into).numpy()}, into)],
        lambda seen: progress(seen, total, "faces"),
    )
    numbers = np.arange(total, dtype=np.float64)[:, None]
    return Pairs(torch.from_numpy(read["images"]), arrange(subject.stimuli.table[rows], numbers))
