"""The files of a run as the report needs them: every one may be absent."""

import math
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pandas as pd

from facslens.artifacts import Json, read_json, read_table
from facslens.datasets.base import Faces
from facslens.report.missing import Missing
from facslens.responses.store import Responses
from facslens.runs.folder import Run

Row = Mapping[Any, Any]


@dataclass(frozen=True)
class RunTables:
    """Reads each file of a run once, when it is first asked for; None where it is absent.

    Parameters
    ----------
    run
        The run.
    """

    run: Run

    @cached_property
    def info(self) -> Json:
        """``run.json``."""
        return self.run.info

    @cached_property
    def faces(self) -> Faces | None:
        """The faces, under the dataset's name."""
        table = self._table("faces.parquet")
        name = str(self.info.get("faces", {}).get("name") or self.info.get("data") or "faces")
        return None if table is None else Faces(table, name)

    @cached_property
    def model(self) -> Json:
        """``model.json``, empty where there is none."""
        path = self.run / "model.json"
        return read_json(path) if path.is_file() else {}

    @cached_property
    def responses(self) -> Responses | None:
        """``responses.zarr``."""
        path = self.run / "responses.zarr"
        return Responses.open(path) if path.exists() else None

    @cached_property
    def training(self) -> pd.DataFrame | None:
        """``training.csv``."""
        return self._table("training.csv")

    @cached_property
    def predictions(self) -> pd.DataFrame | None:
        """``predictions.parquet``."""
        return self._table("predictions.parquet")

    @cached_property
    def association(self) -> pd.DataFrame | None:
        """``association.parquet``."""
        return self._table("association.parquet")

    @cached_property
    def mapping(self) -> pd.DataFrame | None:
        """``mapping.csv``, with units as whole numbers or NA."""
        table = self._table("mapping.csv")
        return None if table is None else table.astype({"unit": "Int64"})

    @cached_property
    def coverage(self) -> pd.DataFrame | None:
        """``coverage.csv``."""
        return self._table("coverage.csv")

    @cached_property
    def units(self) -> pd.DataFrame | None:
        """``units.csv``."""
        return self._table("units.csv")

    @cached_property
    def projections(self) -> pd.DataFrame | None:
        """``projections/index.csv``."""
        return self._table("projections/index.csv")

    @cached_property
    def confounds(self) -> pd.DataFrame | None:
        """``confounds.csv``."""
        return self._table("confounds.csv")

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
    def contrast(self) -> pd.DataFrame | None:
        """``contrast.csv``."""
        return self._table("contrast.csv")

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

    def missing(self, what: str, stage: str) -> Missing:
        """Say what is missing and which command makes it."""
        return Missing(what, f"facslens {stage} {shlex.quote(str(self.run.folder))}")

    def setting(self, stage: str, name: str) -> Any:
        """Give a setting of a stage or, failing that, of the whole run; None if unknown."""
        own = self.info["stages"].get(stage, {}).get("settings", {})
        return own.get(name, self.info.get("settings", {}).get(name))

    def _check(self, name: str) -> pd.DataFrame | None:
        """Read a table of `facslens verify`, unless an earlier stage has changed since."""
        return self._table(f"verify/{name}.csv") if "verify" in self.info["stages"] else None

    def _table(self, name: str) -> pd.DataFrame | None:
        path = self.run / name
        return read_table(path) if path.is_file() else None


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
