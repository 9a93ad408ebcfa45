"""The flat interface, as the README uses it, on drawn faces."""

import dataclasses
import inspect
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import torch

import facslens as fl
from facslens.errors import ArtifactError, CallError
from facslens.models.initial import digest
from facslens.models.model import build
from facslens.preprocess import normalise
from facslens.preprocess.input import grey_contrast
from facslens.stages.mechanism import make
from facslens.training.recipe import Recipe


@pytest.fixture(scope="module")
def faces(drawn_ck48):
    return fl.split(fl.load_faces(f"ck48:{drawn_ck48}"), seed=0)


@pytest.fixture(scope="module")
def model(faces):
    return build("paper", faces.expressions, 48, seed=0)


@pytest.fixture(scope="module")
def responses(model, faces):
    return fl.record(model, faces, layer=["conv2", "conv3"])


def test_every_name_of_the_package_leads_somewhere():
    for name in fl.__all__:
        assert getattr(fl, name) is not None
    for name in fl.__all__:  # no module of the same name has come over it
        assert inspect.ismodule(getattr(fl, name)) == (name == "plot"), name
    with pytest.raises(AttributeError, match="no attribute 'asociate'"):
        _ = fl.asociate


def test_faces_and_a_recording_give_what_their_arrays_give(faces, responses):
    some = faces.part("train", "validation")
    choices = {"distance": "auroc", "permutations": 20, "seed": 1, "layer": "conv3"}
    found = fl.associate(responses, some, **choices)
    rows = [list(responses.images).index(image) for image in some.table["image"]]
    arrays = fl.associate(
        responses.response("conv3")[rows],
        some.table[list(some.aus)],
        sequence=some.table["sequence"],
        subject=some.table["subject"],
        **choices,
    )
    pd.testing.assert_frame_equal(found.table, arrays.table)
    # a mouth drawn wide open is told by some unit even of an untrained network
    surprised = found.mapping().query("view == 'au_to_unit' and au == 'AU27' and rank == 1")
    assert surprised["auroc"].item() > 0.95


def test_a_projection_is_zero_outside_of_what_the_unit_sees(model, faces, responses):
    row = 3
    unit = int(responses.response("conv2")[row].argmax())
    found = fl.project(model, faces, layer="conv2", unit=unit, image=row, rule="gradient")
    assert found.response[0] == pytest.approx(responses.response("conv2")[row, unit], rel=1e-5)
    assert tuple(found.location[0]) == tuple(responses.location("conv2")[row, unit])
    top, left, bottom, right = found.window[0]
    outside = found.image[0, 0].copy()
    assert np.abs(outside[top:bottom, left:right]).max() > 0
    outside[top:bottom, left:right] = 0
    assert np.abs(outside).max() == 0
    by_name = fl.project(model, faces, "conv2", unit, faces.table["image"][row], "gradient")
    np.testing.assert_array_equal(by_name.image, found.image)


def test_wrong_calls_are_named(model, faces, responses):
    with pytest.raises(CallError, match="layer is missing: the recording holds conv2, conv3"):
        fl.associate(responses, faces)
    with pytest.raises(CallError, match="not one of each"):
        fl.associate(responses, faces.presence())
    with pytest.raises(CallError, match="image is 999, but there is no such face among 144"):
        fl.project(model, faces, "conv2", 0, 999)
    only = fl.record(model, faces.part("test"), layer="conv3")
    with pytest.raises(CallError, match="was not recorded"):
        fl.associate(only, faces)


BLOCKED = """
import sys

class Missing:
    def find_spec(self, name, *_):
        if name.split(".")[0] in ("torch", "lightning", "torchmetrics", "safetensors", "captum"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Missing())
try:
    import torch
except ModuleNotFoundError:
    pass
else:
    raise AssertionError("torch is not blocked")

import numpy as np
import facslens as fl

faces = fl.split(fl.load_faces(sys.argv[1]), seed=0)
assert sorted(faces.table["split"].unique()) == ["test", "train", "validation"]
some = faces.part("train", "validation")
happy = (some.table["expression"] == "happiness").to_numpy(dtype=float)
noise = np.random.default_rng(0).normal(size=(len(some), 2))
found = fl.associate(
    np.column_stack([happy, noise]),
    some.table[list(some.aus)],
    sequence=some.table["sequence"],
    subject=some.table["subject"],
    distance="auroc",
    permutations=99,
)
first = found.mapping().query("view == 'au_to_unit' and rank == 1")
print(len(faces), int(first.set_index("au").loc["AU12", "unit"]))
assert len(fl.load_faces()) > 1000 and fl.load is fl.load_faces
try:
    fl.load_model("compact")
except ModuleNotFoundError as error:
    print(error.name)
"""


def test_tables_and_arrays_need_no_torch(drawn_ck48):
    """As the README says; in an environment where importing PyTorch raises."""
    run = subprocess.run(
        [sys.executable, "-c", BLOCKED, f"ck48:{drawn_ck48}"], capture_output=True, text=True
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout.split() == ["144", "0", "torch"]


def test_a_training_begins_from_a_model_a_folder_or_a_name(faces, tmp_path):
    few = Recipe(epochs=1, batch_size=64)
    tuned = fl.train(faces, init="compact", size=32, recipe=few)
    assert (tuned.architecture, tuned.size) == ("compact", 32)
    assert tuned.expressions == ("anger", "happiness", "surprise")
    assert tuned.training["epochs"] == 1
    assert tuned.training["init"]["weights"] == digest(fl.load_model("compact"))

    fl.save_model(tuned, tmp_path / "new" / "tuned")
    again = fl.load_model(tmp_path / "new" / "tuned")
    assert digest(again) == digest(tuned)
    assert dataclasses.replace(again, network=tuned.network) == tuned

    by_model, by_folder = (
        fl.train(faces, init=init, size=32, seed=1, recipe=few)
        for init in (tuned, str(tmp_path / "new" / "tuned"))
    )
    assert digest(by_model) == digest(by_folder) != digest(tuned)
    with pytest.raises(CallError, match=r"^init is 'compat': expected a network in the package"):
        fl.train(faces, init="compat")


def test_a_training_without_a_split_makes_it_and_draws_from_the_seed(drawn_ck48, faces):
    few = Recipe(epochs=1, batch_size=64)
    unsplit = fl.load_faces(f"ck48:{drawn_ck48}")
    assert unsplit.table["split"].isna().all()
    found, same, other = (
        digest(fl.train(each, recipe=few, seed=seed))
        for each, seed in ((unsplit, 0), (faces, 0), (unsplit, 1))
    )
    assert found == same != other


def test_every_way_to_name_a_model_records_and_projects_the_same(model, faces, responses, tmp_path):
    fl.save_model(model, tmp_path)
    some = faces.where(np.arange(len(faces)) < 3)
    found = fl.record(tmp_path, some, "conv3")
    np.testing.assert_allclose(
        found.response("conv3"), responses.response("conv3")[:3], atol=1e-5, rtol=1e-5
    )
    ours, theirs = (fl.project(each, faces, "conv2", 5, 3) for each in (model, str(tmp_path)))
    np.testing.assert_array_equal(ours.image, theirs.image)
    assert list(fl.record("compact", some, "block1a.conv1").images) == list(found.images)


def test_a_model_in_memory_predicts_what_its_folder_and_its_network_say(model, faces, tmp_path):
    fl.save_model(model, tmp_path)
    paths = [str(path) for path in faces.table["path"].iloc[:5]]
    ours, theirs = (fl.predict(paths, each, detector=None) for each in (model, tmp_path))
    pd.testing.assert_frame_equal(ours, theirs)
    assert list(ours["input"]) == paths
    shown = normalise.standardise(normalise.read(paths, grey_contrast(48)))
    with torch.inference_mode():
        expected = model.network(shown).softmax(dim=1).numpy()
    np.testing.assert_allclose(ours[list(model.expressions)], expected, atol=1e-5)
    assert not [name for name in ours if name.startswith("AU")]
    one = fl.predict(paths[0], detector=None)
    assert one.loc[0, ["anger", "fear", "happiness"]].between(0, 1).all()
    assert "AU12_fired" in one


def test_wrong_choices_of_a_prediction_name_the_argument(model):
    for choices, message in [
        ({"model": "vgg"}, "^model is 'vgg': expected a network in the package"),
        ({"model": model, "runtime": "onnx"}, "^runtime is 'onnx', which needs an ONNX file"),
        ({"model": model, "labels": "fer2013"}, "^labels is 'fer2013', but only"),
        ({"runtime": "tpu"}, "^runtime is 'tpu': expected one of auto, torch, onnx"),
        ({"every": 0}, "^every is 0: expected 1 or more"),
    ]:
        with pytest.raises(CallError, match=message):
            fl.predict("a.png", **choices)


def test_a_mechanism_is_that_of_every_way_to_name_a_model(model, drawn_stimuli, tmp_path):
    fl.save_model(model, tmp_path)
    choices = {"only": "effects", "seed": 3}
    found = fl.mechanism(model, drawn_stimuli, **choices)
    assert list(found) == [
        "effects", "needed", "interactions", "agreement", "sequences", "words",
    ]  # fmt: skip
    assert set(found["effects"]["expression"]) == set(model.expressions)
    again = fl.mechanism(str(tmp_path), str(drawn_stimuli), **choices)
    for name, table in found.items():
        pd.testing.assert_frame_equal(table, again[name])
    other = fl.mechanism(model, drawn_stimuli, only=["effects"], seed=4)["effects"]
    columns = ["au", "grade", "expression", "logit"]
    pd.testing.assert_frame_equal(other[columns], found["effects"][columns])
    assert (other["logit_low"] != found["effects"]["logit_low"]).any()  # resampled anew


def test_layers_of_a_mechanism_are_the_last_or_named(model, drawn_stimuli, monkeypatch):
    asked = []
    monkeypatch.setattr(make, "mechanism", lambda subject, only: asked.append(subject.layers) or {})
    for layer in (None, "conv1", ["conv3", "conv1"], "all"):
        fl.mechanism(model, drawn_stimuli, layer=layer)
    assert asked == [("conv3",), ("conv1",), ("conv1", "conv3"), ("conv1", "conv2", "conv3")]


def test_wrong_choices_of_a_mechanism_name_the_argument(model, drawn_stimuli, tmp_path):
    for choices, error, message in [
        ({"only": "nonsense"}, CallError, "^only names 'nonsense', which is no part: expected"),
        ({"only": "effects,layers"}, CallError, "^only names 'effects,layers'"),
        ({"layer": "conv9"}, CallError, "^the network has no layer 'conv9': it has conv3, conv"),
        ({"stimuli": tmp_path}, ArtifactError, "holds no stimuli"),
        ({"model": "vgg"}, CallError, "^model is 'vgg': expected a network in the package"),
    ]:
        with pytest.raises(error, match=message):
            fl.mechanism(**{"model": model, "stimuli": drawn_stimuli, **choices})
