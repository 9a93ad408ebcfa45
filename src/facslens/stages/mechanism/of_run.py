"""The mechanism as a stage of a run: the parts that its settings name."""

import shutil
from pathlib import Path

from facslens.artifacts import Json, read_json, sha256
from facslens.datasets.stimuli import Stimuli
from facslens.errors import ArtifactError
from facslens.experiments.analysis import Findings
from facslens.experiments.faces import needed
from facslens.progress import Report
from facslens.runs.folder import Run
from facslens.runs.record import RunRecord
from facslens.stages.answers import Answers
from facslens.stages.experiment import ANSWERS, read_experiment
from facslens.stages.mechanism.make import is_of, order_of, write_mechanism
from facslens.stages.mechanism.parts import PARTS
from facslens.stages.mechanism.subject import ALL, Subject, layers_of


def run_mechanism(run: Run, progress: Report) -> None:
    """Write ``mechanism/`` from the run's own experiment.

    Parts that were made from the same network, faces and experiment are kept.
    """
    record = RunRecord(run)
    settings, model = record.settings, record.model
    _known(run, settings.mechanism)
    experiment, sources = record.path("experiment"), sources_of(record)
    stimuli = settings.drawn()
    folder = run / "mechanism"
    findings, answers = _read(experiment, stimuli)
    layers = recorded_layers(record)
    subject = Subject(model, stimuli, layers, record.seed, findings, answers, record)
    with run.stage("mechanism", parts=settings.mechanism, layers=list(layers)):
        if not is_of(folder, order_of(subject, sources)):
            shutil.rmtree(folder, ignore_errors=True)
        write_mechanism(subject, folder, settings.mechanism, progress, sources)


def sources_of(record: RunRecord) -> Json:
    """Give the SHA-256 of the files of a run that its mechanism reads.

    Raises
    ------
    ArtifactError
        If one of them is missing or out of date, or has changed since its stage wrote it.
    """
    return {"experiment": sha256(record.path("experiment")), **sources_beside(record)}


def sources_beside(record: RunRecord) -> Json:
    """Give the SHA-256 of those that it reads beside the experiment.

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


def recorded_layers(record: RunRecord) -> tuple[str, ...]:
    """Give the layers that a run's mechanism looks at: those of its settings that are recorded.

    Layers may have been recorded anew since they were named; where none of them is left, it is
    the last one.
    """
    every, named = record.layers, record.settings.mechanism_layers
    return layers_of(every, [name for name in named or () if name in (*every, ALL)])


def _known(run: Run, parts: list[str]) -> None:
    for name in parts:
        if name not in PARTS:
            raise ArtifactError(
                f"{run / 'run.json'} names {name!r}, which this version does not know as a part "
                f"of a mechanism: make others with `facslens mechanism {run.folder}`"
            )


def _read(experiment: Path, stimuli: Stimuli) -> tuple[Findings, Answers]:
    """Read the experiment, and see that it was made with these faces."""
    findings, answers = read_experiment(experiment), Answers.read(experiment / ANSWERS)
    made = read_json(experiment / "experiment.json").get("stimuli")
    if made != stimuli.sha256 or len(answers.logits) != needed(stimuli).sum():
        raise ArtifactError(
            f"{experiment} was made with other faces than those in {stimuli.root}: make it again "
            f"with `facslens experiment {experiment.parent}`"
        )
    return findings, answers
