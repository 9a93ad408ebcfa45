"""The two parts of a run's faces: on one a mapping is chosen, on the other confirmed."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from jaxtyping import Bool

from facslens.association.sample import Part
from facslens.datasets.base import Faces
from facslens.datasets.splits import CONFIRMATION, DISCOVERY
from facslens.responses.store import Responses, StoredColumns


@dataclass(frozen=True)
class FacesOfPart:
    """The faces of one part that are used in the association.

    Parameters
    ----------
    faces
        Without the neutral ones, unless these were requested. Then the neutral faces of a
        sequence form a sequence of their own, because they are not near-duplicates of its peak.
    rows
        Which faces of the run these are.
    """

    faces: Faces
    rows: Bool[np.ndarray, " image"]

    @property
    def strata(self) -> pd.Series:
        """Each face's expression, within which labels are permuted."""
        return expression_strata(self.faces)

    @property
    def subject(self) -> pd.Series | None:
        """Each face's subject; None if one of them is not known."""
        subject = self.faces.table["subject"]
        return subject if subject.notna().all() else None

    def labels(self) -> pd.DataFrame:
        """Presence of every action unit, one column each."""
        return self.faces.table[list(self.faces.aus)]

    def responses(self, responses: Responses) -> dict[str, StoredColumns]:
        """Give every layer's responses to these faces, which are read when they are needed."""
        return {layer: StoredColumns(responses, layer, self.rows) for layer in responses.layers}

    def sampled(self, responses: Responses) -> Part:
        """Give responses and labels in the form that the association needs."""
        table = self.faces.table
        return Part(
            responses=self.responses(responses),
            labels=self.labels(),
            sequence=table["sequence"],
            subject=table["subject"],
        )


def discovery(faces: Faces, neutral: bool = False) -> FacesOfPart:
    """Give the faces on which the mapping is chosen; neutral ones only if `neutral`."""
    return _part(faces, DISCOVERY, neutral)


def confirmation(faces: Faces, neutral: bool = False) -> FacesOfPart:
    """Give the faces on which the mapping is confirmed; neutral ones only if `neutral`."""
    return _part(faces, CONFIRMATION, neutral)


def expression_strata(faces: Faces) -> pd.Series:
    """Give each face its expression.

    A sequence of unknown expression is a stratum of its own, and so is one of several expressions.
    """
    sequence = faces.table["sequence"]
    own = "unknown, " + sequence.fillna(faces.table["image"])
    shown = faces.table["expression"].fillna(own)
    several = shown.groupby(sequence).transform("nunique") > 1
    return shown.mask(several.fillna(False).astype(bool), "several, " + sequence)


def _part(faces: Faces, splits: tuple[str, ...], neutral: bool) -> FacesOfPart:
    rows = faces.table["split"].isin(splits).to_numpy(dtype=bool)
    if not neutral:
        rows = rows & ~faces.neutral
        return FacesOfPart(faces.where(rows), rows)
    sequence = faces.table["sequence"]
    apart = faces.table.assign(sequence=sequence.mask(faces.neutral, sequence + ", neutral"))
    return FacesOfPart(replace(faces, table=apart).where(rows), rows)
