"""The processor and an accelerator agree; what needs an accelerator is skipped where none is."""

import numpy as np
import pytest
import torch

from facslens.datasets.load import load
from facslens.datasets.splits import holdout
from facslens.errors import CallError
from facslens.models.device import TOLERANCE, choose_device, on_device
from facslens.models.model import build
from facslens.preprocess import normalise
from facslens.projection.deconvnet import project_units
from facslens.responses.recording import record_faces
from facslens.training.fit import fit
from facslens.training.recipe import Recipe


@pytest.fixture(scope="module")
def accelerator():
    """The name of an accelerator that PyTorch sees on this machine."""
    found = choose_device("auto").type
    if found == "cpu":
        pytest.skip("PyTorch sees no accelerator on this machine")
    return found


@pytest.fixture(scope="module")
def faces():
    found = load("synthetic")
    return found.where(np.arange(len(found)) < 200)


def built(architecture):
    return build(architecture, ("anger", "happiness", "surprise"), 48, seed=2)


def test_a_device_that_is_not_there_is_refused():
    with pytest.raises(CallError, match="device is 'gpu': expected auto, cpu, cuda, mps"):
        choose_device("gpu")
    for name, there in (
        ("cuda", torch.cuda.is_available()),
        ("mps", torch.backends.mps.is_available()),
    ):
        if not there:
            with pytest.raises(CallError, match=f"device is '{name}': PyTorch sees none"):
                choose_device(name)


def test_a_model_is_moved_and_gives_the_same_model():
    model = built("paper")
    assert on_device(model, "cpu") is model
    assert {p.device.type for p in model.network.parameters()} == {"cpu"}


@pytest.mark.accelerator
@pytest.mark.parametrize("architecture", ["paper", "compact"])
def test_responses_agree(accelerator, faces, architecture):
    here = record_faces(built(architecture), faces).responses
    there = record_faces(on_device(built(architecture), accelerator), faces).responses
    for layer in here.layers:
        own, other = here.response(layer), there.response(layer)
        np.testing.assert_allclose(other, own, atol=TOLERANCE * np.abs(own).max(), rtol=0)
        assert (here.location(layer) == there.location(layer)).mean() > 0.999  # but for ties


@pytest.mark.accelerator
@pytest.mark.parametrize("rule", ["deconvnet", "guided", "gradient"])
def test_projections_agree(accelerator, faces, rule):
    model = built("paper")
    images = normalise.as_read(
        normalise.read(list(faces.table["path"][:24]), model.input), model.input
    )
    units = np.arange(24) % 256
    here = project_units(model.network, images, "conv3", units, rule=rule)
    moved = on_device(built("paper"), accelerator).network
    there = project_units(
        moved, images.to(accelerator), "conv3", units, here.location.astype(np.intp), rule=rule
    )
    largest = np.abs(here.image).max(axis=(1, 2, 3), keepdims=True)
    assert (np.abs(there.image - here.image) <= TOLERANCE * largest).all()


@pytest.mark.accelerator
def test_a_training_there_comes_as_far(accelerator):
    faces = load("synthetic")
    faces = faces.with_split(holdout(faces, seed=0)).where(np.arange(len(faces)) < 1200)
    recipe = Recipe(epochs=2)
    own, other = (fit(faces, seed=1, recipe=recipe, device=d) for d in ("cpu", accelerator))
    assert {p.device.type for p in other.model.network.parameters()} == {"cpu"}
    np.testing.assert_allclose(other.history["loss"], own.history["loss"], atol=0.1)
