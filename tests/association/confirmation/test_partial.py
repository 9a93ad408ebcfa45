"""Beyond the other action units: planted confounding is taken off, planted effects stay."""

import numpy as np
import pandas as pd

from facslens.association.confirmation.partial import partial_effects, relative_ranks
from facslens.association.sample import Part

AUS = ["AU06", "AU12", "AU27"]


def part(rng: np.random.Generator, people: int) -> Part:
    """AU06 comes with AU12. Unit 0 detects AU12, unit 1 AU06; unit 2 is constant."""
    rows = 4 * people
    smile = rng.random(rows) < 0.5
    cheek = np.where(rng.random(rows) < 0.2, ~smile, smile)
    labels = np.stack([cheek, smile, rng.random(rows) < 0.3], 1).astype(float)
    responses = rng.normal(size=(rows, 3)) + 3 * np.stack([smile, cheek, smile], 1)
    responses[:, 2] = 1
    return Part(
        {"conv3": responses},
        pd.DataFrame(labels, columns=AUS),
        pd.Series([f"{i:04d}" for i in range(rows)]),
        pd.Series(np.repeat([f"S{i}" for i in range(people)], 4)),
    )


def mapping(*pairs: tuple[int | None, str], confirmable: bool = True) -> pd.DataFrame:
    frame = pd.DataFrame(pairs, columns=["unit", "au"]).astype({"unit": "Int64"})
    return frame.assign(layer="conv3", confirmable=confirmable)


def test_what_only_comes_along_is_taken_off(rng: np.random.Generator) -> None:
    discovery, test = part(rng, 60), part(rng, 30)
    pairs = mapping((0, "AU12"), (0, "AU06"), (1, "AU06"), (None, "AU27"))
    got = partial_effects(pairs, discovery, test, seed=0)
    plain = np.corrcoef(discovery.responses["conv3"][:, 0], discovery.labels["AU06"])[0, 1]
    assert plain > 0.4  # without the other AUs unit 0 passes for a detector of AU06
    assert got.loc[[0, 2], "partial_test_low"].min() > 0.2
    assert abs(got.loc[1, "partial"]) < 0.15
    assert got.loc[1, "partial_test"] < 0.15
    assert got.loc[1, "partial_test_low"] < 0
    assert got.loc[3].filter(like="partial").isna().all()


def test_no_interval_where_the_pair_cannot_be_confirmed(rng: np.random.Generator) -> None:
    discovery, test = part(rng, 60), part(rng, 30)
    got = partial_effects(
        mapping((0, "AU12"), (2, "AU12"), confirmable=False), discovery, test, seed=0
    )
    assert np.isfinite(got.loc[0, "partial_test"])
    assert np.isnan(got.loc[0, "partial_test_low"])
    assert got.loc[1].filter(like="partial").isna().all()  # the constant unit
    nothing = partial_effects(mapping((None, "AU12")), discovery, test, seed=0)
    assert nothing.filter(like="partial").isna().all(axis=None)


def test_ranks_of_other_responses() -> None:
    own, other = relative_ranks(np.array([[3.0], [1], [2]]), np.array([[0.0], [2.5], [9]]))
    np.testing.assert_allclose(own.ravel(), [5 / 6, 1 / 6, 3 / 6])
    np.testing.assert_allclose(other.ravel(), [0, 2 / 3, 1])
