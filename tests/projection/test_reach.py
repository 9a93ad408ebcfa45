import numpy as np
import pytest
import torch
from torch import Tensor, nn

from facslens.models.adapter import choose_layers, read_calls
from facslens.models.paper import PaperNetwork
from facslens.models.receptive_field import receptive_field
from facslens.projection.deconvnet import project_units
from facslens.projection.reach import probe, windows_seen


@pytest.mark.parametrize("layer", ["conv1", "conv3"])
def test_nan_reaches_just_the_receptive_field(layer):
    network = PaperNetwork(8)
    rows, columns = probe(network, choose_layers(network, [layer]), (1, 48, 48))
    field = receptive_field(network, layer)
    for n in range(48 // field.stride[0]):
        top, left, bottom, right = field.window(n, n, 48, 48)
        np.testing.assert_array_equal(rows[n], (np.arange(48) >= top) & (np.arange(48) < bottom))
        np.testing.assert_array_equal(columns[n], (np.arange(48) >= left) & (np.arange(48) < right))


class Undecided(nn.Module):
    """A network whose calls can't be traced; its second layer sees 3+2·2 by 1+2·1 pixels."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(2, 3, (3, 1), padding=(1, 0))
        self.relu1 = nn.ReLU()
        self.conv2 = nn.Conv2d(3, 2, (3, 2), stride=2)
        self.relu2 = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        if x.shape[1] != 2 or x.isinf().any():
            raise ValueError("two finite channels")
        return self.relu2(self.conv2(self.relu1(self.conv1(x))))


def test_a_network_that_cannot_be_traced_is_probed():
    network = Undecided()
    assert read_calls(network) is None
    # map rows begin at −1 + 2·row and see 3 + 2 rows; columns at 2·column and see 2
    places = np.array([[0, 0], [2, 3], [-1, -1], [3, 1]], dtype=np.int16)
    found = windows_seen(network, choose_layers(network, ["conv2"]), places, (2, 9, 9))
    assert found.tolist() == [[0, 0, 4, 2], [3, 6, 8, 8], [0, 0, 0, 0], [5, 2, 9, 4]]
    assert found.dtype == np.int32
    assert network.training
    assert all(p.dtype == torch.float32 for p in network.parameters())


def test_its_projections_end_at_their_windows(rng):
    torch.manual_seed(0)
    images = torch.from_numpy(rng.normal(size=(4, 2, 9, 9))).float()
    found = project_units(Undecided(), images, "conv2", np.array([0, 1, 0, 1]))
    assert not found.silent.all()
    for image, (top, left, bottom, right) in zip(found.image, found.window, strict=True):
        outside = image.copy()
        outside[:, top:bottom, left:right] = 0
        assert not outside.any()


def test_where_something_sees_everything_the_window_is_the_image():
    class Attending(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(1, 1, 1)
            self.after = nn.Conv2d(1, 1, 1)

        def forward(self, x: Tensor) -> Tensor:
            x = self.conv(x)
            return self.after(x * x.mean((2, 3), keepdim=True).sigmoid())

    network = Attending()
    places = np.array([[2, 1]])
    for layer, window in (("conv", [2, 1, 3, 2]), ("after", [0, 0, 5, 4])):
        found = windows_seen(network, choose_layers(network, [layer]), places, (1, 5, 4))
        assert found.tolist() == [window]
