"""Every control against a second way to compute it."""

import numpy as np
import pytest
import torch

import facslens as fl
from facslens.controls.baselines import shuffle_labels, shuffled, untrained
from facslens.controls.champions import ComparisonDesign, Units
from facslens.controls.pixels import BLOCK, CELL, ORIENTATIONS, gradients, hog, pixels
from facslens.controls.probe import PENALTIES, choose_penalty, probe
from facslens.controls.rotated import rotated
from facslens.directions.rotation import random_rotation
from facslens.errors import CallError, NotEnoughDataError
from facslens.models.model import build
from facslens.preprocess import normalise
from facslens.preprocess.input import grey_contrast
from facslens.training.recipe import Recipe


@pytest.fixture(scope="module")
def faces(drawn_ck48):
    return fl.split(fl.load_faces(f"ck48:{drawn_ck48}"), seed=0)


@pytest.fixture(scope="module")
def model(faces):
    return build("paper", faces.expressions, 48, seed=0)


def test_an_untrained_network_differs_by_seed_alone(model) -> None:
    one, two, again = (untrained(model, seed) for seed in (1, 2, 1))
    assert (one.architecture, one.size, one.expressions) == ("paper", 48, model.expressions)
    weights = [m.network.state_dict()["conv1.weight"] for m in (one, two, again)]
    assert torch.equal(weights[0], weights[2])
    assert not torch.equal(weights[0], weights[1])


def test_shuffled_labels_move_between_sequences_of_the_training_part(faces) -> None:
    moved = shuffle_labels(faces, seed=1)
    before, after = faces.table, moved.table
    training = (before["split"] == "train").to_numpy()
    assert after["expression"][~training].equals(before["expression"][~training])
    # the frames of a sequence keep together, and every label is as frequent as before
    assert (after[training].groupby("sequence")["expression"].nunique() == 1).all()
    assert sorted(after["expression"][training]) == sorted(before["expression"][training])
    changed = (after["expression"] != before["expression"])[training].mean()
    assert changed == pytest.approx(2 / 3, abs=0.2)  # three expressions, equally frequent
    columns = [c for c in before.columns if c != "expression"]
    assert after[columns].equals(before[columns])
    assert shuffle_labels(faces, seed=1).table.equals(after)


def test_neutral_frames_of_a_sequence_get_a_label_of_their_own(faces) -> None:
    table = faces.table.copy()
    table.loc[table["frame"] == table["frame"].min(), "expression"] = "neutral"
    mixed = fl.Faces(table, "mixed")
    moved = shuffle_labels(mixed, seed=0).table
    assert sorted(moved["expression"]) == sorted(table["expression"])


def test_one_expression_cannot_be_shuffled(faces) -> None:
    happy = faces.where((faces.table["expression"] == "happiness").to_numpy())
    with pytest.raises(NotEnoughDataError, match="shows 1 expressions: shuffling needs two"):
        shuffle_labels(happy, seed=0)


def test_training_on_shuffled_labels_with_a_cheap_recipe(faces, model) -> None:
    found = shuffled(faces, model, Recipe(epochs=1), seed=0)
    assert found.model.training["recipe"]["epochs"] == 1
    assert found.model.expressions == model.expressions


def test_a_rotation_is_orthogonal_and_favours_no_direction() -> None:
    q = random_rotation(30, seed=4)
    np.testing.assert_allclose(q.T @ q, np.eye(30), atol=1e-12)
    # the first entry of a Haar matrix of 3×3 is uniform on −1 … 1 (Archimedes)
    first = np.array([random_rotation(3, seed)[0, 0] for seed in range(2000)])
    np.testing.assert_allclose(np.quantile(first, [0.1, 0.5, 0.9]), [-0.8, 0, 0.8], atol=0.06)


def test_mixtures_are_made_before_the_maximum(faces, model) -> None:
    some = faces.where(np.arange(len(faces)) < 5)
    units = np.array([3, 7, 20])
    found = rotated(model, some, "conv2", units, seed=2, batch_size=2)
    batch = next(normalise.batches(list(some.table["path"]), grey_contrast(48), 5))
    maps = batch
    with torch.inference_mode():
        for name, module in model.network.named_children():
            maps = module(maps)
            if name == "relu2":
                break
    q = random_rotation(3, seed=2)
    for image in range(5):
        chosen = maps[image, units].numpy().astype(float)
        for mixture in range(3):
            mixed = sum(q[mixture, u] * chosen[u] for u in range(3))
            # float32 sums in another order
            assert found[image, mixture] == pytest.approx(mixed.max(), rel=1e-4, abs=1e-5)
    with pytest.raises(CallError, match="units is empty: no unit of 'conv2' is live"):
        rotated(model, some, "conv2", np.array([], dtype=int), seed=0)


def test_pixels_stand_twice(faces) -> None:
    some = faces.where(np.arange(len(faces)) < 70)  # more than a batch
    found = pixels(some, grey_contrast(48))
    assert found.shape == (70, 2 * 48 * 48)
    batch = next(normalise.batches(list(some.table["path"][66:67]), grey_contrast(48), 1))
    np.testing.assert_allclose(found[66, : 48 * 48], batch.flatten().numpy(), atol=1e-5)
    np.testing.assert_array_equal(found[:, : 48 * 48], -found[:, 48 * 48 :])
    nobody = faces.where(np.zeros(len(faces), bool))
    assert pixels(nobody, grey_contrast(48)).shape == (0, 2 * 48 * 48)
    assert gradients(nobody, grey_contrast(48)).shape == (0, 900)


def slow_hog(image: np.ndarray) -> np.ndarray:
    """Dalal and Triggs pixel by pixel."""
    height, width = image.shape
    cells = np.zeros((height // CELL, width // CELL, ORIENTATIONS))
    for r in range(cells.shape[0] * CELL):
        for c in range(cells.shape[1] * CELL):
            dy = image[min(r + 1, height - 1), c] - image[max(r - 1, 0), c]
            dx = image[r, min(c + 1, width - 1)] - image[r, max(c - 1, 0)]
            degrees = np.degrees(np.arctan2(dy, dx)) % 180
            for k in range(ORIENTATIONS):
                gap = abs(degrees - 20 * k)
                gap = min(gap, 180 - gap)
                cells[r // CELL, c // CELL, k] += np.hypot(dy, dx) * max(0, 1 - gap / 20)
    out = []
    for r in range(cells.shape[0] - 1):
        for c in range(cells.shape[1] - 1):
            block = cells[r : r + BLOCK, c : c + BLOCK].ravel()
            out.append(block / np.sqrt((block**2).sum() + 1e-4))
    return np.concatenate(out)


def test_histograms_of_gradients_equal_a_loop_over_pixels(rng) -> None:
    images = rng.random((3, 27, 24))
    found = hog(images)
    assert found.shape == (3, 2 * 2 * 4 * 9)
    for image, features in zip(images, found, strict=True):
        np.testing.assert_allclose(features, slow_hog(image), atol=1e-10)
    with pytest.raises(
        CallError, match="images are of 15×48 pixels: needs at least a block of 16×16"
    ):
        hog(rng.random((1, 15, 48)))


def test_gradients_read_the_grey_levels(faces) -> None:
    some = faces.where(np.arange(len(faces)) < 2)
    grey = normalise.read(list(some.table["path"]), grey_contrast(48))[1, 0].double().numpy()
    np.testing.assert_allclose(gradients(some, grey_contrast(48))[1], slow_hog(grey), atol=1e-6)


def test_the_penalty_is_chosen_on_people_left_out(rng) -> None:
    """Every person has an offset that training could learn by heart: only left out it shows."""
    subject = np.repeat(np.arange(25), 4)
    label = (rng.random(100) < 0.5).astype(float)
    signal = rng.normal(size=(100, 1)) + 2 * label[:, None]
    auroc, penalty = choose_penalty(signal, label, subject, seed=0)
    assert 0.8 < auroc < 1
    noise, _ = choose_penalty(rng.normal(size=(100, 80)), label, subject, seed=0)
    assert 0.35 < noise < 0.65
    assert penalty in PENALTIES
    alone = choose_penalty(signal, np.ones(100), subject, seed=0)
    assert np.isnan(alone[0])
    assert alone[1] == PENALTIES[-1]


def test_a_probe_reads_what_is_spread_over_units(faces) -> None:
    design = ComparisonDesign(faces.part("train", "validation"), faces.part("test"))
    rng = np.random.default_rng(0)

    def respond(part):
        """Eight units of which each knows little, and two that are dead."""
        noise = rng.normal(size=(len(part), 10))
        noise += np.outer(part.presence(["AU12"])[:, 0], np.ones(10))
        noise[:, 8:] = 0
        return noise

    units = Units(respond(design.discovery), respond(design.confirmation))
    found = probe(units, design)
    column = list(found.table["au"]).index("AU12")
    assert found.table.loc[column, "auroc"] > 0.9
    test = design.confirmation.table
    label = test.groupby("sequence")["AU12"].max().to_numpy()
    response = found.response[:, column]
    wins = (response[label == 1][:, None] > response[label == 0]).mean()
    single = units.confirmation[:, 0]
    rows = test["AU12"].to_numpy()
    assert wins > (single[rows == 1][:, None] > single[rows == 0]).mean() + 0.1
    dead = Units(np.zeros_like(units.discovery), np.zeros_like(units.confirmation))
    assert np.isnan(probe(dead, design).response).all()
    assert probe(dead, design).table["auroc"].isna().all()
