"""The result of an association: the table of tests, and what was and was not tested."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import pandas as pd

from facslens.association.discovery.mapping import KEY, make_mapping
from facslens.association.discovery.shown import association_html
from facslens.errors import ArtifactError, CallError
from facslens.statistics import ALPHA

#: Columns of the association table, in order.
COLUMNS: Final = (
    "layer",
    "unit",
    "au",
    "null",
    "distance",
    "n_present",
    "n_absent",
    "value",
    "null_mean",
    "null_sd",
    "z",
    "p",
    "p_maxT_au",
    "p_maxT",
    "q",
)

_PAIR: Final = {"layer": "str", "unit": "int64", "au": "str"}
#: The tables of an `Association` and the types of their columns, to read them back by. A file of
#: text has to be read by them: else layer 1.10 becomes 1.1, and a layer called NA goes missing.
TYPES: Final[Mapping[str, Mapping[str, str]]] = {
    "table": {
        **dict.fromkeys(COLUMNS, "float64"),
        **_PAIR,
        **dict.fromkeys(("null", "distance"), "str"),
        **dict.fromkeys(("n_present", "n_absent"), "int64"),
    },
    "effects": {
        **_PAIR,
        **dict.fromkeys(("auroc", "auprc", "pearson", "threshold", "f1"), "float64"),
        "auroc_within": "float64",
        "n_within": "Int64",
    },
    "coverage": {
        **dict.fromkeys(("au", "name"), "str"),
        **dict.fromkeys(("n_present", "n_absent"), "int64"),
        **dict.fromkeys(("subjects_present", "subjects_absent"), "Int64"),
        "eligible": "bool",
        "reason": "str",
    },
    "units": {"layer": "str", "unit": "int64", "status": "str"},
    "nulls": {
        **dict.fromkeys(("layer", "null"), "str"),
        "permutations": "int64",
        "exact": "bool",
        "smallest_p": "float64",
        **dict.fromkeys(("sequences", "movable", "seed"), "int64"),
    },
}
#: Columns that are there only where strata were given.
_OPTIONAL: Final = ("auroc_within", "n_within")


@dataclass(frozen=True)
class Association:
    """Distances and tests of every live unit with every eligible action unit.

    Parameters
    ----------
    table
        One row per layer, unit, au, null and distance, with the columns of `COLUMNS`:
        ``value`` is the distance in its own unit, ``null_mean`` and ``null_sd`` are those of
        its permutation null, ``z`` = (value − null_mean) / null_sd, ``p`` one-sided towards
        larger distances, ``p_maxT_au`` and ``p_maxT`` corrected over the units of the AU and
        over all pairs of the layer, ``q`` over all pairs of the layer.
    effects
        layer, unit, au and the effects of every pair, whatever was tested: ``auroc``,
        ``auprc``, ``pearson``; ``threshold`` and the ``f1`` that it gives (see
        `best_thresholds`); ``auroc_within`` over pairs of sequences of one stratum, resting on
        ``n_within`` sequences of the label that is the rarer in their stratum, and NaN where
        those are fewer than 10. The last two are missing where no strata were given.
    coverage
        One row an action unit: how many sequences and subjects have it, whether it was
        tested, and if not, why; see `coverage_table`.
    units
        layer, unit, status: ``live`` ones were tested, ``dead`` and ``constant`` ones not.
    nulls
        One row per layer and null: ``permutations`` made, ``exact`` where these are all the
        arrangements that differ from the given one, fewer than were asked for, ``smallest_p``
        = 1 / (1 + permutations), below which no p can fall, ``sequences``, ``movable``
        (sequences with another one, of other labels, to change places with), ``seed``.

    Notes
    -----
    A distance that has no sign grows with chance: plug-in KL by about
    (B − 1)(n₁ + n₀) / (2 n₁ n₀) nats. ``value`` is as measured; ``value − null_mean`` is
    free of that bias, and is what ranks the AUs of a unit.
    """

    table: pd.DataFrame
    effects: pd.DataFrame
    coverage: pd.DataFrame
    units: pd.DataFrame
    nulls: pd.DataFrame

    def mapping(
        self,
        distance: str | None = None,
        rank: str = "tested",
        alpha: float = ALPHA,
        null: str | None = None,
    ) -> pd.DataFrame:
        """State which unit detects which action unit; see `make_mapping`."""
        return make_mapping(
            self.table, self.effects, distance=distance, rank=rank, alpha=alpha, null=null
        )

    def _repr_html_(self) -> str:
        """Show the mapping, and what was tested, in a notebook."""
        return association_html(self)

    def tables(self) -> dict[str, pd.DataFrame]:
        """Give its tables by name, to be written; `of_tables` makes it of them again."""
        return {name: getattr(self, name) for name in TYPES}

    @classmethod
    def of_tables(cls, tables: Mapping[str, pd.DataFrame]) -> "Association":
        """Make an association of tables that were written and read.

        Parameters
        ----------
        tables
            As `tables` gives them. Their columns get the types of `TYPES`, and an empty cell of
            text is an empty text, whatever a file made of it.

        Raises
        ------
        ArtifactError
            If a table or a column is missing, or a column is of another type.
        """
        found = {}
        for name, types in TYPES.items():
            if name not in tables:
                raise ArtifactError(f"the association lacks its table {name!r}")
            table = tables[name]
            for column in types:
                if column not in table and column not in _OPTIONAL:
                    raise ArtifactError(
                        f"the table {name!r} of the association lacks the column {column!r}"
                    )
            kept = {column: kind for column, kind in types.items() if column in table}
            text = {column: "" for column, kind in kept.items() if kind == "str"}
            try:
                found[name] = table[list(kept)].fillna(text).astype(kept)
            except (TypeError, ValueError) as error:
                raise ArtifactError(
                    f"the table {name!r} of the association holds something of another type: "
                    f"{error}"
                ) from error
        return cls(**found)


def concatenate(associations: Sequence[Association]) -> Association:
    """Join the associations of several layers or nulls; each was corrected within its own.

    Raises
    ------
    CallError
        If there is none, one layer, null and distance stands twice, or the coverage differs,
        which means that they were made from different faces.
    """
    if not associations:
        raise CallError("associations is empty: needs at least one")
    first = associations[0]
    table = pd.concat([a.table for a in associations], ignore_index=True)
    key = [*KEY, "null", "distance"]
    twice = table[table.duplicated(key)]
    if len(twice):
        layer, _, _, null, distance = twice.iloc[0][key]
        raise CallError(
            f"associations hold layer {layer!r}, null {null!r}, distance {distance!r} twice: "
            f"each may stand once"
        )
    if not all(a.coverage.equals(first.coverage) for a in associations):
        raise CallError("associations differ in coverage: all need to come from the same faces")
    return Association(
        table=table,
        effects=_joined([a.effects for a in associations]),
        coverage=first.coverage,
        units=_distinct([a.units for a in associations]),
        nulls=_distinct([a.nulls for a in associations]),
    )


def _distinct(tables: list[pd.DataFrame]) -> pd.DataFrame:
    return pd.concat(tables).drop_duplicates(ignore_index=True)


def _joined(effects: list[pd.DataFrame]) -> pd.DataFrame:
    """Take every effect from the first association that has it."""
    return pd.concat(effects).groupby(KEY, sort=False, as_index=False).first()
