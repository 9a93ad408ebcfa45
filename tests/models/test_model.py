import dataclasses
import errno
import json
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from facslens.errors import ArtifactError, CallError
from facslens.models import model as models
from facslens.preprocess.input import grey_contrast, parse_input

EXPRESSIONS = ("anger", "happiness", "surprise")


@pytest.fixture
def folder(tmp_path):
    models.save(models.build("paper", EXPRESSIONS, 48, seed=1), tmp_path)
    return tmp_path


def change(folder, name, value):
    weights = load_file(folder / "model.safetensors")
    weights[name] = value(weights.get(name))
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


@pytest.mark.parametrize(
    ("name", "changed", "fault"),
    [
        (
            "scores.bias",
            lambda w: w[:2].clone(),
            r"scores\.bias is float32 \(2,\), expected float32",
        ),
        ("conv2.weight", lambda w: w.double(), r"conv2\.weight is float64 .*, expected float32"),
        ("conv2.weight", lambda w: w.to(torch.float8_e4m3fn), r"conv2\.weight is float8_e4m3fn"),
        ("conv2.weight", lambda w: w.to(torch.complex64), r"conv2\.weight is complex64"),
        ("conv4.weight", lambda _: torch.zeros(3), r"it also has conv4\.weight"),
    ],
)
def test_weights_that_do_not_fit_are_one_sentence(folder, name, changed, fault):
    change(folder, name, changed)
    message = f"does not fit the paper network with 3 expressions: {fault}"
    with pytest.raises(ArtifactError, match=message):
        models.load(folder)


def test_a_weight_that_is_missing_is_named(folder):
    weights = load_file(folder / "model.safetensors")
    del weights["conv1.weight"]
    save_file(weights, folder / "model.safetensors")
    with pytest.raises(ArtifactError, match=r"3 expressions: it lacks conv1\.weight"):
        models.load(folder)


def test_damaged_and_missing_files_are_named(folder):
    (folder / "model.safetensors").write_bytes(b"no weights")
    with pytest.raises(ArtifactError, match=r"model\.safetensors is no readable weights file"):
        models.load(folder)
    (folder / "model.safetensors").unlink()
    with pytest.raises(ArtifactError, match=r"model\.safetensors does not exist"):
        models.load(folder)


MISSING = object()


@pytest.mark.parametrize(
    ("entry", "value", "fault"),
    [
        (
            "architecture",
            "vgg",
            "describes no network: model is 'vgg': expected an architecture, p",
        ),
        ("architecture", ["paper"], "describes no network: architecture has to be a name"),
        ("architecture", MISSING, "describes no network: it lacks 'architecture'"),
        ("size", 10**9, "describes no network: input has a height of 1000000000: expected 1 to"),
        ("input", "rgb48", "describes no network: input is 'rgb48', which no paper network reads"),
        ("input", "grey48x40-contrast", "describes no network: input is 'grey48x40-contrast', wh"),
        ("input", "grey50-contrast", "describes no network: size is 50: the paper's network rea"),
        ("input", 48, "describes no network: input has to be a name"),
        ("input", MISSING, "describes no network: it lacks 'input'"),
        (
            "size",
            -48,
            "describes no network: input has a height of -48: expected 1 to 1024 pixels",
        ),
        ("size", 48.0, "describes no network: size has to be a number of pixels"),
        ("size", True, "describes no network: size has to be a number of pixels"),
        ("size", None, "describes no network: size has to be a number of pixels"),
        ("expressions", ["anger", "fear", "anger"], "names the expression 'anger' twice: expected"),
        ("expressions", [1, 2, 3], "names the expression 1: expected some of neutral anger contem"),
        ("expressions", ["anger", "fear", ["x"]], r"names the expression \['x'\]: expected some"),
        ("expressions", ["anger", "fear", "hapiness"], "names the expression 'hapiness': expected"),
        ("expressions", ["fear"], "describes no network: expressions is .*fear.*: expected two"),
        ("expressions", "anger", "describes no network: expressions has to be a list of names"),
        ("expressions", {"anger": 0}, "describes no network: expressions has to be a list of nam"),
        ("expressions", MISSING, "describes no network: it lacks 'expressions'"),
        ("training", [1], "describes no network: training has to be an object"),
    ],
)
def test_a_description_of_no_network_is_one_sentence(folder, entry, value, fault):
    description = json.loads((folder / "model.json").read_text())
    if value is MISSING:
        del description[entry]
    else:
        if entry == "size":  # as older files have it
            del description["input"]
        description[entry] = value
    (folder / "model.json").write_text(json.dumps(description))
    with pytest.raises(ArtifactError, match=rf"model\.json {fault}"):
        models.load(folder)


def test_a_description_of_before_is_read(folder):
    description = json.loads((folder / "model.json").read_text())
    assert description.pop("input") == "grey48-contrast"
    (folder / "model.json").write_text(json.dumps(description | {"size": 48}))
    assert models.load(folder).input == grey_contrast(48)


def test_a_side_is_that_of_a_square():
    model = models.build("compact", EXPRESSIONS, 64, seed=1)
    assert (model.size, model.input.name) == (64, "grey64-contrast")
    other = dataclasses.replace(model, input=parse_input("rgb112x96"))
    with pytest.raises(CallError, match="the network reads rgb112x96: expected a square"):
        _ = other.size


def test_only_what_can_be_read_back_is_saved(folder):
    model = models.load(folder)
    for changed, message in [
        ({"architecture": "vgg"}, "of the architecture 'vgg', which could not be read back"),
        ({"expressions": ("a", "fear", "anger")}, "names the expression 'a': expected some of"),
    ]:
        with pytest.raises(CallError, match=message):
            models.save(dataclasses.replace(model, **changed), folder)
    assert models.load(folder).expressions == EXPRESSIONS


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
def test_weights_have_the_mode_of_every_other_file(tmp_path):
    before = os.umask(0o027)
    try:
        models.save(models.build("paper", EXPRESSIONS, 48, seed=1), tmp_path)
    finally:
        os.umask(before)
    modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}
    assert modes == {"model.safetensors": 0o640, "model.json": 0o640}


def test_one_expression_cannot_be_told_apart():
    with pytest.raises(CallError, match="two expressions or more"):
        models.build("paper", ("fear",), 48, seed=0)


def test_a_full_disk_is_one_sentence_and_the_old_weights_stay(folder, monkeypatch):
    before = (folder / "model.safetensors").read_bytes()

    def full(_path, _content):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(ArtifactError, match=r"the disk is full: model\.safetensors could not be"):
        models.save(models.build("paper", EXPRESSIONS, 48, seed=2), folder)
    monkeypatch.undo()
    assert (folder / "model.safetensors").read_bytes() == before
