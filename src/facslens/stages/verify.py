"""Check a finished run: controls, ablation, place and sanity, each on its confirmation subjects."""

import dataclasses
import shutil

import pandas as pd

from facslens.artifacts import Json, sha256, write_table
from facslens.controls.table import CONTROLS
from facslens.errors import CallError
from facslens.models.restart import can_restart
from facslens.progress import shown
from facslens.runs.folder import Run
from facslens.runs.record import RunRecord
from facslens.runs.tables import read_run_table
from facslens.stages.causes import verified_verdicts
from facslens.stages.check_table import CHECKS, choose_checks
from facslens.stages.checks import Choices, Subject
from facslens.stages.order import check_planned
from facslens.stages.reopen import with_network


def verify(run: Run, only: str | None = None, choices: Choices | None = None) -> None:
    """Write ``verify/controls.csv``, ``ablation.csv``, ``place.csv``, ``sanity.csv`` and verdicts.

    ``verify/verdicts.csv`` has the run's verdicts with the results of controls and ablation.

    A check that is done with the same choices is repeated only if it is named, or its table is
    damaged, so the same call continues after an interruption. Once the run itself has changed, all
    tables are out of date and are removed. A verification is of one layer; that of another layer
    replaces it.

    Parameters
    ----------
    run
        A run whose stage ``associate`` is done.
    only
        Comma-separated names of checks and groups of `facslens.stages.check_table.CHECKS`; by
        default those marked so, and stability where other runs are given.
    choices
        See `Choices`.

    Raises
    ------
    CallError
        If a name or layer is not known, or a number of `choices` is below 1.
    ArtifactError
        If the run lacks a file of an earlier stage.
    """
    choices = choices or Choices()
    for name, number in (("seeds", choices.seeds), ("sets", choices.sets)):
        if number < 1:
            raise CallError(f"{name} is {number}: needs at least 1")
    names = choose_checks(only, bool(choices.against))
    check_planned(run, "associate")
    run = with_network(run)
    with run.writing():
        # damage is found before the old checks are given up; the report will need the rest, too
        run.check(*(stage for stage in run.files if stage not in ("verify", "report")))
        record = RunRecord(run)
        subject = Subject(record, choices)
        record.path("mapping.csv")
        if run.is_audit:
            names = _of_audit(names, only, record)
        layer = subject.layer  # a wrong one shows before the work
        chosen = dataclasses.asdict(choices) | {
            "layer": layer,
            "against": [str(folder) for folder in choices.against],
        }
        before, lost = _before(run)
        with run.stage("verify", checks=list(names), **chosen) as underway:
            underway.note(**before)
            # what is lost is made as it was made, and what is named as it is asked for
            wanted = lost | dict.fromkeys(names, chosen)
            for name in (name for name in CHECKS if name in wanted):
                if only is None and underway.entry["done"].get(name) == wanted[name]:
                    continue
                of = subject
                if wanted[name] != chosen:
                    of = dataclasses.replace(subject, choices=Choices.of(wanted[name]))
                with shown(name) as progress:
                    table = CHECKS[name].make(of, progress)
                file = _write(record, name, table)
                underway.left(file, done={**underway.entry["done"], name: wanted[name]})
            file = "verify/verdicts.csv"
            write_table(run / file, verified_verdicts(record))
            underway.left(file)


def _of_audit(names: tuple[str, ...], only: str | None, record: RunRecord) -> tuple[str, ...]:
    """Leave out the checks that cannot be made with the network of an audit.

    Raises
    ------
    CallError
        If one of them is named.
    """
    restarts = can_restart(record.model.network)
    left = []
    for name in names:
        if name in CONTROLS and CONTROLS[name].trains:
            why = "which trains the network again, and how it was trained is not known here"
        elif CHECKS[name].restarts and not restarts:
            why = "which needs the network with weights drawn anew, and these cannot be drawn"
        else:
            left.append(name)
            continue
        if name in (only or "").replace(" ", "").split(","):
            raise CallError(f"only names {name!r}, {why}: leave it out")
    return tuple(left)


def _write(record: RunRecord, name: str, table: pd.DataFrame) -> str:
    """Write a check's table; a control's rows replace its old ones."""
    file = _file_of(name)
    if name in CONTROLS:
        parts = {name: table}
        if record.has(file):
            before = read_run_table(record.run.read(file), file)
            parts = {str(control): rows for control, rows in before.groupby("control")} | parts
        table = pd.concat([parts[c] for c in CHECKS if c in parts], ignore_index=True)
    write_table(record.run / file, table)
    return file


def _file_of(name: str) -> str:
    """Give the table that a check writes."""
    return f"verify/{'controls' if name in CONTROLS else name}.csv"


def _before(run: Run) -> tuple[Json, dict[str, Json]]:
    """Give the checks that are done, and the choices of those whose tables are lost.

    Nothing is done where the run has changed since, or where the whole folder is gone.
    """
    entry, folder = run.info["stages"].get("verify", {}), run / "verify"
    if entry.get("status") == "outdated" or "done" not in entry or not folder.is_dir():
        if folder.is_dir():
            shutil.rmtree(folder)
        return {"done": {}, "files": {}}, {}
    noted = entry["files"].items()
    files = {f: hashed for f, hashed in noted if (run / f).exists() and sha256(run / f) == hashed}
    done = {name: choices for name, choices in entry["done"].items() if _file_of(name) in files}
    return {"done": done, "files": files}, {
        name: choices for name, choices in entry["done"].items() if name not in done
    }
