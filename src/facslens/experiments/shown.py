"""How an experiment shows itself in a notebook."""

from typing import TYPE_CHECKING

import pandas as pd

from facslens.action_units import named
from facslens.notebook import Html, card, estimate, folded, line, table

if TYPE_CHECKING:
    from facslens.experiments.analysis import Findings


def findings_html(found: "Findings") -> str:
    """Show which action units are caused, the last layer open, and why the others are not."""
    layers = list(found.caused.groupby("layer", sort=False))
    parts = []
    for place, (layer, own) in enumerate(reversed(layers)):
        n = int((own["verdict"] == "caused").sum())
        said = f"{n} of {len(own)} action units {'is' if n == 1 else 'are'} caused in {layer}"
        content = verdicts_html(own)
        parts.append(folded(said, content) if place else Html(f"{line(said)}{content}"))
    people = found.caused["n_people"].max()
    return card(
        "Experiment on drawn faces",
        {
            "action units:": found.caused["au"].nunique(),
            "layers:": len(layers),
            "measured on people:": "" if pd.isna(people) else int(people),
            "beside:": ", ".join(found.controls["control"].unique()),
        },
        *parts,
        line("Drawn faces are not photographs: what holds here is a hypothesis about those."),
    )


def verdicts_html(caused: pd.DataFrame) -> Html:
    """Tabulate the action units of a layer, those that are caused first."""
    from facslens.experiments.analysis import sentence  # which shows itself by this module

    ordered = caused.sort_values("verdict", key=lambda verdict: verdict != "caused", kind="stable")
    rows = [
        (
            named(str(row["au"])),
            "–" if pd.isna(row["unit"]) else row["unit"],
            estimate(
                *(float(row[f"auroc{end}"]) for end in ("", "_low", "_high")),
                strong=row["verdict"] == "caused",
            ),
            sentence(row),
        )
        for row in ordered.to_dict("records")
    ]
    return table(["action unit", "unit", "AUROC of the response alone", "verdict"], rows)
