"""Projections of units' exemplars under every rule, made where the run has its network."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float, UInt8
from PIL import Image
from torch import Tensor

from facslens.errors import FacslensError
from facslens.explorer.explored import SHOWN, Explored
from facslens.explorer.sheets import fitted
from facslens.preprocess import normalise
from facslens.projection.deconvnet import project_units
from facslens.projection.rules import RULES
from facslens.projection.windows import brightest, crop, to_grey
from facslens.runs.selection import mapped_units

#: Side of a projection in a sheet, in pixels, where the receptive field is larger.
SIDE: Final = 64
#: Seconds that all projections of a run may take together; else only mapped units have them.
SECONDS: Final = 60.0
#: Pairs of a face and a unit in each layer by which the time of all is told.
_TRIED: Final = 64


@dataclass(frozen=True)
class Projected:
    """The projections of some units of a layer.

    Parameters
    ----------
    pictures
        All of one size, grey with 0 at 128; each unit's are equally bright under a rule.
    cells
        By unit and rule, the number of each exemplar's picture, best first.
    """

    pictures: tuple[UInt8[np.ndarray, "row column"], ...]
    cells: dict[int, dict[str, list[int]]]

    def described(self, first: int, after: int) -> dict[str, Any]:
        """Give the size of the pictures, and the cells of the units from `first` up to `after`."""
        high, wide = self.pictures[0].shape if self.pictures else (0, 0)
        cells = [self.cells.get(unit, {}) for unit in range(first, after)]
        return {"size": [wide, high], "units": cells}


class Projector:
    """Projects the exemplars of a run, some units at a time.

    Parameters
    ----------
    explored
        The run.
    """

    def __init__(self, explored: Explored) -> None:
        self._explored = explored
        self._whole: bool | None = None
        self.of = lru_cache(maxsize=4)(self._of)
        self._read = lru_cache(maxsize=1)(self._levels)  # the same for every rule

    def _of(self, layer: str, first: int, after: int) -> Projected:
        """Project the units from `first` up to `after`; under the run's own rule without a network.

        A unit that was never projected has none.
        """
        explored = self._explored
        wanted = list(range(first, after))
        if explored.model is not None and explored.reads_faces:
            if not self._every_unit:
                wanted = [unit for unit in wanted if (layer, unit) in self._mapped]
            try:
                return self._made(layer, wanted)
            except FacslensError:  # a layer in which the rules are refused
                pass
        return self._kept(layer, wanted)

    @property
    def _mapped(self) -> set[tuple[str, int]]:
        mapping = self._explored.tables.mapping
        if mapping is None:
            return set()
        return {(str(row[0]), int(row[1])) for row in mapped_units(mapping).itertuples(index=False)}

    @property
    def _every_unit(self) -> bool:
        """Whether all units together take no more than `SECONDS`, told from a few of them."""
        if self._whole is None:
            table = self._explored.exemplars
            assert table is not None
            total = 0.0
            for layer in self._explored.layers:
                own = table[table["layer"] == layer]
                if own.empty:
                    continue
                some = own.iloc[len(own) // 2 :][:_TRIED]
                try:
                    self._project(layer, some.iloc[:2], "deconvnet")  # reads the network once
                    started = time.perf_counter()
                    self._project(layer, some, "deconvnet")
                except FacslensError:
                    continue
                each = (time.perf_counter() - started) / len(some)
                total += each * len(own) * len(RULES)
            self._whole = total <= SECONDS
        return self._whole

    def _made(self, layer: str, units: list[int]) -> Projected:
        table = self._explored.exemplars
        assert table is not None
        own = table[(table["layer"] == layer) & table["unit"].isin(units)]
        pictures: list[UInt8[np.ndarray, "row column"]] = []
        cells: dict[int, dict[str, list[int]]] = {}
        if own.empty:
            return Projected((), {})
        for rule in RULES:
            found = self._project(layer, own, rule, self._explored.turns.pause)
            for unit, cut in found.items():
                limit = brightest(np.stack(cut))
                numbers = range(len(pictures), len(pictures) + len(cut))
                cells.setdefault(unit, {})[rule] = list(numbers)
                pictures += [_small(to_grey(one, limit)) for one in cut]
        return Projected(tuple(pictures), cells)

    def _project(
        self, layer: str, own: pd.DataFrame, rule: str, pause: Callable[[], None] = lambda: None
    ) -> dict[int, list[Float[np.ndarray, "row column"]]]:
        """Give each unit's projections in the order of its rows, cut to what its place can see."""
        explored = self._explored
        model = explored.model
        assert model is not None
        images, of = np.unique(own["image"], return_inverse=True)
        levels = self._read(tuple(images))
        field = model.reading.field(layer)
        found: dict[int, list[Float[np.ndarray, "row column"]]] = {}
        for first in range(0, len(own), 256):
            pause()
            part = own.iloc[first : first + 256]
            faces, place = np.unique(of[first : first + 256], return_inverse=True)
            projected = project_units(
                model.network,
                normalise.as_read(levels[faces], model.input),
                layer,
                part["unit"].to_numpy(),
                part[["row", "column"]].to_numpy(),
                rule=rule,
                image_of=place,
            )
            for unit, row, column, image in zip(
                part["unit"], part["row"], part["column"], projected.image, strict=True
            ):
                cut = crop(image.sum(axis=0), field.rectangle(int(row), int(column)))
                found.setdefault(int(unit), []).append(cut)
        return found

    def _levels(self, images: tuple[str, ...]) -> Tensor:
        return torch.from_numpy(self._explored.levels(images))

    def _kept(self, layer: str, units: list[int]) -> Projected:
        """Give what the run keeps, of mapped units under one rule."""
        tables = self._explored.tables
        index = tables.projections
        if index is None:
            return Projected((), {})
        own = index[(index["layer"] == layer) & index["unit"].isin(units)]
        own = own[own["rank"] <= SHOWN].sort_values(["unit", "rule", "rank"])
        pictures: list[UInt8[np.ndarray, "row column"]] = []
        cells: dict[int, dict[str, list[int]]] = {}
        for unit, rule, name in zip(own["unit"], own["rule"], own["projection"], strict=True):
            if tables.has_picture(str(name)):
                with Image.open(tables.run / "projections" / str(name)) as opened:
                    pictures.append(_small(np.asarray(opened.convert("L"))))
                cells.setdefault(int(unit), {}).setdefault(str(rule), []).append(len(pictures) - 1)
        return Projected(tuple(_alike(pictures)), cells)


def _small(picture: UInt8[np.ndarray, "row column"]) -> UInt8[np.ndarray, "row column"]:
    """Bring a picture down to `SIDE`, if it is larger."""
    high, wide = picture.shape
    if max(high, wide) <= SIDE:
        return picture
    part = SIDE / max(high, wide)
    return fitted(picture, max(1, round(high * part)), max(1, round(wide * part)))


def _alike(
    pictures: list[UInt8[np.ndarray, "row column"]],
) -> list[UInt8[np.ndarray, "row column"]]:
    """Bring pictures to the size of the largest one: a run may keep some of another making."""
    if not pictures:
        return []
    high, wide = (max(picture.shape[axis] for picture in pictures) for axis in (0, 1))
    return [fitted(picture, high, wide) for picture in pictures]
