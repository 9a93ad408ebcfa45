import hashlib
import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from facslens.errors import ArtifactError, CallError
from facslens.models import initial as place
from facslens.models import pretrained
from facslens.models.initial import architecture_of, digest, initial, load_named
from facslens.models.model import build, save

OLD = ("neutral", "anger", "happiness", "sadness")


@pytest.fixture(scope="module")
def old():
    model = build("compact", OLD, 48, seed=5)
    # what batch normalisation measured is taken over as well: make it differ from a fresh one
    model.network.norm.running_mean.normal_(generator=torch.Generator().manual_seed(1))
    return model


@pytest.fixture
def run(old, tmp_path):
    """The folder of a run that holds a model, no more."""
    folder = tmp_path / "run"
    folder.mkdir()
    save(old, folder)
    return folder


def test_the_trunk_is_taken_over_and_the_rows_by_name(old):
    wanted = ("happiness", "surprise", "anger")
    new = initial("compact", wanted, 48, 0, old)
    before, after = old.network.state_dict(), new.network.state_dict()
    assert set(before) == set(after)
    for name in before:
        if not name.startswith("scores."):
            assert torch.equal(before[name], after[name]), name
    drawn = build("compact", wanted, 48, seed=0).network.state_dict()
    for kind in ("scores.weight", "scores.bias"):
        assert torch.equal(after[kind][0], before[kind][2])
        assert torch.equal(after[kind][2], before[kind][1])
        assert torch.equal(after[kind][1], drawn[kind][1]), "surprise was not known"
    assert new.expressions == wanted
    assert not new.network.training


def test_the_model_to_begin_from_is_left_as_it_was(old):
    before = digest(old)
    new = initial("compact", OLD, 48, 0, old)
    assert digest(new) == before
    with torch.no_grad():
        new.network.stem.weight.zero_()
        new.network.norm.running_mean.zero_()
    assert digest(old) == before


def test_a_larger_face_is_read_by_the_same_weights(old):
    new = initial("compact", OLD, 96, 0, old)
    assert new.size == 96
    assert digest(new) == digest(old)


def test_without_a_beginning_the_seed_draws_everything():
    assert digest(initial("paper", OLD, 48, 3)) == digest(build("paper", OLD, 48, 3))
    assert digest(initial("paper", OLD, 48, 3)) != digest(build("paper", OLD, 48, 4))


def test_the_digest_knows_the_order_of_the_classes(old):
    other = build("compact", OLD[::-1], 48, seed=5)
    other.network.load_state_dict(old.network.state_dict())
    assert digest(other) != digest(old)


def test_another_architecture_is_refused(old):
    with pytest.raises(CallError, match="init is of the architecture 'compact': expected 'paper'"):
        initial("paper", OLD, 48, 0, old)


def test_a_run_is_named_by_its_folder(old, run, tmp_path):
    assert digest(load_named(str(run))) == digest(old)
    with pytest.raises(
        CallError, match=r"model is .*nowhere': expected a network in the package \(com"
    ):
        load_named(str(tmp_path / "nowhere"))
    (run / "model.safetensors").unlink()
    with pytest.raises(ArtifactError, match=r"model\.safetensors does not exist"):
        load_named(str(run))


def test_a_model_is_named_by_itself_and_a_path_is_always_a_folder(old, run, tmp_path, monkeypatch):
    assert load_named(old) is old
    monkeypatch.chdir(tmp_path)
    run.rename("compact")
    assert digest(load_named(Path("compact"))) == digest(old)
    assert digest(load_named("compact")) == digest(pretrained.load_pretrained())
    assert load_named("compact", labels="fer2013").expressions[0] == "anger"


def test_what_is_no_model_is_one_sentence_with_the_name_of_the_argument(old, run):
    expected = r"expected a network in the package \(compact\), the folder of a run, or in Python"
    for wrong in ("vgg", Path("vgg")):
        with pytest.raises(CallError, match=f"^init is '{wrong}': {expected}"):
            load_named(wrong, "init")
    with pytest.raises(
        CallError, match=r"^model is 'a\.onnx', an ONNX file, which PyTorch does not"
    ):
        load_named("a.onnx")
    for model in (old, run):
        with pytest.raises(
            CallError, match=r"^labels is 'fer2013', but only the networks in the pa"
        ):
            load_named(model, labels="fer2013")
    with pytest.raises(CallError, match=r"^labels is 'mine': expected one of ferplus, fer2013"):
        load_named("compact", labels="mine")
    with pytest.raises(CallError, match="but init is a Model, a network of the architecture 'comp"):
        architecture_of("paper", old)


def test_the_architecture_follows_from_the_beginning(run):
    assert architecture_of(None, None) == "paper"
    assert architecture_of("compact", None) == "compact"
    assert architecture_of(None, str(run)) == "compact"
    assert architecture_of("compact", str(run)) == "compact"
    with pytest.raises(CallError, match=r"model is 'paper', but init is .*, a network of the arch"):
        architecture_of("paper", str(run))


def test_the_network_in_the_package_is_begun_from_by_its_name(old, tmp_path, monkeypatch):
    heads = {"ferplus": list(OLD), "fer2013": ["anger", "happiness"]}
    trunk = build("compact", tuple("abcdef"), 48, seed=2).network.state_dict()
    path = tmp_path / "compact.safetensors"
    save_file({name: value.contiguous() for name, value in trunk.items()}, path)
    sha = hashlib.sha256(path.read_bytes()).hexdigest()
    card = {"name": "stand-in", "size": 48, "labels": heads, "sha256": {path.name: sha}}
    (tmp_path / "compact.json").write_text(json.dumps(card))
    monkeypatch.setattr(
        place,
        "load_pretrained",
        lambda *head: pretrained.load_pretrained(*head, folder=tmp_path),
    )
    begun = initial("compact", ("sadness", "anger"), 48, 0, load_named("compact"))
    assert torch.equal(begun.network.scores.weight, trunk["scores.weight"][[3, 1]])
    assert torch.equal(begun.network.stem.weight, trunk["stem.weight"])
