"""Similarity by hand, and the cascade on networks whose answer is known."""

import numpy as np
import pytest
import torch
from scipy import stats
from torch import nn

from facslens.errors import CallError
from facslens.models.model import build
from facslens.projection.agreement import edges, rank_correlation, ssim
from facslens.projection.deconvnet import project_units
from facslens.projection.sanity import COLUMNS, cascade, randomisation_table


def slow_ssim(one: np.ndarray, other: np.ndarray) -> float:
    """Wang's formula, pixel by pixel, on pictures mirrored at the border."""
    step = np.arange(-5, 6)
    weights = np.exp(-(step**2) / (2 * 1.5**2))
    window = np.outer(weights, weights) / weights.sum() ** 2
    a, b = (np.pad(p, 5, mode="symmetric") for p in (one, other))
    values = []
    for r in range(one.shape[0]):
        for c in range(one.shape[1]):
            x, y = a[r : r + 11, c : c + 11], b[r : r + 11, c : c + 11]
            mx, my = (window * x).sum(), (window * y).sum()
            vx, vy = (window * (x - mx) ** 2).sum(), (window * (y - my) ** 2).sum()
            cov = (window * (x - mx) * (y - my)).sum()
            top = (2 * mx * my + 1e-4) * (2 * cov + 9e-4)
            values.append(top / ((mx**2 + my**2 + 1e-4) * (vx + vy + 9e-4)))
    return float(np.mean(values))


def test_ssim_equals_its_formula(rng) -> None:
    one, other = rng.random((2, 14, 11))
    assert ssim(one, other) == pytest.approx(slow_ssim(one, other), abs=1e-10)
    assert ssim(one, one) == pytest.approx(1)
    assert ssim(one, other) == pytest.approx(ssim(other, one))
    with pytest.raises(CallError, match="needs equal shapes"):
        ssim(one, other.T)


def test_rank_correlation_is_spearmans(rng) -> None:
    one, other = rng.integers(0, 9, (2, 8, 8)).astype(float)
    want = stats.spearmanr(one.ravel(), other.ravel()).statistic
    assert rank_correlation(one, other) == pytest.approx(want)
    assert np.isnan(rank_correlation(one, np.ones((8, 8))))


def test_edges_by_hand() -> None:
    ramp = np.outer(np.arange(6.0), np.ones(6)) + 2 * np.outer(np.ones(6), np.arange(6.0))
    # Sobel weighs 1 2 1 over a difference of two pixels: eight times the slope
    np.testing.assert_allclose(edges(ramp)[1:-1, 1:-1], 8 * np.sqrt(5))


def test_the_cascade_goes_down_from_the_layer_and_leaves_the_network_alone() -> None:
    network = build("paper", ("anger", "fear"), 48, seed=0).network
    before = {k: v.clone() for k, v in network.state_dict().items()}
    steps = list(cascade(network, "conv2", seed=1))
    assert [name for name, _ in steps] == ["nothing", "conv2", "conv1"]
    changed = [
        {k for k, v in step.state_dict().items() if not torch.equal(v, before[k])}
        for _, step in steps
    ]
    assert changed == [set(), {"conv2.weight"}, {"conv1.weight", "conv2.weight"}]
    assert all(torch.equal(v, before[k]) for k, v in network.state_dict().items())
    with pytest.raises(CallError, match="'conv7', which is no module whose weights can be drawn"):
        next(cascade(network, "conv7", seed=1))


@pytest.fixture(scope="module")
def table():
    network = build("paper", ("anger", "fear"), 48, seed=0).network
    images = torch.randn(4, 1, 48, 48, generator=torch.Generator().manual_seed(0))
    units = np.array([3, 5, 3, 7])
    return (
        randomisation_table(network, images, "conv2", units, seed=0, seeds=2),
        network,
        images,
        units,
    )


def test_the_trained_networks_pictures_are_equal_to_themselves(table) -> None:
    found, *_ = table
    assert tuple(found.columns) == COLUMNS
    assert set(found["rule"]) == {"deconvnet", "guided", "gradient", "edges"}
    first = found[found["n_layers"] == 0]
    np.testing.assert_allclose(first[["ssim", "rank_correlation"]], 1, atol=1e-9)
    assert (first["n"] == 8).all()
    assert (found[found["rule"] == "edges"]["ssim"] == 1).all()
    later = found[(found["n_layers"] > 0) & (found["rule"] == "gradient")]
    assert (later["rank_correlation"].abs() < 0.5).all()
    assert (found["n_silent"] < found["n"]).all()


def test_a_row_equals_projecting_through_a_randomised_network(table) -> None:
    found, network, images, units = table
    own = project_units(network, images, "conv2", units, rule="guided")
    values, silent = [], 0
    for seed in range(2):
        random = dict(cascade(network, "conv2", 1000 * seed))["conv1"]
        new = project_units(random, images, "conv2", units, own.location, rule="guided")
        silent += int(new.silent.sum())
        for k in np.flatnonzero(~new.silent):
            t, left, b, r = own.window[k]
            pair = [abs(p.image[k, 0, t:b, left:r]) for p in (new, own)]
            values.append(stats.spearmanr(*[p.ravel() for p in pair]).statistic)
    row = found[(found["rule"] == "guided") & (found["randomised"] == "conv1")].iloc[0]
    assert row["rank_correlation"] == pytest.approx(np.mean(values), abs=1e-6)
    assert (row["n"], row["n_silent"]) == (8, silent)


def test_a_silent_unit_is_counted_and_has_no_similarity() -> None:
    network = nn.Sequential(nn.Conv2d(1, 2, 3, bias=False), nn.ReLU())
    nn.init.constant_(network[0].weight, -1)
    found = randomisation_table(
        network, torch.ones(1, 1, 6, 6), "0", np.array([0]), seed=0, seeds=1
    )
    rule = found[found["rule"] == "guided"]
    assert (rule["n_silent"] == 1).all()
    assert rule[["ssim", "rank_correlation"]].isna().all(axis=None)
    with pytest.raises(CallError, match="images has 0 projections and seeds is 3"):
        randomisation_table(network, torch.ones(0, 1, 6, 6), "0", np.zeros(0, dtype=int), seed=0)


def test_the_seed_draws_the_weights() -> None:
    network = build("paper", ("anger", "fear"), 48, seed=0).network
    images = torch.randn(2, 1, 48, 48, generator=torch.Generator().manual_seed(0))

    def drawn(seed: int) -> list[float]:
        found = randomisation_table(network, images, "conv1", np.array([3, 5]), seed=seed, seeds=2)
        return found[(found["n_layers"] > 0) & (found["rule"] != "edges")]["ssim"].tolist()

    assert drawn(1) == drawn(1)
    assert all(one != other for one, other in zip(drawn(1), drawn(2), strict=True))
