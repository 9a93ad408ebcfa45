"""The experiment to play with: drawn faces, and what the network answered to each of them."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import numpy as np
import pandas as pd
from jaxtyping import Bool, UInt8

from facslens.datasets.stimuli import HALVES
from facslens.experiments.trials import GRADES
from facslens.explorer.explored import Explored
from facslens.explorer.script import packed, shorts, thousandths
from facslens.explorer.seen import NOTHING, Seen, seen
from facslens.explorer.sheets import sheet
from facslens.models.scale import SCALES
from facslens.report.tables import records, text

#: People that can be played with.
PEOPLE: Final = 6
#: Units whose responses are given; of larger networks those of the last layers are.
UNITS: Final = 4096
#: Kinds of drawn faces that can be reached by moving action units.
KINDS: Final = ("rest", "alone", "side", "together", "without", "pair")
#: Columns of the sheet of faces.
COLUMNS: Final = 12


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
        self._limits: dict[str, list[float | None]] = {}

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
        found: Bool[np.ndarray, " image"] = (
            own & (table["setting"] == self.setting(person))
        ).to_numpy(bool)
        return found

    def setting(self, person: str) -> int:
        """Give the number of the setting in which a person is shown."""
        table = self._table
        own = (table["person"] == person) & table["kind"].isin(KINDS)
        return int(table.loc[own, "setting"].min())

    def at_rest(self, person: str) -> UInt8[np.ndarray, "row column *rgb"]:
        """Give the drawn face of a person at rest."""
        kinds = self._table["kind"][self.rows(person)].to_numpy()
        return self.drawn(person)[int(np.flatnonzero(kinds == "rest")[0])]

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
        responses = {}
        for layer in self.layers:
            self._explored.turns.pause()
            own = self._answered.responses(layer, rows).astype(np.float64)
            responses[str(self._explored.layers.index(layer))] = packed(own)
        return {
            "states": self.states(person),
            "scores": [shorts(row) for row in scale.centred(scores)],
            "chances": [] if model is None or model.scale == "none"
            else thousandths(scale.chances(scores)),
            "columns": COLUMNS,
            "responses": responses,
            "seen": {
                "units": [[self._explored.layers.index(d.layer), d.unit] for d in self.own],
                **pictures.described(),
            },
        }  # fmt: skip

    def faces(self, person: str) -> bytes:
        """Put the drawn faces of a person side by side, in the order of `states`."""
        return sheet(self.drawn(person), COLUMNS, quality=90)

    def projections(self, person: str) -> bytes:
        """Put the projections side by side: a row for each face, a column for each detector."""
        return sheet(self._seen(person).pictures, max(1, len(self.own)), quality=70)

    def faces_at_rest(self) -> bytes:
        """Put a picture of every person at rest side by side."""
        return sheet([self.at_rest(person) for person in self.people])

    def drawn(self, person: str) -> list[UInt8[np.ndarray, "row column *rgb"]]:
        """Give the drawn faces of a person, in the order of `states`."""
        stimuli = self._answered.stimuli
        shown = self._table.index[self.rows(person)]
        every = np.asarray(stimuli.table.index.get_indexer(shown))
        block = stimuli.pixels(int(every.min()), int(every.max()) + 1)
        return list(block[every - every.min()])

    @property
    def own(self) -> tuple[Detector, ...]:
        """The detectors, each unit once."""
        found: dict[tuple[str, int], Detector] = {}
        for one in self.detectors:
            found.setdefault((one.layer, one.unit), one)
        return tuple(found.values())

    @property
    def rule(self) -> str:
        """The projection rule of the run."""
        return str(self._explored.tables.info.get("settings", {}).get("rule", "deconvnet"))

    def limits(self, person: str) -> list[float | None]:
        """Give the value of each projection that is shown at full strength, by `own`."""
        if person not in self._limits:
            self._seen(person)
        return self._limits[person]

    def _projected(self, person: str) -> Seen:
        """Project every detector's answer to every face of a person, in proportion to it."""
        model, own = self._explored.model, self.own
        found = NOTHING
        if model is not None and own:
            units = [one.unit for one in own]
            pause = self._explored.turns.pause
            found = seen(model, self.drawn(person), own[0].layer, units, self.rule, pause=pause)
        self._limits[person] = found.limits
        return found
