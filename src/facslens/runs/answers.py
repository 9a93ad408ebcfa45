"""What a run's network answered to the drawn faces of its experiment."""

import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float

from facslens.datasets.stimuli import Stimuli
from facslens.errors import ArtifactError
from facslens.experiments.faces import needed
from facslens.runs.record import RunRecord

#: Keeps what the networks answered.
ANSWERS: Final = "experiment/answers.npz"
_DAMAGED: Final = (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error)


@dataclass(frozen=True)
class Answered:
    """The responses and the output of a run's network for the drawn faces that it was shown.

    Parameters
    ----------
    stimuli
        The faces, in the package or elsewhere.
    file
        Where the run keeps the answers.
    """

    stimuli: Stimuli
    file: Path

    @classmethod
    def of(cls, record: RunRecord) -> "Answered | None":
        """Find a run's answers; None where it has none, or was shown other faces than there are.

        Raises
        ------
        ArtifactError
            If the experiment's files have changed since.
        """
        if not record.has(ANSWERS):
            return None
        file = record.path(ANSWERS)
        try:
            stimuli = record.settings.drawn()
        except ArtifactError:
            return None
        noted = record.info["stages"]["experiment"].get("settings", {}).get("stimuli")
        return cls(stimuli, file) if noted in (None, stimuli.sha256) else None

    @property
    def table(self) -> pd.DataFrame:
        """The rows of the stimuli that were shown, in the order of all arrays."""
        return self.stimuli.table[needed(self.stimuli)]

    @property
    def layers(self) -> tuple[str, ...]:
        """The layers whose responses are kept."""
        try:
            with zipfile.ZipFile(self.file) as archive:
                names = [name.removesuffix(".npy") for name in archive.namelist()]
        except _DAMAGED as error:
            raise self._damaged(error) from error
        return tuple(n.partition("/")[2] for n in names if n.startswith("responses/"))

    def responses(
        self, layer: str, rows: Bool[np.ndarray, " image"]
    ) -> Float[np.ndarray, "some_image unit"]:
        """Read the responses of a layer to some of the faces."""
        found: Float[np.ndarray, "some_image unit"] = self._read(f"responses/{layer}")[rows]
        return found

    def scores(self, rows: Bool[np.ndarray, " image"]) -> Float[np.ndarray, "some_image _"]:
        """Read the outputs for some of the faces, as the network gave them."""
        found: Float[np.ndarray, "some_image _"] = self._read("logits")[rows]
        return found

    def _read(self, name: str) -> np.ndarray:
        try:
            with np.load(self.file, allow_pickle=False) as stored:
                found: np.ndarray = stored[name]
        except _DAMAGED as error:
            raise self._damaged(error) from error
        if len(found) != len(self.table):
            raise ArtifactError(
                f"{self.file} holds answers to {len(found)} faces: the stimuli show "
                f"{len(self.table)} of them"
            )
        return found

    def _damaged(self, error: BaseException) -> ArtifactError:
        return ArtifactError(f"{self.file} holds no answers to the stimuli: {error}")
