"""How an association and a mapping show themselves in a notebook."""

import math
from typing import TYPE_CHECKING, Final

import pandas as pd

from facslens.action_units import named
from facslens.association.discovery.mapping import AU_TO_UNIT, firsts
from facslens.notebook import Html, card, estimate, folded, line, number, table

if TYPE_CHECKING:
    from facslens.association.discovery.result import Association

#: Layers whose units are shown; of earlier ones it is said how many have a unit.
SHOWN: Final = 4


def association_html(found: "Association") -> str:
    """Show the mapping of each layer, the last one open, and what was and was not tested."""
    status = found.units["status"].value_counts()
    live, permutations = int(status.get("live", 0)), found.nulls["permutations"]
    rare = found.coverage[~found.coverage["eligible"]]
    parts = [mapping_html(found.mapping())]
    if len(rare):
        rows = rare[["au", "reason"]].itertuples(index=False, name=None)
        said = f"{len(rare)} action unit{'s were' if len(rare) > 1 else ' was'} not tested"
        parts.append(folded(said, table(["action unit", "why"], rows)))
    return card(
        "Association",
        {
            "live units:": live,
            "dead or constant:": int(status.sum()) - live,
            "action units:": int(found.coverage["eligible"].sum()),
            "distances:": ", ".join(found.table["distance"].unique()),
            "nulls:": ", ".join(found.table["null"].unique()),
            "permutations:": int(permutations.max()) if len(permutations) else "",
        },
        *parts,
        line("Units were chosen on these people: what they are worth is measured on others."),
    )


def mapping_html(mapping: pd.DataFrame) -> Html:
    """Show each action unit's first unit in the last layers, the very last one open.

    Parameters
    ----------
    mapping
        Of one rule. Where it was confirmed on unseen people, their AUROC and verdict stand there.
    """
    best = firsts(mapping, AU_TO_UNIT)
    layers = list(best.groupby("layer", sort=False))[::-1]
    parts = []
    for place, (layer, own) in enumerate(layers[:SHOWN]):
        said = f"{layer}: {_count(own)} action units have an accepted unit"
        content = _units(own)
        parts.append(folded(said, content) if place else Html(f"{line(said)}{content}"))
    if layers[SHOWN:]:
        earlier = [f"{layer}: {_count(own)}" for layer, own in layers[SHOWN:]]
        parts.append(line(f"Earlier layers: {', '.join(earlier)}."))
    return Html("".join(parts))


def _count(own: pd.DataFrame) -> str:
    return f"{int(own['unit'].notna().sum())} of {len(own)}"


def _units(own: pd.DataFrame) -> Html:
    """Tabulate the units of a layer, best first; action units without one stand below."""
    unseen = "auroc_test" in own
    column = "auroc_test" if unseen else "auroc"
    ordered = own.sort_values(column, ascending=False, kind="stable").to_dict("records")
    rows = [
        (
            named(str(row["au"])),
            row["unit"],
            estimate(
                *(_float(row.get(f"{column}{end}")) for end in ("", "_low", "_high")),
                strong=not unseen or row["status"] == "confirmed",
            ),
            row["status"] if unseen else number(_float(row["p_maxT"]), 3),
            f"{number(_float(row['value']))} ({number(_float(row['null_mean']))})",
        )
        for row in ordered
        if not pd.isna(row["unit"])
    ]
    distance = str(own["distance"].iloc[0])
    head = [
        "action unit",
        "unit",
        "AUROC, unseen people" if unseen else "AUROC, discovery",
        "verdict" if unseen else "p, all pairs",
        f"{distance} (permuted)",
    ]
    none = [str(row["au"]) for row in ordered if pd.isna(row["unit"])]
    below = line(f"No unit: {', '.join(none)}.") if none else ""
    return Html(f"{table(head, rows) if rows else ''}{below}")


def _float(value: object) -> float:
    return math.nan if value is None or pd.isna(value) else float(value)  # type: ignore[arg-type,call-overload]
