"""Test whether projections of mapped units lie in the region of their action unit."""

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float, Int, Num
from torch import Tensor, nn

from facslens.errors import CallError
from facslens.models.reading.reading import read_network
from facslens.models.reading.trace import shape_of
from facslens.projection.deconvnet import Projections, project_units
from facslens.projection.localisation import energy_lift, location_share, region_null

#: Columns of `place_table`, in order.
COLUMNS: Final = (
    "layer", "au", "unit", "rule", "n_faces", "n_projections", "n_silent", "n_unseen",
    "energy", "area", "lift", "density", "density_others", "p_density",
    "n_located", "location", "location_others", "p_location", "status",
)  # fmt: skip
#: Projections per action unit: the faces that its unit responds to most.
MOST: Final = 20
#: The row over all action units.
ALL: Final = "all"

#: From an action unit to the mask of its region, or None without a region.
Masks = Callable[[str], np.ndarray | None]


def place_table(
    network: nn.Module,
    images: Float[Tensor, "image channel row column"],
    presence: Num[np.ndarray, "image au"],
    responses: Num[np.ndarray, "image unit"],
    locations: Int[np.ndarray, "image unit 2"],
    mapped: Mapping[str, int | None],
    *,
    layer: str,
    masks: Masks,
    seed: int,
    rule: str = "deconvnet",
) -> pd.DataFrame:
    """Project each action unit's unit for faces that show it, and measure where the energy lies.

    Parameters
    ----------
    network
        Any network.
    images
        Held-out faces as the network reads them.
    presence
        (image, au): 1 present, 0 absent, NaN unknown; columns in the order of `mapped`.
    responses, locations
        Of all units of the layer to these faces, as they were recorded.
    mapped
        Every action unit and its best unit, or None.
    layer
        Name of the convolution layer.
    masks
        The region of each action unit, of the images' size.
    seed
        Of the permutations of the regions; see `region_null`.
    rule
        The projection rule.

    Returns
    -------
    pandas.DataFrame
        One row per action unit, with the columns of `COLUMNS`, and one row ``all``. ``energy``,
        ``area`` and ``lift`` are means over projections for faces that show the AU: the `MOST`
        that the unit responds to most (see `energy_lift`). ``n_silent`` of them are all zero
        and discarded; in ``n_unseen`` the unit cannot see the region, so that there is no lift.
        ``density`` is the share of the energy in the region divided by the region's share of
        the whole image, 0 if the region is not seen; ``density_others`` is that of the same
        projections in the regions of the other mapped AUs, and ``p_density`` compares the two
        (see `region_null`), in the row ``all`` by random permutations of the regions.
        ``location`` is the share of the ``n_located`` faces with the AU in which the unit's
        maximum lies in the region, ``location_others`` that of the layer's other units (see
        `location_share`). ``status`` is ``tested``, ``no unit``, ``no region``, ``no faces``,
        or in the row ``all`` ``not enough data`` if fewer than two AUs can be compared.

    Raises
    ------
    CallError
        If the lengths disagree, or there is no such layer or rule.
    """
    if presence.shape != (len(images), len(mapped)):
        raise CallError(
            f"presence has the shape {presence.shape}: needs {len(images)} images and "
            f"{len(mapped)} action units"
        )
    aus = list(mapped)
    regions = {au: masks(au) for au in aus}
    rows, tested = [], {}
    for column, (au, unit) in enumerate(mapped.items()):
        region, shown = regions[au], np.flatnonzero(presence[:, column] == 1)
        row: dict[str, object] = {"layer": layer, "au": au, "unit": unit, "rule": rule}
        row |= {"n_faces": len(shown), "n_projections": 0, "n_silent": 0, "n_unseen": 0}
        row["n_located"] = 0
        row["status"] = (
            "no unit" if unit is None else "no region" if region is None
            else "tested" if len(shown) else "no faces"
        )  # fmt: skip
        if row["status"] == "tested":
            assert unit is not None
            assert region is not None
            field = read_network(network, shape_of(images)).field(layer)
            share = location_share(locations[shown], field, region, unit)
            row |= {"n_located": share.n_faces, "location": share.own}
            row |= {"location_others": share.others, "p_location": share.p}
            best = shown[np.argsort(-responses[shown, unit], kind="stable")][:MOST]
            chosen = torch.from_numpy(best)
            units = np.full(len(best), unit)
            tested[au] = project_units(
                network, images[chosen], layer, units, locations[best, unit], rule=rule
            )
            lifts = _lifts(tested[au], region)
            row["n_projections"] = len(lifts)
            row["n_silent"] = int(tested[au].silent.sum())
            row["n_unseen"] = int((lifts[:, 1] == 0).sum())
            row |= dict(zip(("energy", "area", "lift"), _means(lifts), strict=True))
        rows.append(row)
    matrix = np.array([[_density(tested[a], regions[b]) for b in tested] for a in tested])
    null = region_null(matrix.reshape(len(tested), len(tested)), seed=seed)
    found = dict(zip(tested, zip(null.own, null.others, null.p_au, strict=True), strict=True))
    names = ("density", "density_others", "p_density")
    for row in rows:
        row |= dict(zip(names, found.get(str(row["au"]), (np.nan,) * 3), strict=True))
    counts = {
        c: sum(int(str(row[c])) for row in rows) for c in ("n_projections", "n_silent", "n_unseen")
    }
    lift = [float(str(row["lift"])) for row in rows if row["status"] == "tested"]
    overall = dict(zip(names, (null.value, null.null_mean, null.p), strict=True))
    rows.append(
        {"layer": layer, "au": ALL, "rule": rule, "n_faces": len(images), "n_located": 0}
        | counts
        | {"lift": _mean(np.array(lift)), **overall}
        | {"status": "tested" if null.n_aus > 1 else "not enough data"}
    )
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    numbers = ("energy", "area", "lift", *names, "location", "location_others", "p_location")
    return table.astype({"unit": "Int64"} | dict.fromkeys(numbers, "float64"))


def _lifts(
    projections: Projections, region: np.ndarray | None
) -> Float[np.ndarray, "projection 3"]:
    """Energy, area and lift of every projection; NaN where it is all zero."""
    assert region is not None  # only action units with a region are projected
    found = [
        energy_lift(image, window, region)
        for image, window in zip(projections.image, projections.window, strict=True)
    ]
    return np.array([[one.energy, one.area, one.lift] for one in found]).reshape(-1, 3)


def _density(projections: Projections, region: np.ndarray | None) -> float:
    assert region is not None
    return _mean(_lifts(projections, region)[:, 0]) / float(region.mean())


def _means(lifts: Float[np.ndarray, "projection 3"]) -> list[float]:
    return [_mean(column) for column in lifts.T]


def _mean(values: Float[np.ndarray, " value"]) -> float:
    defined = values[~np.isnan(values)]
    return float(defined.mean()) if len(defined) else float("nan")
