"""The compiled loops and NumPy's way give the same; numba is neither needed nor imported early."""

import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from facslens.association import associate
from facslens.association.distances import compiled
from facslens.association.distances.bins import BINS
from facslens.association.distances.table import distances

WITH_NUMBA = compiled.loops() is not None
WAYS = [
    pytest.param(True, id="compiled", marks=pytest.mark.skipif(not WITH_NUMBA, reason="no numba")),
    pytest.param(False, id="numpy"),
]


def choose(monkeypatch: pytest.MonkeyPatch, way: bool) -> None:
    if not way:
        monkeypatch.setattr(compiled, "loops", lambda: None)


def faces(rng: np.random.Generator, unknown: bool) -> tuple[np.ndarray, np.ndarray]:
    labels = (rng.random((60, 3)) < [0.3, 0.4, 0.5]).astype(float)
    if unknown:
        labels[rng.random(labels.shape) < 0.1] = np.nan
    responses = np.maximum(rng.normal(size=(60, 5)), 0)  # half of them tie at 0
    responses[:, 1] += np.nan_to_num(labels[:, 0])
    responses[:, 2] = np.round(responses[:, 2])  # more ties
    return responses, labels


@pytest.mark.skipif(not WITH_NUMBA, reason="numba is not installed")
@pytest.mark.parametrize("unknown", [False, True])
def test_both_ways_give_one_table(
    unknown: bool, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    responses, labels = faces(rng, unknown)
    tables = []
    for way in (True, False):
        choose(monkeypatch, way)
        tables.append(associate(responses, labels, distance="all", permutations=199).table)
    # Observed values are float64; under permutations terms are float32, 6e-8 each.
    np.testing.assert_allclose(tables[0]["value"], tables[1]["value"], rtol=1e-12, atol=1e-12)
    pd.testing.assert_frame_equal(*tables, rtol=1e-5, atol=1e-5)
    for column in ("p", "p_maxT_au", "p_maxT", "q"):
        np.testing.assert_allclose(tables[0][column], tables[1][column], rtol=1e-12)


@pytest.mark.parametrize("way", WAYS)
def test_terms_that_are_looked_up_equal_histograms_made_one_by_one(
    way: bool, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    choose(monkeypatch, way)
    response, label = np.maximum(rng.normal(size=50), 0), np.arange(50) < 12
    labels = np.stack([rng.permutation(label) for _ in range(900)], axis=1)  # two blocks
    kl, js = distances(response[:, None], labels, ["kl", "js"])[:, 0]
    for column in (0, 511, 512, 899):
        p, q = (
            0.99 * np.histogram(response[of], BINS, (0, response.max()))[0] / of.sum() + 0.01 / BINS
            for of in (labels[:, column], ~labels[:, column])
        )
        assert kl[column] == pytest.approx(np.sum(p * np.log(p / q)), rel=1e-12)
        m = (p + q) / 2
        bits = np.sum(p * np.log2(p / m) + q * np.log2(q / m)) / 2
        assert js[column] == pytest.approx(np.sqrt(bits), rel=1e-12)


@pytest.mark.parametrize("way", WAYS)
def test_products_that_float32_does_not_hold_are_not_rounded(
    way: bool, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    choose(monkeypatch, way)
    response, label = rng.normal(size=9001), rng.random(9001) < 0.5  # n₁ n₀ is 2e7, above 2²⁴
    names = ["ks", "wasserstein", "auprc"]
    got = distances(response[:, None], label, names, dtype=np.float32)[:, 0]
    p, q = response[label], response[~label]
    assert got.dtype == np.float32
    # One rounding to float32, 6e-8, for the result and one for each total.
    assert got[0] == pytest.approx(stats.ks_2samp(p, q).statistic, rel=3e-7)
    assert got[1] == pytest.approx(stats.wasserstein_distance(p, q) / response.std(), rel=3e-7)
    exact = distances(response[:, None], label, names)[:, 0]
    np.testing.assert_allclose(got, exact, rtol=3e-7)


def test_a_cache_that_cannot_be_written_is_done_without() -> None:
    asked = []

    def njit(function: Any, *, cache: bool = False, **_options: Any) -> Any:
        asked.append(cache)
        if cache:
            raise RuntimeError("cannot cache function: no locator available")
        return function

    numba = SimpleNamespace(njit=njit)
    assert compiled._compiled(numba, len) is len
    assert asked == [True, False]


CODE = """
import sys
if {blocked}:
    sys.modules["numba"] = None
import numpy as np
from facslens.association import associate
rng = np.random.default_rng(0)
labels = (rng.random((40, 1)) < 0.4).astype(float)
result = associate(rng.normal(size=(40, 2)), labels, distance={distance!r}, permutations=300)
print(len(result.table), bool(sys.modules.get("numba")))
"""


def test_without_numba_nothing_is_missing_or_said() -> None:
    code = CODE.format(blocked=True, distance="all")
    found = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False,
        env={"PATH": "", "PYTHONPATH": ":".join(sys.path)},
    )  # fmt: skip
    assert (found.returncode, found.stderr) == (0, "")
    assert found.stdout.split() == ["14", "False"]
