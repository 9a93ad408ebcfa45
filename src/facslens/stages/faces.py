"""The first stage: load the faces, discard broken images, split the subjects."""

from collections.abc import Callable

import pandas as pd

from facslens.artifacts import write_table
from facslens.datasets.base import Faces
from facslens.datasets.check import check
from facslens.datasets.load import load
from facslens.datasets.splits import holdout
from facslens.errors import DataError
from facslens.progress import Report
from facslens.runs.folder import Run


def run_faces(
    run: Run, progress: Report, split: Callable[[Faces, int], pd.Series] = holdout
) -> None:
    """Write ``faces.parquet`` with its split, and list the discarded images in ``run.json``.

    Parameters
    ----------
    run
        Any run.
    progress
        Called after every image.
    split
        Splits the subjects with the run's seed if the data has no split of its own: `holdout`,
        or `halves` for a network that was trained elsewhere.

    Raises
    ------
    DataError
        If the data has errors other than single broken images.
    """
    info = run.info
    with run.stage("faces"):
        faces = load(info["data"])
        found = check(faces, lambda done, total: progress(done, total, ""))
        broken = {d.where: d.message for d in found.defects if d.kind == "bad image"}
        grave = [d for d in found.defects if d.level == "error" and d.kind != "bad image"]
        if grave:
            more = f" ({len(grave) - 1} more: see `facslens data check`)" if grave[1:] else ""
            raise DataError(f"{faces.name}: {grave[0].message}{more}")
        faces = faces.where(~faces.table["image"].isin(list(broken)).to_numpy())
        if len(faces) == 0:
            raise DataError(f"none of the {len(broken)} images of {faces.name} can be read")
        if faces.table["split"].isna().any():
            faces = faces.with_split(split(faces, info["seed"]))
        write_table(run / "faces.parquet", faces.table)
        run.update(
            faces={
                "name": faces.name,
                "images": len(faces),
                "subjects": int(faces.table["subject"].nunique()),
                "sequences": int(faces.table["sequence"].nunique()),
                "digest": faces.digest(),
                "dropped": [{"image": k, "reason": v} for k, v in broken.items()],
                "notes": [d.message for d in found.defects if d.level == "warning"],
            }
        )
