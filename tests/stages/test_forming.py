"""The experiment along a training: ten drawn people, and a network trained for two epochs."""

import dataclasses
import json
import shutil

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from facslens.artifacts import read_json
from facslens.cli.main import main
from facslens.datasets import stimuli as reading
from facslens.datasets.regions import Regions
from facslens.datasets.stimuli import HALVES, Stimuli, digest, read_stimuli
from facslens.errors import ArtifactError, CallError
from facslens.experiments.forming import FORMING, by_epoch
from facslens.progress import silent
from facslens.runs.folder import Run
from facslens.runs.record import RunRecord
from facslens.runs.settings import Settings
from facslens.stages import forming as module
from facslens.stages.associate import run_associate
from facslens.stages.experiment import Plan, experiment
from facslens.stages.experiment_of_run import run_experiment
from facslens.stages.faces import run_faces
from facslens.stages.forming import read_forming, write_forming
from facslens.stages.record import run_record
from facslens.stages.train import run_train
from facslens.training.recipe import Recipe

PLAN = Plan(("conv1", "conv3"), untrained=2, permutations=9)


#: Where each action unit brightens the face.
PLACES = {"AU01": slice(6, 12), "AU12": slice(32, 40), "AU26": slice(42, 47)}


@pytest.fixture(scope="module")
def stimuli(tmp_path_factory):
    """Ten people in one setting, at rest twice and with three action units in two grades."""
    folder = tmp_path_factory.mktemp("stimuli") / "set"
    rng = np.random.default_rng(5)
    rows, masks = [], []
    for number in range(10):
        rest = rng.integers(60, 160, (48, 48)).astype(np.uint8)
        faces = {"rest": rest, "again": rest + rng.integers(0, 3, rest.shape, dtype=np.uint8)}
        for au, place in PLACES.items():
            for grade, step in (("C", 40), ("E", 80)):
                faces[f"{au}-{grade}"] = rest.copy()
                faces[f"{au}-{grade}"][place, 12:36] += np.uint8(step)
        for name, face in faces.items():
            path = f"images/P{number:03d}/0/{name}.png"
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(face).save(folder / path)
            au, _, grade = name.rpartition("-") if "-" in name else ("", "", "")
            kind, half = "alone" if au else name, HALVES[number % 2]
            rows.append((path, f"P{number:03d}", 0, half, name, kind, au, grade, "", "", ""))
            masks.append(np.zeros((1, 48, 48), dtype=bool))
    table = pd.DataFrame(rows, columns=list(reading.COLUMNS))
    table.to_csv(folder / "stimuli.csv", index=False)
    Regions.of(list(table["path"]), ["AU12"], np.stack(masks)).write(folder / "regions.npz")
    (folder / "overlaps.csv").write_text("au,other,shapes\n")
    (folder / "undrawable.csv").write_text("expression,aus,reason\n")
    found = digest(Stimuli(folder, reading.read_rows(folder), 48, False, ""))
    note = {"size": 48, "colour": False, "sha256": found}
    (folder / "stimuli.json").write_text(json.dumps(note))
    return read_stimuli(folder)


@pytest.fixture(scope="module")
def record(draw_ck48, tmp_path_factory):
    faces = draw_ck48(tmp_path_factory.mktemp("faces"), subjects=24, frames=1)
    settings = Settings(recipe=Recipe(epochs=2, batch_size=16), checkpoints=[0, 1, 2])
    made = Run.create(
        tmp_path_factory.mktemp("runs") / "run",
        data=f"ck48:{faces}",
        seed=4,
        settings=settings.entries(),
    )
    run_faces(made, silent)
    run_train(made, silent)
    return RunRecord(made)


@pytest.fixture(scope="module")
def whole(record, stimuli, tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole") / "out"
    write_forming(record, stimuli, folder, PLAN)
    return folder


def test_the_rows_of_an_epoch_are_those_of_its_own_experiment(record, stimuli, whole):
    found = read_forming(whole)
    assert list(found) == list(FORMING)
    assert found["epoch"].unique().tolist() == [0, 1, 2]
    columns = list(FORMING[1:-1])
    for epoch in (0, 2):
        alone = experiment(record.checkpoint(epoch), stimuli, PLAN).caused[columns]
        rows = found[found["epoch"] == epoch][columns].reset_index(drop=True)
        pd.testing.assert_frame_equal(rows, alone, check_dtype=False, check_exact=True)
    first, last = (found[found["epoch"] == e][columns].reset_index(drop=True) for e in (0, 2))
    assert not first.equals(last), "the training changed nothing"


def test_accuracy_is_that_of_the_training_and_known_before_it(record, whole):
    found = read_forming(whole).groupby("epoch")["accuracy"].unique().map(list)
    history = record.training.query("split == 'validation'").set_index("epoch")["accuracy"]
    for epoch in (1, 2):
        assert found[epoch] == [pytest.approx(history[epoch], abs=1e-12)]
    validation = record.faces.part("validation").table
    assert len(found[0]) == 1
    assert (found[0][0] * len(validation)) % 1 == pytest.approx(0, abs=1e-9)


def test_controls_are_measured_once(record, stimuli, whole, tmp_path, monkeypatch):
    ask, counts = module.ask, []

    def counted(*arguments):
        counts.append(1)
        return ask(*arguments)

    monkeypatch.setattr(module, "ask", counted)
    write_forming(record, stimuli, tmp_path / "out", PLAN)
    assert len(counts) == 1
    assert (tmp_path / "out/forming.csv").read_bytes() == (whole / "forming.csv").read_bytes()


def test_an_interrupted_call_goes_on_at_the_next_epoch(record, stimuli, whole, tmp_path):
    total = []

    def stop(done, whole, _note):
        total.append(whole)
        if done > whole / 2:  # within the second of three epochs
            raise KeyboardInterrupt

    out = tmp_path / "out"
    with pytest.raises(KeyboardInterrupt):
        write_forming(record, stimuli, out, PLAN, stop)
    assert [file.name for file in (out / "forming").iterdir()] == ["0000.csv"]
    with pytest.raises(ArtifactError, match=r"has no forming\.csv yet: .* was not finished"):
        read_forming(out)
    read = []
    write_forming(record, stimuli, out, PLAN, lambda done, *_: read.append(done))
    assert read[0] > total[0] / 3, "the first epoch was made again"
    assert read[-1] == total[0]
    for name in ("forming.csv", "forming.json"):
        assert (out / name).read_bytes() == (whole / name).read_bytes()
    assert not (out / "forming").exists()


def test_a_finished_table_is_read_only_and_checked(record, stimuli, whole, tmp_path, monkeypatch):
    out = shutil.copytree(whole, tmp_path / "out")
    monkeypatch.setattr(module, "analysed", None)  # nothing is made again
    again = write_forming(record, stimuli, out, PLAN)
    pd.testing.assert_frame_equal(again, read_forming(whole))
    with pytest.raises(CallError, match=r"holds a forming\.csv of other networks, or made with"):
        write_forming(record, stimuli, out, Plan(("conv1",), untrained=2, permutations=9))
    text = (out / "forming.csv").read_text()
    (out / "forming.csv").write_text(text.replace("rival", "caused", 1))
    with pytest.raises(ArtifactError, match=r"forming\.csv is not what the experiment left"):
        write_forming(record, stimuli, out, PLAN)
    note = read_json(whole / "forming.json")
    assert (note["layers"], note["untrained"], list(note["networks"])) == (
        ["conv1", "conv3"],
        2,
        ["0", "1", "2"],
    )


def test_a_changed_table_and_one_of_other_settings_are_replaced_where_that_is_asked_for(
    record, stimuli, whole, tmp_path
):
    out = shutil.copytree(whole, tmp_path / "out")
    (out / "forming.csv").write_text("epoch\n")
    write_forming(record, stimuli, out, PLAN, replace=True)
    assert (out / "forming.csv").read_bytes() == (whole / "forming.csv").read_bytes()
    (out / "forming").mkdir()
    (out / "forming" / "0000.csv").write_text("of another plan\n")
    other = Plan(("conv1",), untrained=2, permutations=9)
    found = write_forming(record, stimuli, out, other, replace=True)
    assert found["layer"].unique().tolist() == ["conv1"]
    assert found["epoch"].unique().tolist() == [0, 1, 2]


def test_epochs_are_summed_up_over_action_units(whole):
    """Derived again row by row; the other numbers are those of the table's first rows."""
    table = read_forming(whole)
    found = by_epoch(table)
    assert found[["epoch", "layer"]].to_numpy().tolist() == [
        [epoch, layer] for epoch in (0, 1, 2) for layer in ("conv1", "conv3")
    ]
    for row in found.itertuples():
        rows = [r for r in table.itertuples() if (r.epoch, r.layer) == (row.epoch, row.layer)]
        assert row.wins == pytest.approx(sum(r.wins for r in rows) / len(rows))
        assert row.auroc == pytest.approx(sum(r.auroc for r in rows) / len(rows))
        assert row.caused == sum(r.verdict == "caused" for r in rows)
        assert (row.aus, row.accuracy) == (len(rows), rows[0].accuracy)


def test_a_run_that_keeps_networks_looks_at_them_and_one_that_keeps_none_has_no_table(
    record, stimuli, tmp_path
):
    run = Run(shutil.copytree(record.run.folder, tmp_path / "run"))
    settings = dataclasses.replace(
        Settings.of(run), layers=["conv3"], permutations=9, stimuli=str(stimuli.root)
    )
    run.update(settings=settings.entries())
    for stage in (run_record, run_associate, run_experiment):
        stage(run, silent)
    found = RunRecord(run).table("experiment/forming.csv")
    own = RunRecord(run).table("experiment/caused.csv")
    best = record.description["training"]["best_epoch"]
    columns = ["layer", "au", "unit", "wins", "rival", "auroc", "verdict"]
    rows = found.loc[found["epoch"] == best, columns].reset_index(drop=True)
    pd.testing.assert_frame_equal(rows, own[columns], check_dtype=False)
    run.check("experiment")
    settings = dataclasses.replace(settings, checkpoints=None)
    run.update(settings=settings.entries())
    for stage in (run_train, run_record, run_associate, run_experiment):
        stage(run, silent)
    assert not RunRecord(run).has("experiment/forming.csv")


def test_a_run_without_checkpoints_is_one_sentence_and_leaves_nothing(run, stimuli, tmp_path):
    with pytest.raises(CallError, match="keeps no network along its training: train it again"):
        write_forming(run, stimuli, tmp_path / "out", PLAN)
    assert not (tmp_path / "out").exists()


def test_the_command(record, stimuli, whole, tmp_path, capsys, monkeypatch):
    def call(network):
        arguments = ["experiment", network, "--stimuli", stimuli.root, "--out", tmp_path / "out"]
        arguments += ["--layer", "conv1", "--layer", "conv3", "--untrained", "2"]
        arguments += ["--permutations", "9", "--checkpoints"]
        monkeypatch.setattr("sys.argv", ["facslens", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            main()
        return end.value.code or 0, *capsys.readouterr()

    code, _, err = call("compact")
    assert code == 2
    assert "--checkpoints needs a run that was trained with --checkpoints: compact is no run" in err
    assert not (tmp_path / "out").exists()
    code, out, err = call(record.run.folder)
    assert code == 0, err
    assert (tmp_path / "out/forming.csv").read_bytes() == (whole / "forming.csv").read_bytes()
    assert (tmp_path / "out/caused.csv").is_file()
    last = by_epoch(read_forming(whole)).iloc[-1]
    lines = [line.split() for line in out.splitlines() if "│" in line]
    assert any(f"{last['auroc']:.3f}" in line and f"{last['accuracy']:.3f}" in line
               for line in lines), out  # fmt: skip
