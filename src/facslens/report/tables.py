"""The files of a run as the report needs them: every one may be absent."""

import math
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePath
from typing import Any, Final

import pandas as pd

from facslens.artifacts import Json, read_json
from facslens.datasets.base import Faces
from facslens.errors import CallError
from facslens.preprocess.input import noted_input
from facslens.report.missing import Missing
from facslens.responses.store import Responses
from facslens.runs.folder import Run
from facslens.runs.planned import planned
from facslens.runs.record import RunRecord

Row = Mapping[Any, Any]

#: Stages of which the page says so where they are not up to date.
_SHOWN: Final = ("open", "train", "record", "associate", "experiment", "mechanism", "project")


@dataclass(frozen=True)
class RunTables:
    """What a run has left, as far as it has: None where the stage has not been run.

    Parameters
    ----------
    run
        The run.
    """

    run: Run

    @cached_property
    def record(self) -> RunRecord:
        """The run's files, out of date ones too: the page says so."""
        return RunRecord(self.run, outdated=True)

    @cached_property
    def info(self) -> Json:
        """``run.json``."""
        return self.record.info

    @cached_property
    def is_audit(self) -> bool:
        """Whether the network was opened, not trained."""
        return self.run.is_audit

    @cached_property
    def opened(self) -> Json | None:
        """``network.json`` of an audit."""
        return self.record.opened if self.record.has("network.json") else None

    @cached_property
    def layers(self) -> pd.DataFrame | None:
        """``layers.csv`` of an audit."""
        return self.record.table("layers.csv") if self.record.has("layers.csv") else None

    def direction(self, layer: str, unit: int | None) -> str:
        """Give what a direction of an audit is called; empty for other units."""
        return "" if unit is None else self._directions.get((layer, unit), "")

    @cached_property
    def _directions(self) -> dict[tuple[str, int], str]:
        if not self.record.has("directions.csv"):
            return {}
        return {
            (f"{row['layer']}:{row['kind']}", int(row["unit"])): str(row["name"])
            for row in records(self.record.table("directions.csv"))
        }

    @cached_property
    def recognition(self) -> Json | None:
        """``accuracy.json`` of an audit with faces."""
        name = "accuracy.json"
        return read_json(self.record.path(name)) if self.record.has(name) else None

    @cached_property
    def faces(self) -> Faces | None:
        """The faces, under the dataset's name."""
        return self.record.faces if self.record.has("faces.parquet") else None

    @cached_property
    def model(self) -> Json:
        """``model.json``, empty where there is none."""
        return self.record.description if self.record.has("model.json") else {}

    @cached_property
    def size(self) -> tuple[int, int] | None:
        """Rows and columns of what the network reads, None where ``model.json`` says none."""
        try:
            into = noted_input(self.model)
        except CallError:
            return None
        return into.height, into.width

    @cached_property
    def responses(self) -> Responses | None:
        """``responses.zarr``."""
        return self.record.responses if self.record.has("responses.zarr") else None

    @cached_property
    def verdicts(self) -> pd.DataFrame | None:
        """``verify/verdicts.csv``, or ``verdicts.csv`` where no check was made."""
        name = self._newest("verdicts.csv")
        return self.record.table(name) if self._shown(name) else None

    @cached_property
    def training(self) -> pd.DataFrame | None:
        """``training.csv``."""
        return self.record.training if self.record.has("training.csv") else None

    @cached_property
    def predictions(self) -> pd.DataFrame | None:
        """``predictions.parquet``."""
        return self.record.predictions if self.record.has("predictions.parquet") else None

    @cached_property
    def association(self) -> pd.DataFrame | None:
        """``association.parquet``."""
        name = "association.parquet"
        return self.record.table(name) if self.record.has(name) else None

    @cached_property
    def mapping(self) -> pd.DataFrame | None:
        """``mapping.csv``."""
        return self.record.mapping if self.record.has("mapping.csv") else None

    @cached_property
    def coverage(self) -> pd.DataFrame | None:
        """``coverage.csv``."""
        return self.record.coverage if self.record.has("coverage.csv") else None

    @cached_property
    def units(self) -> pd.DataFrame | None:
        """``units.csv``."""
        return self.record.units if self.record.has("units.csv") else None

    @cached_property
    def projections(self) -> pd.DataFrame | None:
        """``projections``."""
        return self.record.projections if self.record.has("projections") else None

    @cached_property
    def confounds(self) -> pd.DataFrame | None:
        """``confounds.csv``."""
        return self.record.confounds if self.record.has("confounds.csv") else None

    @cached_property
    def contrast(self) -> pd.DataFrame | None:
        """``contrast.csv``."""
        return self.record.contrast if self.record.has("contrast.csv") else None

    def experiment(self, name: str) -> pd.DataFrame | None:
        """Give a table of the experiment, such as ``caused.csv``; None where there is none."""
        name = f"experiment/{name}"
        return self.record.table(name) if self.record.has(name) else None

    def mechanism(self, name: str) -> pd.DataFrame | None:
        """Give a table of the mechanism, such as ``effects.csv``; None where there is none."""
        name = f"mechanism/{name}"
        return self.record.table(name) if self.record.has(name) else None

    def drawn(self, au: str) -> bytes | None:
        """Give the experiment's picture of an action unit, as it is stored."""
        name = f"experiment/{au}.png"
        return self.record.path(name).read_bytes() if self.record.has(name) else None

    @cached_property
    def controls(self) -> pd.DataFrame | None:
        """``verify/controls.csv``."""
        return self._check("controls")

    @cached_property
    def ablation(self) -> pd.DataFrame | None:
        """``verify/ablation.csv``."""
        return self._check("ablation")

    @cached_property
    def place(self) -> pd.DataFrame | None:
        """``verify/place.csv``."""
        return self._check("place")

    @cached_property
    def sanity(self) -> pd.DataFrame | None:
        """``verify/sanity.csv``."""
        return self._check("sanity")

    @cached_property
    def stability(self) -> pd.DataFrame | None:
        """``verify/stability.csv``."""
        return self._check("stability")

    @cached_property
    def planted(self) -> pd.DataFrame | None:
        """``verify/planted.csv``."""
        return self._check("planted")

    @cached_property
    def factorial(self) -> pd.DataFrame | None:
        """``verify/factorial.csv``."""
        return self._check("factorial")

    @cached_property
    def true_place(self) -> pd.DataFrame | None:
        """``verify/true_place.csv``."""
        return self._check("true_place")

    @property
    def shows_faces(self) -> bool:
        """Whether faces of the dataset may be shown, and what names them."""
        return bool(self.info.get("settings", {}).get("faces", True))

    @cached_property
    def stale(self) -> tuple[str, ...]:
        """Stages whose files are there although the stage is not done any more."""
        stages = self.info["stages"]
        return tuple(
            stage
            for stage in _SHOWN
            if stages.get(stage, {}).get("files")
            and stages[stage].get("status") not in ("done", "accepted")
        )

    @cached_property
    def accepted(self) -> tuple[str, ...]:
        """Files that somebody replaced on purpose, each once."""
        return tuple(dict.fromkeys(entry["file"] for entry in self.info.get("accepted", [])))

    def checks(self) -> tuple[str, ...]:
        """Name the tables of `facslens verify`, such as ``verify/place.csv``."""
        return tuple(self.info["stages"].get("verify", {}).get("files", {}))

    def as_text(self, name: str) -> pd.DataFrame | None:
        """Give a table with its cells as they are written; None where there is none to show."""
        name = self._newest(name)
        if not self._shown(name):
            return None
        return pd.read_csv(self.record.path(name), dtype=str, keep_default_na=False)

    def has_picture(self, name: str) -> bool:
        """Tell whether there is a picture of a plain name among the projections."""
        plain = bool(name) and PurePath(name).name == name
        return plain and (self.run / "projections" / name).is_file()

    def picture(self, name: str) -> bytes:
        """Give a picture of the projections, as it is stored."""
        return (self.run / "projections" / name).read_bytes()

    def missing(self, what: str, stage: str) -> Missing:
        """Say what is missing and which command makes it; nothing of what an audit never has."""
        if self.is_audit:
            name = stage.partition(" ")[0]
            needed = {"run": "faces", "verify": "associate"}.get(name, name)
            if needed not in planned(self.run):
                return Missing()
        return Missing(what, f"facslens {stage} {shlex.quote(str(self.run.folder))}")

    def setting(self, stage: str, name: str) -> Any:
        """Give a setting of a stage or, failing that, of the whole run; None if unknown."""
        own = self.info["stages"].get(stage, {}).get("settings", {})
        return own.get(name, self.info.get("settings", {}).get(name))

    def _check(self, name: str) -> pd.DataFrame | None:
        """Read a table of `facslens verify`, unless the run has changed since."""
        name = f"verify/{name}.csv"
        return self.record.table(name) if self._shown(name) else None

    def _shown(self, name: str) -> bool:
        """Tell whether there is a file to show: a check of an earlier run is none."""
        outdated = self.info["stages"].get("verify", {}).get("status") == "outdated"
        return self.record.has(name) and not (outdated and name.startswith("verify/"))

    def _newest(self, name: str) -> str:
        """Give the name under which `facslens verify` left a table of the run with more in it."""
        more = f"verify/{name}"
        return more if self._shown(more) else name


def number(row: Row, column: str) -> float:
    """Give a number of a row; NaN where the column is absent or empty.

    Examples
    --------
    >>> number({"z": 2}, "z"), number({}, "z")
    (2.0, nan)
    """
    value = row.get(column)
    return float("nan") if value is None or value is pd.NA else float(value)


def count(row: Row, column: str) -> int | None:
    """Give a whole number of a row; None where the column is absent or empty.

    Examples
    --------
    >>> count({"n": 3.0}, "n"), count({"n": float("nan")}, "n")
    (3, None)
    """
    value = number(row, column)
    return None if math.isnan(value) else int(value)


def text(row: Row, column: str) -> str:
    """Give a text of a row; empty where the column is absent or empty.

    Examples
    --------
    >>> text({"au": "AU12"}, "au"), text({"au": float("nan")}, "au")
    ('AU12', '')
    """
    value = row.get(column)
    return "" if value is None or value is pd.NA or value != value else str(value)


def records(table: pd.DataFrame) -> list[Row]:
    """Give the rows of a table as mappings from column to value."""
    return list(table.to_dict("records"))
