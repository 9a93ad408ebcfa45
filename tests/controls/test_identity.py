"""The network that learns who is shown: from whom, from which faces, and that it does."""

import hashlib

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

import facslens as fl
from facslens.controls.identity import identity, people
from facslens.datasets.base import make_table
from facslens.errors import NotEnoughDataError
from facslens.models.model import build
from facslens.preprocess import ahead
from facslens.preprocess.augment import NONE
from facslens.training.predictions import accuracy, predict
from facslens.training.recipe import Recipe


@pytest.fixture(scope="module")
def faces(drawn_ck48):
    return fl.split(fl.load_faces(f"ck48:{drawn_ck48}"), seed=0)


@pytest.fixture(scope="module")
def model(faces):
    return build("paper", faces.expressions, 48, seed=0)


@pytest.fixture(scope="module")
def trained(faces, model):
    return identity(faces, model, Recipe(epochs=1), seed=0)


def held_out_by_hand(faces, seed):
    """Go through the sequences one by one, in the order of their hashes."""
    table = faces.table[faces.table["split"] != "test"]
    wanted = int((table["split"] == "validation").sum())
    owner = dict(zip(table["sequence"], table["subject"], strict=True))
    order = sorted(owner, key=lambda name: hashlib.sha256(f"{seed} {name}".encode()).hexdigest())
    held, out = [], set()
    for name in order:
        others = [other for other in owner if owner[other] == owner[name] and other != name]
        if sum(table["sequence"].isin(held)) < wanted and others and owner[name] not in out:
            held.append(name)
            out.add(owner[name])
    return set(table.loc[table["sequence"].isin(held), "image"])


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_held_out_faces_are_those_of_a_loop_over_sequences(faces, seed) -> None:
    lesson = people(faces, seed)
    assert set(lesson.validation.table["image"]) == held_out_by_hand(faces, seed)


def test_labels_are_people_and_nobody_of_the_confirmation_part_is_learned(faces) -> None:
    lesson = people(faces, seed=0)
    table = faces.table
    own = set(table.loc[table["split"] != "test", "subject"])
    assert lesson.label == "subject"
    assert lesson.classes == tuple(sorted(own))
    assert set(lesson.train.table["subject"]) == own
    assert set(lesson.validation.table["subject"]) <= own
    learned, held = set(lesson.train.table["image"]), set(lesson.validation.table["image"])
    assert learned | held == set(table.loc[table["split"] != "test", "image"])


def test_whole_sequences_are_held_out_and_as_many_faces_as_the_run_holds_out(faces) -> None:
    lesson = people(faces, seed=0)
    assert not set(lesson.train.table["sequence"]) & set(lesson.validation.table["sequence"])
    assert lesson.validation.table.groupby("subject")["sequence"].nunique().max() == 1
    assert len(lesson.train) == len(faces.part("train"))
    assert len(lesson.validation) == len(faces.part("validation"))


def test_a_subject_of_one_sequence_is_learned_but_never_held_out(faces) -> None:
    table = faces.table
    first = table.loc[table["split"] == "train", "subject"].iloc[0]
    mine = (table["subject"] == first).to_numpy()
    once = faces.where(~mine | (table["sequence"] == table["sequence"][mine].iloc[0]).to_numpy())
    for seed in range(20):
        lesson = people(once, seed)
        assert first in lesson.classes
        assert first not in set(lesson.validation.table["subject"])


def test_faces_of_no_sequence_are_held_out_one_by_one(faces) -> None:
    alone = fl.Faces(faces.table.assign(sequence=None).astype({"sequence": "string"}), "alone")
    lesson = people(alone, seed=0)
    # one of each of the people at most, of whom 18 are not kept for confirmation
    assert len(lesson.validation) == min(18, len(faces.part("validation")))
    assert not lesson.validation.table["subject"].duplicated().any()


def test_the_order_of_rows_plays_no_part(faces) -> None:
    backwards = fl.Faces(faces.table[::-1].reset_index(drop=True), "backwards")
    one, two = (people(f, seed=3) for f in (faces, backwards))
    assert set(one.validation.table["image"]) == set(two.validation.table["image"])
    assert one.classes == two.classes


def test_faces_of_people_shown_once_are_too_few(faces) -> None:
    once = faces.where((faces.table["expression"] == "happiness").to_numpy())
    with pytest.raises(
        NotEnoughDataError,
        match="shows 0 of the 18 people of the training and validation parts in more than one "
        "sequence: to learn who is shown, at least 5 are needed",
    ):
        people(once, seed=0)


def test_only_the_faces_of_the_lesson_are_read(faces, model, monkeypatch) -> None:
    read, reading = set(), ahead.pictures

    def noting(paths, into):
        read.update(paths)
        return reading(paths, into)

    monkeypatch.setattr(ahead, "pictures", noting)
    identity(faces, model, Recipe(epochs=1), seed=0)
    assert read == set(faces.part("train", "validation").table["path"])


def test_the_same_seed_gives_the_same_bits_and_another_does_not(faces, model, trained) -> None:
    again, other = (identity(faces, model, Recipe(epochs=1), seed) for seed in (0, 1))
    first = trained.model.network.state_dict()
    for name, value in again.model.network.state_dict().items():
        assert torch.equal(value, first[name])
    assert not torch.equal(other.model.network.state_dict()["conv1.weight"], first["conv1.weight"])


def test_it_begins_with_the_weights_of_the_runs_own_network(faces, model, trained) -> None:
    """Below the scores: one epoch moves them less than another seed would."""
    own, learned, other = (
        m.network.state_dict()["conv1.weight"]
        for m in (model, trained.model, build("paper", faces.expressions, 48, seed=1))
    )
    assert (learned - own).abs().mean() < 0.2 * (other - own).abs().mean()


def test_its_accuracy_is_that_of_its_predictions(faces, trained) -> None:
    lesson = people(faces, seed=0)
    table = lesson.validation.table
    named = predict(trained.model, lesson.validation).assign(true=table["subject"])
    assert trained.accuracy == pytest.approx(accuracy(named), abs=1e-12)
    assert trained.model.expressions == lesson.classes
    assert trained.model.training["recipe"]["epochs"] == 1


def test_it_learns_who_is_shown(tmp_path) -> None:
    """Seven people with a bar of their own, of whom one is kept for confirmation."""
    rng = np.random.default_rng(3)
    rows = []
    for person, split in enumerate(["train"] * 4 + ["validation"] * 2 + ["test"]):
        for sequence, expression in enumerate(("anger", "happiness", "surprise")):
            face = rng.integers(90, 130, (48, 48)).astype(np.uint8)
            face[6 * person : 6 * person + 4] = 250
            path = tmp_path / f"{person}_{sequence}.png"
            Image.fromarray(face).save(path)
            rows.append((path.name, str(path), f"P{person}", f"{person}_{sequence}"))
            rows[-1] += (expression, split)
    columns = ["image", "path", "subject", "sequence", "expression", "split"]
    barred = fl.Faces(make_table(pd.DataFrame(rows, columns=columns)), "bars")
    recipe = Recipe(epochs=12, batch_size=4, average=0.5, augmentation=NONE)
    found = identity(barred, build("paper", barred.expressions, 48, 0), recipe, seed=0)
    assert len(people(barred, 0).validation) == 6
    assert found.accuracy == 1.0
