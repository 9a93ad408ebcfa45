import numpy as np
import pytest

from facslens.directions.gathered import PLACES, Gathered
from facslens.errors import CallError

AUS = ("AU01", "AU12", "AU25")


@pytest.fixture
def blocks(rng):
    """Three blocks of maps (5 units, 3×4): at rest, with AU12, with AU01, in this order."""
    return [(rng.normal(size=(5, 3, 4)), rng.normal(size=(2, 5, 3, 4))) for _ in range(3)]


def gathered(blocks, seed=0):
    found = Gathered(5, AUS, seed)
    for rest, alone in blocks:
        found.add(rest, alone, np.array([1, 0]))
    return found


def test_means_and_covariances_are_those_of_all_places(blocks):
    found = gathered(blocks)
    faces = np.concatenate([np.concatenate([rest[None], alone]) for rest, alone in blocks])
    places = faces.transpose(0, 2, 3, 1).reshape(-1, 5)
    np.testing.assert_allclose(found.mean, places.mean(axis=0))
    np.testing.assert_allclose(found.covariance, np.cov(places.T, bias=True))


def test_what_moves_is_read_where_the_maps_change_most(blocks):
    for number, (rest, alone) in enumerate(blocks):
        alone[:] = rest
        alone[0, :, 2, number] += [3, 0, 0, -4, 0]  # AU12, each time at another place
        alone[1, :, 0, 0] += 1  # AU01
        alone[1, :, 1, 1] -= 2
    found = gathered(blocks)
    expected = [alone[0, :, 2, number] for number, (_, alone) in enumerate(blocks)]
    np.testing.assert_allclose(found.moved[1], np.mean(expected, axis=0))
    np.testing.assert_allclose(found.moved[0], np.mean([a[1, :, 1, 1] for _, a in blocks], axis=0))
    assert np.isnan(found.moved[2]).all()  # nobody showed AU25


def test_the_least_number_is_that_of_all_places(blocks):
    assert gathered(blocks).least == min(min(rest.min(), alone.min()) for rest, alone in blocks)


def test_some_places_are_kept_and_the_seed_says_which(blocks):
    kept, again, others = (gathered(blocks, seed).places for seed in (0, 0, 1))
    assert kept.shape == (3 * 3 * PLACES, 5)
    np.testing.assert_array_equal(kept, again)
    assert (kept != others).any()
    faces = np.concatenate([np.concatenate([rest[None], alone]) for rest, alone in blocks])
    places = faces.transpose(0, 2, 3, 1).reshape(-1, 5).astype(np.float32)
    assert {tuple(row) for row in kept.tolist()} <= {tuple(row) for row in places.tolist()}


def test_maps_that_are_no_numbers_are_refused(blocks):
    rest, alone = blocks[0]
    alone[1, 2, 0, 0] = np.nan
    with pytest.raises(CallError, match="the network answers NaN"):
        gathered([(rest, alone)])
