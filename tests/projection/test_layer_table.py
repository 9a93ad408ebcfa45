"""The table of layers: sizes, fields, and what the rules can do."""

import pytest
import torch
from torch import nn

from facslens.errors import CallError
from facslens.models.model import Model, build
from facslens.preprocess.input import Input
from facslens.projection.layer_table import COLUMNS, describe_layers


class Mixed(nn.Module):
    """A rectified layer, a block with a shortcut, one behind a gate, one behind a sort."""

    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(1, 4, 3, stride=2, padding=1)
        self.second = nn.Conv2d(4, 4, 3, padding=1)
        self.short = nn.Conv2d(4, 4, 1)
        self.gated = nn.Conv2d(4, 4, 1)
        self.sorted = nn.Conv2d(4, 6, 1)
        self.scores = nn.Linear(6, 2)

    def forward(self, x):
        x = self.first(x).relu()
        x = (self.second(x) + self.short(x)).relu()
        x = nn.functional.silu(self.gated(x))
        x = self.sorted(x.sort(dim=3).values).relu()
        return self.scores(x.mean((2, 3)))


@pytest.fixture(scope="module")
def table():
    network = Mixed().eval()
    return describe_layers(Model(network, "mixed", Input("grey", 16, 16), ("anger", "fear")))


def test_every_layer_has_a_row_with_its_sizes(table):
    assert tuple(table.columns) == COLUMNS
    assert table["layer"].tolist() == ["first", "second", "short", "gated", "sorted"]
    first = table.set_index("layer").loc["first"]
    assert (first["units"], first["rows"], first["columns"]) == (4, 8, 8)
    assert (first["field_rows"], first["stride_rows"], first["steps"]) == (3, 2, "relu")
    # a 3×3 kernel behind a stride of 2: 3 + 2 × 2 pixels
    assert table.set_index("layer").loc["second", "field_columns"] == 7


def test_what_the_rules_can_do_is_said(table):
    found = table.set_index("layer")
    assert found["shortcut"].to_dict() == {
        "first": False, "second": False, "short": True, "gated": False, "sorted": False,
    }  # fmt: skip
    assert found["rules"].tolist() == ["exact", "exact", "exact", "by derivative", "refused"]
    assert found["why"].tolist()[:3] == ["", "", ""]
    assert "silu: its derivative passes" in found.loc["gated", "why"]
    assert "the way down is not known for the step sort" in found.loc["sorted", "why"]


def test_layers_are_chosen_by_pattern_and_a_wrong_name_gets_the_nearest():
    model = build("paper", ("anger", "fear"), 48, seed=0)
    assert describe_layers(model, ["conv[23]"])["layer"].tolist() == ["conv2", "conv3"]
    with pytest.raises(CallError, match="no layer 'con3': it has conv3"):
        describe_layers(model, ["con3"])


def test_nothing_is_left_behind_in_the_network():
    network = Mixed()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    describe_layers(Model(network, "mixed", Input("grey", 16, 16), ("anger", "fear")))
    assert network.training
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
