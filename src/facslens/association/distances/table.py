"""How far apart a unit's responses lie when an action unit is present and when it is absent.

`DISTANCES` is the one table of them: what a help text, a mapping, a label or a figure needs to
know of a distance stands in its entry. `distances` computes any of them for all units and all
label columns of a batch in one call.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float, Num, Shaped

from facslens.association.distances.counts import Counts, count
from facslens.association.distances.histograms import histogram_distances
from facslens.association.distances.ranks import moment_distances, rank_distances
from facslens.association.distances.sweep import sweep_distances
from facslens.association.distances.units import Units
from facslens.errors import CallError

#: Computes some distances, by name, for every unit and label column. Distances of one kernel are
#: computed together. Where a column lacks present or absent images, or a unit is constant, what a
#: kernel gives is replaced by NaN.
Kernel = Callable[[Units, Counts, frozenset[str]], dict[str, Float[np.ndarray, "unit column"]]]


@dataclass(frozen=True, kw_only=True)
class Distance:
    """What there is to know of a distance before it is computed.

    Parameters
    ----------
    name
        How it is asked for, and how tables spell it.
    short
        How a column's heading spells it.
    label
        How a sentence spells it.
    description
        Its definition, in plain words.
    unit
        Its physical unit; empty where it is a pure number.
    low, high
        Its range.
    neutral
        Its value in a large sample when the responses do not depend on the action unit; NaN
        where that value depends on how frequent the action unit is.
    signed
        Whether it distinguishes a detector from a unit that the action unit suppresses.
    kernel
        What computes it.
    kernel_unknown
        What computes it where some labels are unknown, if not the same.
    decimals
        With how many a report writes it.
    """

    name: str
    short: str
    label: str
    description: str
    low: float
    high: float
    neutral: float
    signed: bool
    kernel: Kernel
    kernel_unknown: Kernel | None = None
    unit: str = ""
    decimals: int = 2

    @property
    def binned(self) -> bool:
        """Whether it is read off histograms."""
        return self.kernel is histogram_distances


_INF: Final = float("inf")
#: The distance that decides where none is named: that of the paper.
DEFAULT: Final = "kl"

DISTANCES: Final[dict[str, Distance]] = {
    d.name: d
    for d in (
        Distance(
            name="kl",
            short="KL",
            label="Kullback–Leibler divergence",
            description="D(P‖Q) of histograms on 20 equal-width bins over the unit's range, "
            "each mixed with 1 % uniform",
            unit="nats",
            low=0.0,
            high=_INF,
            neutral=0.0,
            signed=False,
            kernel=histogram_distances,
        ),
        Distance(
            name="js",
            short="JS",
            label="Jensen–Shannon distance",
            description="Jensen–Shannon distance of the same histograms as kl, base 2",
            low=0.0,
            high=1.0,
            neutral=0.0,
            signed=False,
            kernel=histogram_distances,
        ),
        Distance(
            name="wasserstein",
            short="W₁",
            label="Wasserstein distance",
            description="first Wasserstein distance over the unit's standard deviation",
            unit="standard deviations",
            low=0.0,
            high=_INF,
            neutral=0.0,
            signed=False,
            kernel=sweep_distances,
        ),
        Distance(
            name="ks",
            short="KS",
            label="Kolmogorov–Smirnov distance",
            description="largest gap between the two distribution functions",
            low=0.0,
            high=1.0,
            neutral=0.0,
            signed=False,
            kernel=sweep_distances,
        ),
        Distance(
            name="auroc",
            short="AUROC",
            label="AUROC",
            description="P(p > q) + ½ P(p = q); below ½ the action unit suppresses the unit",
            low=0.0,
            high=1.0,
            neutral=0.5,
            signed=True,
            kernel=rank_distances,
            # Ranks among the known rows change from column to column; the walk does not mind.
            kernel_unknown=sweep_distances,
        ),
        Distance(
            name="auprc",
            short="AUPRC",
            label="average precision",
            description="average precision, equal responses passed in one step",
            low=0.0,
            high=1.0,
            neutral=float("nan"),
            signed=True,
            kernel=sweep_distances,
        ),
        Distance(
            name="pearson",
            short="r",
            label="point-biserial correlation",
            description="Pearson's correlation of the response with the label",
            low=-1.0,
            high=1.0,
            neutral=0.0,
            signed=True,
            kernel=moment_distances,
        ),
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

    Each distance is a number that compares P with Q; `DISTANCES` has its definition and range.

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

    AUROC and Pearson's correlation are one matrix product for all columns, the histograms
    one-hot bins times labels. The rest is read off one sorted walk a unit. With numba (extra
    ``fast``) that walk and the histograms are compiled loops.

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
    units = Units(responses.astype(np.float64, copy=False), reference)
    values = measure(units, count(labels.reshape(len(labels), -1), dtype), wanted)
    return values.reshape(len(wanted), responses.shape[1], *labels.shape[1:])


def measure(
    units: Units, counts: Counts, names: Sequence[str]
) -> Float[np.ndarray, "distance unit column"]:
    """Compute distances as `distances` does, of units and labels that have been prepared.

    Examples
    --------
    >>> units = Units(np.array([[1.0], [2.0], [3.0]]))
    >>> measure(units, count(np.array([[0], [0], [1]]), np.float64), ["auroc", "ks"]).ravel()
    array([1., 1.])
    """
    groups: dict[Kernel, set[str]] = {}
    for name in names:
        groups.setdefault(_kernel(DISTANCES[name], counts), set()).add(name)
    found: dict[str, np.ndarray] = {}
    for kernel, group in groups.items():
        found |= kernel(units, counts, frozenset(group))
    values = np.stack([found[name] for name in names])
    if counts.undefined.any():
        values[:, :, counts.undefined] = np.nan
    values[:, units.constant] = np.nan
    return values


def _kernel(distance: Distance, counts: Counts) -> Kernel:
    if distance.kernel_unknown is not None and not counts.complete:
        return distance.kernel_unknown
    return distance.kernel
