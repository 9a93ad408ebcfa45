"""Read the tables of a run with the right types, which CSV text alone does not give."""

from pathlib import Path
from typing import Final

import pandas as pd

from facslens.artifacts import read_table
from facslens.association.discovery.result import COLUMNS as ASSOCIATION
from facslens.association.verdicts import SENTENCES
from facslens.datasets.base import COLUMNS as FACES
from facslens.errors import ArtifactError
from facslens.experiments.analysis import TYPES as EXPERIMENT
from facslens.experiments.convergence import TYPES as CONVERGENCE
from facslens.experiments.forming import TYPES as FORMING
from facslens.experiments.mediation import HALVES

#: The files of an `Association`, by the names of its tables.
TABLES: Final = {
    "table": "association.parquet",
    "effects": "effects.parquet",
    "coverage": "coverage.csv",
    "units": "units.csv",
    "nulls": "nulls.csv",
}

VERDICTS: Final[dict[str, str]] = {"unit": "Int64", **dict.fromkeys(SENTENCES, "string")}
#: Types by file and column: whole numbers and truth values of which some may be missing, and
#: texts that may look like numbers.
TYPES: Final[dict[str, dict[str, str]]] = {
    "layers.csv": dict.fromkeys(
        ("field_rows", "field_columns", "stride_rows", "stride_columns"), "Int64"
    ),
    "coverage.csv": dict.fromkeys(("subjects_present", "subjects_absent"), "Int64"),
    "confounds.csv": {"n_differ": "Int64"},
    "mapping.csv": dict.fromkeys(
        (
            *("rank", "unit", "n_within", "n_present", "n_absent", "n_test_present"),
            *("n_test_absent", "n_test_subjects", "n_redrawn", "n_undefined"),
            *("n_within_test", "n_redrawn_within"),
        ),
        "Int64",
    ),
    "verdicts.csv": VERDICTS,
    "experiment/caused.csv": EXPERIMENT,
    "experiment/controls.csv": EXPERIMENT,
    "experiment/overview.csv": EXPERIMENT,
    "mechanism/effects.csv": dict.fromkeys(("prototype", "differs"), "boolean"),
    "mechanism/sequences.csv": {"same": "boolean"},
    "mechanism/mediation.csv": dict.fromkeys(HALVES, "Int64"),
    "mechanism/detectors.csv": {"units": "str"},
    "experiment/convergence.csv": dict(CONVERGENCE),
    "experiment/forming.csv": dict(FORMING),
    "experiment/rivals.csv": {"other": "str", "rival": "boolean"},
    "verify/verdicts.csv": VERDICTS,
    "verify/controls.csv": {
        **dict.fromkeys(("unit", "control_unit", "control_accepted", "control_confirmed"), "Int64"),
        **dict.fromkeys(("accepted", "confirmed"), "boolean"),
    },
    "verify/ablation.csv": {"units": "str"},
    "verify/place.csv": {"unit": "Int64"},
}

#: Columns by file without which it cannot be read.
NEEDED: Final[dict[str, tuple[str, ...]]] = {
    "layers.csv": ("layer", "kind", "units", "steps", "shortcut", "rules", "why", "looked_at"),
    "directions.csv": ("layer", "kind", "unit", "name"),
    "faces.parquet": FACES,
    "exemplars.parquet": ("layer", "unit", "rank", "image", "response", "row", "column"),
    "association.parquet": ASSOCIATION,
    "effects.parquet": ("layer", "unit", "au", "auroc"),
    "coverage.csv": ("au", "n_present", "n_absent", "eligible", "reason"),
    "units.csv": ("layer", "unit", "status"),
    "mapping.csv": ("rule", "view", "rank", "layer", "unit", "au", "value", "auroc", "status"),
    "verdicts.csv": ("layer", "au", "unit", "status"),
}

#: Columns by file in which an empty cell is an empty text, not a missing one.
TEXTS: Final[dict[str, tuple[str, ...]]] = {
    "layers.csv": ("steps", "why"),
    "coverage.csv": ("reason",),
    "confounds.csv": ("inseparable",),
    "experiment/caused.csv": ("smallest_grade", "behind"),
    "experiment/graded.csv": ("grade",),
    "verify/ablation.csv": ("units",),
}


def read_run_table(path: Path, name: str) -> pd.DataFrame:
    """Read a table of a run with the types and texts that it was written with.

    Parameters
    ----------
    path
        The file.
    name
        Its name in a run, such as ``verify/controls.csv``.
    """
    texts = TEXTS.get(name, ())
    names = {"layer": "str", "au": "str"}  # a layer may be called 1.10
    table = read_table(path, {**names, **TYPES.get(name, {}), **dict.fromkeys(texts, "str")})
    lacking = [column for column in NEEDED.get(name, ()) if column not in table]
    if lacking:
        raise ArtifactError(f"{path} lacks the column {lacking[0]!r}")
    return table.fillna(dict.fromkeys(texts, ""))
