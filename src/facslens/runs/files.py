"""Which files each stage of a run leaves, and which stages follow from them."""

from pathlib import Path
from typing import Final

from facslens.errors import CallError

#: The files that each stage writes, in the order of the stages. The files of `facslens verify`
#: depend on the checks that were made.
FILES: Final[dict[str, tuple[str, ...]]] = {
    "faces": ("faces.parquet",),
    "train": ("model.safetensors", "model.json", "training.csv", "predictions.parquet"),
    "record": ("responses.zarr", "exemplars.parquet"),
    "associate": (
        "association.parquet", "effects.parquet", "coverage.csv", "units.csv", "nulls.csv",
        "confounds.csv", "mapping.csv", "verdicts.csv", "contrast.csv",
    ),
    "experiment": ("experiment",),
    "mechanism": ("mechanism",),
    "project": ("projections",),
    "report": ("report",),
    "verify": (),
}  # fmt: skip

#: The folder of the networks along the training, which is left only where they are asked for.
CHECKPOINTS: Final = "checkpoints"

#: Those of them that are folders.
FOLDERS: Final = (
    "responses.zarr", "experiment", "mechanism", "projections", "report", CHECKPOINTS,
)  # fmt: skip
#: Stages whose files not every later stage reads, and which do.
_READ_BY: Final[dict[str, tuple[str, ...]]] = {
    "experiment": ("mechanism", "report"),
    "mechanism": ("report",),
    "project": ("report",),
    "report": (),
}


def checkpoint_name(epoch: int) -> str:
    """Name the file in `CHECKPOINTS` with the weights after an epoch.

    Examples
    --------
    >>> checkpoint_name(4)
    '0004.safetensors'
    """
    return f"{epoch:04d}.safetensors"


def stage_of(name: str) -> str:
    """Give the stage that writes a file of a run.

    Raises
    ------
    CallError
        If no stage writes such a file.

    Examples
    --------
    >>> stage_of("mapping.csv"), stage_of("projections/index.csv"), stage_of("verify/place.csv")
    ('associate', 'project', 'verify')
    >>> stage_of("checkpoints")
    'train'
    """
    top = name.split("/")[0]
    if top == CHECKPOINTS:
        return "train"
    for stage, files in FILES.items():
        if top in files or top == stage == "verify":
            return stage
    known = ", ".join(file for files in FILES.values() for file in files)
    raise CallError(f"{name!r} is no file of a run: expected run.json, verify/NAME.csv or {known}")


def command_of(stage: str, folder: Path) -> str:
    """Give the command that runs a stage of a run."""
    if stage == "faces":
        return f"facslens run --resume --out {folder}"
    return f"facslens {stage} {folder}"


def after(stage: str) -> tuple[str, ...]:
    """Name the stages that depend on the files of a stage, directly or indirectly.

    Examples
    --------
    >>> after("record"), after("project")
    (('associate', 'experiment', 'mechanism', 'project', 'report', 'verify'), ('report',))
    """
    names = list(FILES)
    return _READ_BY.get(stage, tuple(names[names.index(stage) + 1 :]))
