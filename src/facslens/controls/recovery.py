"""Test whether the mapping finds filters that are known to detect an action unit, and no others."""

from collections.abc import Mapping
from typing import Final

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor

from facslens.association.discovery.associate import associate
from facslens.association.discovery.mapping import AU_TO_UNIT, UNIT_TO_AU, firsts, view_of
from facslens.association.distances.table import DEFAULT
from facslens.controls.planted import Planted, hide
from facslens.datasets.base import Faces
from facslens.responses.recorder import record
from facslens.responses.store import BatchResponses

#: Columns of `recovery_table`, in order.
COLUMNS: Final = (
    "seed", "design", "au", "unit", "accepted", "first_au", "first_unit", "recovered", "n_aus",
    "n_blind",
)  # fmt: skip
_BATCH: Final = 64


def recovery_table(
    planted: Planted,
    faces: Faces,
    images: Float[Tensor, "image 1 row column"],
    *,
    seed: int,
    distance: str = DEFAULT,
    permutations: int = 1000,
) -> pd.DataFrame:
    """Hide the filters among random ones, and map the layer like that of any network.

    Parameters
    ----------
    planted
        Filters and the action units that they detect.
    faces
        Peak faces of any design; their name is given in the column ``design``.
    images
        The same faces as a network reads them.
    seed
        Of the random filters, the places, the shuffled labels and the permutations.
    distance, permutations
        As in `facslens.association.discovery.associate.associate`.

    Returns
    -------
    pandas.DataFrame
        One row per planted filter. ``accepted`` says whether it was mapped to its action unit,
        and ``n_aus`` to how many in all; ``first_au`` is the action unit that it is mapped to
        first, and ``first_unit`` the filter to which its action unit is mapped first.
        ``recovered`` says whether both are the right ones. ``n_blind`` counts the filters
        that were accepted for any action unit after the label rows of the sequences were
        shuffled, where no filter should be; it is the same in each row of a seed.
    """
    network, places = hide(planted, seed)
    responses = _record(network, images)
    aus = list(faces.aus)
    sequences = faces.table["sequence"].to_numpy()

    def mapping(labels: np.ndarray) -> pd.DataFrame:
        found = associate(
            responses,
            labels,
            aus=aus,
            sequence=sequences,
            subject=faces.table["subject"],
            distance=distance,
            permutations=permutations,
            seed=seed,
        )
        return found.mapping(distance).dropna(subset=["unit", "au"])

    true = mapping(faces.presence())
    first_unit = firsts(true, AU_TO_UNIT).set_index("au")["unit"]
    by_unit = view_of(true, UNIT_TO_AU)
    first_au = firsts(true, UNIT_TO_AU).set_index("unit")["au"]
    blind = mapping(_shuffled(faces.presence(), sequences, seed))
    rows = []
    for au, unit in places.items():
        row = {
            "seed": seed,
            "design": faces.name,
            "au": au,
            "unit": unit,
            "accepted": bool(((by_unit["unit"] == unit) & (by_unit["au"] == au)).any()),
            "first_au": first_au.get(unit),
            "first_unit": first_unit.get(au),
            "n_aus": int((by_unit["unit"] == unit).sum()),
            "n_blind": int(view_of(blind, UNIT_TO_AU)["unit"].nunique()),
        }
        rows.append(row | {"recovered": row["first_au"] == au and row["first_unit"] == unit})
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype({"first_unit": "Int64"})


def _record(network: torch.nn.Module, images: Tensor) -> Float[np.ndarray, "image unit"]:
    parts: list[np.ndarray] = []

    def sink(_start: int, batch: Mapping[str, BatchResponses]) -> None:
        parts.append(batch["conv1"].response)

    record(network, torch.split(images, _BATCH), ["conv1"], sink)
    return np.concatenate(parts)


def _shuffled(
    labels: Float[np.ndarray, "image au"], sequences: np.ndarray, seed: int
) -> Float[np.ndarray, "image au"]:
    """Give every sequence the label row of another one."""
    _, first, number = np.unique(sequences, return_index=True, return_inverse=True)
    order = np.random.default_rng([seed, 1]).permutation(len(first))
    return np.asarray(labels[first[order]][number])
