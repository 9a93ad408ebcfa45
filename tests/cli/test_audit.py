"""``facslens audit`` as a user meets it: with faces, without, stopped, and asked for nonsense."""

import dataclasses
import json
import re
import shutil
import sys
import warnings

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import save_file

import facslens as fl
from facslens.cli.main import main
from facslens.datasets.splits import halves
from facslens.models import model as models
from facslens.runs.folder import Run
from facslens.runs.record import RunRecord
from facslens.stages import order
from facslens.stages.check_table import CHECKS

WITHOUT = ["open", "experiment", "mechanism", "report"]
WITH = [
    "open", "faces", "record", "associate", "experiment", "mechanism", "project", "report",
]  # fmt: skip


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    """A saved model of the paper's architecture that nobody trained."""
    folder = tmp_path_factory.mktemp("networks") / "paper"
    models.save(models.build("paper", ("anger", "happiness", "surprise"), 48, seed=0), folder)
    return folder


@pytest.fixture(scope="module")
def make(two_grades):
    """Audit a network on drawn stimuli, quickly."""

    def audit(network, folder, *choices):
        quick = ["--untrained", "1", "--permutations", "19", "--stimuli", two_grades]
        arguments = ["audit", network, "--out", folder, *quick, *choices]
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sys, "argv", ["facslens", *map(str, arguments)])
            with pytest.raises(SystemExit) as stop:
                main()
        assert not stop.value.code
        return folder

    return audit


@pytest.fixture(scope="module")
def drawn(make, tmp_path_factory):
    """An audit of the network in the package, without faces."""
    return make("compact", tmp_path_factory.mktemp("audits") / "drawn", "--layer", "block3b.conv2")


@pytest.fixture(scope="module")
def coded(make, network, drawn_ck48, tmp_path_factory):
    """An audit of an untrained network, with drawn faces of 24 coded people."""
    folder = tmp_path_factory.mktemp("audits") / "coded"
    return make(
        network, folder, "--data", f"ck48:{drawn_ck48}", "--layer", "conv1", "--layer", "conv3"
    )


@pytest.fixture
def copied(coded, tmp_path):
    return shutil.copytree(coded, tmp_path / "run")


def words(folder):
    page = (folder / "report" / "index.html").read_text(encoding="utf-8")
    return " ".join(re.sub(r"<(style|script)>.*?</\1>|<[^>]+>", " ", page, flags=re.S).split())


def statuses(folder):
    return {name: entry["status"] for name, entry in Run(folder).info["stages"].items()}


def test_without_faces_the_network_is_opened_and_shown_drawn_ones(drawn):
    assert statuses(drawn) == dict.fromkeys(WITHOUT, "done")
    record = fl.load_run(drawn)
    opened = record.opened
    assert opened["network"] == "compact"
    assert opened["parameters"] == 1_242_680
    assert opened["layers"] == ["block3b.conv2"] == list(record.layers)
    assert opened["expressions"] == list(record.model.expressions)
    assert opened["people"] == {"choosing": 5, "measuring": 5}
    assert opened["has_untrained"] is True
    layers = record.table("layers.csv").set_index("layer")
    assert len(layers) == 16
    assert layers["shortcut"].sum() == 3
    assert layers.loc["stem", ["units", "rows", "field_rows", "stride_rows"]].tolist() == [
        32,
        48,
        3,
        1,
    ]
    assert layers.loc["block3b.conv2", ["units", "columns", "stride_columns"]].tolist() == [
        176,
        6,
        8,
    ]
    assert set(layers["rules"]) == {"exact"}
    assert layers.index[layers["looked_at"]].tolist() == ["block3b.conv2"]
    assert set(record.table("experiment/caused.csv")["layer"]) == {"block3b.conv2"}
    assert not (drawn / "faces.parquet").exists()


def test_the_report_of_an_audit_shows_how_and_leaves_out_what_it_never_has(drawn):
    page = words(drawn)
    assert "How this network was opened" in page
    assert "1 242 680 parameters, 8 expressions (neutral, anger, contempt" in page
    assert "5 on whom units are chosen, 5 on whom they are measured" in page
    assert "block3b.conv2 convolution batch norm, add, relu 176 6×6 101×101 8×8 exact" in page
    assert "stem not looked at" in page
    assert "The mean of 20 drawn faces at rest as the network reads them" in page
    for heading in ("Training", "At a glance", "The faces", "Would a reviewer believe it?"):
        assert heading not in page
    for stage in ("train", "associate", "record", "verify"):
        assert f"facslens {stage}" not in page
    assert "It shows no photograph; faces on it are drawn." in page
    assert "which was trained elsewhere" not in page
    pictures = {path.name for path in (drawn / "report" / "opened").iterdir()}
    assert pictures == {"seen-drawn.png"}


def test_few_people_are_said_to_decide_nothing(facslens, drawn):
    # two action units and five people: 2 · 2⁻⁵ is above 0.05
    warning = "Units are measured on 5 drawn people only: so few cannot show that an action unit"
    assert f"Read this first. {warning}" in words(drawn)
    code, out, err = facslens("audit", "--resume", "--out", drawn)
    assert code == 0, err
    assert f"warning: {warning}" in out
    assert out.splitlines()[-1] == f"report: {drawn / 'report' / 'index.html'}"


def test_with_faces_every_stage_but_a_training_is_made(coded, drawn_ck48):
    assert statuses(coded) == dict.fromkeys(WITH, "done")
    record = fl.load_run(coded)
    faces = fl.load_faces(f"ck48:{drawn_ck48}")
    assert record.faces.table["split"].tolist() == halves(faces, 0).tolist()
    assert record.layers == ("conv1", "conv3")
    assert set(record.mapping["layer"]) == {"conv1", "conv3"}
    assert record.table("experiment/convergence.csv")["known"].isin(["both", "real", "drawn"]).all()
    assert len(record.projections)
    predictions = record.predictions
    found = json.loads((coded / "accuracy.json").read_text())
    right = predictions["true"] == predictions["predicted"]
    recalls = right.groupby(predictions["true"]).mean()
    assert found["accuracy"]["value"] == pytest.approx(right.mean())
    assert found["recall"]["value"] == pytest.approx(recalls.mean())
    assert (found["faces"], found["groups"], found["grouped_by"]) == (144, 24, "people")
    assert found["chance"] == pytest.approx(1 / 3)
    # it always says the same, so that it reaches what guessing does
    assert len(set(predictions["predicted"])) == 1
    assert found["beyond_chance"] is False
    page = words(coded)
    assert "The faces" in page
    assert "other subjects" in page
    assert "the network never saw" not in page
    assert "The mean of 144 faces of the dataset as the network reads them" in page


def test_no_better_than_guessing_is_said_on_the_page_and_on_the_console(facslens, coded):
    said = (
        "recognises the expressions of these faces no better than guessing: its mean recall over 3"
    )
    assert said in words(coded)
    code, out, _ = facslens("audit", "--resume", "--out", coded)
    assert code == 0
    assert f"warning: The network {said} expressions is 33 % (95 % interval over 24 people" in out


def test_a_report_without_faces_has_none(facslens, copied):
    assert facslens("report", copied, "--no-faces")[0] == 0
    assert "faces of the dataset as the network reads them" not in words(copied)
    assert {path.name for path in (copied / "report" / "opened").iterdir()} == {"seen-drawn.png"}


@pytest.mark.slow
def test_the_commands_of_a_run_work_on_an_audit(facslens, copied, monkeypatch):
    for arguments in (
        (
            "verify",
            copied,
            "--only",
            "untrained,ablation,shuffled,sanity",
            "--seeds",
            1,
            "--sets",
            5,
        ),
        ("associate", copied, "--permutations", 9),
        ("project", copied),
        ("experiment", copied),
        ("mechanism", copied, "--only", "layers"),
        ("report", copied),
        ("run", "--resume", "--out", copied),
    ):
        code, _, err = facslens(*arguments)
        if "shuffled" in str(arguments):
            assert code == 2
            assert "names 'shuffled', which trains the network again" in err
        else:
            assert code == 0, (arguments, err)
    assert {*statuses(copied).values()} == {"done"}
    # there are 4,608; taken away and put back, it would come last in every later test
    monkeypatch.setitem(CHECKS, "pixels", dataclasses.replace(CHECKS["pixels"], default=False))
    code, _, err = facslens("verify", copied, "--seeds", 1, "--sets", 5)
    assert code == 0, err
    assert set(RunRecord(Run(copied)).check("controls")["control"]) >= {"untrained", "gradients"}
    shown = facslens("predict", "--model", copied, "nothing.png")
    assert "nothing.png" in shown[1] + shown[2]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("train",), "is an audit, which has no stage train: it has open, faces"),
        (("experiment", "--identity", "--out", "found"), "is an audit, whose network was trained"),
        (("experiment", "--checkpoints"), "is an audit, whose network was trained elsewhere"),
    ],
)
def test_what_needs_a_training_is_one_sentence(facslens, coded, arguments, message):
    before = (coded / "run.json").read_bytes()
    code, _, err = facslens(arguments[0], coded, *arguments[1:])
    assert code == 2
    assert message in err
    assert (coded / "run.json").read_bytes() == before


@pytest.mark.parametrize("command", ["associate", "record", "project", "verify"])
def test_what_needs_faces_is_one_sentence(facslens, drawn, command):
    code, _, err = facslens(command, drawn)
    assert code == 2
    stage = "associate" if command == "verify" else command
    assert f"is an audit without faces, which has no stage {stage}: it has open, experiment" in err


@pytest.mark.slow
def test_an_audit_that_is_stopped_again_and_again_goes_on(
    facslens, network, drawn_ck48, two_grades, coded, tmp_path, monkeypatch
):
    folder = tmp_path / "run"

    def stopping(stage):
        """Stop the first time; then do what the stage does."""
        stops = iter([KeyboardInterrupt])

        def run(*arguments, **means):
            for stop in stops:
                raise stop
            stage(*arguments, **means)

        return run

    stopped = ("open", "record", "experiment", "mechanism")
    for name in stopped:
        monkeypatch.setitem(order.STAGES, name, stopping(order.STAGES[name]))
    quick = ["--untrained", "1", "--permutations", "19", "--layer", "conv1", "--layer", "conv3"]
    call = ("audit", network, "--data", f"ck48:{drawn_ck48}", "--out", folder, *quick)
    call += ("--stimuli", two_grades)
    for name in stopped:
        code, _, err = facslens(*call)
        assert code == 130, err
        assert not Run(folder).is_done(name)
        call = ("audit", "--resume", "--out", folder)
    assert facslens(*call)[0] == 0
    assert statuses(folder) == dict.fromkeys(WITH, "done")
    for name in ("mapping.csv", "experiment/caused.csv", "mechanism/words.csv", "accuracy.json"):
        assert (folder / name).read_bytes() == (coded / name).read_bytes()


def test_a_network_that_has_learned_from_the_people_keeps_their_split(
    facslens, make_run, drawn_ck48, tmp_path, monkeypatch
):
    for name in WITH[2:]:  # what comes after the split
        monkeypatch.setitem(order.STAGES, name, lambda *_, **_means: None)
    run = make_run(tmp_path / "run", "--epochs", "1")
    code, _, err = facslens(
        "audit", run, "--data", f"ck48:{drawn_ck48}", "--out", tmp_path / "audit", "--seed", 3
    )
    assert code == 0, err
    splits = [RunRecord(Run(f)).faces.table["split"].tolist() for f in (run, tmp_path / "audit")]
    assert splits[0] == splits[1]


@pytest.mark.slow
def test_faces_without_codes_are_read_for_their_expressions(make, network, drawn_ck48, tmp_path):
    folder = shutil.copytree(drawn_ck48, tmp_path / "plain")
    (folder / "facs.csv").unlink()
    made = make(network, tmp_path / "run", "--data", f"ck48:{folder}", "--layer", "conv3")
    expected = [name for name in WITH if name not in ("associate", "project")]
    assert list(statuses(made)) == expected
    assert "Does it recognise expressions?" in words(made)
    assert "facslens associate" not in words(made)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "network is missing: name compact, a folder or a file"),
        (("nothing-here",), "'nothing-here', which does not exist: expected compact, the folder"),
        (("compact", "--layer", "conv9"), "the network has no layer 'conv9'"),
        (("compact", "--people", "9"), "--people is 9: expected 10 or more"),
        (("compact", "--people", "61"), "--people is 61: expected 2 to 60"),
        (("compact", "--output", "softmax"), "labels is 'softmax': expected one of ferplus"),
        (("compact", "--weights", "w.safetensors"), "--weights is 'w.safetensors', but compact"),
        (("compact", "--input", "rgb224-imagenet"), "--input is 'rgb224-imagenet', but compact"),
        (("compact", "--expressions", "fear,joy"), "--expressions is 'fear,joy', but compact"),
        (("compact", "--data", "nonsense:x"), "nonsense"),
        (("compact", "--resume"), "network is 'compact', but --resume goes on with that of the"),
    ],
)  # fmt: skip
def test_nonsense_is_one_sentence_and_leaves_nothing(facslens, tmp_path, arguments, message):
    out = tmp_path / "out"
    code, _, err = facslens("audit", *arguments, "--out", out)
    assert code == 2
    assert message in " ".join(err.split())
    assert not out.exists()


def test_a_run_is_no_audit_to_go_on_with(facslens, tmp_path):
    Run.create(tmp_path / "run", data="synthetic", seed=0, settings={})
    code, _, err = facslens("audit", "--resume", "--out", tmp_path / "run")
    assert code == 2
    assert "--out is" in err
    assert "a run that trains its network: go on with it by `facslens run --resume" in err


SOMEBODYS = """
from torch import nn

def build():
    return nn.Sequential(
        nn.Conv2d(3, 6, 5, 2), nn.GroupNorm(2, 6), nn.SiLU(), nn.Conv2d(6, 8, 3), nn.ReLU(),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 3),
    )
"""


def given(folder, kind):
    """Write a network of somebody's, as code with weights or as an ONNX file; name it in a call."""
    (folder / "mine.py").write_text(SOMEBODYS)
    space: dict = {}
    exec(SOMEBODYS, space)
    torch.manual_seed(1)
    network = space["build"]().eval()
    save_file(network.state_dict(), folder / "w.safetensors")
    says = ["--input", "rgb40x32-signed", "--expressions", "happy,sad,calm"]
    if kind == "code":
        return f"{folder / 'mine.py'}:build", ["--weights", folder / "w.safetensors", *says]
    batch = {0: torch.export.Dim("n")}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network, (torch.zeros(2, 3, 40, 32),), folder / "mine.onnx", dynamo=True,
            verbose=False, dynamic_shapes=(batch,),
        )  # fmt: skip
    return folder / "mine.onnx", says


@pytest.fixture(scope="module")
def somebodys(make, drawn_ck48, tmp_path_factory):
    """Audits of one network of somebody's: of colours, not square, as code and as an ONNX file."""
    found = {}
    for kind in ("code", "onnx"):
        folder = tmp_path_factory.mktemp(kind)
        network, says = given(folder, kind)
        data = ["--data", f"ck48:{drawn_ck48}"]
        found[kind] = fl.load_run(make(network, folder / "run", *says, *data))
    return found


def test_code_and_its_onnx_file_are_the_same_network(somebodys):
    code, file = somebodys["code"], somebodys["onnx"]
    assert statuses(code.run.folder) == statuses(file.run.folder) == dict.fromkeys(WITH, "done")
    assert code.opened["expressions"] == ["happiness", "sadness", "calm"]
    assert code.layers == file.layers == ("0", "3")
    for layer in code.layers:
        # float32 through two convolutions, by two runtimes
        for of in (code, file):
            assert of.responses.response(layer).shape[1] == len(of.units.query("layer == @layer"))
        np.testing.assert_allclose(
            code.responses.response(layer), file.responses.response(layer), rtol=1e-3, atol=1e-4
        )
    layers = code.table("layers.csv").set_index("layer")
    assert layers[["units", "rows", "columns"]].to_numpy().tolist() == [[6, 18, 14], [8, 16, 12]]
    assert layers["steps"].tolist() == ["group_norm silu", "relu"]
    assert layers["rules"].tolist() == ["by derivative"] * 2
    assert set(file.table("layers.csv")["rules"]) == {"refused"}
    # somebody's modules can draw their weights anew, an ONNX file's cannot
    assert code.opened["has_untrained"]
    assert not file.opened["has_untrained"]


def test_the_report_says_how_somebodys_network_was_opened(somebodys):
    page = words(somebodys["code"].run.folder)
    assert "resized to 40×32 pixels (bilinear)" in page
    assert "Black becomes −1, white 1." in page
    assert "group norm, silu" in page
    assert "group_norm: its derivative passes" in page
    assert "onnx file" in words(somebodys["onnx"].run.folder).lower()


def test_the_other_head_of_the_package_is_opened(make, tmp_path):
    made = make("compact", tmp_path / "run", "--output", "fer2013", "--layer", "block3b.conv2")
    assert len(fl.load_run(made).model.expressions) == 7
    effects = pd.read_csv(made / "mechanism" / "effects.csv")
    assert set(effects["expression"]) == set(fl.load_run(made).model.expressions)
