"""The experiment to play with: drawn faces, and what the network answered to each of them."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, UInt8

from facslens.datasets.stimuli import HALVES
from facslens.errors import FacslensError
from facslens.experiments.trials import GRADES
from facslens.explorer.explored import Explored
from facslens.explorer.projected import SIDE
from facslens.explorer.script import packed, shorts, thousandths
from facslens.explorer.sheets import fitted, glow, sheet
from facslens.models.scale import SCALES
from facslens.preprocess import normalise
from facslens.projection.deconvnet import project_units
from facslens.projection.windows import brightest, crop, to_grey
from facslens.report.tables import records, text

#: People that can be played with.
PEOPLE: Final = 6
#: Units whose responses are given; of larger networks those of the last layers are.
UNITS: Final = 4096
#: Kinds of drawn faces that can be reached by moving action units.
KINDS: Final = ("rest", "alone", "side", "together", "without", "pair")
#: Columns of the sheet of faces.
COLUMNS: Final = 12
#: Faces that are projected at a time.
_AT_ONCE: Final = 16


@dataclass(frozen=True)
class Detector:
    """A unit whose projections follow the face: the one that the experiment chose for an AU."""

    layer: str
    au: str
    unit: int
    verdict: str


class Play:
    """What can be played with of a run that has answers to drawn faces.

    The faces are those that were drawn, of people on whom units were measured; nothing between
    two of them is made up.

    Parameters
    ----------
    explored
        The run; its answers are there.
    """

    def __init__(self, explored: Explored) -> None:
        assert explored.answered is not None
        self._explored, self._answered = explored, explored.answered
        self._seen = lru_cache(maxsize=2)(self._projected)

    @property
    def _table(self) -> pd.DataFrame:
        return self._answered.table

    @property
    def people(self) -> tuple[str, ...]:
        """The people: those drawn in most ways among the ones on whom units were measured."""
        table = self._table
        own = table[(table["half"] == HALVES[1]) & table["kind"].isin(KINDS)]
        drawn = own[own["setting"] == own["setting"].min()].groupby("person", sort=False).size()
        return tuple(
            str(p) for p in drawn.sort_values(ascending=False, kind="stable").index[:PEOPLE]
        )

    def rows(self, person: str) -> Bool[np.ndarray, " image"]:
        """Tell which of the faces that were shown are of a person, in one setting."""
        table = self._table
        own = (table["person"] == person) & table["kind"].isin(KINDS)
        setting = table.loc[own, "setting"].min()
        found: Bool[np.ndarray, " image"] = (own & (table["setting"] == setting)).to_numpy(bool)
        return found

    def states(self, person: str) -> list[dict[str, Any]]:
        """Give the action units, their grades and the side of each face; none at rest.

        Faces that show the same, such as an expression of one action unit, are given each.
        """
        return [
            {"aus": row["aus"].split(), "grade": row["grade"], "side": row["side"],
             "name": row["name"]}
            for row in records(self._table[self.rows(person)])
        ]  # fmt: skip

    @property
    def layers(self) -> tuple[str, ...]:
        """The layers whose units answer, the last ones first counted, `UNITS` at most."""
        found: list[str] = []
        total = 0
        for layer in reversed(
            [one for one in self._explored.layers if one in self._answered.layers]
        ):
            total += self._explored.units_of(layer)
            if found and total > UNITS:
                break
            found.insert(0, layer)
        return tuple(found)

    @property
    def detectors(self) -> tuple[Detector, ...]:
        """The chosen units of the last layer in which most action units are caused."""
        caused = self._explored.experiment("caused.csv")
        if caused is None or caused.empty:
            return ()
        counts = (caused["verdict"] == "caused").groupby(caused["layer"], sort=False).sum()
        layer = counts[counts == counts.max()].index[-1]
        own = caused[caused["layer"] == layer].dropna(subset=["unit"])
        return tuple(
            Detector(str(layer), str(row["au"]), int(row["unit"]), text(row, "verdict"))
            for row in records(own)
        )

    def contents(self) -> dict[str, Any]:
        """Say who can be played with, and which units answer."""
        return {
            "people": list(self.people),
            "grades": list(GRADES),
            "size": self._answered.stimuli.size,
            "layers": [self._explored.layers.index(layer) for layer in self.layers],
            "detectors": [
                [self._explored.layers.index(d.layer), d.au, d.unit, d.verdict]
                for d in self.detectors
            ],
        }

    def answers(self, person: str) -> dict[str, Any]:
        """Give what the network answered to every face of a person."""
        rows = self.rows(person)
        scores = self._answered.scores(rows).astype(np.float64)
        model = self._explored.model
        scale = SCALES["none" if model is None else model.scale]
        pictures = self._seen(person)
        return {
            "states": self.states(person),
            "scores": [shorts(row) for row in scale.centred(scores)],
            "chances": [] if model is None or model.scale == "none"
            else thousandths(scale.chances(scores)),
            "columns": COLUMNS,
            "responses": {
                str(self._explored.layers.index(layer)): packed(
                    self._answered.responses(layer, rows).astype(np.float64)
                )
                for layer in self.layers
            },
            "seen": {
                "units": [[self._explored.layers.index(d.layer), d.unit] for d in self._own],
                "cell": pictures.cell,
                "input": pictures.input,
                "boxes": pictures.boxes,
            },
        }  # fmt: skip

    def faces(self, person: str) -> bytes:
        """Put the drawn faces of a person side by side, in the order of `states`."""
        return sheet(self._drawn(person), COLUMNS, quality=90)

    def projections(self, person: str) -> bytes:
        """Put the projections side by side: a row for each face, a column for each detector."""
        return sheet(self._seen(person).pictures, max(1, len(self._own)), quality=70)

    def faces_at_rest(self) -> bytes:
        """Put a picture of every person at rest side by side."""
        found = []
        for person in self.people:
            kinds = self._table["kind"][self.rows(person)].to_numpy()
            found.append(self._drawn(person)[int(np.flatnonzero(kinds == "rest")[0])])
        return sheet(found)

    def _drawn(self, person: str) -> list[UInt8[np.ndarray, "row column *rgb"]]:
        stimuli = self._answered.stimuli
        shown = self._table.index[self.rows(person)]
        every = np.asarray(stimuli.table.index.get_indexer(shown))
        block = stimuli.pixels(int(every.min()), int(every.max()) + 1)
        return list(block[every - every.min()])

    @property
    def _own(self) -> tuple[Detector, ...]:
        """The detectors, each unit once."""
        found: dict[tuple[str, int], Detector] = {}
        for one in self.detectors:
            found.setdefault((one.layer, one.unit), one)
        return tuple(found.values())

    def _projected(self, person: str) -> "_Seen":
        """Project every detector's answer to every face of a person, in proportion to it."""
        model, own = self._explored.model, self._own
        if model is None or not own:
            return _Seen([], 0, [0, 0], [])
        try:
            field = model.reading.field(own[0].layer)
            cuts, boxes = self._cuts(person, own)
        except FacslensError:  # a layer in which the rules are refused
            return _Seen([], 0, [0, 0], [])
        limits = [brightest(np.stack(column)) for column in zip(*cuts, strict=True)]
        cell = min(SIDE, max(field.size))
        pictures = [
            fitted(glow(to_grey(cut, limit)), cell, cell)
            for row in cuts
            for cut, limit in zip(row, limits, strict=True)
        ]
        return _Seen(pictures, cell, [model.input.width, model.input.height], boxes)

    def _cuts(
        self, person: str, own: tuple[Detector, ...]
    ) -> tuple[list[list[Float[np.ndarray, "row column"]]], list[list[list[int] | None]]]:
        model = self._explored.model
        assert model is not None
        field = model.reading.field(own[0].layer)
        levels = normalise.scaled(self._drawn(person), model.input)
        rule = str(self._explored.tables.info.get("settings", {}).get("rule", "deconvnet"))
        units = np.array([one.unit for one in own])
        cuts: list[list[np.ndarray]] = []
        boxes: list[list[list[int] | None]] = []
        for first in range(0, len(levels), _AT_ONCE):
            some = normalise.as_read(levels[first : first + _AT_ONCE], model.input)
            number = len(some)
            found = project_units(
                model.network,
                some,
                own[0].layer,
                np.tile(units, number),
                rule=rule,
                image_of=np.repeat(np.arange(number), len(units)),
            )
            image = found.image.sum(axis=1) * found.response[:, None, None]
            for face in range(number):
                row, seen = [], []
                for unit in range(len(units)):
                    place = face * len(units) + unit
                    at = found.location[place]
                    box = field.rectangle(*(max(int(index), 0) for index in at))
                    row.append(crop(image[place], box))
                    seen.append(None if at[0] < 0 else [int(edge) for edge in box])
                cuts.append(row)
                boxes.append(seen)
        return cuts, boxes


@dataclass(frozen=True)
class _Seen:
    """Projections by face and detector, the side of each, what the network reads, and where."""

    pictures: list[UInt8[np.ndarray, "row column 4"]]
    cell: int
    input: list[int]
    boxes: list[list[list[int] | None]]
