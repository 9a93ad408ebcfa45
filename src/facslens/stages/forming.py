"""When detectors arise: the experiment on every network that a training kept."""

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from facslens.artifacts import Json, locked, read_json, read_table, sha256, write_json, write_table
from facslens.datasets.stimuli import Stimuli
from facslens.errors import ArtifactError, CallError
from facslens.experiments.control import Control
from facslens.experiments.faces import compared, needed
from facslens.experiments.forming import TYPES, forming
from facslens.models.initial import digest
from facslens.models.model import Model
from facslens.progress import Report, silent
from facslens.runs.record import RunRecord
from facslens.stages.answers import Answers, ask
from facslens.stages.experiment import Plan, analysed
from facslens.stages.stimulated import OUTPUT, joined, read_faces, responding
from facslens.training.predictions import accuracy, predict
from facslens.version import __version__

#: The table, and the note of how it was made.
TABLE: Final = "forming.csv"
NOTE: Final = "forming.json"
#: What a network is compared with, by layer and name.
Controls = Mapping[str, Mapping[str, Control]]
#: The rows of each epoch that is finished, until all are.
_PARTS: Final = "forming"


def write_forming(
    record: RunRecord,
    stimuli: Stimuli,
    folder: Path,
    plan: Plan | None = None,
    progress: Report = silent,
    controls: Controls | None = None,
    replace: bool = False,
) -> pd.DataFrame:
    """Make the experiment on the network of every kept epoch of a run, and write one table.

    The folder, which may hold the run's own experiment, gets ``forming.csv`` and ``forming.json``,
    which has the plan and the SHA-256 of the stimuli, all weights and the table. Pixels, gradients
    and untrained networks are measured once, for they are the same at every epoch. The same call
    again only reads; after an interruption it goes on at the next epoch.

    Parameters
    ----------
    record
        A run that was trained with checkpoints.
    stimuli, plan
        As `facslens.stages.experiment.experiment` takes them.
    folder
        For the table.
    progress
        Called with the number of faces read by the networks of all epochs.
    controls
        What `facslens.stages.answers.ask` measured with a network of the same architecture and
        with the same plan; None measures it.
    replace
        Whether a table of other networks, or of other settings, or one that was changed, is made
        again instead of refused.

    Returns
    -------
    pandas.DataFrame
        Columns `facslens.experiments.forming.FORMING`.

    Raises
    ------
    CallError
        If the run keeps no networks, if the folder holds such a table made with other settings, or
        if a layer is not known.
    ArtifactError
        If the folder cannot be written, or the table was changed since.
    """
    plan = plan or Plan()
    networks = {epoch: record.checkpoint(epoch) for epoch in record.checkpoints}
    first = next(iter(networks.values()))
    plan.chosen(first)  # an unknown layer shows before the work
    order: Json = {
        **asdict(plan),
        "layers": None if plan.layers is None else list(plan.layers),
        "stimuli": stimuli.sha256,
        "networks": {str(epoch): digest(model) for epoch, model in networks.items()},
        "facslens": __version__,
    }
    with locked(folder, f"the folder {folder}"):
        try:
            if "sha256" in _begun(folder, order):
                return read_forming(folder)
        except (ArtifactError, CallError):
            if not replace:
                raise
            remove_forming(folder)
        stimuli.check()
        write_json(folder / NOTE, order)
        table = _all_epochs(record, networks, stimuli, folder, plan, progress, controls)
        write_table(folder / TABLE, table)
        write_json(folder / NOTE, {**order, "sha256": sha256(folder / TABLE)})
        shutil.rmtree(folder / _PARTS)
    return table


def read_forming(folder: Path) -> pd.DataFrame:
    """Read the table that `write_forming` wrote, after checking it.

    Raises
    ------
    ArtifactError
        If it is not finished, is missing or was changed.
    """
    noted = read_json(folder / NOTE).get("sha256")
    if noted is None:
        raise ArtifactError(
            f"{folder} has no {TABLE} yet: the experiment on the networks along the training was "
            f"not finished, make the same call again"
        )
    if sha256(folder / TABLE) != noted:
        raise ArtifactError(
            f"{folder / TABLE} is not what the experiment left, by its SHA-256: remove it and "
            f"{NOTE}, and make it again"
        )
    return read_table(folder / TABLE, TYPES)


def remove_forming(folder: Path) -> None:
    """Remove the table, its note and what an interrupted call left, where there are any."""
    for name in (TABLE, NOTE):
        (folder / name).unlink(missing_ok=True)
    shutil.rmtree(folder / _PARTS, ignore_errors=True)


def _begun(folder: Path, order: Json) -> Json:
    """Give the note of an earlier call for the same table; nothing where there is none."""
    if not (folder / NOTE).exists():
        return {}
    note = read_json(folder / NOTE)
    if {name: value for name, value in note.items() if name != "sha256"} != order:
        raise CallError(
            f"{folder} holds a {TABLE} of other networks, or made with other settings: choose a "
            f"new folder"
        )
    return note


def _all_epochs(
    record: RunRecord,
    networks: dict[int, Model],
    stimuli: Stimuli,
    folder: Path,
    plan: Plan,
    progress: Report,
    controls: Controls | None,
) -> pd.DataFrame:
    """Make the rows of every epoch; those that an earlier call has made are read."""
    validation = record.faces.part("validation")
    every = int(needed(stimuli).sum())
    found = []
    for number, (epoch, model) in enumerate(networks.items()):
        part = folder / _PARTS / f"{epoch:04d}.csv"
        if not part.exists():

            def counted(done: int, total: int, _note: str = "", before: int = number) -> None:
                progress(before * every + done * every // total, len(networks) * every, "faces")

            layers = plan.chosen(model)
            if controls is None:
                answers = ask(model, stimuli, layers, plan.untrained, plan.seed, counted)
                controls = answers.controls
            else:
                own = _responses(model, stimuli, layers, counted)
                answers = Answers({layer: own[layer] for layer in layers}, controls, own[OUTPUT])
            findings = analysed(answers, stimuli, plan)
            right = accuracy(predict(model, validation))
            write_table(part, forming(epoch, findings.caused, right))
        found.append(read_table(part, TYPES))
    return pd.concat(found, ignore_index=True)


def _responses(
    model: Model, stimuli: Stimuli, layers: Sequence[str], progress: Callable[[int, int], None]
) -> dict[str, np.ndarray]:
    """Show the stimuli to a network alone, in the batches of `facslens.stages.answers.ask`."""
    few, every = compared(stimuli), needed(stimuli)
    total = int(every.sum())
    own = responding(model, layers)
    first, rest = read_faces(
        stimuli,
        [(few, own, model.input), (every & ~few, own, model.input)],
        lambda n: progress(n, total),
    )
    return {name: joined(few[every], first[name], rest[name]) for name in (*layers, OUTPUT)}
