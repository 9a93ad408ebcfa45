"""The kinds of directions: fitted to action units, to the maps' own variation, or drawn."""

import warnings
from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from jaxtyping import Float

from facslens.directions.gathered import Gathered
from facslens.directions.rotation import random_rotation
from facslens.errors import CallError
from facslens.models.reading.directed import Mixture

#: How much of the mean variance is added to every unit's own before the covariance is inverted.
SHRINKAGE: Final = 0.01
#: Most principal axes, each of which counts in both senses, and most non-negative factors.
AXES: Final = 32
FACTORS: Final = 64
_ROUNDS: Final = 200


def probe(gathered: Gathered) -> Mixture:
    """Give for each action unit the direction that tells its place from all other places best.

    An action unit that no face showed has none.

    Notes
    -----
    Fisher's linear discriminant [fisher1936]_: v = (S + λ s I)⁻¹ (m − μ), where m is the mean of
    what is where the action unit changes the maps most, μ and S are mean and covariance over all
    places of all faces, and s is the mean variance of a unit. The sign is that of more than usual:
    what a direction reads is vᵀ(x − μ), so that 0 is an average place. Labels of faces fit a
    direction of a layer in the same way, as concept activation vectors [kim2018]_.

    References
    ----------
    [fisher1936]_; [kim2018]_
    """
    spread = gathered.covariance
    level = SHRINKAGE * np.trace(spread) / len(spread)
    shrunk = spread + max(level, np.finfo(np.float64).tiny) * np.eye(len(spread))
    shown = np.flatnonzero(~np.isnan(gathered.moved).any(axis=1))
    apart = gathered.moved[shown] - gathered.mean
    names = [gathered.aus[au] for au in shown]
    return _centred(np.linalg.solve(shrunk, apart.T).T, gathered, names)


def principal(gathered: Gathered) -> Mixture:
    """Give the axes of largest variance over places, each in both senses."""
    _, vectors = np.linalg.eigh(gathered.covariance)
    axes = vectors.T[::-1][:AXES]
    names = [f"axis {n + 1}{sign}" for sign in "+−" for n in range(len(axes))]
    return _centred(np.concatenate([axes, -axes]), gathered, names)


def nonnegative(gathered: Gathered) -> Mixture:
    """Give non-negative parts of which the maps at every place are sums, as nearly as can be.

    Raises
    ------
    CallError
        If the layer's maps fall below 0, or scikit-learn is missing.

    References
    ----------
    [lee1999]_
    """
    try:
        from sklearn.decomposition import NMF
    except ImportError as error:
        raise CallError(
            "non-negative factors need scikit-learn: install it with pip install "
            "'facslens[directions]'"
        ) from error
    if gathered.least < 0:
        raise CallError(
            "the layer's maps fall below 0, so that they are no sums of non-negative factors: "
            "leave nonnegative out"
        )
    places = gathered.places
    count = min(FACTORS, *places.shape)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of rounds, of which there are enough
        model = NMF(count, init="nndsvda", random_state=gathered.seed, max_iter=_ROUNDS).fit(places)
    parts = _unit_length(model.components_)
    parts = parts[parts.any(axis=1)]
    return Mixture(parts, np.zeros(len(parts)), tuple(f"factor {n + 1}" for n in range(len(parts))))


def random(gathered: Gathered) -> Mixture:
    """Draw directions at right angles to each other, as many as there are units.

    Notes
    -----
    Uniformly distributed (Haar) [mezzadri2007]_.
    """
    rotation = random_rotation(gathered.units, gathered.seed)
    return _centred(rotation, gathered, [f"random {n + 1}" for n in range(len(rotation))])


def _centred(
    vectors: Float[np.ndarray, "direction unit"], gathered: Gathered, names: Sequence[str]
) -> Mixture:
    weight = _unit_length(vectors)
    return Mixture(weight, -weight @ gathered.mean, tuple(names))


def _unit_length(vectors: Float[np.ndarray, "direction unit"]) -> np.ndarray:
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    found = np.zeros(vectors.shape)
    np.divide(vectors, length, out=found, where=length > 0)
    return found


#: The kind that is fitted to action units, so that no permutation of them tells anything new.
FITTED: Final = "probe"
#: By name: how each kind is fitted. The last is what a report shows most of.
KINDS: Final[dict[str, Callable[[Gathered], Mixture]]] = {
    "random": random,
    "principal": principal,
    "nonnegative": nonnegative,
    "probe": probe,
}


def check_kinds(names: Sequence[str]) -> tuple[str, ...]:
    """Check names of kinds, and give them in the order of `KINDS`.

    Raises
    ------
    CallError
        If one is not known, or there is none.
    """
    unknown = [name for name in names if name not in KINDS]
    if unknown or not names:
        got = repr(unknown[0]) if unknown else "empty"
        raise CallError(f"kinds is {got}: expected some of {', '.join(KINDS)}")
    return tuple(name for name in KINDS if name in names)
