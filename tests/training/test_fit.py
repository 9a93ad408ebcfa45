import dataclasses
import os
import signal
import subprocess
import sys
import textwrap
import time

import numpy as np
import pandas as pd
import pytest
import torch

from facslens.datasets.load import load
from facslens.datasets.splits import holdout
from facslens.errors import CallError, NotEnoughDataError
from facslens.models.initial import digest
from facslens.models.model import build
from facslens.models.pretrained import load_pretrained
from facslens.training.fit import fit
from facslens.training.module import EpochOrder
from facslens.training.predictions import accuracy, predict
from facslens.training.recipe import FINE_TUNING, Recipe

RECIPE = Recipe(epochs=3, batch_size=16)


def divided(folder):
    faces = load(f"ck48:{folder}")
    return faces.with_split(holdout(faces, seed=0))


@pytest.fixture(scope="module")
def single(draw_ck48, tmp_path_factory):
    """A folder with one face of each expression of 24 people."""
    return draw_ck48(tmp_path_factory.mktemp("single"), subjects=24, frames=1)


@pytest.fixture(scope="module")
def faces(single):
    return divided(single)


@pytest.fixture(scope="module")
def training(faces):
    return fit(faces, seed=4, recipe=RECIPE)


def test_drawn_expressions_are_learned_and_hold_on_unseen_subjects(drawn_ck48):
    faces = divided(drawn_ck48)
    training = fit(faces, seed=4, recipe=Recipe(epochs=6, batch_size=16))
    assert accuracy(predict(training.model, faces.part("test"))) == 1.0


def test_the_history_tells_every_epoch_and_the_best_one_is_kept(faces, training):
    history = training.history
    assert history["epoch"].tolist() == [1, 1, 2, 2, 3, 3]
    assert history["split"].tolist() == ["train", "validation"] * 3
    validation = history[history["split"] == "validation"].set_index("epoch")
    best = training.model.training["best_epoch"]
    assert best == validation["loss"].idxmin()
    found = accuracy(predict(training.model, faces.part("validation")))
    assert found == pytest.approx(validation.loc[best, "accuracy"])


def test_the_same_seed_gives_the_same_weights_and_leaves_the_global_state_alone(faces, training):
    state = torch.random.get_rng_state()
    again = fit(faces, seed=4, recipe=RECIPE)
    assert torch.equal(torch.random.get_rng_state(), state)
    for name, weight in training.model.network.state_dict().items():
        assert torch.equal(weight, again.model.network.state_dict()[name]), name


def test_a_killed_training_goes_on_to_the_same_result(single, faces, training, tmp_path):
    script = textwrap.dedent(
        f"""
        import sys, time
        from pathlib import Path
        import torch
        from facslens.datasets.load import load
        from facslens.datasets.splits import holdout
        from facslens.training.fit import fit
        from facslens.training.recipe import Recipe

        torch.set_num_threads({torch.get_num_threads()})
        faces = load({f"ck48:{single}"!r})
        faces = faces.with_split(holdout(faces, seed=0))

        def slow(done, total, note):
            time.sleep(1)  # so that the kill comes between two epochs

        fit(faces, seed=4, recipe=Recipe(epochs=3, batch_size=16),
            folder=Path({str(tmp_path)!r}), progress=slow)
        """
    )
    child = subprocess.Popen([sys.executable, "-c", script])
    deadline = time.monotonic() + 120
    while not list(tmp_path.glob("training-*.ckpt")):
        assert time.monotonic() < deadline, "no checkpoint came"
        assert child.poll() is None, "the training ended before it could be killed"
        time.sleep(0.02)
    os.kill(child.pid, signal.SIGKILL)
    assert child.wait() == -signal.SIGKILL

    epochs = []
    resumed = fit(
        faces,
        seed=4,
        recipe=RECIPE,
        folder=tmp_path,
        progress=lambda done, _total, _note: epochs.append(done),
    )
    assert epochs in ([2, 3], [3]), "it began anew instead of going on"
    pd.testing.assert_frame_equal(resumed.history, training.history)
    for name, weight in training.model.network.state_dict().items():
        assert torch.equal(weight, resumed.model.network.state_dict()[name]), name
    assert not list(tmp_path.glob("training-*.ckpt"))


def test_a_damaged_checkpoint_is_not_gone_on_from(faces, training, tmp_path):
    class StopError(Exception):
        pass

    def stop(done, _total, _note):
        if done == 2:
            raise StopError

    with pytest.raises(StopError):
        fit(faces, seed=4, recipe=RECIPE, folder=tmp_path, progress=stop)
    (checkpoint,) = tmp_path.glob("training-*.ckpt")
    checkpoint.write_bytes(checkpoint.read_bytes()[:1000])
    again = fit(faces, seed=4, recipe=RECIPE, folder=tmp_path)
    pd.testing.assert_frame_equal(again.history, training.history)


def test_batch_normalisation_follows_the_faces_and_keeps_what_it_came_with(faces):
    """From random weights it learns the faces' statistics; a fine-tuning keeps those it has."""
    recipe = Recipe(epochs=1, batch_size=16)
    first = fit(faces, architecture="compact", seed=2, recipe=recipe).model.network.state_dict()
    means = [value for name, value in first.items() if name.endswith("running_mean")]
    assert all(mean.abs().max() > 0 for mean in means)
    other = build("compact", faces.expressions, 48, seed=9)
    for part in other.network.modules():
        if isinstance(part, torch.nn.BatchNorm2d):
            part.running_mean.fill_(0.25)
    tuned = fit(faces, architecture="compact", seed=2, recipe=recipe, init=other).model.network
    means = [value for name, value in tuned.state_dict().items() if name.endswith("running_mean")]
    assert all((mean == 0.25).all() for mean in means)
    assert not any(part.training for part in tuned.modules())


def test_early_stopping_ends_one_epoch_after_the_best(faces):
    # Weights that are not averaged jump about, so that some epoch is soon worse than the last.
    hasty = Recipe(epochs=40, batch_size=16, learning_rate=0.01, average=0.1, patience=1)
    training = fit(faces, seed=4, recipe=hasty)
    last = training.history["epoch"].max()
    assert last == training.model.training["best_epoch"] + 1
    assert last < 40


def test_no_validation_part_and_one_expression_are_refused(faces):
    everything = faces.with_split(pd.Series(["train"] * len(faces)))
    with pytest.raises(NotEnoughDataError, match="validation part of ck48 holds no face"):
        fit(everything, recipe=RECIPE)
    happy = faces.where((faces.table["expression"] == "happiness").to_numpy())
    with pytest.raises(
        NotEnoughDataError, match="shows happiness: expected two or more expressions"
    ):
        fit(happy, recipe=RECIPE)


def test_the_order_depends_on_seed_and_epoch_alone():
    order = EpochOrder(50, seed=1)
    order.set_epoch(3)
    first = list(order)
    assert sorted(first) == list(range(50))
    assert list(order) == first
    order.set_epoch(4)
    assert list(order) != first
    other = EpochOrder(50, seed=2)
    other.set_epoch(3)
    assert list(other) != first


def test_predictions_do_not_depend_on_the_batch_size(faces, training):
    one, many = (predict(training.model, faces, batch_size=n) for n in (1, 64))
    expressions = list(training.model.expressions)
    np.testing.assert_allclose(one[expressions], many[expressions], atol=1e-5)
    assert one[expressions].sum(axis=1).to_numpy() == pytest.approx(1, abs=1e-5)


@pytest.fixture(scope="module")
def begun():
    """A small stand-in for a trained network; it knows an expression too many, in another order."""
    return build("paper", ("surprise", "fear", "happiness", "anger"), 48, seed=9)


def test_a_training_of_no_size_leaves_the_weights_it_began_with(faces, begun):
    # a rate of 1e-12 moves no weight; their average rounds anew at each of the nine steps
    still = Recipe(epochs=1, batch_size=16, learning_rate=1e-12, weight_decay=0.0)
    trained = fit(faces, seed=4, recipe=still, init=begun).model
    before, after = begun.network.state_dict(), trained.network.state_dict()
    assert trained.expressions == ("anger", "happiness", "surprise")
    for name, weight in after.items():
        expected = before[name][[3, 2, 0]] if name.startswith("scores") else before[name]
        torch.testing.assert_close(weight, expected, atol=1e-6, rtol=0)


def test_a_beginning_is_noted_and_changes_recipe_and_result(faces, training, begun):
    small = dataclasses.replace(FINE_TUNING, epochs=1)
    tuned = fit(faces, seed=4, recipe=small, init=begun).model
    assert tuned.training["init"] == {"weights": digest(begun), "training": {}}
    assert training.model.training["init"] is None
    drawn = fit(faces, seed=4, recipe=small).model
    assert digest(tuned) != digest(drawn)


def test_a_fine_tuning_that_was_stopped_goes_on_only_from_its_own_beginning(faces, begun, tmp_path):
    class StopError(Exception):
        pass

    def stop(done, _total, _note):
        if done == 2:
            raise StopError

    whole = fit(faces, seed=4, recipe=RECIPE, init=begun)
    with pytest.raises(StopError):
        fit(faces, seed=4, recipe=RECIPE, init=begun, folder=tmp_path, progress=stop)
    (checkpoint,) = tmp_path.glob("training-*.ckpt")
    other, epochs = build("paper", begun.expressions, 48, seed=10), []
    with pytest.raises(StopError):
        fit(faces, seed=4, recipe=RECIPE, init=other, folder=tmp_path, progress=stop)
    assert len(list(tmp_path.glob("training-*.ckpt"))) == 2, "it took another's checkpoint"

    def count(done, _total, _note):
        epochs.append(done)

    resumed = fit(faces, seed=4, recipe=RECIPE, init=begun, folder=tmp_path, progress=count)
    assert epochs == [2, 3]
    assert digest(resumed.model) == digest(whole.model)
    pd.testing.assert_frame_equal(resumed.history, whole.history)
    assert not checkpoint.exists()


def test_a_network_that_has_seen_held_out_people_is_refused(faces, training):
    again = fit(faces, seed=5, recipe=Recipe(epochs=1, batch_size=16), init=training.model).model
    other = faces.with_split(holdout(faces, seed=1))
    for model in (training.model, again):  # by itself, and by what it began from
        with pytest.raises(
            CallError, match="trained on the same faces with another split, and thus on people who"
        ):
            fit(other, recipe=RECIPE, init=model)
    later = dataclasses.replace(again, training={"init": {"training": again.training}})
    with pytest.raises(
        CallError, match="trained on the same faces with another split, and thus on people who"
    ):
        fit(other, recipe=RECIPE, init=later)


def test_the_packaged_network_is_held_out_no_face_it_learned_from(faces):
    """In the published parts of FER+ it may go on learning; in folds over them it may not."""
    seen = load_pretrained()
    later = dataclasses.replace(seen, training={"init": {"training": seen.training}})

    def named(train, others):
        part = np.where(faces.table["split"] == "train", train, others)
        return dataclasses.replace(
            faces, table=faces.table.assign(image=part + faces.table["image"])
        )

    recipe = Recipe(epochs=1, batch_size=16)
    for model in (seen, later):
        with pytest.raises(
            CallError, match="trained on the same faces with another split, and thus on people who"
        ):
            fit(
                named("FER2013Valid/", "FER2013Train/"),
                architecture="compact",
                recipe=recipe,
                init=model,
            )
    fit(named("FER2013Train/", "FER2013Valid/"), architecture="compact", recipe=recipe, init=seen)


def test_another_architecture_is_no_beginning(faces, begun):
    with pytest.raises(CallError, match="init is of the architecture 'paper': expected 'compact'"):
        fit(faces, architecture="compact", recipe=RECIPE, init=begun)
