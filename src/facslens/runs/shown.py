"""How a run shows itself in a notebook."""

from dataclasses import replace
from typing import TYPE_CHECKING

from facslens.association.discovery.shown import mapping_html
from facslens.experiments.shown import verdicts_html
from facslens.notebook import Html, card, folded, line, number, table
from facslens.runs.selection import of_rule

if TYPE_CHECKING:
    from facslens.runs.record import RunRecord


def run_html(record: "RunRecord") -> str:
    """Show what made a run, its mapping with the verdicts, the experiment, and its stages."""
    record = replace(record, outdated=True)  # what is out of date is shown, and named
    info = record.info
    stages = info["stages"]
    parts: list[Html] = []
    if record.has("mapping.csv"):
        parts.append(mapping_html(of_rule(record.mapping)))
    if record.has("experiment/caused.csv"):
        caused = record.table("experiment/caused.csv")
        last = caused[caused["layer"] == caused["layer"].iloc[-1]]
        n = int((last["verdict"] == "caused").sum())
        said = (
            f"Experiment on drawn faces, {last['layer'].iloc[0]}: {n} of {len(last)} action units "
            f"{'is' if n == 1 else 'are'} caused"
        )
        parts.append(folded(said, verdicts_html(last)))
    if record.has("verdicts.csv"):
        told = record.verdicts[["layer", "verdict"]].itertuples(index=False, name=None)
        parts.append(folded("Each action unit in a sentence", table(["layer", "verdict"], told)))
    rows = [
        (name, stage["status"], number(stage.get("seconds"), 1)) for name, stage in stages.items()
    ]
    late = [name for name, stage in stages.items() if stage["status"] not in ("done", "accepted")]
    if late:
        parts.append(line(f"Not done, or out of date: {', '.join(late)}."))
    parts.append(folded("Stages", table(["stage", "status", "seconds"], rows)))
    return card(
        f"Run {record.run.folder.name}",
        {
            "faces:": info.get("faces", {}).get("name", "drawn ones alone"),
            "seed": info["seed"],
            "made": str(info["created"])[:10],
            "facslens": info.get("facslens", ""),
            "report:": "report/index.html" if record.has("report") else "",
        },
        *parts,
    )
