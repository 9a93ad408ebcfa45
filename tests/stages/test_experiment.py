import dataclasses
import io
import json

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

import facslens as fl
from facslens.cli.main import main
from facslens.datasets.stimuli import read_stimuli
from facslens.directions.rotation import random_rotation
from facslens.errors import ArtifactError, CallError
from facslens.experiments.control import Control
from facslens.experiments.faces import compared, needed
from facslens.models.compact import CompactNetwork
from facslens.models.model import Model, build, save
from facslens.preprocess import normalise
from facslens.preprocess.input import grey_contrast
from facslens.stages import experiment as module
from facslens.stages.answers import Answers, _Mixed, ask
from facslens.stages.experiment import (
    Plan,
    analysed,
    experiment,
    read_experiment,
    write_experiment,
)
from facslens.stages.stimulated import read_faces, responding, settle

LAYERS = ("conv1", "conv3")


@pytest.fixture(scope="module")
def folder(draw_stimuli, tmp_path_factory):
    return draw_stimuli(tmp_path_factory.mktemp("stimuli") / "set", grades=("C", "E"))


@pytest.fixture(scope="module")
def model():
    return build("paper", ("anger", "happiness", "sadness"), 48, 3)


@pytest.fixture(scope="module")
def findings(model, folder):
    return experiment(model, read_stimuli(folder), Plan(LAYERS, untrained=2, permutations=19))


def test_changes_are_those_of_the_networks_own_maps(model, folder, findings):
    """Derived again by one forward pass for each face, with PyTorch alone."""
    first = next(m for m in model.network.modules() if isinstance(m, torch.nn.Conv2d))
    stimuli = read_stimuli(folder)
    measuring = stimuli.table[stimuli.table["half"] == "measuring"]

    def response(person, setting, name):
        file = folder / f"images/{person}/{setting}/{name}.png"
        face = normalise.standardise(normalise.read([file], grey_contrast(48)))
        with torch.inference_mode():
            maps = first(face).relu()
        return maps.amax(dim=(2, 3))[0].numpy()

    means = []
    for person in measuring["person"].unique():
        settings = [response(person, s, "AU12-E") - response(person, s, "rest") for s in range(2)]
        means.append(np.mean(settings, axis=0))
    own = findings.tuning.query("layer == 'conv1' and au == 'AU12'").set_index("unit")
    np.testing.assert_allclose(own["change"], np.mean(means, axis=0), rtol=1e-4, atol=1e-5)


def test_every_layer_and_action_unit_has_a_row(findings):
    assert findings.caused[["layer", "au"]].to_numpy().tolist() == [
        [layer, au] for layer in LAYERS for au in ("AU01", "AU12")
    ]
    assert findings.controls.groupby("control")["n"].first().to_dict() == {
        "pixels": 1, "gradients": 1, "total": 1, "untrained": 2, "rotated": 3,
    }  # fmt: skip
    assert set(findings.dose["grade"]) == {"C", "E"}


class Steps(torch.nn.Module):
    """The paper's first layer and the scores, of plain weights that nothing can draw anew."""

    def __init__(self, model):
        super().__init__()
        self.conv = torch.nn.Conv2d(1, 64, 5, padding=2, bias=False)
        self.conv.reset_parameters = None
        self.conv.weight = torch.nn.Parameter(model.network.conv1.weight.detach().clone())
        self.relu = torch.nn.ReLU()

    def forward(self, faces):
        return self.relu(self.conv(faces)).amax(dim=(2, 3))[:, :3]


def test_a_network_without_an_untrained_twin_is_compared_with_the_others(model, folder, tmp_path):
    network = dataclasses.replace(model, network=Steps(model).eval())
    plan = Plan(untrained=2, permutations=9)
    found = experiment(network, read_stimuli(folder), plan)
    assert set(found.controls["control"]) == {"pixels", "gradients", "total", "rotated"}
    assert "caused" not in set(found.caused["verdict"])
    write_experiment(network, read_stimuli(folder), tmp_path / "out", plan)
    again = read_experiment(tmp_path / "out")
    assert again.caused["verdict"].tolist() == found.caused["verdict"].tolist()


def test_the_faces_of_one_layer_are_the_same_alone(model, folder, findings):
    alone = experiment(model, read_stimuli(folder), Plan(("conv3",), untrained=2, permutations=19))
    whole = findings.caused[findings.caused["layer"] == "conv3"].reset_index(drop=True)
    pd.testing.assert_frame_equal(alone.caused, whole)


def test_tables_are_written_read_and_checked(model, folder, findings, tmp_path, monkeypatch):
    plan = Plan(LAYERS, untrained=2, permutations=19)
    stimuli = read_stimuli(folder)
    write_experiment(model, stimuli, tmp_path / "out", plan)
    note = json.loads((tmp_path / "out" / "experiment.json").read_text())
    assert note["stimuli"] == stimuli.sha256
    monkeypatch.setattr(module, "ask", None)  # a second call only reads
    again = write_experiment(model, stimuli, tmp_path / "out", plan)
    for name in ("caused", "rivals", "dose", "people", "tuning", "controls"):
        pd.testing.assert_frame_equal(
            getattr(again, name), getattr(findings, name), check_dtype=False
        )
    with pytest.raises(CallError, match="holds an experiment made with other settings"):
        write_experiment(model, stimuli, tmp_path / "out", Plan(LAYERS, 3, 19))
    file = tmp_path / "out" / "caused.csv"
    file.write_text(file.read_text().replace("AU12", "AU15"))
    with pytest.raises(ArtifactError, match=r"caused\.csv is not what the experiment left"):
        read_experiment(tmp_path / "out")


def test_a_network_that_answers_the_same_to_every_face_is_written_and_read(model, folder, tmp_path):
    dead = build("paper", model.expressions, 48, 3)
    with torch.no_grad():
        for weight in dead.network.parameters():
            weight.zero_()
    plan = Plan(LAYERS, untrained=1, permutations=9)
    made = write_experiment(dead, read_stimuli(folder), tmp_path / "out", plan)
    found = read_experiment(tmp_path / "out")
    assert set(found.caused["verdict"]) == {"silent"}
    for name in ("rivals", "dose", "people"):
        assert len(getattr(found, name)) == 0
        assert list(getattr(found, name)) == list(getattr(made, name))


def test_networks_are_asked_once(model, folder, tmp_path, monkeypatch):
    plan, stimuli = Plan(("conv1",), untrained=1, permutations=9), read_stimuli(folder)

    def stop(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(module, "analyse", stop)
        with pytest.raises(KeyboardInterrupt):
            write_experiment(model, stimuli, tmp_path / "out", plan)
    monkeypatch.setattr(module, "ask", None)
    found = write_experiment(model, stimuli, tmp_path / "out", plan)
    whole = experiment_at_once(model, stimuli, plan)
    for name in ("caused", "tuning", "controls", "people"):
        pd.testing.assert_frame_equal(getattr(found, name), getattr(whole, name))


def test_answers_are_read_by_layer_and_refused_where_a_part_is_lacking(tmp_path):
    control = Control(1, np.array([3]), np.ones((1, 2, 2)), np.array([0.5]))
    values = np.arange(6, dtype=np.float32).reshape(3, 2)
    own = {"pixels": control}
    made = Answers({"a/b": values, "c": -values}, {"a/b": own, "c": own}, values[:, :1])
    file = tmp_path / "answers.npz"
    made.write(file)
    found = Answers.read(file)
    assert (list(found.responses), list(found.controls)) == (["a/b", "c"], ["a/b", "c"])
    np.testing.assert_array_equal(found.responses["c"], -values)
    np.testing.assert_array_equal(found.logits, values[:, :1])
    read = found.controls["a/b"]["pixels"]
    assert (read.n, read.candidate.tolist(), read.wins.tolist()) == (1, [3], [0.5])
    np.testing.assert_array_equal(read.tables, control.tables)
    whole = file.read_bytes()
    with np.load(io.BytesIO(whole)) as stored:
        older = {key: stored[key] for key in stored.files if not key.startswith("wins")}
    np.savez_compressed(file, **older)
    with pytest.raises(ArtifactError, match="holds no whole answers"):
        Answers.read(file)
    place = whole.index(b"responses/c.npy") + 40
    file.write_bytes(whole[:place] + bytes([whole[place] ^ 255]) + whole[place + 1 :])
    with pytest.raises(ArtifactError, match="answers to the stimuli"):
        Answers.read(file)


def experiment_at_once(model, stimuli, plan):
    answers = ask(model, stimuli, list(plan.layers), plan.untrained, plan.seed, lambda *_: None)
    return analysed(answers, stimuli, plan)


def test_rotations_mix_whole_maps_of_the_layer(model, folder):
    """Derived again: maps of one face, mixed by NumPy, then their maxima."""
    stimuli = read_stimuli(folder)
    few = compared(stimuli)
    first = next(m for m in model.network.modules() if isinstance(m, torch.nn.Conv2d))
    reader = responding(model, ["conv1"], _Mixed(seed=4))
    (found,) = read_faces(stimuli, [(few, reader, grey_contrast(48))], lambda _n: None)
    row = 7
    faces = normalise.read([folder / stimuli.table["path"][few].iloc[row]], grey_contrast(48))
    with torch.inference_mode():
        alone = first(normalise.standardise(faces)).relu()[0].double().numpy()
    np.testing.assert_allclose(found["conv1"][row, 0], alone.max(axis=(1, 2)), atol=1e-4)
    mixed = np.einsum("urc,mu->mrc", alone, random_rotation(len(alone), 5))
    np.testing.assert_allclose(found["conv1"][row, 2], mixed.max(axis=(1, 2)), atol=1e-4)


def test_only_what_is_needed_is_shown(folder):
    table = read_stimuli(folder).table
    shown = table[needed(read_stimuli(folder))]
    assert set(shown.loc[shown["half"] == "choosing", "name"]) == {"rest", "AU01-E", "AU12-E"}
    assert set(shown.loc[shown["half"] == "measuring", "name"]) == set(table["name"])


def test_an_interrupted_experiment_is_made_again(model, folder, tmp_path):
    plan = Plan(("conv1",), untrained=1, permutations=9)

    def stop(done, total, note):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_experiment(model, read_stimuli(folder), tmp_path / "out", plan, stop)
    with pytest.raises(ArtifactError, match="holds no finished experiment"):
        read_experiment(tmp_path / "out")
    write_experiment(model, read_stimuli(folder), tmp_path / "out", plan)
    assert len(read_experiment(tmp_path / "out").caused) == 2


def test_changed_stimuli_are_refused(model, draw_stimuli, tmp_path):
    folder = draw_stimuli(tmp_path / "set")
    file = folder / "images/P001/0/AU12-E.png"
    levels = np.asarray(Image.open(file)).copy()
    levels[0, 0] ^= 1
    Image.fromarray(levels).save(file)
    with pytest.raises(ArtifactError, match="changed since they were drawn"):
        experiment(model, read_stimuli(folder))


def test_untrained_batch_normalisation_is_set_on_the_choosing_people(folder):
    torch.manual_seed(0)
    network = CompactNetwork(classes=3)
    stimuli = read_stimuli(folder)
    rows = np.isin(stimuli.table["name"], ["rest", "AU01-E", "AU12-E"])
    settle([Model(network, "compact", grey_contrast(48), ("anger", "fear", "sadness"))], stimuli)
    table = stimuli.table
    chosen = rows & ((table["half"] == "choosing") & (table["setting"] == 0)).to_numpy()
    faces = normalise.read([folder / p for p in table["path"][chosen]], grey_contrast(48))
    with torch.inference_mode():
        maps = network.stem(normalise.standardise(faces))
    first = next(m for m in network.modules() if isinstance(m, torch.nn.BatchNorm2d))
    np.testing.assert_allclose(
        first.running_mean.numpy(), maps.mean(dim=(0, 2, 3)).numpy(), atol=1e-3
    )
    assert not any(module.training for module in network.modules())


def test_the_interface_and_the_command(model, folder, tmp_path, capsys, monkeypatch):
    save(model, tmp_path / "model")
    found = fl.experiment(tmp_path / "model", folder, layer="conv1", untrained=1, permutations=9)
    assert list(found.caused["layer"].unique()) == ["conv1"]
    arguments = ["experiment", str(tmp_path / "model"), "--stimuli", str(folder)]
    arguments += ["--layer", "conv1", "--untrained", "1", "--permutations", "9"]
    monkeypatch.setattr("sys.argv", ["facslens", *arguments, "--out", str(tmp_path / "out")])
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code in (0, None)
    out = capsys.readouterr().out
    caused = (found.caused["verdict"] == "caused").sum()
    assert f"conv1: {caused} of 2 action units are caused" in out
    assert (tmp_path / "out" / "caused.csv").is_file()


@pytest.mark.parametrize(
    ("plan", "message"),
    [
        ({"untrained": 0}, "^untrained is 0: expected 1 or more"),
        ({"permutations": 0}, "^permutations is 0"),
        ({"seed": -1}, "^seed is -1"),
    ],
)
def test_an_impossible_plan_is_one_sentence(plan, message):
    with pytest.raises(CallError, match=message):
        Plan(**plan)


def test_an_unknown_layer_is_one_sentence_and_leaves_nothing(model, folder, tmp_path):
    for make in (experiment, lambda m, s, p: write_experiment(m, s, tmp_path / "out", p)):
        with pytest.raises(CallError, match="conv9"):
            make(model, read_stimuli(folder), Plan(("conv9",)))
    assert not (tmp_path / "out").exists()
