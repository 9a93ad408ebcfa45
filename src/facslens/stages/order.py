"""The stages of a run in their order, and how they are run one after the other."""

import dataclasses
import functools
from collections.abc import Callable
from typing import Final

from facslens.datasets.frames import check_sequences
from facslens.errors import CallError
from facslens.models.device import choose_device
from facslens.names import listed
from facslens.progress import Report, shown
from facslens.runs.folder import Run
from facslens.runs.planned import planned
from facslens.runs.record import RunRecord
from facslens.stages.associate import run_associate
from facslens.stages.experiment_of_run import run_experiment
from facslens.stages.faces import run_faces
from facslens.stages.means import Means
from facslens.stages.mechanism.of_run import run_mechanism
from facslens.stages.open import run_open
from facslens.stages.project import run_project
from facslens.stages.record import run_record
from facslens.stages.reopen import with_network
from facslens.stages.report import run_report
from facslens.stages.train import run_train

#: The function of each stage, by name, in the order in which they are run.
STAGES: Final[dict[str, Callable[[Run, Report], None]]] = {
    "open": run_open,
    "faces": run_faces,
    "train": run_train,
    "record": run_record,
    "associate": run_associate,
    "experiment": run_experiment,
    "mechanism": run_mechanism,
    "project": run_project,
    "report": run_report,
}


#: Stages that an engine does in pieces.
IN_PIECES: Final = ("record", "associate", "experiment")


def run_stage(run: Run, name: str, means: Means | None = None) -> None:
    """Run one stage and show its progress; later stages are then out of date.

    Parameters
    ----------
    run
        The run.
    name
        One of `STAGES`.
    means
        With what it is done; None takes the usual ones.

    Raises
    ------
    CallError
        If an audit has no such stage, or there is no such device.
    """
    check_planned(run, name)
    means = means or Means()
    choose_device(means.device)  # before anything is noted
    stage: Callable[..., None] = STAGES[name]
    if name in IN_PIECES:
        stage = functools.partial(stage, engine=means.engine)
    elif name == "train":
        stage = functools.partial(stage, machines=means.machines)
    run = dataclasses.replace(run, device="cpu" if means.engine.far else means.device)
    with run.writing(), shown(name) as progress:
        stage(with_network(run), progress)


def check_planned(run: Run, name: str) -> None:
    """Refuse what an audit does not have.

    Raises
    ------
    CallError
        If the run is an audit, and has no such stage.
    """
    if run.is_audit and name not in (stages := planned(run)):
        without = "" if run.info["data"] else " without faces"
        raise CallError(
            f"{run.folder} is an audit{without}, which has no stage {name}: it has {listed(stages)}"
        )


def run_all(run: Run, means: Means | None = None) -> None:
    """Run every stage that is not done yet; what needs the experiment only if it is wanted."""
    run = with_network(run)
    with run.writing():
        for name in STAGES:
            # asked anew each time, for only then is it known whether the faces are coded
            if name not in planned(run):
                continue
            if run.is_done(name):
                run.check(name)
            else:
                run_stage(run, name, means)
            if name == "faces" and "associate" in planned(run):
                check_sequences(RunRecord(run).faces)  # before hours of training
