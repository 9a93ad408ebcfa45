"""Regions on faces, energy in them, and whether it is more than by chance."""

import itertools

import numpy as np
import pytest

from facslens.action_units import ACTION_UNITS
from facslens.errors import CallError
from facslens.models.reading.fields import ReceptiveField
from facslens.preprocess.fit import centres
from facslens.preprocess.input import grey_contrast
from facslens.projection.localisation import energy_lift, location_share, region_null
from facslens.projection.regions import REGIONS, region_mask


def region_of(au, size):
    return region_mask(au, *centres(grey_contrast(size)))


def test_every_region_is_symmetric_inside_the_crop_and_not_all_of_it() -> None:
    for au, unit in ACTION_UNITS.items():
        mask = region_of(au, 48)
        if unit.region == "neck":
            assert mask is None
            continue
        np.testing.assert_array_equal(mask, mask[:, ::-1])
        assert 0.01 < mask.mean() < 0.25


def test_regions_lie_in_the_order_of_a_face() -> None:
    height = {
        au: np.average(np.arange(48), weights=region_of(au, 48).sum(axis=1))
        for au in ("AU01", "AU04", "AU07", "AU09", "AU10", "AU25", "AU17")
    }
    assert list(height) == sorted(height, key=height.get)
    wide = {au: np.average(abs(np.arange(48) - 23.5), weights=region_of(au, 48).sum(axis=0))
            for au in ("AU01", "AU02")}  # fmt: skip
    assert wide["AU01"] < wide["AU02"]
    assert (region_of("AU27", 48) & region_of("AU17", 48)).any()
    assert not (region_of("AU05", 48) & region_of("AU12", 48)).any()


def test_a_mask_equals_a_loop_over_pixels_at_any_size() -> None:
    for size in (48, 96):
        mask = region_of("AU12", size)
        for row, column in itertools.product(range(0, size, 5), range(0, size, 5)):
            x, y = (column + 0.5) / size, (row + 0.5) / size
            want = any(
                ((x - middle) / a) ** 2 + ((y - cy) / b) ** 2 <= 1
                for cx, cy, a, b in REGIONS["AU12"]
                for middle in (cx, 1 - cx)
            )
            assert mask[row, column] == want


def test_the_lift_equals_a_loop_over_pixels(rng) -> None:
    projection, region = rng.normal(size=(2, 9, 9)), rng.random((9, 9)) < 0.4
    found = energy_lift(projection, np.array([2, 1, 7, 9]), region)
    energy = inside = area = pixels = 0.0
    for row, column in itertools.product(range(2, 7), range(1, 9)):
        here = projection[0, row, column] ** 2 + projection[1, row, column] ** 2
        energy += here
        pixels += 1
        inside += here * region[row, column]
        area += region[row, column]
    assert found.energy == pytest.approx(inside / energy)
    assert found.lift == pytest.approx((inside / energy) / (area / pixels))
    flat = energy_lift(np.ones((1, 9, 9)), np.array([2, 1, 7, 9]), region)
    assert flat.lift == pytest.approx(1)


def test_no_projection_and_no_region_have_no_lift() -> None:
    region = np.eye(4, dtype=bool)
    silent = energy_lift(np.zeros((1, 4, 4)), np.zeros(4, dtype=int), region)
    assert np.isnan([silent.energy, silent.area, silent.lift]).all()
    away = energy_lift(np.ones((1, 4, 4)), np.array([0, 2, 2, 4]), region)
    assert (away.energy, away.area) == (0, 0)
    assert np.isnan(away.lift)


def test_the_null_of_regions_equals_all_dealings() -> None:
    lifts = np.array([[3.0, 1, 1, 2], [1, 2, 2, 1], [0, 1, 2.5, 2], [2, 1, 0, 1]])
    found = region_null(lifts, permutations=20_000, seed=1)
    every = [lifts[range(4), order].mean() for order in itertools.permutations(range(4))]
    assert found.value == pytest.approx(np.trace(lifts) / 4)
    assert found.null_mean == pytest.approx(np.mean(every), abs=0.01)
    assert found.p == pytest.approx(np.mean(np.array(every) >= found.value - 1e-9), abs=0.01)
    np.testing.assert_allclose(found.p_au, [1 / 4, 2 / 4, 1 / 4, 3 / 4])
    np.testing.assert_allclose(found.others, [4 / 3, 4 / 3, 1, 1])


def test_regions_that_draw_all_units_make_no_p_small() -> None:
    """Every unit lies in the mouth, whatever its AU: the first three regions are there."""
    lifts = np.tile([3.0, 3.0, 3.0, 0.2, 0.1], (5, 1))
    assert region_null(lifts, seed=0).p == 1


def test_undefined_lifts_take_no_part() -> None:
    lifts = np.array([[2.0, 1, 1], [1, 2, 1], [1, np.nan, 5]])
    found = region_null(lifts, seed=0)
    assert found.n_aus == 2
    assert np.isnan(found.own).sum() == 1
    assert np.isnan(region_null(np.array([[1.0]]), seed=0).p)
    assert region_null(np.full((3, 3), np.nan), seed=0).n_aus == 0
    assert region_null(np.zeros((0, 0)), seed=0).n_aus == 0
    with pytest.raises(CallError, match="needs one region per AU"):
        region_null(np.ones((2, 3)), seed=0)
    with pytest.raises(CallError, match="permutations is 0"):
        region_null(np.ones((2, 2)), permutations=0, seed=0)


def test_the_share_of_locations_equals_a_loop(rng) -> None:
    field = ReceptiveField(size=(6, 6), stride=(2, 2), offset=(-2, -2))
    places = rng.integers(0, 5, (12, 6, 2))
    places[rng.random((12, 6)) < 0.2] = -1
    places[:, 4] = -1
    region = rng.random((10, 10)) < 0.5
    found = location_share(places, field, region, unit=1)
    shares = []
    for unit in range(6):
        hits = [
            region[min(max(-2 + 2 * r + 2, 0), 9), min(max(-2 + 2 * c + 2, 0), 9)]
            for r, c in places[:, unit]
            if r >= 0
        ]
        shares.append(np.mean(hits) if hits else np.nan)
    np.testing.assert_allclose(found.share, shares)
    others = [s for u, s in enumerate(shares) if u != 1 and not np.isnan(s)]
    assert found.p == (1 + sum(s >= shares[1] for s in others)) / 5
    assert found.others == pytest.approx(np.mean(others))
    assert np.isnan(location_share(places, field, region, unit=4).p)
    with pytest.raises(CallError, match="unit is 6: the layer has units 0 to"):
        location_share(places, field, region, unit=6)


def test_the_seed_deals_the_regions(rng) -> None:
    lifts = rng.random((6, 6))
    first, second, again = (region_null(lifts, seed=s, permutations=200) for s in (1, 2, 1))
    assert first.null_mean == again.null_mean != second.null_mean
