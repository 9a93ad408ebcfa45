"""Hold every unit against every action unit, choose, and confirm on unseen people."""

import numpy as np
import pandas as pd
from jaxtyping import Bool

from facslens.artifacts import Run, write_table
from facslens.association.associate import associate
from facslens.association.heldout import confirm
from facslens.association.result import Association, concatenate
from facslens.datasets.base import Faces
from facslens.datasets.splits import CONFIRMATION, DISCOVERY
from facslens.errors import DataError
from facslens.progress import Report
from facslens.responses.store import Responses
from facslens.stages.faces import read_faces
from facslens.stages.settings import Settings


def run_associate(run: Run, progress: Report) -> None:
    """Write ``association.parquet``, ``coverage.csv``, ``units.csv`` and ``mapping.csv``."""
    settings = Settings.of(run)
    responses = Responses.open(run.need("responses.zarr", "record"))
    faces = read_faces(run)
    files = ("association.parquet", "coverage.csv", "units.csv", "mapping.csv")
    with run.stage("associate", *files):
        if not faces.aus:
            raise DataError(f"{faces.name} says nothing about action units: add them, say by aus=")
        association = discover(responses, faces, settings, run.info["seed"], progress)
        write_table(run / "association.parquet", association.table)
        write_table(run / "coverage.csv", association.coverage)
        write_table(run / "units.csv", association.units)
        mapping = pd.concat(
            [
                association.mapping(settings.distance, "tested").assign(rule="tested"),
                association.mapping(settings.distance, "distance").assign(rule="distance"),
            ],
            ignore_index=True,
        )
        write_table(run / "mapping.csv", confirmed(mapping, responses, faces, settings))


def discover(
    responses: Responses, faces: Faces, settings: Settings, seed: int, progress: Report
) -> Association:
    """Associate every layer on the discovery subjects, with all distances."""
    part, rows = _analysed(faces, settings, DISCOVERY)
    results = []
    for number, layer in enumerate(responses.layers):
        results.append(
            associate(
                responses.response(layer)[rows],
                part.table[list(part.aus)],
                sequence=part.table["sequence"],
                subject=part.table["subject"] if part.table["subject"].notna().all() else None,
                distance="all",
                permutations=settings.permutations,
                seed=seed,
                layer=layer,
            )
        )
        progress(number + 1, len(responses.layers), layer)
    return concatenate(results)


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
    )


def _analysed(
    faces: Faces, settings: Settings, splits: tuple[str, ...]
) -> tuple[Faces, Bool[np.ndarray, " image"]]:
    """Faces of some splits, and their rows; neutral ones only where asked for."""
    mask = faces.table["split"].isin(splits).to_numpy(dtype=bool)
    if not settings.neutral:
        mask = mask & (faces.table["expression"].fillna("") != "neutral").to_numpy(dtype=bool)
    return faces.where(mask), mask
