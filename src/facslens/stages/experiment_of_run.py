"""The experiment as a stage of a run, with pictures of the last layer."""

import shutil
from pathlib import Path
from typing import Final

from facslens.artifacts import Json, read_json, write_table
from facslens.engines.engine import Engine
from facslens.errors import ArtifactError
from facslens.experiments.place import rising
from facslens.progress import Report
from facslens.runs.files import CHECKPOINTS
from facslens.runs.folder import Run
from facslens.runs.record import RunRecord
from facslens.stages.answers import Answers
from facslens.stages.convergence import convergence
from facslens.stages.experiment import ANSWERS, Plan, order_of, read_experiment, write_experiment
from facslens.stages.forming import remove_forming, write_forming
from facslens.stages.graded import graded
from facslens.stages.projectable import can_project

CONVERGENCE: Final = "convergence.csv"


def run_experiment(run: Run, progress: Report, engine: Engine | None = None) -> None:
    """Write ``experiment/``: its tables, and pictures from rest to full intensity of one layer.

    What the networks answered and the tables are kept while the weights, the stimuli and the
    settings are the same, so that the stage goes on after an interruption. The `engine` lets the
    faces be read elsewhere; None reads them here.
    """
    record = RunRecord(run)
    settings, model = record.settings, record.model
    stimuli = settings.drawn()
    plan = Plan(record.layers, settings.untrained, settings.permutations, record.seed)
    folder = run / "experiment"
    coded = record.has("mapping.csv")
    if coded:  # what is lost or out of date shows before the old tables are given up
        _ = record.mapping, record.association, record.verdicts
    with run.stage("experiment", stimuli=stimuli.sha256, rule=settings.rule):
        if not _is_of(folder, order_of(model, stimuli, plan)):
            shutil.rmtree(folder, ignore_errors=True)
        findings = write_experiment(model, stimuli, folder, plan, progress, engine=engine)
        answers = Answers.read(folder / ANSWERS)
        if coded:
            trials, controls = answers.trials(stimuli), answers.controls
            both = convergence(record, findings, trials, controls, record.seed)
            write_table(folder / CONVERGENCE, both)
        else:
            (folder / CONVERGENCE).unlink(missing_ok=True)
        if record.has(CHECKPOINTS):
            write_forming(record, stimuli, folder, plan, progress, answers.controls, replace=True)
        else:
            remove_forming(folder)
        # the layer of which the report shows most
        last = record.layers[-1] if can_project(record, record.layers[-1]) else None
        own = findings.caused[findings.caused["layer"] == last]
        shown = graded(model, stimuli, own, settings.rule, folder)
        write_table(folder / "graded.csv", shown)
        write_table(folder / "place.csv", rising(shown, record.seed))


def _is_of(folder: Path, order: Json) -> bool:
    """Tell whether a folder holds an experiment of this order, whole or begun, and unchanged."""
    try:
        noted = read_json(folder / "experiment.json")
        if "sha256" in noted:
            read_experiment(folder)
            Answers.read(folder / ANSWERS)  # which an older facslens may have kept with less
    except ArtifactError:
        return False
    return {name: value for name, value in noted.items() if name != "sha256"} == order
