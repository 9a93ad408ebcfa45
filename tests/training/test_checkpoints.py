import dataclasses
import math
import os
import shutil
import signal
import subprocess
import sys
import textwrap
import time

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import load_file
from torch.nn import functional

from facslens.cli.main import main
from facslens.datasets.load import load
from facslens.datasets.splits import holdout
from facslens.errors import ArtifactError, CallError
from facslens.models.initial import initial
from facslens.preprocess import augment, normalise
from facslens.preprocess.input import grey_contrast
from facslens.progress import silent
from facslens.runs.folder import Run
from facslens.runs.record import RunRecord
from facslens.runs.settings import Settings
from facslens.stages.faces import run_faces
from facslens.stages.train import run_train
from facslens.training.checkpoints import parse_checkpoints
from facslens.training.fit import fit
from facslens.training.recipe import Recipe

RECIPE = Recipe(epochs=3, batch_size=16)


@pytest.fixture(scope="module")
def few(draw_ck48, tmp_path_factory):
    """Faces of twelve people, one of each expression."""
    return draw_ck48(tmp_path_factory.mktemp("few"), subjects=12, frames=1)


@pytest.fixture(scope="module")
def faces(few):
    faces = load(f"ck48:{few}")
    return faces.with_split(holdout(faces, seed=0))


@pytest.fixture(scope="module")
def training(faces):
    return fit(faces, seed=4, recipe=RECIPE, checkpoints=(0, 1, 3))


def equal(found, expected):
    return found.keys() == expected.keys() and all(
        torch.equal(value, expected[name]) for name, value in found.items()
    )


def by_hand(faces, epochs):
    """The averaged weights after every epoch: the training again, with PyTorch alone."""
    part = faces.part("train").table
    names = faces.expressions
    images = normalise.read(list(part["path"]), grey_contrast(48))
    classes = torch.tensor([names.index(name) for name in part["expression"]])
    network = initial("paper", names, 48, 4).network.train()  # dropout acts
    batches = math.ceil(len(part) / 16)
    warm_up = max(1, min(100, epochs * batches // 6))
    optimiser = torch.optim.AdamW(network.parameters(), lr=1e-3, weight_decay=0.01)
    average, step, kept = None, 0, []
    with torch.random.fork_rng():
        for epoch in range(epochs):
            order = np.random.default_rng([4, epoch]).permutation(len(part))
            for start in range(0, len(part), 16):
                chosen = order[start : start + 16]
                number = int(np.random.SeedSequence([4, step]).generate_state(1)[0])
                torch.manual_seed(number)
                drawn = torch.Generator().manual_seed(number)
                batch = augment.augment(images[chosen], RECIPE.augmentation, drawn)
                scores = network(normalise.standardise(batch))
                fall = (1 + math.cos(math.pi * step / (epochs * batches))) / 2
                optimiser.param_groups[0]["lr"] = 1e-3 * min(1, (step + 1) / warm_up) * fall
                optimiser.zero_grad()
                functional.cross_entropy(scores, classes[chosen], label_smoothing=0.1).backward()
                optimiser.step()
                now = {name: w.detach().clone() for name, w in network.state_dict().items()}
                first = average is None
                average = now if first else {k: 0.98 * average[k] + 0.02 * now[k] for k in now}
                step += 1
            kept.append(average)
    return kept


def test_the_network_before_the_training_is_the_one_it_begins_with(faces, training):
    begun = initial("paper", faces.expressions, 48, 4).network.state_dict()
    assert equal(training.checkpoints[0], begun)


def test_checkpoints_are_the_averaged_weights_of_a_training_written_out(faces, training):
    expected = by_hand(faces, 3)
    for epoch in (1, 3):
        assert equal(training.checkpoints[epoch], expected[epoch - 1]), epoch


def test_keeping_networks_changes_no_training_and_the_best_is_one_of_them(faces, training):
    plain = fit(faces, seed=4, recipe=RECIPE)
    assert not plain.checkpoints
    pd.testing.assert_frame_equal(plain.history, training.history)
    assert equal(training.model.network.state_dict(), plain.model.network.state_dict())
    every = fit(faces, seed=4, recipe=RECIPE, checkpoints=(1, 2, 3)).checkpoints
    assert equal(every[3], training.checkpoints[3])
    best = training.model.training["best_epoch"]
    assert equal(every[best], plain.model.network.state_dict())


def test_a_training_that_stops_early_has_the_last_and_not_only_the_best(faces):
    hasty = Recipe(epochs=40, batch_size=16, learning_rate=0.01, average=0.1, patience=1)
    training = fit(faces, seed=4, recipe=hasty, checkpoints=range(41))
    best, last = training.model.training["best_epoch"], training.history["epoch"].max()
    assert list(training.checkpoints) == list(range(last + 1))
    assert equal(training.checkpoints[best], training.model.network.state_dict())
    assert not equal(training.checkpoints[last], training.checkpoints[best])


def test_a_training_that_was_stopped_goes_on_to_the_same_networks(faces, training, tmp_path):
    class StopError(Exception):
        pass

    def stop(done, _total, _note):
        if done == 2:
            raise StopError

    epochs = []
    with pytest.raises(StopError):
        fit(faces, seed=4, recipe=RECIPE, checkpoints=(0, 1, 3), folder=tmp_path, progress=stop)
    resumed = fit(
        faces,
        seed=4,
        recipe=RECIPE,
        checkpoints=(0, 1, 3),
        folder=tmp_path,
        progress=lambda done, _total, _note: epochs.append(done),
    )
    assert epochs == [2, 3], "it began anew instead of going on"
    assert list(resumed.checkpoints) == [0, 1, 3]
    for epoch, weights in training.checkpoints.items():
        assert equal(resumed.checkpoints[epoch], weights), epoch


def test_other_checkpoints_are_another_training(faces, tmp_path):
    """One that was stopped without them has not what it would need to go on."""

    class StopError(Exception):
        pass

    def stop(done, _total, _note):
        if done == 2:
            raise StopError

    with pytest.raises(StopError):
        fit(faces, seed=4, recipe=RECIPE, folder=tmp_path, progress=stop)
    found = fit(faces, seed=4, recipe=RECIPE, checkpoints=(1,), folder=tmp_path)
    assert list(found.checkpoints) == [1]


@pytest.fixture(scope="module")
def trained(few, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "run"
    settings = Settings(recipe=RECIPE, checkpoints=[0, 2])
    made = Run.create(folder, data=f"ck48:{few}", seed=4, settings=settings.entries())
    run_faces(made, silent)
    run_train(made, silent)
    return folder


@pytest.fixture
def run(trained, tmp_path):
    return Run(shutil.copytree(trained, tmp_path / "run"))


def choose(run, **changes):
    recipe = dataclasses.replace(RECIPE, epochs=1)
    settings = dataclasses.replace(Settings.of(run), recipe=recipe, **changes)
    run.update(settings=settings.entries())
    run_train(run, silent)


def test_a_run_keeps_them_as_weights_alone_and_notes_their_folder(run):
    folder = run / "checkpoints"
    assert sorted(file.name for file in folder.iterdir()) == [
        "0000.safetensors",
        "0002.safetensors",
    ]
    record = RunRecord(run)
    assert record.checkpoints == (0, 2)
    whole = fit(record.faces, seed=4, recipe=RECIPE, checkpoints=(0, 2)).checkpoints
    for epoch in (0, 2):
        assert equal(record.checkpoint(epoch).network.state_dict(), whole[epoch])
        assert equal(load_file(folder / f"{epoch:04d}.safetensors"), whole[epoch])
    modes = {file.stat().st_mode for file in (*folder.iterdir(), run / "model.safetensors")}
    assert len(modes) == 1
    assert run.is_done("train")
    run.check("train")


def test_a_run_whose_training_is_killed_ends_with_the_same_files(trained, few, tmp_path):
    settings = Settings(recipe=RECIPE, checkpoints=[0, 2])
    made = Run.create(tmp_path / "run", data=f"ck48:{few}", seed=4, settings=settings.entries())
    run_faces(made, silent)
    script = textwrap.dedent(
        f"""
        import time
        from pathlib import Path
        import torch
        from facslens.runs.folder import Run
        from facslens.stages.train import run_train

        torch.set_num_threads({torch.get_num_threads()})

        def slow(done, total, note):
            time.sleep(1)  # so that the kill comes between two epochs

        run_train(Run(Path({str(made.folder)!r})), slow)
        """
    )
    child = subprocess.Popen([sys.executable, "-c", script])
    deadline = time.monotonic() + 240
    while not list(made.folder.glob("training-*.ckpt")):
        assert time.monotonic() < deadline, "no state of the training came"
        assert child.poll() is None, "the training ended before it could be killed"
        time.sleep(0.02)
    os.kill(child.pid, signal.SIGKILL)
    assert child.wait() == -signal.SIGKILL
    assert not (made / "checkpoints").exists()
    epochs = []
    run_train(made, lambda done, _total, _note: epochs.append(done))
    assert epochs in ([2, 3], [3]), "it began anew instead of going on"
    for name in ("checkpoints/0000.safetensors", "checkpoints/0002.safetensors"):
        assert (made / name).read_bytes() == (trained / name).read_bytes(), name
    noted = [Run(f).info["stages"]["train"]["files"]["checkpoints"] for f in (made.folder, trained)]
    assert noted[0] == noted[1]


def test_another_training_replaces_or_removes_them(run):
    choose(run, checkpoints=[1])
    assert [file.name for file in (run / "checkpoints").iterdir()] == ["0001.safetensors"]
    choose(run, checkpoints=None)
    assert not (run / "checkpoints").exists()
    assert "checkpoints" not in run.info["stages"]["train"]["files"]
    with pytest.raises(CallError, match="keeps no network along its training: train it again with"):
        assert RunRecord(run).checkpoints


def test_a_changed_or_lost_one_is_found_and_can_be_accepted(run):
    file = run / "checkpoints" / "0002.safetensors"
    file.write_bytes((run / "checkpoints" / "0000.safetensors").read_bytes())
    with pytest.raises(ArtifactError, match="checkpoints is not what the stage train left"):
        assert RunRecord(run).checkpoints
    with pytest.raises(ArtifactError, match="checkpoints is not what the stage train left"):
        run.check("train")
    run.accept(["checkpoints"])
    assert RunRecord(run).checkpoints == (0, 2)
    assert run.is_done("train")
    file.unlink()
    with pytest.raises(ArtifactError, match="checkpoints is not what the stage train left"):
        assert RunRecord(run).checkpoints


@pytest.mark.parametrize("text", ["", "a", "0,,1", "-1", "1.0", "0 1", "²", "9" * 5000])
def test_nonsense_is_one_sentence(text):
    with pytest.raises(CallError, match="expected numbers of finished epochs, separated by commas"):
        parse_checkpoints(text)


def test_epochs_are_read_in_any_order_and_once():
    assert parse_checkpoints(" 4, 0,01 ") == [0, 1, 4]
    assert parse_checkpoints("none") is None
    with pytest.raises(CallError, match="names the epoch 1 twice"):
        parse_checkpoints("1,0,01")


def test_epochs_that_the_training_has_not_are_refused(faces):
    message = "names the epoch 4, but the training has 3 epochs: expected at most 3"
    with pytest.raises(CallError, match=message):
        Settings(recipe=RECIPE, checkpoints=[0, 4]).check()
    with pytest.raises(CallError, match=message):
        fit(faces, recipe=RECIPE, checkpoints=(4,))
    with pytest.raises(CallError, match="names the epoch 31, but the training has 30 epochs"):
        fit(faces, checkpoints=(31,))
    with pytest.raises(CallError, match="names the epoch -1: expected 0 or more"):
        fit(faces, checkpoints=(-1,))


def test_the_command_trains_again_with_them(run, monkeypatch, capsys):
    def call(*arguments):
        monkeypatch.setattr("sys.argv", ["facslens", "train", str(run.folder), *arguments])
        with pytest.raises(SystemExit) as end:
            main()
        return end.value.code or 0, capsys.readouterr().err

    code, err = call("--checkpoints", "1,x")
    assert (code, err.count("\n")) == (2, 1)
    assert "expected numbers of finished epochs" in err
    code, err = call("--checkpoints", "0,9")
    assert code == 2
    assert "--checkpoints names the epoch 9, but the training has 3 epochs" in err
    assert RunRecord(run).checkpoints == (0, 2)
    code, err = call("--checkpoints", "3,1")
    assert code == 0, err
    assert RunRecord(run).checkpoints == (1, 3)
    assert Settings.of(run).checkpoints == [1, 3]


def test_a_run_with_impossible_checkpoints_is_not_begun(few, tmp_path, monkeypatch, capsys):
    arguments = ["run", "--data", f"ck48:{few}", "--out", str(tmp_path / "run")]
    for checkpoints, message in (
        ("0,0", "--checkpoints names the epoch 0 twice: expected once"),
        ("0,5", "--checkpoints names the epoch 5, but the training has 2 epochs"),
        ("best", "--checkpoints is 'best': expected numbers of finished epochs"),
    ):
        call = [*arguments, "--epochs", "2", "--checkpoints", checkpoints]
        monkeypatch.setattr("sys.argv", ["facslens", *call])
        with pytest.raises(SystemExit) as end:
            main()
        assert end.value.code == 2
        err = capsys.readouterr().err
        assert (message in err, err.count("\n")) == (True, 1), err
        assert not (tmp_path / "run").exists()
