"""Whether a projection, or a response's location, lies where the action unit shows."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from facslens.errors import CallError
from facslens.models.receptive_field import ReceptiveField
from facslens.statistics import resampled_p


@dataclass(frozen=True)
class Lift:
    """How much of a projection's energy lies in a region, against the region's area.

    Parameters
    ----------
    energy
        Share of the squared projection that lies in the region.
    area
        Share of the projection's window that the region covers.
    lift
        energy / area: 1 where the projection does not care for the region. NaN where the
        projection is all zero, or the region does not touch the window.
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
        In input space, as `facslens.projection.deconvnet.Projections` holds it.
    window
        Top, left, bottom, right of the pixels that the unit can see there, half-open. A unit
        cannot put energy anywhere else, so that only this part of the region counts.
    region
        Any mask: of `facslens.projection.regions`, or a face's own true one.

    Examples
    --------
    Three quarters of the energy on half of the window.

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
    """The lifts of units in their own regions, against the regions of other action units.

    Parameters
    ----------
    own
        (au,): mean lift of the AU's unit in the AU's region.
    others
        (au,): mean of its lifts in the regions of the other AUs.
    p_au
        (au,): (1 + #{other regions with as much lift}) / (1 + other regions). With few AUs it
        cannot be small.
    value
        Mean of `own` over the AUs.
    null_mean
        Its mean where the regions are dealt out to the AUs at random.
    p
        (1 + #{dealings as large}) / (1 + dealings).
    n_aus
        AUs that take part: those whose lift is defined in every region.
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
    """Ask whether units lie in the regions of their own action units rather than of others.

    Parameters
    ----------
    lifts
        (au, region): mean lift of the unit of the AU in the row, in the region of the AU in the
        column; the same AUs in the same order, NaN where it is not defined.
    seed
        Of the dealing.
    permutations
        Random dealings of the regions to the AUs.

    Returns
    -------
    RegionNull
        NaN everywhere for fewer than two AUs; an AU with an undefined lift has NaN and takes
        no part.

    Raises
    ------
    CallError
        If `lifts` is not square, or `permutations` is below 1.

    Notes
    -----
    All projections may favour the mouth, where most contrast is: the mean over a dealing has
    that favour, too, so it makes no p small. AUs with the same region count as ties, against
    the finding.

    Examples
    --------
    >>> found = region_null(np.array([[2.0, 1.0], [1.0, 4.0]]), seed=0, permutations=999)
    >>> found.own, found.value, found.p_au
    (array([2., 4.]), 3.0, array([0.5, 0.5]))
    >>> bool(0.4 < found.p < 0.6)  # of two AUs every other dealing is the right one
    True
    """
    if lifts.shape[0] != lifts.shape[1]:
        raise CallError(f"lifts has the shape {lifts.shape}: needs a region for every AU")
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
    """Choose AUs with a lift in every region: leave out who lacks most, until none lacks any."""
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
    """How often a unit's responses lie in a region, beside the other units.

    Parameters
    ----------
    share
        (unit,): share of the faces that the unit answers, in which it does so in the region;
        NaN for a unit that answers none.
    own, others
        Share of the unit asked about, and mean share of the others.
    p
        (1 + #{other units with as large a share}) / (1 + other units).
    n_faces
        Faces that the unit answers.
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
    """Count in how many faces the unit's maximum lies in a region, and how many for others.

    Parameters
    ----------
    locations
        Row and column of the maximum in the layer's map; −1 where nothing fired.
    field
        The layer's receptive field, whose centre is the pixel that a location stands for.
    region
        Any mask of the input's size.
    unit
        The unit asked about.

    Raises
    ------
    CallError
        If there is no such unit.

    Examples
    --------
    Three units on two faces of 2×2 pixels, the region being the left column.

    >>> field = ReceptiveField(size=(1, 1), stride=(1, 1), offset=(0, 0))
    >>> places = np.array([[[0, 0], [0, 1], [-1, -1]], [[1, 0], [1, 1], [-1, -1]]])
    >>> found = location_share(places, field, np.array([[True, False]] * 2), unit=0)
    >>> found.share, found.own, found.others, found.p
    (array([ 1.,  0., nan]), 1.0, 0.0, 0.5)
    """
    units = locations.shape[1]
    if not 0 <= unit < units:
        raise CallError(f"there is no unit {unit}: the layer has units 0 to {units - 1}")
    fired = locations[..., 0] >= 0
    middle = np.array(field.offset) + (np.array(field.size) - 1) // 2
    pixel = middle + locations.astype(np.int64) * np.array(field.stride)
    pixel = np.clip(pixel, 0, np.array(region.shape) - 1)
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
