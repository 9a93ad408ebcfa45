"""How far apart a unit's responses lie when an action unit is present and when it is absent.

`DISTANCES` is the one table of them; `distances` computes any of them for all units and all
label columns of a batch in one call.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from jaxtyping import Float, Num, Shaped
from scipy import stats

from facslens.association.distances.counts import Counts, count
from facslens.association.distances.histograms import histogram_distances
from facslens.association.distances.sweep import sweep_distances
from facslens.errors import CallError

Statistic = Literal["histograms", "sweep", "ranks", "moments"]


@dataclass(frozen=True)
class Distance:
    """What there is to know of a distance before it is computed.

    Parameters
    ----------
    name
        How it is asked for, and how tables spell it.
    label
        How a figure spells it.
    unit
        Its physical unit; empty where it is a pure number.
    low, high
        Its range.
    neutral
        Its value when presence tells nothing in an endless sample; NaN where that depends on
        how frequent the action unit is.
    signed
        Whether it tells a detector from a unit that the action unit suppresses.
    needs
        The sufficient statistic from which it is computed.
    """

    name: str
    label: str
    unit: str
    low: float
    high: float
    neutral: float
    signed: bool
    needs: Statistic


_INF: Final = float("inf")

DISTANCES: Final[Mapping[str, Distance]] = {
    d.name: d
    for d in (
        Distance("kl", "KL divergence", "nats", 0.0, _INF, 0.0, False, "histograms"),
        Distance("js", "Jensen–Shannon distance", "", 0.0, 1.0, 0.0, False, "histograms"),
        Distance("wasserstein", "Wasserstein distance", "SD", 0.0, _INF, 0.0, False, "sweep"),
        Distance("ks", "Kolmogorov–Smirnov distance", "", 0.0, 1.0, 0.0, False, "sweep"),
        Distance("auroc", "AUROC", "", 0.0, 1.0, 0.5, True, "ranks"),
        Distance("auprc", "average precision", "", 0.0, 1.0, float("nan"), True, "sweep"),
        Distance("pearson", "point-biserial correlation", "", -1.0, 1.0, 0.0, True, "moments"),
    )
}


def distance_names(distance: str | Sequence[str]) -> tuple[str, ...]:
    """Give the names that a ``distance`` argument asks for, each once, in the order asked.

    Raises
    ------
    CallError
        If a name is not in `DISTANCES`, or none is given.

    Examples
    --------
    >>> distance_names("kl"), distance_names(["ks", "kl", "ks"]), len(distance_names("all"))
    (('kl',), ('ks', 'kl'), 7)
    """
    if distance == "all":
        return tuple(DISTANCES)
    names = (distance,) if isinstance(distance, str) else tuple(dict.fromkeys(distance))
    for name in names:
        if name not in DISTANCES:
            raise CallError(
                f"distance {name!r} is not known: expected one of {', '.join(DISTANCES)}, or all"
            )
    if not names:
        raise CallError(f"distance is empty: expected one of {', '.join(DISTANCES)}, or all")
    return names


def distances(
    responses: Num[np.ndarray, "image unit"],
    labels: Shaped[np.ndarray, "..."],
    names: str | Sequence[str] = "all",
    *,
    reference: Num[np.ndarray, "reference unit"] | None = None,
    dtype: type[np.floating] = np.float64,
) -> Float[np.ndarray, "distance unit ..."]:
    """Compute distances between the responses of each unit with and without each label.

    For a unit and a label column let P be the responses with the label present, n₁ of them,
    and Q those with it absent, n₀; rows whose label is unknown play no part in that column.

    ============= ==========================================================================
    kl            D(P‖Q) of histograms on 20 equal-width bins over the unit's range, each
                  mixed with 1 % uniform; nats, ≥ 0
    js            Jensen–Shannon distance of the same histograms, base 2; 0 to 1
    wasserstein   first Wasserstein distance over the unit's standard deviation; ≥ 0
    ks            largest gap between the two distribution functions; 0 to 1
    auroc         P(p > q) + ½ P(p = q); 0 to 1, below ½ the unit is suppressed
    auprc         average precision, ties passed in one step; 0 to 1
    pearson       point-biserial correlation; −1 to 1
    ============= ==========================================================================

    Parameters
    ----------
    responses
        One column a unit; finite, of any scale.
    labels
        1 present, 0 absent, NaN unknown; the first axis is image, any number of others may
        follow, such as (image, au) or (image, au, permutation).
    names
        A name of `DISTANCES`, several of them, or ``"all"``.
    reference
        The responses that give each unit its range (kl, js) and standard deviation
        (wasserstein), when these are not the ones to be compared; values outside the range
        go to the end bins.
    dtype
        Precision of the result and of the work. With float32 relative errors are about
        1e-6 for up to a few thousand images, which is enough for a null distribution.

    Returns
    -------
    numpy.ndarray
        In the order of `names`. NaN where nothing is defined: a label column without
        present or without absent rows, a unit that is constant.

    Raises
    ------
    CallError
        If a name is not known, or responses and labels differ in their number of images.

    Notes
    -----
    KL between the responses with and without an action unit is the measure of
    [khorrami2015]_ and [zhu2019]_. Read off histograms of B bins it is biased upwards by
    about (B − 1)(n₁ + n₀) / (2 n₁ n₀) nats, more for rare action units, so that a distance
    means little without its permutation null. The standard deviation divides by n and spans
    known and unknown rows alike.

    AUROC is a centred rank sum, and the histograms are one-hot bins times labels: one matrix
    product for all columns. The rest is read off one sorted walk a unit.

    References
    ----------
    [khorrami2015]_, [zhu2019]_, [lin1991]_, [hanley1982]_

    Examples
    --------
    Two of four responses with the label, one of them the largest, one the second smallest:
    it wins three of four comparisons.

    >>> responses = np.array([[1.0], [2.0], [3.0], [4.0]])
    >>> distances(responses, np.array([0, 1, 0, 1]), ["auroc", "auprc", "ks"]).round(3)
    array([[0.75 ],
           [0.833],
           [0.5  ]])
    """
    wanted = distance_names(names)
    if labels.ndim == 0 or len(labels) != len(responses) or len(responses) == 0:
        raise CallError(
            f"labels has the shape {labels.shape} and responses {responses.shape}: both need "
            f"one row an image, and at least one"
        )
    responses = responses.astype(np.float64, copy=False)
    flat = labels.reshape(len(labels), -1)
    counts = count(flat, dtype)
    needs: dict[Statistic, set[str]] = {}
    for name in wanted:
        needs.setdefault(_statistic(name, counts), set()).add(name)
    scale = responses if reference is None else reference
    found: dict[str, np.ndarray] = {}
    for statistic, group in needs.items():
        found |= _KERNELS[statistic](responses, counts, scale, frozenset(group))
    values = np.stack([found[name] for name in wanted])
    values[:, :, counts.undefined] = np.nan
    values[:, np.ptp(responses, axis=0) == 0] = np.nan
    return values.reshape(len(wanted), responses.shape[1], *labels.shape[1:])


def _statistic(name: str, counts: Counts) -> Statistic:
    # Ranks among the known rows change from column to column; the walk does not mind.
    needs = DISTANCES[name].needs
    return "sweep" if needs == "ranks" and not counts.complete else needs


def _rank_distances(
    responses: Num[np.ndarray, "image unit"],
    counts: Counts,
    reference: Num[np.ndarray, "reference unit"],  # noqa: ARG001 - one signature for all kernels
    names: frozenset[str],  # noqa: ARG001
) -> dict[str, Float[np.ndarray, "unit column"]]:
    """AUROC from mid-ranks centred on their mean: ½ + Σ_present rank / (n₁ n₀)."""
    dtype = counts.present.dtype
    centred = stats.rankdata(responses, axis=0) - (len(responses) + 1) / 2
    rank_sum = centred.T.astype(dtype) @ counts.present
    rank_sum /= np.maximum(counts.n_present * counts.n_absent, 1)
    rank_sum += 0.5
    return {"auroc": rank_sum}


def _moment_distances(
    responses: Num[np.ndarray, "image unit"],
    counts: Counts,
    reference: Num[np.ndarray, "reference unit"],  # noqa: ARG001 - one signature for all kernels
    names: frozenset[str],  # noqa: ARG001
) -> dict[str, Float[np.ndarray, "unit column"]]:
    """Pearson's r with a 0/1 variable: (mean₁ − mean₀) / sd · √(n₁ n₀) / n over known rows."""
    dtype = counts.present.dtype
    deviation = responses.std(axis=0, dtype=np.float64)
    standard = (responses - responses.mean(axis=0, dtype=np.float64)) / np.where(
        deviation > 0, deviation, 1
    )
    z = standard.T.astype(dtype)
    n1, n0 = np.maximum(counts.n_present, 1), np.maximum(counts.n_absent, 1)
    present = z @ counts.present
    # Over complete labels the standardised responses have mean 0 and variance 1.
    absent = -present if counts.complete else z @ counts.absent
    r = present / n1 - absent / n0
    r *= np.sqrt(n1 * n0) / (n1 + n0)
    if not counts.complete:
        known = counts.present + counts.absent
        variance = (z * z) @ known / (n1 + n0) - ((present + absent) / (n1 + n0)) ** 2
        r /= np.sqrt(np.where(variance > 1e-6, variance, np.nan))
    return {"pearson": r}


_Kernel = Callable[
    [np.ndarray, Counts, np.ndarray, frozenset[str]], dict[str, Float[np.ndarray, "unit column"]]
]
_KERNELS: Final[Mapping[Statistic, _Kernel]] = {
    "histograms": histogram_distances,
    "sweep": sweep_distances,
    "ranks": _rank_distances,
    "moments": _moment_distances,
}
