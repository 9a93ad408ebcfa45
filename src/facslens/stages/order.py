"""The stages of a run in their order, and how they are run one after the other."""

from collections.abc import Callable
from typing import Final

from facslens.progress import Report, shown
from facslens.runs.folder import Run
from facslens.runs.settings import Settings
from facslens.stages.associate import run_associate
from facslens.stages.experiment_of_run import run_experiment
from facslens.stages.faces import run_faces
from facslens.stages.mechanism.of_run import run_mechanism
from facslens.stages.project import run_project
from facslens.stages.record import run_record
from facslens.stages.report import run_report
from facslens.stages.train import run_train

#: The function of each stage, by name, in the order in which they are run.
STAGES: Final[dict[str, Callable[[Run, Report], None]]] = {
    "faces": run_faces,
    "train": run_train,
    "record": run_record,
    "associate": run_associate,
    "experiment": run_experiment,
    "mechanism": run_mechanism,
    "project": run_project,
    "report": run_report,
}


def run_stage(run: Run, name: str) -> None:
    """Run one stage and show its progress; later stages are then out of date."""
    with run.writing(), shown(name) as progress:
        STAGES[name](run, progress)


def run_all(run: Run) -> None:
    """Run every stage that is not done yet; what needs the experiment only if it is wanted."""
    with run.writing():
        left_out = () if Settings.of(run).experiment else ("experiment", "mechanism")
        for name in (name for name in STAGES if name not in left_out):
            if run.is_done(name):
                run.check(name)
            else:
                run_stage(run, name)
