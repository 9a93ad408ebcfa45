"""The first stage: load the faces, discard broken images, split the subjects."""

import functools
from collections.abc import Callable

import pandas as pd

from facslens.artifacts import write_table
from facslens.datasets.base import Faces
from facslens.datasets.check import check
from facslens.datasets.coding import entries
from facslens.datasets.load import load
from facslens.datasets.splits import CONFIRMATION, holdout
from facslens.errors import CallError, DataError
from facslens.progress import Report
from facslens.runs.folder import Run
from facslens.runs.record import RunRecord
from facslens.training.unseen import has_seen, split_for


def run_faces(
    run: Run, progress: Report, split: Callable[[Faces, int], pd.Series] | None = None
) -> None:
    """Write ``faces.parquet`` with its split, and list the discarded images in ``run.json``.

    Parameters
    ----------
    run
        Any run.
    progress
        Called after every image.
    split
        Splits the subjects with the run's seed if the data has no split of its own. None takes
        `holdout`, and for an audit `facslens.training.unseen.split_for`.

    Raises
    ------
    DataError
        If the data has errors other than single broken images.
    CallError
        If the network of an audit has learned from people who would confirm what is found in it.
    """
    info = run.info
    training = RunRecord(run).description["training"] if run.is_audit else None
    if split is None:
        split = holdout if training is None else functools.partial(split_for, training)
    with run.stage("faces"):
        faces = load(info["data"])
        found = check(faces, lambda done, total: progress(done, total, ""))
        broken = found.broken
        grave = [d for d in found.defects if d.level == "error" and d.kind != "bad image"]
        if grave:
            more = f" ({len(grave) - 1} more: see `facslens data check`)" if grave[1:] else ""
            raise DataError(f"{faces.name}: {grave[0].message}{more}")
        faces = faces.where(~faces.table["image"].isin(list(broken)).to_numpy())
        if len(faces) == 0:
            raise DataError(f"none of the {len(broken)} images of {faces.name} can be read")
        if faces.table["split"].isna().any():
            faces = faces.with_split(split(faces, info["seed"]))
        held = faces.table.loc[faces.table["split"].isin(CONFIRMATION), "image"]
        if training is not None and has_seen(training, faces, list(held)):
            raise CallError(
                f"data is {faces.name}: the network has learned from people who would confirm what "
                f"is found in it, so audit it on faces that it has not seen"
            )
        write_table(run / "faces.parquet", faces.table)
        run.update(
            faces={
                "name": faces.name,
                "images": len(faces),
                "subjects": int(faces.table["subject"].nunique()),
                "sequences": int(faces.table["sequence"].nunique()),
                "digest": faces.digest(),
                "codings": entries(faces.codings),
                "dropped": [{"image": k, "reason": v} for k, v in broken.items()],
                **({"by": faces.by} if faces.by else {}),
                "notes": [d.message for d in found.defects if d.level == "warning"],
            }
        )
