"""One run as the explorer reads it: its tables, its faces and its network, as far as they are."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from jaxtyping import Float, Int, UInt8

from facslens.errors import CallError, FacslensError
from facslens.explorer.turns import Turns
from facslens.models.model import Model
from facslens.preprocess import normalise
from facslens.preprocess.input import Input, noted_input
from facslens.preprocess.normalise import to_picture
from facslens.report.tables import RunTables
from facslens.runs.answers import Answered
from facslens.runs.folder import Run

#: Exemplars of a unit that are shown.
SHOWN: Final = 6
#: The columns of the experiment that pages show of every unit and action unit.
TUNING: Final = ("auroc", "wins")


@dataclass(frozen=True, eq=False)
class Explored:
    """What a run has left for the explorer; None where its stage has not been run.

    Parameters
    ----------
    tables
        The files of the run.
    no_faces
        Whether the faces of the dataset, and what names them, are left out.
    turns
        Whose turn it is to read the run.
    """

    tables: RunTables
    no_faces: bool = False
    turns: Turns = field(default_factory=Turns)

    @classmethod
    def open(cls, folder: Path, no_faces: bool = False) -> "Explored":
        """Open a run's folder."""
        return cls(RunTables(Run.open(folder)), no_faces)

    @property
    def name(self) -> str:
        """What the run is called: the name of its folder."""
        return self.tables.run.folder.resolve().name

    @cached_property
    def layers(self) -> tuple[str, ...]:
        """The layers that were recorded, or shown drawn faces."""
        if self.tables.responses is not None:
            return tuple(self.tables.responses.layers)
        return tuple(str(layer) for layer in self._per_layer)

    @cached_property
    def aus(self) -> tuple[str, ...]:
        """Every action unit that any table of the run knows, by number."""
        known = set(self.observed_aus) | set(self.caused_aus)
        return tuple(sorted(known))

    @cached_property
    def observed_aus(self) -> tuple[str, ...]:
        """The action units that units were compared with on coded faces."""
        effects = self.effects
        return () if effects is None else tuple(sorted(effects["au"].unique()))

    @cached_property
    def caused_aus(self) -> tuple[str, ...]:
        """The action units that were switched on drawn faces."""
        tuning = self.tuning
        return () if tuning is None else tuple(sorted(tuning["au"].unique()))

    @cached_property
    def expressions(self) -> tuple[str, ...]:
        """What the network tells apart."""
        return tuple(self.tables.model.get("expressions", ()))

    def units_of(self, layer: str) -> int:
        """Count the units of a layer."""
        if self.tables.responses is not None:
            return int(self.tables.responses.response(layer).shape[1])
        return self._per_layer[layer]

    @cached_property
    def _per_layer(self) -> dict[str, int]:
        table = self.tuning
        if table is None:
            return {}
        counts = table.groupby("layer", sort=False)["unit"].max() + 1
        return {str(layer): int(count) for layer, count in counts.items()}

    @cached_property
    def effects(self) -> pd.DataFrame | None:
        """``effects.parquet``."""
        record = self.tables.record
        return record.table("effects.parquet") if record.has("effects.parquet") else None

    @cached_property
    def tuning(self) -> pd.DataFrame | None:
        """``experiment/tuning.parquet``."""
        return self.tables.experiment("tuning.parquet")

    @lru_cache(maxsize=32)  # noqa: B019  one for each run that is shown
    def experiment(self, name: str) -> pd.DataFrame | None:
        """Read a table of the experiment once."""
        return self.tables.experiment(name)

    @lru_cache(maxsize=32)  # noqa: B019
    def mechanism(self, name: str) -> pd.DataFrame | None:
        """Read a table of the mechanism once."""
        return self.tables.mechanism(name)

    @lru_cache(maxsize=4)  # noqa: B019
    def observed(self, layer: str) -> Float[np.ndarray, "unit au"]:
        """Give each unit's AUROC on coded faces, by `aus`; NaN where it was not measured."""
        return self._matrix(self.effects, layer, "auroc")

    @lru_cache(maxsize=16)  # noqa: B019
    def tuned(self, layer: str, column: str) -> Float[np.ndarray, "unit au"]:
        """Give a column of the experiment by unit and `aus`; NaN where it was not measured."""
        return self._matrix(self.tuning, layer, column)

    def _matrix(
        self, table: pd.DataFrame | None, layer: str, column: str
    ) -> Float[np.ndarray, "unit au"]:
        found = np.full((self.units_of(layer), len(self.aus)), np.nan)
        if table is not None:
            own = table[table["layer"] == layer]
            place = own["au"].map({au: k for k, au in enumerate(self.aus)}).to_numpy(dtype=int)
            found[own["unit"].to_numpy(dtype=int), place] = own[column].to_numpy(dtype=float)
        return found

    @lru_cache(maxsize=2)  # noqa: B019
    def responses(self, layer: str) -> Float[np.ndarray, "image unit"]:
        """Read the responses of a layer to the faces of the dataset."""
        assert self.tables.responses is not None
        return self.tables.responses.response(layer)

    @cached_property
    def exemplars(self) -> pd.DataFrame | None:
        """The first `SHOWN` exemplars of every unit, with ``face``: the number of the picture."""
        record = self.tables.record
        if not record.has("exemplars.parquet"):
            return None
        table = record.exemplars
        table = table[table["rank"] <= SHOWN].sort_values(["layer", "unit", "rank"])
        return table.assign(face=pd.factorize(table["image"])[0])

    @cached_property
    def pictures(self) -> tuple[str, ...]:
        """The images of the exemplars, by their number; empty where none is shown."""
        if not self.shows_faces or self.exemplars is None:
            return ()
        return tuple(self.exemplars.drop_duplicates("face").sort_values("face")["image"])

    @cached_property
    def input(self) -> Input | None:
        """What the network reads; None where ``model.json`` does not say."""
        try:
            return noted_input(self.tables.model)
        except CallError:
            return None

    @cached_property
    def reads_faces(self) -> bool:
        """Whether there are exemplars, and their faces are where they were."""
        if self.input is None or self.exemplars is None or self.exemplars.empty:
            return False
        try:
            self.levels([str(self.exemplars["image"].iloc[0])])
        except (FacslensError, OSError):
            return False
        return True

    @property
    def shows_faces(self) -> bool:
        """Whether faces of the dataset may be shown, and can be."""
        return not self.no_faces and self.tables.shows_faces and self.reads_faces

    @cached_property
    def _paths(self) -> dict[str, Any]:
        assert self.tables.faces is not None
        table = self.tables.faces.table
        return dict(zip(table["image"], table["path"], strict=True))

    @cached_property
    def people(self) -> dict[str, tuple[str, str, str]]:
        """Person, part and expression of every face, empty where one is not known."""
        if self.tables.faces is None:
            return {}
        table = self.tables.faces.table
        named = (table[c].fillna("").astype(str) for c in ("subject", "split", "expression"))
        return dict(zip(table["image"], zip(*named, strict=True), strict=True))

    def levels(self, images: Sequence[str]) -> Float[np.ndarray, "image channel row column"]:
        """Read faces of the dataset as the network sees them, levels in [0, 1]."""
        assert self.input is not None
        found: Float[np.ndarray, "image channel row column"] = normalise.read(
            [self._paths[image] for image in images], self.input
        ).numpy()
        return found

    @lru_cache(maxsize=4)  # noqa: B019
    def faces_from(self, first: int, after: int) -> list[UInt8[np.ndarray, "row column *rgb"]]:
        """Give the pictures of some numbers, in 8 bits."""
        return [to_picture(levels) for levels in self.levels(self.pictures[first:after])]

    @cached_property
    def model(self) -> Model | None:
        """The network; None where the run does not keep it and it cannot be opened again."""
        try:
            return self.tables.record.model
        except (FacslensError, OSError):
            return None

    @cached_property
    def answered(self) -> Answered | None:
        """What the network answered to drawn faces; None where the run does not have it."""
        return Answered.of(self.tables.record)

    @cached_property
    def statuses(self) -> dict[str, list[str]]:
        """Whether each unit is live, by layer."""
        table, found = self.tables.units, {}
        for layer in self.layers:
            own = np.full(self.units_of(layer), "live", dtype=object)
            if table is not None:
                rows = table[(table["layer"] == layer) & (table["unit"] < len(own))]
                own[rows["unit"].to_numpy(dtype=int)] = rows["status"].to_numpy()
            found[layer] = list(own)
        return found

    def rectangles(
        self, layer: str, places: Int[np.ndarray, "place 2"]
    ) -> list[tuple[int, int, int, int]] | None:
        """Give what each place of a layer's map can see; None where that is not known."""
        if self.model is None:
            return None
        try:
            seen = self.model.reading.field(layer)
        except FacslensError:
            return None
        return [seen.rectangle(int(row), int(column)) for row, column in places]
