import json

import numpy as np
import pytest
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from facslens.errors import ArtifactError, CallError
from facslens.models import model as models

EXPRESSIONS = ("anger", "happiness", "surprise")


@pytest.fixture
def folder(tmp_path):
    models.save(models.build("paper", EXPRESSIONS, 48, seed=1), tmp_path)
    return tmp_path


def change(folder, name, value):
    weights = load_file(folder / "model.safetensors")
    weights[name] = value(weights[name])
    save_file(weights, folder / "model.safetensors")


def test_what_is_saved_is_loaded(folder):
    saved, loaded = models.build("paper", EXPRESSIONS, 48, seed=1), models.load(folder)
    image = torch.randn(2, 1, 48, 48)
    torch.testing.assert_close(saved.network(image), loaded.network(image), atol=0, rtol=0)
    assert loaded.expressions == EXPRESSIONS
    assert loaded.parameters == 1_335_508 - 5 * 301
    assert not loaded.network.training


def test_the_seed_decides_the_weights_and_leaves_the_global_state_alone():
    state = torch.random.get_rng_state()
    first, again, other = (models.build("paper", EXPRESSIONS, 48, seed=s) for s in (1, 1, 2))
    assert torch.equal(first.network[0].weight, again.network[0].weight)
    assert not torch.equal(first.network[0].weight, other.network[0].weight)
    assert torch.equal(torch.random.get_rng_state(), state)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_weights_that_are_no_numbers_are_named(folder, bad):
    change(folder, "conv2.weight", lambda w: w.index_fill(0, torch.tensor([3]), bad))
    with pytest.raises(ArtifactError, match=r"holds NaN or infinity in conv2\.weight"):
        models.load(folder)


def test_weights_of_another_shape_are_refused(folder):
    change(folder, "scores.bias", lambda w: w[:2].clone())
    with pytest.raises(ArtifactError, match="does not fit the paper network with 3 expressions"):
        models.load(folder)


def test_damaged_and_missing_files_are_named(folder):
    (folder / "model.safetensors").write_bytes(b"no weights")
    with pytest.raises(ArtifactError, match=r"model\.safetensors is no readable weights file"):
        models.load(folder)
    (folder / "model.safetensors").unlink()
    with pytest.raises(ArtifactError, match=r"model\.safetensors does not exist"):
        models.load(folder)


def test_an_unknown_architecture_in_a_run_is_refused(folder):
    description = json.loads((folder / "model.json").read_text())
    (folder / "model.json").write_text(json.dumps({**description, "architecture": "vgg"}))
    with pytest.raises(ArtifactError, match="describes no network: --model 'vgg'"):
        models.load(folder)


def test_one_expression_cannot_be_told_apart():
    with pytest.raises(CallError, match="two expressions or more"):
        models.build("paper", ("fear",), 48, seed=0)


def test_a_full_disk_is_one_sentence_and_the_old_weights_stay(folder, monkeypatch):
    before = (folder / "model.safetensors").read_bytes()

    def full(_weights, _path):
        raise SafetensorError("Error while serializing: I/O error: No space left on device")

    monkeypatch.setattr(models, "save_file", full)
    with pytest.raises(ArtifactError, match="cannot be written: I/O error: No space left"):
        models.save(models.build("paper", EXPRESSIONS, 48, seed=2), folder)
    assert (folder / "model.safetensors").read_bytes() == before
