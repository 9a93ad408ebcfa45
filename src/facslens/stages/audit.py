"""Audit a network: make a run of one that was trained elsewhere, or go on with it."""

import dataclasses
from pathlib import Path

from facslens.datasets.load import parse_spec
from facslens.errors import CallError
from facslens.models.model import Model
from facslens.runs.folder import Run, next_folder
from facslens.runs.settings import Settings
from facslens.runs.source import Source
from facslens.stages.reopen import reopened


def new_audit(
    source: Source,
    settings: Settings,
    *,
    model: Model | None = None,
    data: str | None = None,
    out: Path | None = None,
    seed: int = 0,
) -> Run:
    """Make the folder of an audit, once everything that can be checked is.

    Parameters
    ----------
    source
        Where the network comes from.
    settings
        Those of the audit; what the network says of itself is filled in here.
    model
        The network, where it was handed over in Python; None opens that of the source.
    data
        The faces, as ``--data`` takes them; None for none.
    out
        The folder; None makes one in ``runs``.
    seed
        Of all random numbers.

    Raises
    ------
    CallError
        If the network, a layer, the dataset or a choice is not known, or the folder exists.
    ArtifactError
        If the files of the network or the stimuli are missing or damaged.
    """
    opened = reopened(source) if model is None else model
    settings = dataclasses.replace(
        settings,
        source=source,
        model=opened.architecture,
        faces=settings.faces and data is not None,
    )
    settings.check(opened)
    if data is not None:
        parse_spec(data)
    folder = out or next_folder(Path(source.network.partition(":")[0]).stem.strip("()") or "audit")
    run = Run.create(folder, data=data or "", seed=seed, settings=settings.entries())
    return dataclasses.replace(run, network=lambda: opened)


def old_audit(folder: Path, model: Model | None = None) -> Run:
    """Open an audit to go on with.

    Parameters
    ----------
    folder
        Its folder.
    model
        The network, where it was handed over in Python.

    Raises
    ------
    ArtifactError
        If the folder is no run.
    CallError
        If it is a run that trains its network.
    """
    run = Run.open(folder)
    if not run.is_audit:
        raise CallError(
            f"out is {folder}, a run that trains its network: go on with it by `facslens run "
            f"--resume --out {folder}`"
        )
    return run if model is None else dataclasses.replace(run, network=lambda: model)
