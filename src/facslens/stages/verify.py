"""Check a finished run: controls, ablation, place and sanity, each on its confirmation subjects."""

import dataclasses
import hashlib
from typing import Final

import pandas as pd

from facslens.artifacts import Json, read_json, read_table, sha256, write_json, write_table
from facslens.controls.champions import TYPES
from facslens.errors import CallError
from facslens.progress import shown
from facslens.runs.folder import Run
from facslens.stages import checks
from facslens.stages.checks import CONTROLS, SHUFFLED, Check, Choices, Subject
from facslens.stages.truth import TRUTH

#: What names several checks at once.
GROUPS: Final[dict[str, tuple[str, ...]]] = {
    "controls": tuple(CONTROLS),
    "truth": tuple(TRUTH),
}
#: Name of every check and what does it.
CHECKS: Final[dict[str, Check]] = checks.CHECKS | TRUTH
#: What runs where nothing is named.
DEFAULT: Final = (*CONTROLS, "ablation", "place", "sanity")


def choose_checks(only: str | None, against: bool = False) -> tuple[str, ...]:
    """Give the checks that a comma-separated list names, in their order; by default most.

    Raises
    ------
    CallError
        If a name is not known.

    Examples
    --------
    >>> choose_checks("ablation,controls")
    ('untrained', 'rotated', 'pixels', 'gradients', 'probe', 'ablation')
    """
    if only is None:
        return (*DEFAULT, *(["stability"] if against else []))
    names: set[str] = set()
    for word in (part.strip() for part in only.split(",")):
        if word not in CHECKS and word not in GROUPS:
            known = ", ".join((*GROUPS, *CHECKS))
            raise CallError(f"--only {word!r} is no check: expected some of {known}")
        names |= set(GROUPS.get(word, (word,)))
    return tuple(name for name in CHECKS if name in names)


def verify(run: Run, only: str | None = None, choices: Choices | None = None) -> None:
    """Write ``verify/controls.csv``, ``ablation.csv``, ``place.csv`` and ``sanity.csv``.

    A check that is done by the same choices is not made again, unless it is named; so a call
    that was stopped goes on where it was. Once the run itself has changed, all tables are out of
    date and are removed. A verification is of one layer: another one takes its place.

    Parameters
    ----------
    run
        A run whose stage ``associate`` is done.
    only
        Comma-separated names of `CHECKS` and `GROUPS`; by default `DEFAULT`, and stability
        where other runs are given.
    choices
        See `Choices`.

    Raises
    ------
    CallError
        If a name or layer is not known.
    ArtifactError
        If the run lacks what an earlier stage would have left.
    """
    choices = choices or Choices()
    if choices.seeds < 1 or choices.sets < 1:
        raise CallError("--seeds and --sets need to be at least 1")
    names = choose_checks(only, bool(choices.against))
    subject = Subject(run, choices)
    run.need("mapping.csv", "associate")
    layer = subject.layer  # a wrong one shows before the work
    chosen = dataclasses.asdict(choices) | {
        "layer": layer,
        "against": [str(folder) for folder in choices.against],
    }
    state = _state(run)
    with run.stage("verify", "verify", checks=list(names), **chosen):
        for name in names:
            if only is None and state["done"].get(name) == chosen:
                continue
            with shown(name) as progress:
                table = CHECKS[name](subject, progress)
            _write(run, name, table)
            state["done"][name] = chosen
            write_json(run / "verify" / "state.json", state)


def _write(run: Run, name: str, table: pd.DataFrame) -> None:
    """Write a check's table; a control's rows take the place of its old ones."""
    if name not in (*CONTROLS, SHUFFLED):
        write_table(run / "verify" / f"{name}.csv", table)
        return
    path = run / "verify" / "controls.csv"
    parts = {name: table}
    if path.exists():
        before = read_table(path).astype(TYPES)
        parts = {str(control): rows for control, rows in before.groupby("control")} | parts
    write_table(path, pd.concat([parts[c] for c in CHECKS if c in parts], ignore_index=True))


def _state(run: Run) -> Json:
    """Read which checks are done, by which choices; forget them where the run has changed."""
    files = [sha256(run.need(file, stage)) for file, stage in _INPUTS]
    what = repr((files, run.info["settings"], run.info["seed"]))
    key = hashlib.sha256(what.encode()).hexdigest()
    path = run / "verify" / "state.json"
    if path.exists():
        state = read_json(path)
        if state.get("run") == key:
            return state
        for table in path.parent.glob("*.csv"):
            table.unlink()
    return {"run": key, "done": {}}


#: What the checks read: file and the stage that makes it.
_INPUTS: Final = (
    ("faces.parquet", "run --resume --out"),
    ("model.safetensors", "train"),
    ("responses.zarr", "record"),
    ("mapping.csv", "associate"),
)
