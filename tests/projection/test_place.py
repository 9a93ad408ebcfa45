"""One row an action unit: where its unit's projections lie, on a network that is known."""

import numpy as np
import pytest
import torch
from torch import nn

from facslens.errors import CallError
from facslens.projection.place import ALL, COLUMNS, place_table
from facslens.responses.recorder import peak


@pytest.fixture(scope="module")
def table():
    """A unit that answers bright pixels, one that answers dark ones; a bright mouth, dark eyes."""
    network = nn.Sequential(nn.Conv2d(1, 3, 1, bias=False), nn.ReLU())
    with torch.no_grad():
        network[0].weight[:] = torch.tensor([1.0, -1.0, 0.0])[:, None, None, None]
    images = torch.zeros(6, 1, 8, 8)
    images[:3, 0, 6, 4] = 2.0
    images[2:5, 0, 1, 2] = -3.0
    found = peak(network(images).detach())
    presence = np.array([[1, 0, 1, 0]] * 3 + [[0, 1, 1, 0]] * 3, dtype=float)
    top, bottom = np.zeros((8, 8), bool), np.zeros((8, 8), bool)
    top[:4], bottom[5:] = True, True
    masks = {"AU12": bottom, "AU05": top, "AU27": bottom, "AU09": bottom, "AU21": None}
    mapped = {"AU12": 0, "AU05": 1, "AU21": 1, "AU09": 0, "AU27": None}
    return place_table(
        network, images, np.column_stack([presence, presence[:, 0]]), found.response,
        found.location, mapped, layer="0", seed=0, masks=masks.__getitem__,
    )  # fmt: skip


def test_units_that_lie_where_their_action_units_show(table) -> None:
    assert tuple(table.columns) == COLUMNS
    rows = table.set_index("au")
    smile = rows.loc["AU12"]
    assert (smile["n_projections"], smile["n_silent"], smile["energy"]) == (3, 0, 1)
    # one pixel is all that a location sees: it is wholly in the region
    assert (smile["area"], smile["lift"]) == (1, 1)
    assert smile["density"] == pytest.approx(8 / 3)
    assert (smile["density_others"], smile["p_density"]) == (0, 1 / 2)
    # in three faces the maximum lies there; the dark unit answers one of them, above
    assert (smile["n_located"], smile["location"], smile["location_others"]) == (3, 1, 0)
    assert smile["p_location"] == 1 / 2
    eyes = rows.loc["AU05"]
    assert (eyes["n_projections"], eyes["n_silent"]) == (3, 1)  # one face has nothing dark
    assert eyes["density"] == pytest.approx(2)


def test_rows_that_say_what_is_missing(table) -> None:
    rows = table.set_index("au")
    assert rows.loc[["AU21", "AU09", "AU27"], "status"].tolist() == [
        "no region", "no faces", "no unit",
    ]  # fmt: skip
    assert rows.loc[["AU21", "AU09", "AU27"], ["lift", "density", "location"]].isna().all(axis=None)
    every = rows.loc[ALL]
    assert (every["status"], every["n_projections"], every["n_silent"]) == ("tested", 6, 1)
    assert every["density"] == pytest.approx((8 / 3 + 2) / 2)


def test_wrong_shapes_are_named() -> None:
    with pytest.raises(CallError, match="needs 2 images and 2 action units"):
        place_table(
            nn.Sequential(nn.Conv2d(1, 1, 1)), torch.zeros(2, 1, 8, 8), np.zeros((2, 1)),
            np.zeros((2, 1)), np.zeros((2, 1, 2), dtype=int), {"AU12": 0, "AU05": 0},
            layer="0", seed=0, masks=lambda _au: None,
        )  # fmt: skip
