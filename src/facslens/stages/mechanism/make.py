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
from facslens.stages.directions import fitted_layers
from facslens.stages.experiment import (
    ANSWERS,
    Plan,
    analysed,
    read_experiment,
    write_experiment,
)
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
    parts = choose_parts(only, subject.model.scale)
    subject.stimuli.check()
    if subject.findings is None and any(PARTS[name].experiment for name in parts):
        plan = _plan(subject)
        model, faces = subject.model, subject.stimuli
        asked = _named(progress, "experiment")
        answers = ask(model, faces, subject.layers, plan.others(model), plan.seed, asked)
        findings = analysed(answers, faces, plan, fitted_layers(model))
        subject = dataclasses.replace(subject, answers=answers, findings=findings)
    found: dict[str, pd.DataFrame] = {}
    for name in parts:
        found |= PARTS[name].make(subject, _named(progress, name))
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
        If it cannot be written, or a table or a face was changed since.
    """
    parts = choose_parts(only, subject.model.scale)
    order = order_of(subject, sources)
    with filling(folder, NOTE, order, "a mechanism") as noted:
        hashes = _checked(folder, noted)
        _remove_unfinished(folder, hashes)
        wanted = [name for name in parts if name not in _whole(hashes)]
        if wanted:
            subject.stimuli.check()
        if subject.findings is None and any(PARTS[name].experiment for name in wanted):
            # first: what the network answers in it serves the other parts, too
            subject = _experimented(subject, folder / "experiment", _named(progress, "experiment"))
        for name in wanted:
            for table, values in PARTS[name].make(subject, _named(progress, name)).items():
                file = f"{table}.csv"
                write_table(folder / file, values)
                hashes[file] = sha256(folder / file)
            # in one order, whichever part was made first
            ordered = {file: hashes[file] for file in _files() if file in hashes}
            write_json(folder / NOTE, {**order, "sha256": ordered})
    return _whole(hashes)


def order_of(subject: Subject, sources: Json | None = None) -> Json:
    """Describe a mechanism: two with the same description have the same tables."""
    return {
        "layers": list(subject.layers),
        "seed": subject.seed,
        "stimuli": subject.stimuli.sha256,
        "network": digest(subject.model),
        "input": subject.model.input.name,
        "facslens": __version__,
        **(sources or {}),
    }


def is_of(folder: Path, order: Json) -> bool:
    """Tell whether a folder holds a mechanism of this order, whole or begun, and unchanged."""
    try:
        noted = read_json(folder / NOTE)
        _checked(folder, noted)
    except ArtifactError:
        return False
    return {name: value for name, value in noted.items() if name != "sha256"} == order


def finished_parts(folder: Path) -> tuple[str, ...]:
    """Name the parts that a folder notes as finished; none where it holds no mechanism."""
    try:
        noted = read_json(folder / NOTE)
    except ArtifactError:
        return ()
    hashes = noted.get("sha256")
    return _whole(hashes) if isinstance(hashes, dict) else ()


def _files(part: str | None = None) -> list[str]:
    """Name the tables of a part, or of all of them."""
    parts = PARTS.values() if part is None else [PARTS[part]]
    return [f"{table}.csv" for one in parts for table in one.tables]


def _whole(hashes: Json) -> tuple[str, ...]:
    return tuple(name for name in PARTS if set(_files(name)) <= set(hashes))


def _checked(folder: Path, noted: Json) -> Json:
    """Give the hashes of the tables that a folder has, after holding the tables against them."""
    hashes = noted.get("sha256", {})
    if not isinstance(hashes, dict):
        raise ArtifactError(f"{folder / NOTE} names no tables: make it again into a new folder")
    for file, left in hashes.items():
        if sha256(folder / file) != left:
            raise ArtifactError(
                f"{folder / file} is not what the mechanism left, by its SHA-256: make it again "
                f"into a new folder"
            )
    return dict(hashes)


def _remove_unfinished(folder: Path, hashes: Json) -> None:
    """Remove the tables of a part that was interrupted between them."""
    for file in _files():
        if file not in hashes:
            (folder / file).unlink(missing_ok=True)


def _named(progress: Report, part: str) -> Report:
    return lambda done, total, note: progress(done, total, f"{part}: {note}")


def _plan(subject: Subject) -> Plan:
    return Plan(subject.layers, seed=subject.seed)


def _experimented(subject: Subject, folder: Path, progress: Report) -> Subject:
    write_experiment(subject.model, subject.stimuli, folder, _plan(subject), progress)
    findings, answers = read_experiment(folder), Answers.read(folder / ANSWERS)
    return dataclasses.replace(subject, answers=answers, findings=findings)
