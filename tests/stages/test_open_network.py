"""Every way to name a network opens it, and a run's only as the run left it."""

import json
import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest

import facslens as fl
from facslens.datasets.splits import halves
from facslens.errors import ArtifactError, CallError
from facslens.models import model as models
from facslens.models.card import read_checked
from facslens.models.initial import digest
from facslens.progress import silent
from facslens.runs.folder import Run
from facslens.runs.model import open_model
from facslens.runs.settings import Settings
from facslens.stages.faces import run_faces
from facslens.stages.open_network import Choice, evidence_of, fingerprint, open_network, opener

EXPRESSIONS = ("anger", "happiness", "surprise")


@pytest.fixture(scope="module")
def made(drawn_ck48, tmp_path_factory):
    """A run whose network is untrained."""
    folder = tmp_path_factory.mktemp("runs") / "drawn"
    made = Run.create(folder, data=f"ck48:{drawn_ck48}", seed=0, settings=Settings().entries())
    run_faces(made, silent, halves)
    models.save(models.build("paper", EXPRESSIONS, 48, seed=0), folder)
    made.accept(["model.safetensors", "model.json"])
    return folder


@pytest.fixture
def run(made, tmp_path):
    """A copy of it, to be changed."""
    return shutil.copytree(made, tmp_path / "run")


def test_a_run_a_folder_and_a_model_are_one_network(made, tmp_path):
    model = open_model(made)
    fl.save_model(model, tmp_path)
    crops = np.random.default_rng(0).integers(0, 256, (3, 48, 48), dtype=np.uint8)
    found = [open_network(Choice(each)) for each in (str(made), made, tmp_path, model)]
    for network in found:
        assert (network.expressions, network.evidence) == (EXPRESSIONS, ())
        assert network.input == model.input
        np.testing.assert_array_equal(
            network.read(crops).probabilities, found[0].read(crops).probabilities
        )
    assert len({fingerprint(Choice(each)) for each in (str(made), tmp_path, model)}) == 1


def test_what_opens_a_network_can_be_sent_to_where_its_files_are_not(run, tmp_path):
    file = tmp_path / "exported.onnx"
    file.write_bytes(read_checked("compact.onnx"))
    crops = np.random.default_rng(0).integers(0, 256, (3, 48, 48), dtype=np.uint8)
    choices = [Choice(run), Choice(file), Choice("compact"), Choice("compact", runtime="torch")]
    here = [open_network(choice) for choice in choices]
    sent = [pickle.dumps(opener(choice)) for choice in choices]
    shutil.rmtree(run)
    file.unlink()
    for network, content in zip(here, sent, strict=True):
        there = pickle.loads(content)()
        assert there.expressions == network.expressions
        assert repr(there.evidence) == repr(network.evidence)  # where NaN is NaN
        for one, other in zip(network.read(crops), there.read(crops), strict=True):
            np.testing.assert_array_equal(one, other)


def test_the_fingerprint_tells_networks_heads_and_runtimes_apart(made, tmp_path):
    other = models.build("paper", EXPRESSIONS, 48, seed=1)
    (tmp_path / "a.onnx").write_bytes(b"a")
    (tmp_path / "b.onnx").write_bytes(b"b")
    choices = [
        Choice(made), Choice(other), Choice("compact"), Choice("compact", "fer2013"),
        Choice("compact", runtime="torch"), Choice(tmp_path / "a.onnx"),
        Choice(tmp_path / "b.onnx"),
    ]  # fmt: skip
    assert len({fingerprint(choice) for choice in choices}) == len(choices)


@pytest.mark.parametrize("damage", ["reversed", "a flipped byte"])
def test_a_damaged_model_of_a_run_is_used_nowhere(run, drawn_ck48, damage):
    if damage == "reversed":
        content = json.loads((run / "model.json").read_text())
        content["expressions"].reverse()
        (run / "model.json").write_text(json.dumps(content))
    else:
        weights = bytearray((run / "model.safetensors").read_bytes())
        weights[-3] ^= 1
        (run / "model.safetensors").write_bytes(weights)
    faces = fl.split(fl.load_faces(f"ck48:{drawn_ck48}"))
    message = r"model\.(json|safetensors) is not what the stage train left"
    for use in (
        lambda: open_model(run),
        lambda: fl.load_model(run),
        lambda: fl.predict("a.png", str(run)),
        lambda: fl.record(run, faces),
        lambda: fl.project(run, faces, "conv1", 0, 0),
        lambda: fl.train(faces, init=run),
        lambda: fingerprint(Choice(run)),
    ):
        with pytest.raises(ArtifactError, match=message):
            use()


def test_a_run_without_a_mapping_has_no_evidence_and_compact_has_its_own(made):
    assert evidence_of(Choice(made)) == ()
    assert evidence_of(Choice(open_model(made))) == ()
    assert {one.au for one in evidence_of(Choice("compact"))} >= {"AU12", "AU25"}


def test_a_run_has_one_head(made):
    with pytest.raises(CallError, match="but only the networks in the package have heads"):
        open_model(made, labels="fer2013")
    assert digest(open_model("compact")) != digest(open_model("compact", labels="fer2013"))
    with pytest.raises(CallError, match=r"^init is 'nowhere': expected a network in the package"):
        open_model(Path("nowhere"), "init")
