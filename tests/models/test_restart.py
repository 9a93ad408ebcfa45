"""New random weights for any network: what is drawn, what is permuted, what stays."""

import pytest
import torch
from torch import nn

from facslens.errors import CallError
from facslens.models.model import build
from facslens.models.reading import reading
from facslens.models.reading.reading import read_network
from facslens.models.restart import can_restart, restarted


class Scaled(nn.Module):
    """A convolution and a batch normalisation, then a scale that no module owns but this one."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 6, 3)
        self.norm = nn.BatchNorm2d(6)
        self.scale = nn.Parameter(torch.arange(6.0))
        self.register_buffer("fixed", torch.ones(2))

    def forward(self, faces: torch.Tensor) -> torch.Tensor:
        return self.norm(self.conv(faces)).amax(dim=(2, 3)) * self.scale


@pytest.mark.parametrize(("architecture", "size"), [("paper", 48), ("paper", 96), ("compact", 48)])
def test_the_architectures_here_get_the_weights_of_a_new_one_to_the_bit(architecture, size) -> None:
    trained = build(architecture, ("anger", "fear", "sadness"), size, seed=1)
    for module in trained.network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.fill_(3)
    new = restarted(trained.network, seed=5)
    expected = build(architecture, trained.expressions, size, seed=5).network
    found, wanted = new.state_dict(), expected.state_dict()
    assert list(found) == list(wanted)
    for name, value in wanted.items():
        assert torch.equal(found[name], value), name
        assert found[name].stride() == value.stride(), name  # the order of the memory, too
    assert not any(module.training for module in new.modules())


def test_what_no_module_draws_is_permuted_and_other_buffers_stay() -> None:
    network = Scaled()
    network.norm.running_var.fill_(9)
    network.fixed.fill_(4)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    new, again, other = (restarted(network, seed) for seed in (1, 1, 2))
    assert sorted(new.scale.tolist()) == [0, 1, 2, 3, 4, 5]
    assert new.scale.tolist() != network.scale.tolist()
    assert torch.equal(new.scale, again.scale)
    assert not torch.equal(new.scale, other.scale)
    assert new.norm.running_var.tolist() == [1] * 6
    assert new.fixed.tolist() == [4, 4]
    assert not torch.equal(new.conv.weight, before["conv.weight"])
    for name, value in network.state_dict().items():
        assert torch.equal(value, before[name])


def test_shared_weights_stay_shared_and_the_generator_is_left_alone() -> None:
    network = nn.Sequential(nn.Conv2d(2, 2, 3), nn.Conv2d(2, 2, 3))
    network[1].weight = network[0].weight
    torch.manual_seed(0)
    first = torch.rand(1)
    torch.manual_seed(0)
    new = restarted(network, 3)
    assert torch.equal(torch.rand(1), first)
    assert new[1].weight is new[0].weight


def test_attention_draws_its_weights_too() -> None:
    network = nn.MultiheadAttention(4, 2)
    new = restarted(network, 3)
    before, after = network.in_proj_weight.flatten(), new.in_proj_weight.flatten()
    assert sorted(before.tolist()) != sorted(after.tolist())


def test_a_network_of_steps_alone_has_no_untrained_twin() -> None:
    class Steps(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.ones(3))

    assert not can_restart(Steps())
    assert not can_restart(nn.Sequential(nn.ReLU()))
    assert can_restart(Scaled())
    with pytest.raises(CallError, match="no module that knows how its weights are drawn"):
        restarted(Steps(), 0)


def test_a_module_that_needs_to_be_told_how_is_refused() -> None:
    class Asking(nn.Linear):
        def reset_parameters(self, scale: float = 1.0, *, needed: bool = True) -> None:
            if needed is not True:
                raise AssertionError
            if hasattr(self, "made"):
                raise TypeError("scale is missing")

    network = nn.Sequential(Asking(2, 2))
    network[0].made = True
    with pytest.raises(CallError, match="the weights of 0 cannot be drawn anew: scale is missing"):
        restarted(network, 0)


def test_a_copy_takes_the_steps_of_a_network_that_was_read(monkeypatch) -> None:
    network = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU()).eval()
    before = read_network(network, (1, 8, 8))
    monkeypatch.setattr(reading, "trace", None)  # nothing is traced again
    new = restarted(network, 3)
    assert read_network(new, (1, 8, 8)) is before
    faces = torch.rand(4, 1, 8, 8)
    _, answer = before.listener(new, [], torch.clone)(faces)
    assert torch.equal(answer, new(faces))
