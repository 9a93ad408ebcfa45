import numpy as np
import pytest
import torch

from facslens.controls.planted import (
    SIDE,
    UNITS,
    Planted,
    first_filters,
    fit_filters,
    hide,
    usable,
)
from facslens.errors import NotEnoughDataError


@pytest.fixture(scope="module")
def scene():
    """Noise with a cross at one place for the first label and a bar at another for the second."""
    rng = np.random.default_rng(2)
    presence = (rng.random((160, 2)) < 0.4).astype(np.float32)
    images = rng.normal(0, 0.5, (160, 1, 48, 48)).astype(np.float32)
    cross, bar = (presence[:, k] == 1 for k in range(2))
    images[cross, 0, 8:15, 11] += 2
    images[cross, 0, 11, 8:15] += 2
    images[bar, 0, 36, 28:40] += 2
    regions = np.zeros((2, 48, 48))
    regions[0, 6:17, 6:17] = 1
    regions[1, 32:41, 26:42] = 1
    return torch.from_numpy(images), presence, regions


def peaks(images, filters):
    with torch.no_grad():
        found = torch.nn.functional.conv2d(images, filters[:, None], padding=SIDE // 2)
    return found.amax(dim=(2, 3)).numpy()


def wins(values, labels):
    return np.mean(values[labels == 1][:, None] > values[labels == 0])


def test_a_first_filter_looks_like_what_its_label_changes(scene):
    images, presence, regions = scene
    filters = first_filters(images, presence, regions)
    rows, _ = np.unravel_index(filters[1].flatten().topk(8).indices.numpy(), (SIDE, SIDE))
    assert len(set(rows)) == 1  # a bar lies in one row
    found = peaks(images, filters)
    assert wins(found[:, 1], presence[:, 1]) > 0.99
    np.testing.assert_allclose(filters.flatten(1).norm(dim=1), 1, rtol=1e-6)


def test_fitting_makes_the_maximum_tell_the_label(scene):
    images, presence, regions = scene
    start = first_filters(images, presence, regions)
    fitted = fit_filters(images, presence, start, epochs=3)
    again = fit_filters(images, presence, start, epochs=3)
    torch.testing.assert_close(fitted, again, rtol=0, atol=0)
    found = peaks(images, fitted)
    for label in range(2):
        assert wins(found[:, label], presence[:, label]) > 0.99


def test_a_label_that_never_changes_cannot_be_followed(scene):
    images, presence, regions = scene
    with pytest.raises(NotEnoughDataError, match="the label in column 1 is the same"):
        first_filters(images, presence * [1, 0], regions)


def test_hidden_filters_are_where_it_is_said():
    planted = Planted.read()
    network, places = hide(planted, seed=3)
    weight = network.conv1.weight.detach()[:, 0]
    assert weight.shape == (UNITS, SIDE, SIDE)
    assert network.conv1.bias is None
    for au, unit in places.items():
        expected = planted.filters[planted.aus.index(au)]
        torch.testing.assert_close(weight[unit], expected, rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(weight.flatten(1).norm(dim=1), 1, rtol=1e-5)
    assert hide(planted, seed=3)[1] == places
    assert hide(planted, seed=4)[1] != places


def test_filters_come_back_from_their_file(tmp_path):
    planted = Planted(torch.arange(450.0).reshape(2, SIDE, SIDE), ("AU01", "AU12"))
    planted.write(tmp_path / "filters.safetensors")
    back = Planted.read(tmp_path / "filters.safetensors")
    assert back.aus == planted.aus
    torch.testing.assert_close(back.filters, planted.filters)


def test_a_filter_is_usable_where_it_follows_its_own_action_unit_alone():
    auroc = np.array([[0.9, 0.6, 0.5], [0.5, 0.7, 0.5], [0.5, 0.88, 0.9]])
    assert usable(auroc, ["AU01", "AU02", "AU04"]).tolist() == [True, False, False]
    assert not usable(auroc, ["AU25", "AU02", "AU04"])[0]
