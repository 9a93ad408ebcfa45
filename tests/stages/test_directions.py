import numpy as np
import pytest
import torch

import facslens as fl
from facslens.datasets.stimuli import read_stimuli
from facslens.errors import CallError
from facslens.experiments.control import Control
from facslens.experiments.faces import compared
from facslens.experiments.trials import arrange
from facslens.models.directions import undirected
from facslens.models.model import build
from facslens.preprocess import normalise
from facslens.progress import silent
from facslens.projection.sanity import randomisation_table
from facslens.stages.answers import ask
from facslens.stages.directions import directed_alike, gather, untrained_alike, with_directions
from facslens.stages.experiment import Plan, experiment
from facslens.stages.stimulated import read_faces, responding

NAMES = ("anger", "happiness", "surprise")


@pytest.fixture(scope="module")
def model():
    return build("paper", NAMES, 48, seed=0)


@pytest.fixture(scope="module")
def stimuli(drawn_stimuli):
    return read_stimuli(drawn_stimuli)


@pytest.fixture(scope="module")
def own(model, stimuli):
    return with_directions(model, stimuli, ["conv2"], seed=3)


def test_they_are_gathered_of_the_choosing_peoples_faces_alone(model, stimuli):
    (found,) = gather(model, stimuli, ["conv2"], seed=0).values()
    table = stimuli.table
    rows = (table["half"] == "choosing") & (
        (table["kind"] == "rest") | ((table["kind"] == "alone") & (table["grade"] == "E"))
    )
    paths = [stimuli.root / path for path in table["path"][rows]]
    assert len(paths) == 5 * 2 * 3
    images = normalise.as_read(normalise.read(paths, model.input), model.input)
    with torch.no_grad():
        listener = model.reading.listener(model.network, ["conv2"], torch.clone)
        maps = listener(images)[0]["conv2"].double().numpy()
    places = maps.transpose(0, 2, 3, 1).reshape(-1, maps.shape[1])
    np.testing.assert_allclose(found.mean, places.mean(axis=0), rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(found.covariance, np.cov(places.T, bias=True), rtol=1e-4, atol=1e-7)


def test_every_kind_is_a_layer_and_a_probe_has_a_direction_for_each_action_unit(own):
    assert own.reading.choose(None) == [
        "conv2:random", "conv2:principal", "conv2:nonnegative", "conv2:probe",
    ]  # fmt: skip
    probe = own.network.mixtures["conv2"]["probe"]
    assert (probe.names, probe.weight.shape) == (("AU01", "AU12"), (2, 128))
    assert own.architecture == "paper with directions"


def test_without_a_name_the_last_layer_has_them(model, stimuli):
    found = with_directions(model, stimuli, kinds=["probe"])
    assert found.network.names == ("conv3:probe",)


def test_what_is_asked_wrongly_is_one_sentence(model, own, stimuli):
    with pytest.raises(CallError, match="the model has directions already"):
        with_directions(own, stimuli)
    with pytest.raises(CallError, match="kinds is 'pca': expected some of random"):
        with_directions(model, stimuli, kinds=["pca"])
    with pytest.raises(CallError, match="the network has no layer 'conv9': it has conv"):
        with_directions(model, stimuli, ["conv9"])


def test_a_probe_tells_action_units_better_than_the_units_it_mixes(model, own, stimuli):
    """The drawn faces differ in two bars of other brightness: any network passes these on."""
    plan = Plan(("channels.conv2", "conv2:probe", "conv2:random"), untrained=2, permutations=19)
    found = experiment(own, stimuli, plan).overview
    units = found[found["candidates"] == "units"].set_index("layer")["auroc"]
    assert units["conv2:probe"] > max(units["channels.conv2"], units["conv2:random"])
    alone = experiment(model, stimuli, Plan(("conv2",), untrained=2, permutations=19)).overview
    np.testing.assert_allclose(units["channels.conv2"], alone["auroc"][0], atol=1e-6)


def test_untrained_networks_have_directions_of_their_own(own, stimuli):
    other = untrained_alike(own, 7, stimuli)
    assert other.network.names == own.network.names
    again = directed_alike(own, undirected(other), stimuli, 7)
    probes = [one.network.mixtures["conv2"]["probe"].weight for one in (own, other, again)]
    assert np.abs(probes[0] - probes[1]).max() > 0.01
    np.testing.assert_allclose(probes[1], probes[2], atol=1e-6)
    weights = [next(iter(one.network.network.parameters())) for one in (own, other)]
    assert not torch.equal(*weights)


def test_who_is_shown_is_learned_by_directions_of_its_own_network(own, stimuli):
    other = build("paper", ("P1", "P2", "P3", "P4"), 48, seed=5)
    answers = ask(own, stimuli, ["conv2:probe"], 1, 0, silent, other)
    by_hand = directed_alike(own, other, stimuli, 0)
    rows = compared(stimuli)
    (found,) = read_faces(
        stimuli, [(rows, responding(by_hand, ["conv2:probe"]), other.input)], lambda _: None
    )
    expected = Control.of([arrange(stimuli.table[rows], found["conv2:probe"])])
    control = answers.controls["conv2:probe"]["identity"]
    np.testing.assert_allclose(control.tables, expected.tables)
    np.testing.assert_array_equal(control.candidate, expected.candidate)


def test_a_probe_has_no_screening_test_and_others_have(own, stimuli):
    plan = Plan(("conv2:probe", "conv2:random"), untrained=1, permutations=19)
    caused = experiment(own, stimuli, plan).caused.set_index("layer")["p_screen"]
    assert caused["conv2:probe"].isna().all()
    assert caused["conv2:random"].between(0.05, 1).all()


def test_projections_change_when_the_directions_are_drawn_anew(own, stimuli):
    images = normalise.as_read(
        normalise.read([stimuli.root / path for path in stimuli.table["path"][:6]], own.input),
        own.input,
    )
    units = np.arange(6)
    found = randomisation_table(own.network, images, "conv2:random", units, seed=0, seeds=3)
    ssim = found[found["rule"] == "gradient"].set_index("randomised")["ssim"]
    assert list(ssim.index[:2]) == ["nothing", "conv2:random"]
    assert ssim["nothing"] == pytest.approx(1)
    assert ssim["conv2:random"] < 0.9


def test_from_python_a_direction_is_recorded_and_projected_like_a_unit(own, drawn_ck48):
    faces = fl.load_faces(f"ck48:{drawn_ck48}")
    some = faces.where(faces.table.index < 4)
    responses = fl.record(own, some)
    assert responses.layers == tuple(own.network.names)
    maps = fl.record(own, some, layer="channels.conv2").response("channels.conv2")
    assert maps.shape == (4, 128)
    found = fl.project(own, some, "conv2:probe", unit=1, image=2)
    assert found.response[0] == pytest.approx(responses.response("conv2:probe")[2, 1], rel=1e-5)
