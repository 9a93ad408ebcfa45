"""Whether a unit's projections gather in the action unit's true region as its dose rises."""

from typing import Final

import numpy as np
import pandas as pd
from jaxtyping import Float

from facslens.experiments.dose import trend
from facslens.experiments.specificity import sign_test
from facslens.statistics import RESAMPLES, percentiles

#: Columns of the table of pictures: one row an action unit, person and grade, empty at rest.
GRADED: Final = (
    "layer", "au", "unit", "person", "grade", "response", "energy", "energy_region",
)  # fmt: skip
#: Columns of the table of `rising`.
RISING: Final = (
    "layer", "au", "n", "n_energy", "energy_low", "energy_high", "n_share", "share_low",
    "share_high", "p_energy", "p_share",
)  # fmt: skip
#: Stands for all action units of a layer.
ALL: Final = "all"


def rising(graded: pd.DataFrame, seed: int = 0) -> pd.DataFrame:
    """Count in whom, and for which action units, the energy in the true region rises.

    In a person it rises where, of all two grades, more pairs rise than fall. The energy is that of
    the projection times the response, so it may rise with the response alone; its share of the
    whole projection's energy cannot.

    Parameters
    ----------
    graded
        As `GRADED` says; the grades of one person and action unit in rising order.
    seed
        Of the resamples.

    Returns
    -------
    pandas.DataFrame
        One row a layer and action unit: ``n`` people, ``n_energy`` and ``n_share`` of them in whom
        it rises, and p of a sign test each. Then for each layer a row `ALL`: ``n`` action units,
        and in how many of them it rises in more people than it falls in, with a 95 % interval
        over people.
    """
    share = graded["energy_region"] / graded["energy"].where(graded["energy"] > 0)
    measures = {"energy": graded["energy_region"], "share": share}
    rows: list[dict[str, object]] = []
    for layer, own in graded.groupby("layer", sort=False):
        trends = {name: _trends(own.assign(value=measures[name])) for name in measures}
        for j, au in enumerate(own["au"].unique()):
            row: dict[str, object] = {"layer": layer, "au": au, "n": trends["energy"].shape[1]}
            for name, values in trends.items():
                n = int((values[j] > 0).sum())
                p = sign_test(np.array(n), int((~np.isnan(values[j])).sum()))
                row |= {f"n_{name}": n, f"p_{name}": float(p)}
            rows.append(row)
        whole: dict[str, object] = {"layer": layer, "au": ALL, "n": len(trends["energy"])}
        for name, values in trends.items():
            low, high = _interval(values, seed)
            n = int((np.nansum(np.sign(values), axis=1) > 0).sum())
            whole |= {f"n_{name}": n, f"{name}_low": low, f"{name}_high": high}
        rows.append(whole)
    return pd.DataFrame(rows, columns=list(RISING))


def _trends(own: pd.DataFrame) -> Float[np.ndarray, "au person"]:
    people = own["person"].unique()
    by_au = [
        np.stack([trend(rows["value"].to_numpy(float)[:, None])[0] for _, rows in person])
        for person in (
            rows.groupby("person", sort=False) for _, rows in own.groupby("au", sort=False)
        )
    ]
    assert all(len(values) == len(people) for values in by_au)  # everybody shows every grade
    return np.stack(by_au)


def _interval(trends: Float[np.ndarray, "au person"], seed: int) -> tuple[float, float]:
    signs = np.nan_to_num(np.sign(trends))
    people = signs.shape[1]
    drawn = np.random.default_rng(seed).multinomial(
        people, np.full(people, 1 / people), size=RESAMPLES
    )
    low, high = percentiles((signs @ drawn.T > 0).sum(axis=0).astype(float))
    return float(low), float(high)
