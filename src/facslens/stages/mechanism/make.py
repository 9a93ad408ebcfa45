"""Make a mechanism, in memory or into a folder, part by part."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import pandas as pd

from facslens.artifacts import Json, read_json, sha256, write_json, write_table
from facslens.errors import ArtifactError
from facslens.folders import filling
from facslens.models.initial import digest
from facslens.progress import Report, silent
from facslens.stages.answers import Answers, ask
from facslens.stages.experiment import ANSWERS, Plan, analysed, write_experiment
from facslens.stages.mechanism.parts import PARTS, choose_parts
from facslens.stages.mechanism.subject import Subject
from facslens.version import __version__

#: Says how a folder was made, and the SHA-256 of its tables.
NOTE: Final = "mechanism.json"


def mechanism(
    subject: Subject, only: Sequence[str] | None = None, progress: Report = silent
) -> dict[str, pd.DataFrame]:
    """Measure how action units move units, and units expressions.

    Parameters
    ----------
    subject
        The network and the faces; their SHA-256 is checked first. Where a part needs the units of
        an experiment and there is none, it is made.
    only
        Names of `facslens.stages.mechanism.parts.PARTS`; None takes all.
    progress
        Called as each part goes on.

    Returns
    -------
    dict
        Tables by name, those of each part.

    Raises
    ------
    CallError
        If there is no such part.
    ArtifactError
        If the stimuli were changed since they were drawn.
    NotEnoughDataError
        If they are too few.
    """
    parts = choose_parts(only)
    subject.stimuli.check()
    if subject.findings is None and any(PARTS[name].experiment for name in parts):
        plan = _plan(subject)
        model, faces = subject.model, subject.stimuli
        answers = ask(model, faces, subject.layers, plan.untrained, plan.seed, progress)
        subject = _with(subject, answers)
    found: dict[str, pd.DataFrame] = {}
    for name in parts:
        found |= PARTS[name].make(subject, progress)
    return found


def write_mechanism(
    subject: Subject,
    folder: Path,
    only: Sequence[str] | None = None,
    progress: Report = silent,
    sources: Json | None = None,
) -> tuple[str, ...]:
    """Make a mechanism into a folder: a CSV file a table, and ``mechanism.json``.

    A part that the folder has already, made with the same settings, is kept. Where an experiment is
    needed and there is none, it is made into the folder ``experiment`` in it.

    Parameters
    ----------
    subject, only, progress
        As `mechanism` takes them.
    folder
        New, or begun with the same network, faces and settings.
    sources
        What else the tables follow from, such as the hash of a run's experiment.

    Returns
    -------
    tuple
        Names of the parts that the folder has now.

    Raises
    ------
    CallError
        If the folder holds anything else, or there is no such part.
    ArtifactError
        If it cannot be written, or a table was changed since.
    """
    parts = choose_parts(only)
    order = order_of(subject, sources)
    with filling(folder, NOTE, order, "a mechanism") as noted:
        hashes = dict(noted.get("sha256", {}))
        _check(folder, hashes)
        for name in parts:
            if set(_files(name)) <= set(hashes):
                continue
            if subject.findings is None and PARTS[name].experiment:
                subject = _experimented(subject, folder / "experiment", progress)
            for table, values in PARTS[name].make(subject, progress).items():
                file = f"{table}.csv"
                write_table(folder / file, values)
                hashes[file] = sha256(folder / file)
            write_json(folder / NOTE, {**order, "sha256": hashes})
    return tuple(name for name in PARTS if set(_files(name)) <= set(hashes))


def order_of(subject: Subject, sources: Json | None = None) -> Json:
    """Describe a mechanism: two with the same description have the same tables."""
    return {
        "layers": list(subject.layers),
        "seed": subject.seed,
        "stimuli": subject.stimuli.sha256,
        "network": digest(subject.model),
        "facslens": __version__,
        **(sources or {}),
    }


def is_of(folder: Path, order: Json) -> bool:
    """Tell whether a folder holds a mechanism of this order, whole or begun, and unchanged."""
    try:
        noted = read_json(folder / NOTE)
        _check(folder, noted.get("sha256", {}))
    except ArtifactError:
        return False
    return {name: value for name, value in noted.items() if name != "sha256"} == order


def _files(part: str) -> list[str]:
    return [f"{table}.csv" for table in PARTS[part].tables]


def _check(folder: Path, hashes: Json) -> None:
    for file, noted in hashes.items():
        if sha256(folder / file) != noted:
            raise ArtifactError(
                f"{folder / file} is not what the mechanism left, by its SHA-256: make it again "
                f"into a new folder"
            )


def _plan(subject: Subject) -> Plan:
    return Plan(subject.layers, seed=subject.seed)


def _experimented(subject: Subject, folder: Path, progress: Report) -> Subject:
    write_experiment(subject.model, subject.stimuli, folder, _plan(subject), progress)
    return _with(subject, Answers.read(folder / ANSWERS))


def _with(subject: Subject, answers: Answers) -> Subject:
    findings = analysed(answers, subject.stimuli, _plan(subject))
    return dataclasses.replace(subject, answers=answers, findings=findings)
