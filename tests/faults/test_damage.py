"""Damage of a finished run: every command that reads it refuses, or is not affected.

A command is *unaffected* if its result equals that of the undamaged run to the byte: it reads no
damaged file, or makes it anew. It *refused* if it exits with 1, in one sentence that names the
file, and left everything as it was. All else is a fault: *SILENT* (another result, exit code 0),
*not foreseen*, *crash*, *hang*, *unnamed* (a refusal that does not name the file), *noted* (a
refusal after ``run.json`` had been changed: what it knew of the stages before is lost), *changed*
(a refusal after other files had been).
"""

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import zarr
from safetensors.numpy import load_file, save_file

_TABLES = tuple(
    f"run/{name}"
    for name in (
        "faces.parquet", "model.safetensors", "model.json", "training.csv", "predictions.parquet",
        "responses.zarr", "exemplars.parquet", "association.parquet", "effects.parquet",
        "nulls.csv", "coverage.csv", "units.csv", "confounds.csv", "mapping.csv", "verdicts.csv",
        "contrast.csv",
    )
)  # fmt: skip
#: Each command with what its result is: files of the run, or of the folder that holds it.
COMMANDS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "report": (("report", "run"), ("run/report",)),
    "project": (("project", "run"), ("run/projections",)),
    "experiment": (("experiment", "run"), ("run/experiment", "run/mechanism")),
    "mechanism": (("mechanism", "run", "--only", "effects"), ("run/mechanism",)),
    "associate": (
        ("associate", "run"),
        _TABLES[7:],
    ),
    "verify": (("verify", "run", "--only", "place"), ("run/verify", "run/report")),
    "predict": (
        ("predict", "crops", "--faces-are-cropped", "--model", "run", "--out", "rows.csv"),
        ("rows.csv",),
    ),
    # the report and the checks are out of date where an earlier stage had to be run again
    "resume": (
        ("run", "--resume", "--out", "run"),
        (*_TABLES, "run/experiment", "run/mechanism", "run/projections"),
    ),
    "export": (("export", "run", "--onnx", "run.onnx"), ("run.onnx",)),
}
#: What may be the outcome.
FINE = ("refused", "unaffected")


def flip(path: Path) -> None:
    """Change one byte in the middle of a file: in a text to another text, of a digit a digit."""
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    digits = [i for i in range(middle, len(content)) if 48 <= content[i] < 58]
    if path.suffix in (".csv", ".json") and digits:
        content[digits[0]] = 48 + (content[digits[0]] - 48 + 1) % 10
    else:
        content[middle] ^= 0x10
    path.write_bytes(content)


def halve(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()


def lines(share: float) -> Callable[[Path], None]:
    """Keep only the first lines of a text."""

    def cut(path: Path) -> None:
        rows = path.read_text().splitlines(keepends=True)
        path.write_text("".join(rows[: 1 + int((len(rows) - 1) * share)]))

    return cut


def entry(change: Callable[[dict], object]) -> Callable[[Path], None]:
    """Change what a JSON file says."""

    def changed(path: Path) -> None:
        content = json.loads(path.read_text())
        change(content)
        path.write_text(json.dumps(content, indent=2) + "\n")

    return changed


def rows(change: Callable[[pd.DataFrame], pd.DataFrame]) -> Callable[[Path], None]:
    """Change a table."""

    def changed(path: Path) -> None:
        if path.suffix == ".parquet":
            change(pd.read_parquet(path)).to_parquet(path, index=False)
        else:
            change(pd.read_csv(path)).to_csv(path, index=False)

    return changed


def weights(change: Callable[[dict[str, np.ndarray]], object]) -> Callable[[Path], None]:
    """Change the weights."""

    def changed(path: Path) -> None:
        found = {name: value.copy() for name, value in load_file(path).items()}
        change(found)
        save_file(found, path)

    return changed


def arrays(change: Callable[[np.ndarray], np.ndarray]) -> Callable[[Path], None]:
    """Change the responses and locations of a layer."""

    def changed(path: Path) -> None:
        group = zarr.open_group(path, mode="r+")
        for _, array in group.arrays():
            array[:] = change(array[:])

    return changed


def without_last(path: Path) -> None:
    """Remove the chunk that comes last by its name."""
    sorted(file for file in path.rglob("*") if file.is_file() and "c" in file.parts)[-1].unlink()


@dataclass(frozen=True)
class Damage:
    """One kind of damage.

    Parameters
    ----------
    what
        In a few words.
    file
        The file of the run that it hits; a pattern takes the first.
    harm
        Does it.
    short
        Whether it is tried in the short part, too.
    """

    what: str
    file: str
    harm: Callable[[Path], object]
    short: bool = False

    def __str__(self) -> str:
        return f"{self.file}: {self.what}"


RESPONSE, LOCATION = (f"responses.zarr/conv3/{name}" for name in ("response", "location"))
#: Every file that a run leaves; one flipped byte has to be found in each of them.
FILES = (
    "faces.parquet", "model.safetensors", "model.json", "training.csv", "predictions.parquet",
    "responses.zarr/zarr.json", "responses.zarr/image/zarr.json", "responses.zarr/image/c/0",
    "responses.zarr/conv3/zarr.json", f"{RESPONSE}/zarr.json",
    f"{RESPONSE}/c/0/0", f"{LOCATION}/zarr.json", f"{LOCATION}/c/0/0/0", "exemplars.parquet",
    "association.parquet", "effects.parquet", "nulls.csv", "coverage.csv", "units.csv",
    "confounds.csv", "mapping.csv", "verdicts.csv", "contrast.csv", "experiment/experiment.json",
    "experiment/answers.npz", "experiment/tuning.parquet", "experiment/caused.csv",
    "experiment/controls.csv", "experiment/overview.csv", "experiment/rivals.csv",
    "experiment/dose.csv", "experiment/people.csv", "experiment/convergence.csv",
    "experiment/graded.csv", "experiment/place.csv", "experiment/AU*.png",
    "mechanism/mechanism.json", "mechanism/effects.csv", "mechanism/needed.csv",
    "mechanism/agreement.csv", "mechanism/interactions.csv", "mechanism/sequences.csv",
    "mechanism/words.csv", "projections/index.csv",
    "projections/*-projection.png", "projections/*-face.png", "projections/*-whole.png",
    "verify/controls.csv", "verify/ablation.csv", "verify/place.csv", "verify/verdicts.csv",
    "run.json",
)  # fmt: skip
DAMAGES = (
    Damage("nothing", "model.json", lambda path: None),
    *(Damage("one byte", file, flip, file == f"{RESPONSE}/c/0/0") for file in FILES),
    *(
        Damage("half of it", file, halve)
        for file in (
            "faces.parquet", "model.safetensors", "model.json", f"{RESPONSE}/c/0/0",
            "exemplars.parquet", "association.parquet", "mapping.csv", "projections/index.csv",
            "projections/*-projection.png", "verify/controls.csv", "run.json",
        )
    ),
    *(
        Damage("empty", file, empty)
        for file in ("model.json", f"{RESPONSE}/c/0/0", "mapping.csv", "faces.parquet", "run.json")
    ),
    *(
        Damage("removed", file, remove, file == "association.parquet")
        for file in (
            "faces.parquet", "model.safetensors", "model.json", "predictions.parquet",
            "training.csv", "responses.zarr", f"{RESPONSE}/zarr.json", f"{RESPONSE}/c/0/0",
            "responses.zarr/conv3", "exemplars.parquet", "association.parquet", "mapping.csv",
            "units.csv", "coverage.csv", "verdicts.csv", "projections", "projections/index.csv",
            "projections/*-projection.png", "verify/controls.csv",
            "experiment", "experiment/caused.csv", "experiment/experiment.json",
        )
    ),
    Damage("one more folder", "responses.zarr", lambda path: (path / "conv4").mkdir()),
    Damage(
        "rows in another order",
        "responses.zarr/conv3",
        arrays(lambda values: np.random.default_rng(3).permutation(values)),
    ),
    Damage("last row lacks", "responses.zarr/conv3", arrays(lambda v: np.roll(v, 1, axis=0))),
    Damage(
        "rows in another order", "faces.parquet", rows(lambda t: t.sample(frac=1, random_state=3))
    ),
    Damage("without its last rows", "faces.parquet", rows(lambda t: t.iloc[:-6])),
    Damage("all in one part", "faces.parquet", rows(lambda t: t.assign(split="train"))),
    Damage(
        "two action units swapped",
        "faces.parquet",
        rows(lambda t: t.rename(columns={"AU12": "AU27", "AU27": "AU12"})),
    ),
    Damage(
        "expressions reversed",
        "model.json",
        entry(lambda c: c["expressions"].reverse()),
    ),
    Damage(
        "an expression twice",
        "model.json",
        entry(lambda c: c.update(expressions=[c["expressions"][0]] * 3)),
    ),
    Damage("expressions of numbers", "model.json", entry(lambda c: c.update(expressions=[0, 1]))),
    Damage("expressions are null", "model.json", entry(lambda c: c.update(expressions=None))),
    Damage("another input", "model.json", entry(lambda c: c.update(input="grey96-contrast"))),
    Damage("an input of colours", "model.json", entry(lambda c: c.update(input="rgb48-imagenet"))),
    Damage("a size for an input", "model.json", entry(lambda c: c.update(input=48))),
    Damage("another architecture", "model.json", entry(lambda c: c.update(architecture="compact"))),
    Damage("is a list", "model.json", lambda path: path.write_text("[1, 2]")),
    Damage(
        "two units swapped",
        "model.safetensors",
        weights(lambda w: w.update({n: v[::-1].copy() for n, v in w.items() if "scores" in n})),
    ),
    Damage(
        "a number that is not one",
        "model.safetensors",
        weights(lambda w: next(iter(w.values())).fill(np.nan)),
    ),
    Damage("a tensor lacks", "model.safetensors", weights(lambda w: w.popitem())),
    Damage("two thirds of its lines", "mapping.csv", lines(2 / 3), short=True),
    Damage("only its first line", "mapping.csv", lines(0)),
    Damage(
        "other units",
        "mapping.csv",
        rows(lambda t: t.assign(unit=(t["unit"] + 1) % 256)),
    ),
    Damage("a unit that is not there", "mapping.csv", rows(lambda t: t.assign(unit=9999))),
    Damage("without a column", "mapping.csv", rows(lambda t: t.drop(columns="au"))),
    Damage("ranks reversed", "exemplars.parquet", rows(lambda t: t.assign(rank=10 - t["rank"]))),
    Damage("an unknown image", "exemplars.parquet", rows(lambda t: t.assign(image="nobody.png"))),
    Damage("half of its rows", "association.parquet", rows(lambda t: t.iloc[: len(t) // 2])),
    Damage("every p is 0", "association.parquet", rows(lambda t: t.assign(p_maxT=0.0))),
    Damage(
        "no verdict but one", "verdicts.csv", rows(lambda t: t.assign(verdict="detected by all"))
    ),
    Damage("two thirds of its lines", "verify/place.csv", lines(2 / 3)),
    Damage("another seed", "run.json", entry(lambda c: c.update(seed=1))),
    Damage(
        "other permutations",
        "run.json",
        entry(lambda c: c["settings"].update(permutations=19, distance="kl")),
    ),
    Damage(
        "a stage lacks", "run.json", entry(lambda c: c["stages"].pop("associate")), short=True
    ),
    Damage(
        "a hash lacks",
        "run.json",
        entry(lambda c: c["stages"]["associate"]["files"].pop("mapping.csv")),
    ),
    Damage("without stages", "run.json", entry(lambda c: c.pop("stages"))),
    Damage("settings are null", "run.json", entry(lambda c: c.update(settings=None))),
    Damage("is a folder", "mapping.csv", lambda path: (path.unlink(), path.mkdir())),
)  # fmt: skip

#: What writing ONNX reads; it takes seconds, so other damage is not tried on it.
EXPORTED = ("model", "faces", "responses", "mapping", "verdicts", "run")


def find(run: Path, pattern: str) -> Path:
    return sorted(run.glob(pattern))[0] if "*" in pattern else run / pattern


@pytest.fixture(scope="session")
def undamaged(finished, call, hashes, tmp_path_factory):
    """The result of every command on the run as it is."""

    def result(command: str) -> dict[str, str]:
        if command not in results:
            arguments, parts = COMMANDS[command]
            place = shutil.copytree(finished, tmp_path_factory.mktemp("whole") / "place")
            done = call(arguments, place)
            assert done.code == 0, done.err
            results[command] = hashes(place, *parts)
        return results[command]

    results: dict[str, dict[str, str]] = {}
    return result


@pytest.fixture(scope="session", autouse=True)
def _crops(finished, few_faces):
    """Three crops beside the run, to predict on."""
    (finished / "crops").mkdir(exist_ok=True)
    for picture in sorted((few_faces / "CK+48" / "surprise").glob("*.png"))[:3]:
        shutil.copy(picture, finished / "crops")


@pytest.mark.parametrize(
    "damage",
    [pytest.param(d, id=str(d), marks=() if d.short else pytest.mark.faults) for d in DAMAGES],
)
def test_damage(damage, copy, call, hashes, undamaged, note):
    found = {}
    place, state = None, None
    for command, (arguments, parts) in COMMANDS.items():
        if command == "export" and (damage.short or not damage.file.startswith(EXPORTED)):
            continue
        whole = undamaged(command)
        if place is None or hashes(place) != state:
            place = copy()
            damage.harm(find(place / "run", damage.file))
            state = hashes(place)
        done = call(arguments, place)
        found[command] = outcome(
            done, hashes(place), state, hashes(place, *parts) == whole, damage.file
        )
        note("Damage", str(damage), command, found[command].partition(":")[0])
    assert {c: f for c, f in found.items() if not f.startswith(FINE)} == {}


def outcome(done, after: dict[str, str], before: dict[str, str], same: bool, file: str) -> str:
    """Name what a command made of damage, and after a colon what it said."""
    if (fault := done.fault()) is not None:
        return f"{fault}: {done.sentence}"
    if done.code == 0:
        return "unaffected" if same else "SILENT"
    if changed := sorted(k for k in {*before, *after} if before.get(k) != after.get(k)):
        word = "noted" if changed == ["run/run.json"] else "changed"
        return f"{word}: {', '.join(changed[:5])} after: {done.sentence}"
    parts = Path(file).parts
    names = (file, parts[0], parts[-1])
    return f"{'refused' if any(n in done.sentence for n in names) else 'unnamed'}: {done.sentence}"


def test_every_file_of_a_run_is_damaged(finished):
    run = finished / "run"
    known = {path for pattern in FILES for path in run.glob(pattern)}
    assert {
        path.relative_to(run).as_posix()
        for path in run.rglob("*")
        if path.is_file() and not path.is_relative_to(run / "report")
    } == {path.relative_to(run).as_posix() for path in known}
    assert len({d.what for d in DAMAGES}) >= 28


@pytest.mark.faults
@pytest.mark.parametrize("damage", DAMAGES, ids=str)
def test_accepted_damage(damage, copy, call, note):
    """What somebody put there on purpose is used, and told of, or refused in one sentence."""
    place = copy()
    damage.harm(find(place / "run", damage.file))
    name = damage.file if damage.file.startswith("verify/") else Path(damage.file).parts[0]
    # whatever is made from the file is made again
    done = call(("run", "--resume", "--out", "run", "--accept", name), place)
    found = done.fault() or ("taken" if done.code == 0 else "refused")
    if found == "taken" and damage.what not in ("nothing", "one more folder"):  # of equal hash
        accepted = json.loads((place / "run" / "run.json").read_text())["accepted"]
        page = (place / "run" / "report" / "index.html").read_text(encoding="utf-8")
        if name not in [entry["file"] for entry in accepted] or name not in page:
            found = "untold"
    note("Damage, accepted", str(damage), "run --resume --accept", found)
    assert found in ("taken", "refused"), done.sentence


def test_a_replaced_file_is_told_of(copy, call):
    place = copy()
    lines(2 / 3)(place / "run" / "mapping.csv")
    assert call(("project", "run"), place).code == 1
    done = call(("project", "run", "--accept", "mapping.csv"), place)
    assert done.code == 0, done.err
    (entry,) = json.loads((place / "run" / "run.json").read_text())["accepted"]
    assert entry["file"] == "mapping.csv"
    assert call(("project", "run"), place).code == 0  # once is enough
