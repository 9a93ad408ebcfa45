"""The mechanism as a stage of a run: the parts that its settings name."""

import shutil

from facslens.artifacts import Json, sha256
from facslens.datasets.stimuli import read_stimuli
from facslens.progress import Report
from facslens.runs.folder import Run
from facslens.runs.record import RunRecord
from facslens.stages.answers import Answers
from facslens.stages.experiment import ANSWERS, read_experiment
from facslens.stages.mechanism.make import is_of, order_of, write_mechanism
from facslens.stages.mechanism.subject import Subject, layers_of


def run_mechanism(run: Run, progress: Report) -> None:
    """Write ``mechanism/`` from the run's own experiment.

    Parts that were made from the same network, faces and experiment are kept.
    """
    record = RunRecord(run)
    settings, model = record.settings, record.model
    experiment = record.path("experiment")
    sources = {"experiment": sha256(experiment), **sources_of(record)}
    stimuli = read_stimuli(settings.drawn)
    folder = run / "mechanism"
    layers = layers_of(record.responses.layers, settings.mechanism_layers)
    with run.stage("mechanism", parts=settings.mechanism, layers=list(layers)):
        findings, answers = read_experiment(experiment), Answers.read(experiment / ANSWERS)
        subject = Subject(model, stimuli, layers, record.seed, findings, answers, record)
        if not is_of(folder, order_of(subject, sources)):
            shutil.rmtree(folder, ignore_errors=True)
        write_mechanism(subject, folder, settings.mechanism, progress, sources)


def sources_of(record: RunRecord) -> Json:
    """Give the SHA-256 of the files of a run that its mechanism reads beside the experiment.

    Raises
    ------
    ArtifactError
        If one of them is out of date, or has changed since its stage wrote it.
    """
    sources: Json = {}
    if record.has("mapping.csv"):
        sources["verdicts"] = sha256(record.path("verdicts.csv"))
    if record.has("predictions.parquet"):  # what the network says in sequences
        for name in ("faces", "predictions"):
            sources[name] = sha256(record.path(f"{name}.parquet"))
    return sources
