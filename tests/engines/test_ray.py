import functools
import os
import signal
import sys
import time

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from torch import nn

import facslens as fl
from facslens.artifacts import sha256
from facslens.association.discovery import associate as module
from facslens.association.discovery.associate import associate
from facslens.cli.main import main
from facslens.controls.pixels import plain_input
from facslens.datasets.images import read_grey
from facslens.datasets.load import load
from facslens.datasets.stimuli import read_stimuli
from facslens.engines.choose import choose
from facslens.engines.engine import ignore
from facslens.engines.local import Local
from facslens.engines.ray import Ray
from facslens.errors import CallError, DataError, FacslensError
from facslens.experiments.faces import compared
from facslens.models.model import build
from facslens.prediction import sources
from facslens.prediction.faces import finder
from facslens.prediction.pieces import ReadPiece, beginnings, carry, pieces
from facslens.prediction.predict import predict
from facslens.prediction.sources import find
from facslens.prediction.write import Kept
from facslens.responses import store
from facslens.responses.recording import record_faces
from facslens.stages.answers import _Mixed
from facslens.stages.open_network import Choice, opener
from facslens.stages.stimulated import read_faces, responding, without_network
from facslens.synthesis.stimuli import StimulusOrder, draw_stimuli


def place_and_square(item, _seen):
    import ray

    time.sleep(0.2)
    return ray.get_runtime_context().get_node_id(), item**2


def fails_at_two(item, _seen):
    if item == 2:
        raise DataError("the face of two is broken")
    return item


def killed_once(mark, item, _seen):
    if item == 3 and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return item


def always_killed(_item, _seen):
    os.kill(os.getpid(), signal.SIGKILL)


def test_pieces_are_done_on_both_nodes_and_come_in_order(engine):
    found = list(engine.map(place_and_square, range(12)))
    assert [square for _, square in found] == [n**2 for n in range(12)]
    assert len({node for node, _ in found}) == 2


def test_few_items_are_asked_for_ahead_of_the_results(engine):
    asked = []
    found = engine.map(place_and_square, (asked.append(n) or n for n in range(50)))
    next(found)
    assert len(asked) <= 5  # two for each of two cores, and one more
    found.close()


def test_an_error_comes_back_as_it_was_raised(engine):
    with pytest.raises(DataError, match=r"^the face of two is broken$"):
        list(engine.map(fails_at_two, range(4)))


def test_a_worker_that_is_killed_is_replaced(engine, tmp_path):
    mark = tmp_path / "killed"
    assert list(engine.map(functools.partial(killed_once, mark), range(6))) == list(range(6))
    assert mark.exists()


@pytest.mark.slow
def test_a_piece_that_kills_every_worker_is_given_up(engine, monkeypatch):
    monkeypatch.setattr("facslens.engines.ray.RETRIES", 1)
    with pytest.raises(FacslensError, match="a piece of the work was lost 2 times"):
        list(engine.map(always_killed, [0]))


def test_a_machine_with_another_version_is_named(engine, monkeypatch):
    monkeypatch.setattr("facslens.engines.ray.__version__", "9.9")
    with pytest.raises(CallError, match=r"has facslens .*: expected 9\.9 on all of them"):
        list(engine.map(place_and_square, [1]))


def test_responses_are_the_same_to_the_bit(engine, monkeypatch):
    monkeypatch.setattr(store, "SHARD", 64)
    faces = load("synthetic")
    faces = faces.where(np.arange(len(faces)) < 200)
    model = build("paper", faces.expressions, 48, seed=3)
    here = record_faces(model, faces, engine=Local())
    there = record_faces(model, faces, engine=engine)
    for layer in here.responses.layers:
        same = np.testing.assert_array_equal
        same(there.responses.response(layer), here.responses.response(layer))
        same(there.responses.location(layer), here.responses.location(layer))
    assert there.exemplars.equals(here.exemplars)


CODE = """
from torch import nn
from width_of_it import WIDTH

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(1, WIDTH, 5, 2)
        self.second = nn.Conv2d(WIDTH, 9, 3)
        self.scores = nn.Linear(9, 3)

    def forward(self, x):
        return self.scores(self.second(self.first(x).relu()).mean((2, 3)))
"""


def other_code(folder):
    (folder / "width_of_it.py").write_text("WIDTH = 6\n")
    (folder / "mine.py").write_text(CODE)
    return f"{folder / 'mine.py'}:Net"


def other_program(folder):
    network = nn.Sequential(
        nn.Conv2d(1, 8, 5, 2), nn.ReLU(), nn.Conv2d(8, 6, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1),
        nn.Flatten(), nn.Linear(6, 3),
    )  # fmt: skip
    sizes = ({0: torch.export.Dim.AUTO},)
    program = torch.export.export(network, (torch.zeros(2, 1, 48, 48),), dynamic_shapes=sizes)
    torch.export.save(program, folder / "net.pt2")
    return str(folder / "net.pt2")


def other_onnx(folder):
    onnx = pytest.importorskip("onnx", reason="the extra export is not installed")
    rng, make = np.random.default_rng(5), onnx.helper.make_node
    weights = {"k": rng.normal(size=(7, 1, 5, 5)), "w": rng.normal(size=(3, 7)), "b": np.zeros(3)}
    graph = onnx.helper.make_graph(
        [
            make("Conv", ["images", "k"], ["maps"], name="only"),
            make("Relu", ["maps"], ["active"]),
            make("GlobalAveragePool", ["active"], ["mean"]),
            make("Flatten", ["mean"], ["flat"]),
            make("Gemm", ["flat", "w", "b"], ["logits"], transB=1),
        ],
        "net",
        [onnx.helper.make_tensor_value_info("images", 1, ["image", 1, 48, 48])],
        [onnx.helper.make_tensor_value_info("logits", 1, ["image", 3])],
        [onnx.numpy_helper.from_array(v.astype(np.float32), n) for n, v in weights.items()],
    )
    onnx.save(onnx.helper.make_model(graph), folder / "net.onnx")
    return str(folder / "net.onnx")


def others(named):
    names = ["anger", "fear", "sadness"]
    return fl.open_network(named, input="grey48", expressions=names, output="logits")


@pytest.mark.parametrize("write", [other_code, other_onnx])
def test_networks_of_others_are_recorded_the_same_to_the_bit(engine, tmp_path, write, monkeypatch):
    monkeypatch.setattr(store, "SHARD", 16)
    faces = load("synthetic")
    faces = faces.where(np.arange(len(faces)) < 40)
    model = others(write(tmp_path))
    here = record_faces(model, faces)
    there = record_faces(model, faces, engine=engine)
    for layer in here.responses.layers:
        values = here.responses.response(layer)
        assert values.std() > 0
        np.testing.assert_array_equal(there.responses.response(layer), values)


def test_a_program_of_torch_export_cannot_be_sent_and_that_is_said(engine, tmp_path):
    faces = load("synthetic")
    with pytest.raises(CallError, match="the network cannot be sent to other processes"):
        record_faces(others(other_program(tmp_path)), faces, engine=engine)


def test_associations_are_the_same_to_the_bit(engine, monkeypatch, rng):
    monkeypatch.setattr(module, "_NULL_VALUES_AT_ONCE", 2_000)  # a few units at a time
    labels = pd.DataFrame(rng.random((60, 2)) < 0.4, columns=["AU01", "AU12"]).astype(float)
    responses = rng.random((60, 9)) + labels.to_numpy()[:, :1]
    how = {"distance": ["kl", "auroc"], "permutations": 99, "min_present": 5}
    here = associate(responses, labels, **how)
    there = associate(responses, labels, engine=engine, **how)
    for name, table in here.tables().items():
        pd.testing.assert_frame_equal(there.tables()[name], table, check_exact=True)


def test_what_is_answered_to_stimuli_is_the_same_to_the_bit(engine, monkeypatch):
    monkeypatch.setattr("facslens.stages.stimulated.PIECE", 40)
    stimuli = read_stimuli(people=2)
    rows = compared(stimuli)
    model = build("paper", ("anger", "happiness"), 48, seed=3)
    readers = [
        (rows, responding(model, ["conv1"], _Mixed(seed=4)), model.input),
        (rows, without_network, plain_input(model.input)),
    ]
    here, there = (read_faces(stimuli, readers, ignore, one) for one in (Local(), engine))
    for own, other in zip(here, there, strict=True):
        assert sorted(own) == sorted(other)
        for name, values in own.items():
            assert len(values) == rows.sum() > 80
            np.testing.assert_array_equal(other[name], values)


def test_stimuli_are_the_same_to_the_bit(engine, tmp_path):
    pytest.importorskip("anny", reason="the extra synthetic is not installed")
    order = StimulusOrder(2, size=16)
    for name, one in (("here", Local()), ("there", engine)):
        draw_stimuli(order, tmp_path / name, engine=one)
    assert sha256(tmp_path / "there") == sha256(tmp_path / "here")


def test_an_address_where_no_cluster_is_and_an_unknown_engine_are_refused():
    with pytest.raises(CallError, match="needs --engine ray"):
        choose("local", "auto")
    with pytest.raises(CallError, match="engine is 'spark': expected local or ray"):
        choose("spark")
    assert choose("ray", "auto") == Ray("auto")


@pytest.fixture
def inputs(tmp_path, rng):
    """Twenty drawn photographs, and a file that is none among them."""
    faces = load("synthetic").table["path"].iloc[:20]
    for number, path in enumerate(faces):
        face = Image.fromarray(read_grey(path)).resize((150, 150))
        photograph = Image.new("RGB", (240, 220), tuple(rng.integers(60, 180, 3).tolist()))
        photograph.paste(face, (40, 30))
        photograph.save(tmp_path / f"{number:02d}.png")
    (tmp_path / "07b.png").write_text("no picture")
    return tmp_path


@pytest.mark.parametrize("detector", ["blazeface", None])
def test_predictions_are_the_same_to_the_last_digit(engine, inputs, monkeypatch, detector):
    pytest.importorskip("onnxruntime", reason="the extra photos is not installed")
    monkeypatch.setattr("facslens.prediction.pieces.PIECE", 6)
    entries = find([str(inputs), str(inputs / "gone.png")])
    left = list(pieces(entries, beginnings(entries), Kept()))
    assert [piece.first for piece in left] == [0, 6, 12, 18]
    opening = opener(Choice())
    work = ReadPiece(opening, detector, batch=4)
    there = [row for rows in engine.map(work, map(carry, left)) for row in rows]
    network, here = opening(), []
    find_faces = finder(detector, network.input)
    for piece in left:
        here += [row for _, row in predict(piece.pictures(), find_faces, network, 2, batch=4)]
    assert there == here
    assert sum(row["problem"] is not None for row in here) == 2
    assert sum(row["face"] is not None for row in here) >= 10


def test_a_prediction_that_stopped_here_goes_on_there(
    engine, inputs, tmp_path, monkeypatch, capsys
):
    pytest.importorskip("onnxruntime", reason="the extra photos is not installed")
    monkeypatch.setattr("facslens.prediction.pieces.PIECE", 6)
    monkeypatch.setattr("facslens.cli.predict.BATCH", 4)

    def called(out, *choices):
        command = ["facslens", "predict", inputs, "--faces-are-cropped", "--out", out, *choices]
        monkeypatch.setattr(sys, "argv", [*map(str, command)])
        with pytest.raises(SystemExit) as stop:
            main()
        assert stop.value.code == 1  # a file is no picture
        return capsys.readouterr().err

    def stop(entry, every):
        if entry.name == "14.png":
            raise KeyboardInterrupt
        return sources.pictures(entry, every)

    whole, out = tmp_path / "whole.csv", tmp_path / "rows.csv"
    called(whole)
    with monkeypatch.context() as patch:
        patch.setattr("facslens.prediction.pieces.pictures", stop)
        assert "the same command goes on from" in called(out)
    # the last batch of the second piece is made again: no row of a later picture followed it
    assert "goes on after 10 rows" in called(out, "--engine", "ray")
    assert out.read_bytes() == whole.read_bytes()
