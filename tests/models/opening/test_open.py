"""Modules of all kinds are opened exactly, or refused in one sentence."""

import copy
import dataclasses

import numpy as np
import pytest
import torch
from torch import fx, nn

import facslens as fl
from facslens.artifacts import write_json
from facslens.errors import ArtifactError, CallError
from facslens.models.initial import digest
from facslens.models.model import describe
from facslens.models.opening.open import open_module
from facslens.models.reading.agreement import check_agreement
from facslens.preprocess import normalise

from .networks import NAMES, Network

IMAGES = torch.rand(4, 1, 16, 16, generator=torch.Generator().manual_seed(3))


def opened(network, output=None, **others):
    return open_module(
        network, **{"reads": "grey16", "expressions": NAMES, **others}, output=output
    )


class Auxiliary(Network):
    """Answers otherwise while it trains, and has a head for that."""

    def __init__(self):
        super().__init__()
        self.auxiliary = nn.Conv2d(6, 3, 1)

    def forward(self, x):
        maps = self.features(x)
        scores = self.scores(maps.mean((2, 3)))
        return (scores, self.auxiliary(maps)) if self.training else scores.softmax(1)


class InPlace(Network):
    """Normalises what it is given in place."""

    def forward(self, x):
        return super().forward(x.sub_(0.5).div_(0.25))


class Two(Network):
    def forward(self, x, age):
        return super().forward(x) + age


def test_a_module_stays_as_it_is():
    network = Auxiliary()
    network.features[1].eval()
    network.features[0].weight.requires_grad_(False)
    flags = {name: module.training for name, module in network.named_modules()}
    before = copy.deepcopy(network.state_dict())
    model = opened(network)
    assert {name: module.training for name, module in network.named_modules()} == flags
    assert all(torch.equal(value, before[n]) for n, value in network.state_dict().items())
    assert not network.features[0].weight.requires_grad
    assert len(network(IMAGES)) == 2  # still in training
    assert "auxiliary" not in model.reading.layers
    network.eval()
    check_agreement(model.reading, model.network, IMAGES)


def test_weights_are_shared_and_a_copy_is_whole():
    network = Auxiliary().eval()
    model = opened(network)
    copied = copy.deepcopy(model.network)
    with torch.no_grad():
        network.scores.weight.zero_()
        network.scores.bias.zero_()
        torch.testing.assert_close(model.network(IMAGES).exp(), torch.full((4, 3), 1 / 3))
        assert not torch.allclose(copied.eval()(IMAGES).exp(), torch.full((4, 3), 1 / 3))


def test_a_network_that_changes_its_input_changes_nothing_else(drawn_ck48):
    faces = fl.load_faces(f"ck48:{drawn_ck48}")
    faces = dataclasses.replace(faces, table=faces.table.head(3))
    model = fl.open_network(InPlace(), input="grey16", expressions=NAMES)
    found = fl.record(model, faces, layer="features.0")
    plain = Network().eval()
    images = normalise.as_read(normalise.read(list(faces.table["path"]), model.input), model.input)
    kept = images.clone()
    with torch.no_grad():
        maps = plain.features[:3]((images - 0.5) / 0.25)
    np.testing.assert_allclose(found.response("features.0"), maps.amax((2, 3)), rtol=1e-5)
    fl.project(model, faces, "features.0", 0, 0)
    assert torch.equal(images, kept)


@pytest.mark.parametrize("wrap", [nn.DataParallel, lambda n: _compiled(n), fx.symbolic_trace])
def test_what_is_put_around_a_network_puts_nothing_before_its_names(wrap):
    model = opened(wrap(Network(lambda s, m: s.softmax(1))))
    assert list(model.reading.layers) == ["features.0", "features.3"]
    check_agreement(model.reading, model.network, IMAGES)
    with torch.no_grad():
        expected = Network().eval()(IMAGES).log_softmax(1)
        torch.testing.assert_close(model.network.eval()(IMAGES), expected, rtol=1e-5, atol=1e-6)


def _compiled(network):
    found = nn.Module()
    found._orig_mod = network
    return found


def test_hooks_of_the_network_itself_come_before_its_answer_is_read():
    network = Network(lambda s, m: {"scores": s, "maps": m})
    network.register_forward_hook(lambda *call: {**call[2], "scores": call[2]["scores"] * 2})
    model = opened(network)
    with torch.no_grad():
        expected = 2 * Network().eval()(IMAGES)
        torch.testing.assert_close(model.network.eval()(IMAGES), expected)
    check_agreement(model.reading, model.network, IMAGES)


def test_double_precision_is_read_as_single_pictures():
    model = opened(Network().double())
    found, answer = model.reading.listener(model.network, ["features.0"], torch.clone)(IMAGES)
    assert found["features.0"].dtype == answer.dtype == torch.float64


def test_other_steps_or_answers_have_another_digest_and_other_code_has_not():
    first, same = Network(), Network()
    other = Network()
    other.features[2] = nn.LeakyReLU(0.2)
    assert digest(opened(first)) == digest(opened(same))
    assert digest(opened(first)) != digest(opened(other))
    assert digest(opened(first)) != digest(opened(first, "independent"))
    assert digest(opened(first)) != digest(opened(first, reads="grey16-signed"))


class Hidden(Network):
    """Keeps layers in a plain list, or weights in a dictionary."""

    def __init__(self, within=None):
        super().__init__()
        self.heads = within or [[nn.Conv2d(1, 1, 3)]]
        self.known = [self.scores, {"first": self.features[0].weight}]


def test_an_own_class_of_a_known_name_is_not_taken_for_an_architecture():
    kind = type("compact", (Network,), {})
    assert opened(kind()).architecture == "own compact"


def with_nan(network):
    network.scores.weight.data[0, 0] = float("nan")
    return network


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Network().half(), "weights in float16: call network.float"),
        (lambda: Network().bfloat16(), "weights in bfloat16: call network.float"),
        (lambda: with_nan(Network()), "NaN among its weights, in scores.weight"),
        (lambda: Network(channels=3), r"does not run on images of shape \(1, 16, 16\).*channels"),
        (Two, r"needs 2 inputs \(x, age\): expected one"),
        (lambda: Network, "network is a class: expected a torch.nn.Module"),
        (lambda: "resnet", "network is a str: expected a torch.nn.Module"),
        (lambda: nn.Flatten(), "network has no weights"),
        (lambda: nn.Sequential(nn.Flatten(), nn.LazyLinear(3)), "without a size, 1.weight"),
        (Hidden, "keeps weights in heads, a list, where PyTorch does not find them: expected a"),
        (lambda: Hidden({"a": nn.Parameter(torch.ones(2))}), "keeps weights in heads, a dict"),
        (lambda: nn.Sequential(Hidden()), "keeps weights in 0.heads"),
        (lambda: Network(lambda s, m: s if s.sum() > 0 else -s), "cannot be read as steps"),
        (lambda: Network(lambda s, m: s / 0), "answers NaN or infinity"),
    ],
)
def test_a_network_that_cannot_be_opened_says_why(make, said):
    with pytest.raises(CallError, match=said):
        opened(make())


def test_modules_in_a_list_that_pytorch_finds_elsewhere_are_no_hindrance():
    network = Hidden([nn.Dropout()])
    assert opened(network).network is network


def test_a_script_is_refused():
    with pytest.warns(DeprecationWarning, match="torch.jit.script"):
        script = torch.jit.script(nn.Sequential(nn.Flatten(), nn.Linear(256, 3)))
    with pytest.raises(CallError, match="network is TorchScript"):
        opened(script)


def test_what_a_call_has_to_say_is_asked_for():
    with pytest.raises(CallError, match="input is missing: say what the network reads"):
        fl.open_network(Network(), expressions=NAMES)
    with pytest.raises(CallError, match="expressions is missing"):
        fl.open_network(Network(), input="grey16")
    with pytest.raises(CallError, match="weights is given with a module"):
        fl.open_network(Network(), weights="w.pt", input="grey16", expressions=NAMES)
    with pytest.raises(CallError, match="input is 'gray16'"):
        fl.open_network(Network(), input="gray16", expressions=NAMES)


def test_a_network_of_timm_says_itself_what_it_reads():
    network = Network()
    network.default_cfg = {"input_size": (1, 16, 16), "mean": (0.5,), "std": (0.25,)}
    network.pretrained_cfg = {**network.default_cfg, "crop_pct": 1.0, "interpolation": "bicubic"}
    found = fl.open_network(network, expressions=NAMES).input
    assert found.name == "grey16-bicubic-mean0.5-std0.25-from16"
    assert fl.open_network(network, input="grey16", expressions=NAMES).input.name == "grey16"


def test_of_numbers_that_are_no_classes_only_what_makes_sense_is_done():
    model = fl.open_network(Network(classes=2), input="grey16", expressions=["valence", "arousal"])
    with pytest.raises(CallError, match="only names 'mediation', which compares classes"):
        fl.mechanism(model, only="mediation")
    with pytest.raises(CallError, match="and no scores of classes"):
        fl.predict("nowhere.png", model=model, detector=None)


def test_what_was_opened_is_described_and_says_where_it_comes_from(tmp_path):
    model = opened(Network(lambda s, m: s.softmax(1)))
    with pytest.raises(CallError, match="of the architecture 'Network', which could not be read"):
        fl.save_model(model, tmp_path)
    noted = describe(model)
    assert (noted["input"], noted["scale"]) == ("grey16", "softmax")
    assert noted["opened"]["output"] == "probabilities"
    write_json(tmp_path / "model.json", noted)
    with pytest.raises(ArtifactError, match=r"opened from \(given in Python\): open it from there"):
        fl.load_model(tmp_path)
