"""Measure whether projections, or the locations of responses, lie in an action unit's region."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from facslens.errors import CallError
from facslens.models.reading.fields import ReceptiveField
from facslens.statistics import resampled_p


@dataclass(frozen=True)
class Lift:
    """The share of a projection's energy in a region, compared with the region's area.

    Parameters
    ----------
    energy
        Share of the squared projection that lies in the region.
    area
        Share of the projection's window that the region covers.
    lift
        energy / area: 1 if the energy is spread evenly over the window. NaN if the projection is
        all zero, or the region lies outside the window.
    """

    energy: float
    area: float
    lift: float


def energy_lift(
    projection: Float[np.ndarray, "channel row column"],
    window: Int[np.ndarray, "4"],
    region: Bool[np.ndarray, "row column"],
) -> Lift:
    """Compare the energy of a projection inside a region with the region's area.

    Parameters
    ----------
    projection
        In input space, as in `facslens.projection.deconvnet.Projections`.
    window
        Top, left, bottom, right of the pixels that the unit can see there, half-open. The
        projection is zero elsewhere, so only this part of the region counts.
    region
        Any mask, such as one of `facslens.projection.regions`, or a face's true region.

    Examples
    --------
    Three quarters of the energy lie in half of the window.

    >>> found = energy_lift(
    ...     np.array([[[3.0**0.5, 1.0, 0.0]]]),
    ...     np.array([0, 0, 1, 2]),
    ...     np.array([[True, False, True]]),
    ... )
    >>> round(found.energy, 3), found.area, round(found.lift, 3)
    (0.75, 0.5, 1.5)
    """
    top, left, bottom, right = (int(edge) for edge in window)
    inside = np.zeros(region.shape, dtype=bool)
    inside[top:bottom, left:right] = True
    energy = (projection.astype(np.float64) ** 2).sum(axis=0) * inside
    total, seen = float(energy.sum()), int(inside.sum())
    share = float(energy[region].sum()) / total if total > 0 else float("nan")
    area = int((region & inside).sum()) / seen if seen else float("nan")
    return Lift(share, area, share / area if area > 0 else float("nan"))


@dataclass(frozen=True)
class RegionNull:
    """The lifts of units in their own regions, compared with the regions of other action units.

    Parameters
    ----------
    own
        (au,): mean lift of the AU's unit in the AU's region.
    others
        (au,): mean of its lifts in the regions of the other AUs.
    p_au
        (au,): (1 + #{other regions with as large a lift}) / (1 + other regions). It cannot be
        small if there are few AUs.
    value
        Mean of `own` over the AUs.
    null_mean
        Mean of `value` when the regions are permuted between the AUs.
    p
        (1 + #{permutations with as large a value}) / (1 + permutations).
    n_aus
        Number of AUs that are used: those whose lift is defined in every region.
    """

    own: Float[np.ndarray, " au"]
    others: Float[np.ndarray, " au"]
    p_au: Float[np.ndarray, " au"]
    value: float
    null_mean: float
    p: float
    n_aus: int


def region_null(
    lifts: Float[np.ndarray, "au region"], *, seed: int, permutations: int = 10_000
) -> RegionNull:
    """Test whether projections lie in the regions of their own action units rather than of others.

    Parameters
    ----------
    lifts
        (au, region): mean lift of the unit of the row's AU in the region of the column's AU; the
        same AUs in the same order, NaN where the lift is not defined.
    seed
        Of the permutations.
    permutations
        Number of random permutations of the regions.

    Returns
    -------
    RegionNull
        NaN everywhere for fewer than two AUs; an AU with an undefined lift has NaN and is not
        used.

    Raises
    ------
    CallError
        If `lifts` is not square, or `permutations` is below 1.

    Notes
    -----
    All projections may have most energy at the mouth, where contrast is largest. So have those of
    the permutations, so this alone does not make p small. AUs with the same region count as ties,
    which make p larger.

    Examples
    --------
    >>> found = region_null(np.array([[2.0, 1.0], [1.0, 4.0]]), seed=0, permutations=999)
    >>> found.own, found.value, found.p_au
    (array([2., 4.]), 3.0, array([0.5, 0.5]))
    >>> bool(0.4 < found.p < 0.6)  # with two AUs, half of the permutations are the original order
    True
    """
    if lifts.shape[0] != lifts.shape[1]:
        raise CallError(f"lifts has the shape {lifts.shape}: needs one region per AU")
    if permutations < 1:
        raise CallError(f"permutations is {permutations}: needs at least 1")
    count = len(lifts)
    own, others, p_au = (np.full(count, np.nan) for _ in range(3))
    defined = _defined(lifts)
    some, n = lifts[np.ix_(defined, defined)], len(defined)
    if n < 2:
        return RegionNull(own, others, p_au, *(float("nan"),) * 3, n_aus=n)
    mine = np.diag(some)
    own[defined] = mine
    others[defined] = (some.sum(axis=1) - mine) / (n - 1)
    # a row's own region reaches itself, which is the 1 of (1 + …)
    p_au[defined] = (some >= mine[:, None] - 1e-9).sum(axis=1) / n
    rng = np.random.default_rng(seed)
    dealt = rng.permuted(np.tile(np.arange(n), (permutations, 1)), axis=1)
    null = some[np.arange(n), dealt].mean(axis=1)
    reached = int((null >= mine.mean() - 1e-9).sum())
    p = float(resampled_p(reached, permutations))
    return RegionNull(own, others, p_au, float(mine.mean()), float(null.mean()), p, n)


def _defined(lifts: Float[np.ndarray, "au region"]) -> Int[np.ndarray, " kept"]:
    """Choose AUs with a lift in every region: discard the one that lacks most, until none does."""
    kept = np.arange(len(lifts))
    while len(kept):
        missing = np.isnan(lifts[np.ix_(kept, kept)])
        lacks = missing.sum(axis=0) + missing.sum(axis=1)
        if not lacks.any():
            break
        kept = np.delete(kept, int(lacks.argmax()))
    return kept


@dataclass(frozen=True)
class LocationShare:
    """How often a unit's responses lie in a region, compared with other units.

    Parameters
    ----------
    share
        (unit,): of the faces that the unit responds to, the share where its maximum lies in the
        region; NaN if there are none.
    own, others
        Share of the unit that is tested, and mean share of the others.
    p
        (1 + #{other units with as large a share}) / (1 + other units).
    n_faces
        Number of faces that the unit responds to.
    """

    share: Float[np.ndarray, " unit"]
    own: float
    others: float
    p: float
    n_faces: int


def location_share(
    locations: Int[np.ndarray, "image unit 2"],
    field: ReceptiveField,
    region: Bool[np.ndarray, "row column"],
    unit: int,
) -> LocationShare:
    """Measure how often a unit's maximum lies in a region, and compare it with other units.

    Parameters
    ----------
    locations
        Row and column of the maximum in the layer's map; −1 where the unit did not fire.
    field
        The layer's receptive field; the pixel at its centre is compared with the region.
    region
        Any mask of the input's size.
    unit
        The unit that is tested.

    Raises
    ------
    CallError
        If there is no such unit.

    Examples
    --------
    Three units on two faces of 2×2 pixels; the region is the left column.

    >>> field = ReceptiveField(size=(1, 1), stride=(1, 1), offset=(0, 0))
    >>> places = np.array([[[0, 0], [0, 1], [-1, -1]], [[1, 0], [1, 1], [-1, -1]]])
    >>> found = location_share(places, field, np.array([[True, False]] * 2), unit=0)
    >>> found.share, found.own, found.others, found.p
    (array([ 1.,  0., nan]), 1.0, 0.0, 0.5)
    """
    units = locations.shape[1]
    if not 0 <= unit < units:
        raise CallError(f"unit is {unit}: the layer has units 0 to {units - 1}")
    fired = locations[..., 0] >= 0
    pixel = np.clip(field.centre(locations), 0, np.array(region.shape) - 1)
    inside = region[pixel[..., 0], pixel[..., 1]] & fired
    n = fired.sum(axis=0)
    share = np.where(n > 0, inside.sum(axis=0) / np.maximum(n, 1), np.nan)
    others = np.delete(share, unit)
    others = others[~np.isnan(others)]
    own = float(share[unit])
    defined = not np.isnan(own) and len(others) > 0
    return LocationShare(
        share=share,
        own=own,
        others=float(others.mean()) if len(others) else float("nan"),
        p=float(resampled_p(int((others >= own).sum()), len(others))) if defined else float("nan"),
        n_faces=int(n[unit]),
    )
