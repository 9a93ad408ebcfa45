"""Networks in files: code with weights, exported programs, folders; damages of each."""

import io
import json
import pickle
import re
import sys
import zipfile

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

import facslens as fl
from facslens.errors import ArtifactError, CallError
from facslens.models.initial import digest
from facslens.models.opening.kinds import Named, open_named
from facslens.models.opening.program import read_program
from facslens.models.opening.weights import give_weights
from facslens.models.reading.agreement import check_agreement

from .networks import NAMES, Network

IMAGES = torch.rand(4, 1, 16, 16, generator=torch.Generator().manual_seed(3))
CODE = """
import torch
from torch import nn
from parts_of_it import WIDTH

class Net(nn.Sequential):
    def __init__(self):
        super().__init__(
            nn.Conv2d(1, WIDTH, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
            nn.Linear(WIDTH, 3),
        )

def build():
    return Net()

def none():
    return None

def broken():
    raise RuntimeError("no such luck")

made = Net()
number = 3
"""


@pytest.fixture
def code(tmp_path):
    (tmp_path / "parts_of_it.py").write_text("WIDTH = 4\n")
    (tmp_path / "mine.py").write_text(CODE)
    return tmp_path / "mine.py"


def weights():
    return {
        "0.weight": torch.rand(4, 1, 3, 3), "0.bias": torch.rand(4),
        "4.weight": torch.randn(3, 4), "4.bias": torch.randn(3),
    }  # fmt: skip


def named(network, path=None, output="logits"):
    return fl.open_network(
        str(network), weights=path, input="grey16", expressions=NAMES, output=output
    )


WRITERS = {
    "w.safetensors": lambda state, path: save_file(state, path),
    "w.pth": torch.save,
    "w.pt": lambda state, path: torch.save({"epoch": 3, "state_dict": state}, path),
    "parallel.pth": lambda state, path: torch.save(
        {"model": {f"module.{name}": value for name, value in state.items()}}, path
    ),
}


@pytest.mark.parametrize("name", WRITERS)
def test_code_with_weights_is_the_network(code, tmp_path, name):
    state = weights()
    WRITERS[name](state, tmp_path / name)
    before, places = set(sys.modules), list(sys.path)
    model = named(f"{code}:build", tmp_path / name)
    assert sys.path == places
    assert not {"mine", "parts_of_it"} & (set(sys.modules) - before)
    assert all(torch.equal(model.network.state_dict()[n], value) for n, value in state.items())
    assert list(model.opened["files"]) == [str(code), str(tmp_path / name)]
    assert model.opened["class"] == "mine.Net"
    check_agreement(model.reading, model.network, IMAGES)


def test_the_same_weights_under_other_code_are_another_network(code, tmp_path):
    save_file(weights(), tmp_path / "w.safetensors")
    first = named(f"{code}:build", tmp_path / "w.safetensors")
    assert digest(first) == digest(named(f"{code}:Net", tmp_path / "w.safetensors"))
    code.write_text(CODE.replace("nn.ReLU()", "nn.Tanh()"))
    assert digest(first) != digest(named(f"{code}:build", tmp_path / "w.safetensors"))


@pytest.mark.parametrize(
    ("function", "said"),
    [
        ("biuld", "has no biuld"),
        ("none", "makes a NoneType: expected a torch.nn.Module"),
        ("number", "number is no function"),
        ("broken", "raises RuntimeError: no such luck"),
        ("", "expected FILE.py:FUNCTION"),
    ],
)
def test_a_function_that_makes_no_network_is_refused(code, function, said):
    with pytest.raises(CallError, match=said):
        named(f"{code}:{function}" if function else code)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("import nothing_of_this_name", "whose file raises ModuleNotFoundError: No module named"),
        ("def build(:", "whose file raises SyntaxError"),
        ("raise SystemExit(3)", "whose file ends the program"),
    ],
)
def test_code_that_does_not_run_is_refused(tmp_path, text, said):
    (tmp_path / "mine.py").write_text(text)
    with pytest.raises(CallError, match=said):
        named(f"{tmp_path / 'mine.py'}:build")


def test_a_network_that_is_made_already_is_taken(code):
    assert named(f"{code}:made").opened["class"] == "mine.Net"


class Evil:
    def __reduce__(self):
        return print, ("this must never be printed",)


def state_without(name, **others):
    return {**{n: v for n, v in weights().items() if n != name}, **others}


@pytest.mark.parametrize(
    ("state", "said"),
    [
        (state_without("4.bias"), "does not fit the network: it lacks 4.bias$"),
        (state_without("", more=torch.zeros(1)), "it also has more$"),
        (
            state_without("", **{"4.weight": torch.zeros(7, 4)}),
            r"of another shape are 4.weight, \(7, 4\) where \(3, 4\) is expected",
        ),
        ({f"a{i}": torch.zeros(1) for i in range(5)}, "it lacks .*and 1 more; it also has a0, a1"),
    ],
)
def test_weights_that_do_not_fit_are_refused_with_the_first_names(code, tmp_path, state, said):
    save_file(state, tmp_path / "w.safetensors")
    with pytest.raises(ArtifactError, match=said):
        named(f"{code}:build", tmp_path / "w.safetensors")


def test_files_that_are_no_weights_alone_are_refused(code, tmp_path, capsys):
    torch.save({"state_dict": weights(), "extra": Evil()}, tmp_path / "evil.pth")
    (tmp_path / "plain.pt").write_bytes(pickle.dumps(Evil()))
    torch.save(nn.Linear(2, 2), tmp_path / "whole.pt")
    for name in ("evil.pth", "plain.pt", "whole.pt"):
        with pytest.raises(ArtifactError, match=r"running code in it: save .* safetensors"):
            named(f"{code}:build", tmp_path / name)
    assert "never" not in capsys.readouterr().out
    torch.save({"epoch": 3}, tmp_path / "none.pt")
    with pytest.raises(ArtifactError, match="holds no weights by name"):
        named(f"{code}:build", tmp_path / "none.pt")
    for name in ("noise.pt", "noise.safetensors"):
        (tmp_path / name).write_bytes(b"no weights at all")
        with pytest.raises(ArtifactError, match="no readable weights file"):
            named(f"{code}:build", tmp_path / name)
    with pytest.raises(CallError, match=r"expected a file of \.safetensors, \.pth, \.pt"):
        named(f"{code}:build", tmp_path / "w.h5")
    with pytest.raises(CallError, match="which is no file"):
        named(f"{code}:build", tmp_path / "missing.pt")


def test_tied_weights_may_be_stored_once(tmp_path):
    network = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3))
    network[1].weight = network[0].weight
    state = {name: torch.ones_like(v) for name, v in network.state_dict().items()}
    del state["1.weight"]
    save_file(state, tmp_path / "w.safetensors")
    give_weights(network, tmp_path / "w.safetensors")
    assert network[1].weight.eq(1).all()


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    path = tmp_path_factory.mktemp("program") / "net.pt2"
    network = Network(lambda scores, maps: {"maps": maps, "scores": scores}).eval()
    shapes = ({0: torch.export.Dim.AUTO},)
    exported = torch.export.export(network, (torch.zeros(2, 1, 16, 16),), dynamic_shapes=shapes)
    torch.export.save(exported, path)
    return path


def test_an_exported_program_is_the_network_it_was_made_of(program):
    model = named(program, output=None)
    assert list(model.reading.layers) == ["features.0", "features.3"]
    assert model.opened["output"] == "scores:logits"
    with torch.no_grad():
        for images in (IMAGES, IMAGES[:1]):
            expected = Network().eval()(images)
            torch.testing.assert_close(model.network(images), expected, rtol=1e-5, atol=1e-6)
    check_agreement(model.reading, model.network, IMAGES)


def changed(path, target, name, change):
    """Copy an archive, one of its files changed."""
    with zipfile.ZipFile(path) as archive, zipfile.ZipFile(target, "w") as copy:
        for entry in archive.namelist():
            content = archive.read(entry)
            copy.writestr(entry, change(content) if entry.endswith(name) else content)
        return archive.namelist()[0].partition("/")[0]


def graph_with(old, new):
    def change(content):
        text = content.decode()
        assert old in text
        return text.replace(old, new).encode()

    return change


def saved(value):
    content = io.BytesIO()
    torch.save(value, content)
    return content.getvalue()


HARMS = {
    "a step of Python": (
        "models/model.json",
        graph_with('"torch.ops.aten.relu.default"', '"torch.os.system"'),
        "the step 'torch.os.system', which could run as code",
    ),
    "a size that calls": (
        "models/model.json",
        graph_with('"expr_str": "', '"expr_str": "exec(chr(49)) + '),
        r"the size \"exec\(chr\(49\)\)",
    ),
    "a sample that calls": (
        "data/sample_inputs/model.pt",
        lambda _: saved(Evil()),
        "sample_inputs/model.pt in .* running code in it",
    ),
}


@pytest.mark.parametrize("name", HARMS)
def test_a_program_that_could_run_code_is_refused(program, tmp_path, name, capsys):
    file, change, said = HARMS[name]
    changed(program, tmp_path / "net.pt2", file, change)
    with pytest.raises(ArtifactError, match=said):
        read_program(tmp_path / "net.pt2")
    assert "never" not in capsys.readouterr().out


@pytest.mark.parametrize("inside", ["data/constants/custom_obj_0", "data/aotinductor/x.so"])
def test_a_program_with_more_than_a_graph_and_tensors_is_refused(program, tmp_path, inside):
    root = changed(program, tmp_path / "net.pt2", "nothing", bytes)
    with zipfile.ZipFile(tmp_path / "net.pt2", "a") as archive:
        archive.writestr(f"{root}/{inside}", b"x")
    with pytest.raises(ArtifactError, match=re.escape(f"holds {inside}, which could run as code")):
        read_program(tmp_path / "net.pt2")


def test_what_is_no_network_is_refused(tmp_path, program):
    (tmp_path / "net.pt2").write_bytes(b"no zip")
    with pytest.raises(ArtifactError, match=r"is no program of torch\.export: it is no zip file"):
        read_program(tmp_path / "net.pt2")
    with pytest.raises(CallError, match="which is no file"):
        named(tmp_path / "missing.pt2")
    with pytest.raises(CallError, match=r"a folder without config.json, which is no model: expec"):
        named(tmp_path)
    (tmp_path / "note.txt").write_text("hello")
    with pytest.raises(
        CallError,
        match=r"a file of no known kind: expected compact, the folder of .*FILE.py:FUNCTION",
    ):
        named(tmp_path / "note.txt")
    with pytest.raises(CallError, match="which does not exist: expected"):
        named("nowhere")
    with pytest.raises(CallError, match="holds its own: leave it out"):
        named(program, "w.pt")
    with pytest.raises(CallError, match="input is 'grey16', but compact has its own: leave it out"):
        named("compact")


def test_a_folder_of_transformers_needs_the_package(tmp_path, monkeypatch):
    (tmp_path / "config.json").write_text("{}")
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(CallError, match="needs the package transformers: install it with pip"):
        open_named(Named(str(tmp_path)))
    (tmp_path / "config.json").write_text(json.dumps({"auto_map": {"AutoModel": "x.Y"}}))
    with pytest.raises(ArtifactError, match="needs code that is not part of transformers"):
        open_named(Named(str(tmp_path)))


def test_a_folder_of_transformers_says_everything_itself(tmp_path):
    transformers = pytest.importorskip("transformers", reason="transformers is not installed")
    config = transformers.ViTConfig(
        hidden_size=32, num_hidden_layers=1, num_attention_heads=2, intermediate_size=64,
        image_size=32, patch_size=8, id2label={0: "happy", 1: "sad", 2: "calm"},
    )  # fmt: skip
    network = transformers.ViTForImageClassification(config).eval()
    network.save_pretrained(tmp_path)
    processor = {
        "size": {"height": 32, "width": 32}, "image_mean": [0.5] * 3, "image_std": [0.5] * 3,
    }  # fmt: skip
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(processor))
    model = open_named(Named(str(tmp_path)))
    assert model.expressions == ("happiness", "sadness", "calm")
    assert model.input.shape == (3, 32, 32)
    images = torch.rand(3, 3, 32, 32)
    with torch.no_grad():
        torch.testing.assert_close(model.network(images), network(images).logits)
    check_agreement(model.reading, model.network, images)
