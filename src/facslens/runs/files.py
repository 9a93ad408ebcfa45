"""Which files each stage of a run leaves, and which stages follow from them."""

from collections.abc import Mapping
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

#: The same for an audit: its network is opened, not trained.
AUDITED: Final[dict[str, tuple[str, ...]]] = {
    "open": ("model.json", "network.json", "layers.csv", "seen-drawn.png"),
    "faces": FILES["faces"],
    "record": (*FILES["record"], "predictions.parquet", "accuracy.json", "seen-faces.png"),
    **{name: files for name, files in FILES.items() if name not in ("faces", "train", "record")},
}

#: The folder of the networks along the training, which is left only where they are asked for.
CHECKPOINTS: Final = "checkpoints"

#: Files that a stage leaves only sometimes: the weights of an audited network where they can be
#: read back, directions of its layers, and the networks along a training.
_SOMETIMES: Final = {
    "model.safetensors": "open", "directions.safetensors": "open", "directions.csv": "open",
    CHECKPOINTS: "train",
}  # fmt: skip

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


def stage_of(name: str, files: Mapping[str, tuple[str, ...]] = FILES) -> str:
    """Give the stage that writes a file of a run, or with `AUDITED` of an audit.

    Raises
    ------
    CallError
        If no stage writes such a file.

    Examples
    --------
    >>> stage_of("mapping.csv"), stage_of("projections/index.csv"), stage_of("verify/place.csv")
    ('associate', 'project', 'verify')
    >>> stage_of("checkpoints"), stage_of("model.json"), stage_of("model.json", AUDITED)
    ('train', 'train', 'open')
    """
    top = name.split("/")[0]
    for stage, own in files.items():
        if top in own or top == stage == "verify":
            return stage
    if _SOMETIMES.get(top) in files:
        return _SOMETIMES[top]
    known = ", ".join(file for own in files.values() for file in own)
    raise CallError(f"{name!r} is no file of a run: expected run.json, verify/NAME.csv or {known}")


def command_of(stage: str, folder: Path) -> str:
    """Give the command that runs a stage of a run."""
    if stage in ("faces", "open"):
        return f"facslens run --resume --out {folder}"
    return f"facslens {stage} {folder}"


def after(stage: str, files: Mapping[str, tuple[str, ...]] = FILES) -> tuple[str, ...]:
    """Name the stages that depend on the files of a stage, directly or indirectly.

    Examples
    --------
    >>> after("record"), after("project")
    (('associate', 'experiment', 'mechanism', 'project', 'report', 'verify'), ('report',))
    """
    names = list(files)
    return _READ_BY.get(stage, tuple(names[names.index(stage) + 1 :]))
