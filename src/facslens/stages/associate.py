"""Hold every unit against every action unit, choose, and confirm on unseen people."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Bool

from facslens.artifacts import write_table
from facslens.association.confirmation.confirm import confirm
from facslens.association.confirmation.from_neutral import contrast_table
from facslens.association.confirmation.partial import partial_effects
from facslens.association.discovery.associate import associate
from facslens.association.discovery.confounds import confound_table
from facslens.association.discovery.result import Association, concatenate
from facslens.association.sample import Part, au_codes
from facslens.association.verdicts import verdict_table
from facslens.datasets.base import Faces
from facslens.datasets.splits import CONFIRMATION, DISCOVERY
from facslens.errors import DataError, LabelsFixedError
from facslens.progress import Report
from facslens.responses.store import Responses
from facslens.runs.folder import Run
from facslens.runs.settings import NULLS, Settings
from facslens.stages.faces import read_faces


@dataclass(frozen=True)
class Discovery:
    """What the discovery subjects say, and which nulls they could not be held against.

    Parameters
    ----------
    association
        Of all layers and nulls.
    skipped
        Null and reason, where no label can move: with few faces, or one an expression.
    """

    association: Association
    skipped: dict[str, str]

    def nulls(self) -> list[dict[str, Any]]:
        """Give what was permuted how often, for ``run.json``."""
        made = self.association.nulls.drop(columns="layer").drop_duplicates("null")
        rows: list[dict[str, Any]] = [
            {str(k): v.item() if hasattr(v, "item") else v for k, v in row.items()}
            for row in made.to_dict("records")
        ]
        return rows + [
            {"null": name, "permutations": 0, "reason": reason}
            for name, reason in self.skipped.items()
        ]


def run_associate(run: Run, progress: Report) -> None:
    """Write the association, its coverage and confounds, the mapping and the verdicts."""
    settings = Settings.of(run)
    responses = Responses.open(run.need("responses.zarr", "record"))
    faces = read_faces(run)
    tables = (
        "coverage.csv", "units.csv", "confounds.csv", "mapping.csv", "verdicts.csv", "contrast.csv"
    )  # fmt: skip
    with run.stage("associate", "association.parquet", *tables):
        if not faces.aus:
            raise DataError(f"{faces.name} says nothing about action units: add them, say by aus=")
        discovery = discover(responses, faces, settings, run.info["seed"], progress)
        association = discovery.association
        run.update(nulls=discovery.nulls())
        mapping = pd.concat(
            [
                association.mapping(settings.distance, rule, null=settings.null).assign(rule=rule)
                for rule in ("tested", "distance")
            ],
            ignore_index=True,
        )
        mapping = confirmed(mapping, responses, faces, settings)
        chosen = read_part(responses, faces, settings, DISCOVERY)
        judged = read_part(responses, faces, settings, CONFIRMATION)
        mapping = partial_effects(mapping, chosen, judged)
        sample = chosen.sample(responses.layers[0])
        confounds = confound_table(sample.labels, au_codes(chosen.labels), sample.subject)
        tested = mapping[mapping["rule"] == "tested"]
        verdicts = pd.concat(
            [
                verdict_table(tested, association.coverage, confounds, layer)
                for layer in responses.layers
            ],
            ignore_index=True,
        )
        write_table(run / "association.parquet", association.table)
        contrast = from_neutral(mapping, responses, faces)
        found = (association.coverage, association.units, confounds, mapping, verdicts, contrast)
        for name, table in zip(tables, found, strict=True):
            write_table(run / name, table)


def from_neutral(mapping: pd.DataFrame, responses: Responses, faces: Faces) -> pd.DataFrame:
    """Measure each action unit's first unit from neutral to peak, on the test subjects."""
    rows = faces.table["split"].isin(CONFIRMATION).to_numpy(dtype=bool)
    first = mapping[
        (mapping["view"] == "au_to_unit") & (mapping["rule"] == "tested") & (mapping["rank"] == 1)
    ]
    table = faces.table[rows]
    return contrast_table(
        first.dropna(subset=["unit"])[["layer", "au", "unit"]],
        {layer: responses.response(layer)[rows] for layer in responses.layers},
        table,
        (table["expression"] == "neutral").fillna(False).to_numpy(dtype=bool),
    )


def discover(
    responses: Responses, faces: Faces, settings: Settings, seed: int, progress: Report
) -> Discovery:
    """Associate every layer on the discovery subjects, with all distances and nulls.

    A null under which no label can move is left out, unless it is the one that decides.
    """
    part, rows = _analysed(faces, settings, DISCOVERY)
    nulls = tuple(dict.fromkeys((*NULLS, settings.null)))
    results: list[Association] = []
    skipped: dict[str, str] = {}
    for number, layer in enumerate(responses.layers):
        for null in nulls:
            try:
                found = associate(
                    responses.response(layer)[rows],
                    part.table[list(part.aus)],
                    sequence=part.table["sequence"],
                    subject=_subject(part),
                    strata=expression_strata(part) if null == "within_expression" else None,
                    within_subject=null == "within_subject",
                    distance="all",
                    permutations=settings.permutations,
                    seed=seed,
                    layer=layer,
                )
            except LabelsFixedError as error:
                if null == settings.null:
                    raise
                skipped[null] = str(error)
            else:
                results.append(found)
        progress(number + 1, len(responses.layers), layer)
    return Discovery(concatenate(results), skipped)


def confirmed(
    mapping: pd.DataFrame, responses: Responses, faces: Faces, settings: Settings
) -> pd.DataFrame:
    """Measure the mapping on the test subjects."""
    part, rows = _analysed(faces, settings, CONFIRMATION)
    return confirm(
        mapping,
        {layer: responses.response(layer)[rows] for layer in responses.layers},
        part.table[list(part.aus)],
        sequence=part.table["sequence"],
        subject=part.table["subject"],
        strata=expression_strata(part),
    )


def expression_strata(faces: Faces) -> pd.Series:
    """Give each face its expression; a sequence of unknown expression compares with none."""
    own = "unknown, " + faces.table["sequence"].fillna(faces.table["image"])
    return faces.table["expression"].fillna(own)


def _subject(faces: Faces) -> pd.Series | None:
    return faces.table["subject"] if faces.table["subject"].notna().all() else None


def read_part(
    responses: Responses, faces: Faces, settings: Settings, splits: tuple[str, ...]
) -> Part:
    """Give the faces of some splits as the association takes them, with every layer."""
    part, rows = _analysed(faces, settings, splits)
    return Part(
        responses={layer: responses.response(layer)[rows] for layer in responses.layers},
        labels=part.table[list(part.aus)],
        sequence=part.table["sequence"],
        subject=part.table["subject"],
    )


def _analysed(
    faces: Faces, settings: Settings, splits: tuple[str, ...]
) -> tuple[Faces, Bool[np.ndarray, " image"]]:
    """Faces of some splits, and their rows; neutral ones only where asked for."""
    mask = faces.table["split"].isin(splits).to_numpy(dtype=bool)
    neutral = (faces.table["expression"].fillna("") == "neutral").to_numpy(dtype=bool)
    if not settings.neutral:
        return faces.where(mask & ~neutral), mask & ~neutral
    # The neutral frames of a sequence are no near-duplicates of its peak: they count apart.
    sequence = faces.table["sequence"].mask(neutral, faces.table["sequence"] + ", neutral")
    return replace(faces, table=faces.table.assign(sequence=sequence)).where(mask), mask
