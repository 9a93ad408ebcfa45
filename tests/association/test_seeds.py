"""Whatever is drawn at random comes from the seed: equal for one, different for two."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from facslens.association import associate, confirm
from facslens.association.confirmation.calibration import calibrate
from facslens.association.confirmation.compare import compare
from facslens.association.confirmation.from_neutral import contrast_table
from facslens.association.confirmation.partial import partial_effects
from facslens.association.replication.folds import pool_folds
from facslens.association.sample import Part

RNG = np.random.default_rng(5)
SUBJECT = np.repeat(np.arange(20), 4)
LABEL = (RNG.random(80) < 0.4).astype(float)
RESPONSE = RNG.normal(size=80) + LABEL
OTHER = RNG.normal(size=80) + LABEL
NAMES = [f"S{number}" for number in SUBJECT]


def part() -> Part:
    labels = pd.DataFrame({"AU12": LABEL, "AU06": np.roll(LABEL, 1)})
    return Part({"conv1": RESPONSE[:, None]}, labels, pd.Series(range(80)), pd.Series(NAMES))


def mapping() -> pd.DataFrame:
    return pd.DataFrame({"layer": ["conv1"], "unit": [0], "au": ["AU12"], "confirmable": [True]})


def associated(seed: int) -> list[float]:
    table = associate(RESPONSE[:, None], LABEL[:, None], permutations=50, seed=seed).table
    return table["null_mean"].tolist()


def confirmed(seed: int) -> list[float]:
    found = confirm(
        mapping().drop(columns="confirmable").assign(threshold=0.5), RESPONSE[:, None],
        LABEL[:, None], subject=SUBJECT, strata=SUBJECT % 2, aus=[12], resamples=50, seed=seed,
    )  # fmt: skip
    ends = [c for c in found if c.endswith(("_low", "_high"))]
    assert len(ends) == 10
    return found.loc[0, ends].tolist()


def left_over(seed: int) -> list[float]:
    found = partial_effects(mapping(), part(), part(), resamples=50, seed=seed)
    return found.loc[0, ["partial_test_low", "partial_test_high"]].tolist()


def from_neutral(seed: int) -> list[float]:
    faces = pd.DataFrame(
        {
            "subject": np.repeat(NAMES, 2),
            "sequence": np.repeat([f"{i:02d}" for i in range(80)], 2),
            "AU12": np.repeat(LABEL, 2),
        }
    )
    responses = np.column_stack([np.zeros(80), RESPONSE]).reshape(-1, 1)
    found = contrast_table(
        mapping(), {"conv1": responses}, faces, np.tile([True, False], 80), resamples=50, seed=seed
    )
    return found.loc[0, ["auroc_change_low", "auroc_change_high"]].tolist()


def calibrated(seed: int) -> list[float]:
    found = calibrate(RESPONSE, LABEL, SUBJECT, resamples=50, seed=seed)
    return [found.skill_low, found.skill_high]


def compared(seed: int) -> list[float]:
    found = compare(RESPONSE, OTHER[:, None], LABEL, SUBJECT, resamples=50, seed=seed)
    return [found.low, found.difference_low, found.difference_high, *found.others_low]


def pooled(seed: int) -> list[float]:
    table = pd.DataFrame(
        {
            "fold": SUBJECT % 2, "au": "AU12", "layer": "conv1", "unit": 0, "accepted": True,
            "subject": NAMES, "expression": np.tile(["anger", "fear"], 40), "response": RESPONSE,
            "label": LABEL, "untrained_1": OTHER,
        }
    )  # fmt: skip
    found = pool_folds(table, resamples=50, seed=seed)
    ends = [c for c in found if c.endswith(("_low", "_high")) or "_low_" in c or "_high_" in c]
    assert ends
    return found.loc[0, ends].tolist()


@pytest.mark.parametrize(
    "draw", [associated, confirmed, left_over, from_neutral, calibrated, compared, pooled]
)
def test_one_seed_gives_the_same_and_two_give_others(draw: Callable[[int], list[float]]) -> None:
    first, second, again = draw(1), draw(2), draw(1)
    assert not np.isnan(first).any()
    assert first == again
    # An end may agree by chance, for resamples share the data; all of them do not.
    assert sum(one != other for one, other in zip(first, second, strict=True)) > len(first) / 2
