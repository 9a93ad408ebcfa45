"""Whether projections gather in the true region as the dose rises: against loops over people."""

import itertools
import math

import numpy as np
import pandas as pd
import pytest

from facslens.experiments.place import ALL, GRADED, rising
from facslens.statistics import RESAMPLES

LEVELS = ("", "A", "B", "C", "D", "E")


def table(energy, region):
    """Rows of two action units, four people and six levels; (au, person, level)."""
    rows = [
        ("conv3", au, 7, f"P{p}", level, 1.0, energy[a][p][k], region[a][p][k])
        for a, au in enumerate(("AU01", "AU12"))
        for p in range(len(energy[a]))
        for k, level in enumerate(LEVELS)
    ]
    return pd.DataFrame(rows, columns=list(GRADED))


def trend(values):
    """How many more pairs of levels rise than fall; undefined levels take no part."""
    known = [v for v in values if not math.isnan(v)]
    return sum(np.sign(later - sooner) for sooner, later in itertools.combinations(known, 2))


def tail(n, k):
    """The probability of k heads or more in n tosses."""
    return sum(math.comb(n, i) for i in range(k, n + 1)) / 2**n


def test_energy_and_its_share_are_told_apart():
    """The energy grows everywhere alike: it rises in the region, its share does not."""
    growing = np.arange(1.0, 7.0)
    energy = [[growing] * 4, [growing] * 4]
    region = [[growing * 0.25] * 4, [growing * growing / 8] * 4]
    found = rising(table(energy, region)).set_index("au")
    assert found.loc["AU01", ["n", "n_energy", "n_share"]].tolist() == [4, 4, 0]
    assert found.loc["AU12", ["n", "n_energy", "n_share"]].tolist() == [4, 4, 4]
    assert found.loc["AU12", "p_share"] == pytest.approx(1 / 16)
    assert found.loc["AU01", "p_share"] == 1.0
    assert found.loc[ALL, ["n", "n_energy", "n_share"]].tolist() == [2, 2, 1]
    assert found.loc[ALL, ["share_low", "share_high"]].tolist() == [1.0, 1.0]


def test_counts_agree_with_loops(rng):
    energy = rng.uniform(0.5, 1.0, (2, 9, 6))
    energy[0, 3, 0] = energy[1, 5] = 0.0  # no response: no share
    region = energy * rng.uniform(0.2, 0.9, (2, 9, 6))
    found = rising(table(energy, region)).set_index("au")
    signs = {}
    for a, au in enumerate(("AU01", "AU12")):
        shares = [
            [r / e if e > 0 else math.nan for r, e in zip(region[a, p], energy[a, p], strict=True)]
            for p in range(9)
        ]
        for name, values in (("energy", region[a]), ("share", shares)):
            steps = [trend(v) for v in values]
            asked = sum(sum(not math.isnan(x) for x in v) > 1 for v in values)
            n = sum(step > 0 for step in steps)
            assert found.loc[au, f"n_{name}"] == n
            assert found.loc[au, f"p_{name}"] == pytest.approx(tail(asked, n), rel=1e-12)
            signs[au, name] = [np.sign(step) for step in steps]
    draws = np.random.default_rng(0).multinomial(9, np.full(9, 1 / 9), size=RESAMPLES)
    for name in ("energy", "share"):
        counts = [
            sum(sum(s * n for s, n in zip(signs[au, name], draw, strict=True)) > 0
                for au in ("AU01", "AU12"))
            for draw in draws
        ]  # fmt: skip
        low, high = np.quantile(counts, [0.025, 0.975])
        assert found.loc[ALL, [f"{name}_low", f"{name}_high"]].tolist() == [low, high]
        assert found.loc[ALL, f"n_{name}"] == sum(
            sum(signs[au, name]) > 0 for au in ("AU01", "AU12")
        )
