"""The same people from rest to the highest grade: what a unit answers, and its projections."""

from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float
from PIL import Image

from facslens.artifacts import atomic
from facslens.datasets.stimuli import HALVES, Stimuli
from facslens.experiments.place import GRADED
from facslens.experiments.trials import FULL, GRADES
from facslens.models.model import Model
from facslens.preprocess import normalise
from facslens.preprocess.fit import centres
from facslens.preprocess.input import Input
from facslens.projection.deconvnet import Projections, project_units
from facslens.projection.windows import brightest, to_grey

#: From rest on, in rising order; empty at rest.
LEVELS: Final = ("", *GRADES)
#: People that are shown at most.
PEOPLE: Final = 20


def graded(
    model: Model,
    stimuli: Stimuli,
    caused: pd.DataFrame,
    rule: str,
    folder: Path,
) -> pd.DataFrame:
    """Project a layer's chosen units under their action units, from rest to the highest grade.

    The first measuring people that were drawn at all grades are shown, `PEOPLE` at most, in their
    first setting.

    Parameters
    ----------
    model
        The network.
    stimuli
        The faces.
    caused
        The rows of `facslens.experiments.analysis.Findings.caused` of one layer.
    rule
        The projection rule.
    folder
        Gets a picture ``AU12.png`` for each action unit: above the face of one person at each of
        `LEVELS`, below the projections, times the response and equally bright. The person is the
        one whose response rises by the median.

    Returns
    -------
    pandas.DataFrame
        As `facslens.experiments.place.GRADED` says. Energy is the sum of squares of the
        projection times the response; it is 0 where the unit does not respond.
    """
    rows: list[dict[str, object]] = []
    live = caused.dropna(subset=["unit"])
    shown = _shown(stimuli)
    levels = _levels(stimuli, shown, model.input)
    for row in live.to_dict("records"):
        au, layer, unit = str(row["au"]), str(row["layer"]), int(row["unit"])
        own = shown[shown["aus"].isin(["", au])].sort_values(["person", "level"])
        whole = own.groupby("person")["level"].transform("size") == len(LEVELS)
        own = own[whole]
        if own.empty:
            continue
        faces = levels[torch.from_numpy(own["place"].to_numpy(copy=True))]
        units = np.full(len(own), unit)
        read = normalise.as_read(faces, model.input)
        found = project_units(model.network, read, layer, units, rule=rule)
        energies = _energies(found, stimuli, own, au, model.input)
        for place, (person, grade) in enumerate(zip(own["person"], own["grade"], strict=True)):
            values = (layer, au, unit, person, grade, float(found.response[place]))
            rows.append(dict(zip(GRADED, (*values, *energies[place]), strict=True)))
        response = found.response.reshape(-1, len(LEVELS))
        rise = np.argsort(response[:, -1] - response[:, 0], kind="stable")
        first = len(LEVELS) * int(rise[len(rise) // 2])
        _paint(folder / f"{au}.png", faces, found, slice(first, first + len(LEVELS)))
    return pd.DataFrame(rows, columns=list(GRADED))


def _shown(stimuli: Stimuli) -> pd.DataFrame:
    """Choose the faces, and number them: measuring people, first setting, all of `LEVELS`."""
    table = stimuli.table
    chosen = table[
        table["kind"].isin(["rest", "alone"])
        & table["half"].ne(HALVES[0])
        & table["setting"].eq(table["setting"].min())
    ]
    drawn = chosen.groupby("person", sort=False)["grade"].nunique() == len(LEVELS)
    chosen = chosen[chosen["person"].isin(drawn.index[drawn][:PEOPLE])]
    return chosen.assign(level=chosen["grade"].map(LEVELS.index), place=range(len(chosen)))


def _levels(
    stimuli: Stimuli, shown: pd.DataFrame, into: Input
) -> Float[torch.Tensor, "face channel row column"]:
    """Read the chosen faces as levels in [0, 1]; each block is decoded once."""
    parts = [torch.empty(0, *into.shape)]
    for _, first, after in stimuli.blocks:
        rows = shown.index[(shown.index >= first) & (shown.index < after)]
        if len(rows):
            images = stimuli.pixels(first, after)[rows - first]
            parts.append(normalise.scaled(list(images), into))
    return torch.cat(parts)


def _energies(
    found: Projections, stimuli: Stimuli, shown: pd.DataFrame, au: str, into: Input
) -> list[tuple[float, float]]:
    """Give the energy of each projection times its response: all, and in the true region."""
    full = shown[shown["grade"] == FULL].set_index("person")["path"]
    regions = {
        person: stimuli.regions.mask(path, au, *centres(into)) for person, path in full.items()
    }
    squares = (found.image.sum(axis=1) * found.response[:, None, None]).astype(np.float64) ** 2
    return [
        (float(square.sum()), float(square[regions[person]].sum()))
        for square, person in zip(squares, shown["person"], strict=True)
    ]


def _paint(file: Path, levels: torch.Tensor, found: Projections, rows: slice) -> None:
    """Paint one person's faces, and below them the projections times the response."""
    faces = [normalise.to_picture(face) for face in levels[rows].numpy()]
    weighted = found.image[rows].sum(axis=1) * found.response[rows, None, None]
    greys = to_grey(weighted, brightest(weighted))
    above, below = np.hstack(faces), np.hstack(list(greys))
    if above.ndim > below.ndim:
        below = np.repeat(below[:, :, None], above.shape[2], axis=2)
    picture = np.concatenate([above, below])
    with atomic(file) as temporary, temporary.open("wb") as stream:
        Image.fromarray(picture).save(stream, "PNG", optimize=True)
