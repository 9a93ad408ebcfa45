"""Part ``layers`` of the mechanism through the networks themselves."""

import dataclasses

import numpy as np
import pytest
import torch

from facslens.controls.baselines import untrained
from facslens.datasets.stimuli import read_stimuli
from facslens.errors import CallError
from facslens.experiments.effects import centred
from facslens.experiments.probes import by_type, change_sums, explained, faces_of, foretell
from facslens.experiments.trials import arrange
from facslens.models.model import Model, build
from facslens.preprocess.input import grey_contrast
from facslens.stages.mechanism.layers import probed
from facslens.stages.mechanism.make import mechanism
from facslens.stages.mechanism.subject import Subject
from facslens.stages.stimulated import OUTPUT, read_faces, responding

NAMES = ("anger", "happiness", "surprise")


@pytest.fixture
def subject(drawn_stimuli):
    return Subject(build("paper", NAMES, 48, seed=0), read_stimuli(drawn_stimuli), ("conv3",))


def test_every_layer_is_probed_whichever_are_looked_at(subject):
    steps = []
    found = mechanism(subject, ["layers"], lambda *step: steps.append(step))
    assert list(found) == ["readable", "readable_layers", "readable_from"]
    each = found["readable"]
    assert each[["layer", "what"]].to_numpy().tolist() == [
        [layer, what] for layer in ("conv1", "conv2", "conv3") for what in ("AU01", "AU12", *NAMES)
    ]
    assert set(each["n_people"]) == {5}
    # a brighter patch is told from the maps of mixed filters, in an untrained network, too
    aus = each[each["kind"] == "au"]
    assert (aus.loc[aus["layer"] == "conv3", ["value", "untrained"]] > 0.8).all(axis=None)
    assert aus["control"].notna().all()
    assert steps[-1] == (3, 3, "layers: probes")
    assert (200, 200, "layers: faces") in steps  # two networks, 20 blocks of 5 faces


def test_the_values_are_those_of_the_networks_own_responses(subject):
    table = mechanism(subject, ["layers"])["readable"].set_index(["layer", "what"])
    stimuli = subject.stimuli
    rows = probed(stimuli.table)
    for network, column in (
        (subject.model, "value"), (untrained(subject.model, 1), "untrained"),
    ):  # fmt: skip
        reader, into = responding(network, ["conv2"]), grey_contrast(48)
        (read,) = read_faces(stimuli, [(rows, reader, into)], lambda _: None)
        reader = responding(subject.model, [])
        (own,) = read_faces(stimuli, [(rows, reader, into)], lambda _: None)
        part = stimuli.table[rows]
        faces = faces_of(arrange(part, read["conv2"]))
        answers = by_type(arrange(part, centred(own[OUTPUT].astype(np.float64))))
        foretold = foretell(faces, answers, seed=0)
        error, square = change_sums(foretold, answers[~faces.choosing])
        want = explained(error.sum(axis=0), square.sum(axis=0))
        got = [table.loc[("conv2", name), column] for name in NAMES]
        np.testing.assert_allclose(got, want, atol=1e-6)


def test_the_seed_makes_the_same_tables_again(subject):
    first, again = (mechanism(subject, ["layers"])["readable"] for _ in range(2))
    assert first.equals(again)


def test_a_network_that_answers_nothing_has_nothing_to_read(subject):
    with torch.no_grad():
        for weight in subject.model.network.parameters():
            weight.zero_()
    found = mechanism(subject, ["layers"])
    assert found["readable"][["value", "control", "selectivity", "gain"]].isna().all(axis=None)
    assert (found["readable_from"]["layer"] == "").all()
    assert found["readable_layers"]["n"].tolist() == [0] * 6


def test_numbers_that_are_none_are_one_sentence(subject):
    with torch.no_grad():
        next(subject.model.network.parameters())[0] = float("nan")
    with pytest.raises(CallError, match="the network answers NaN"):
        mechanism(subject, ["layers"])


def test_a_head_of_other_names_is_one_sentence(subject):
    other = Model(subject.model.network, "paper", grey_contrast(48), NAMES[:2])
    with pytest.raises(CallError, match="logits has 3 columns: expected one for each of 2"):
        mechanism(dataclasses.replace(subject, model=other), ["layers"])
