"""Who chooses a mapping and who confirms it: the two parts of a run's faces."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from jaxtyping import Bool

from facslens.association.sample import Part
from facslens.datasets.base import Faces
from facslens.datasets.splits import CONFIRMATION, DISCOVERY
from facslens.responses.store import Responses


@dataclass(frozen=True)
class FacesOfPart:
    """The faces of one part that take part in the association.

    Parameters
    ----------
    faces
        Without the neutral ones, unless these were asked for: then the neutral faces of a
        sequence are a sequence of their own, for they are no near-duplicates of its peak.
    rows
        Which of all faces these are.
    """

    faces: Faces
    rows: Bool[np.ndarray, " image"]

    @property
    def strata(self) -> pd.Series:
        """Each face's expression, within which labels are permuted."""
        return expression_strata(self.faces)

    @property
    def subject(self) -> pd.Series | None:
        """Each face's subject; None where one of them is not known."""
        subject = self.faces.table["subject"]
        return subject if subject.notna().all() else None

    def labels(self) -> pd.DataFrame:
        """Presence of every action unit, a column each."""
        return self.faces.table[list(self.faces.aus)]

    def responses(self, responses: Responses) -> dict[str, np.ndarray]:
        """Give every layer's responses to these faces, from those to all faces."""
        return {layer: responses.response(layer)[self.rows] for layer in responses.layers}

    def sampled(self, responses: Responses) -> Part:
        """Give responses and labels as the association takes them."""
        table = self.faces.table
        return Part(
            responses=self.responses(responses),
            labels=self.labels(),
            sequence=table["sequence"],
            subject=table["subject"],
        )


def discovery(faces: Faces, neutral: bool = False) -> FacesOfPart:
    """Give the faces of the subjects who choose the mapping; `neutral` ones too if asked for."""
    return _part(faces, DISCOVERY, neutral)


def confirmation(faces: Faces, neutral: bool = False) -> FacesOfPart:
    """Give the faces of the subjects who confirm the mapping; `neutral` ones too if asked for."""
    return _part(faces, CONFIRMATION, neutral)


def expression_strata(faces: Faces) -> pd.Series:
    """Give each face its expression; a sequence of unknown expression is a stratum of its own."""
    own = "unknown, " + faces.table["sequence"].fillna(faces.table["image"])
    return faces.table["expression"].fillna(own)


def _part(faces: Faces, splits: tuple[str, ...], neutral: bool) -> FacesOfPart:
    rows = faces.table["split"].isin(splits).to_numpy(dtype=bool)
    if not neutral:
        rows = rows & ~faces.neutral
        return FacesOfPart(faces.where(rows), rows)
    sequence = faces.table["sequence"]
    apart = faces.table.assign(sequence=sequence.mask(faces.neutral, sequence + ", neutral"))
    return FacesOfPart(replace(faces, table=apart).where(rows), rows)
