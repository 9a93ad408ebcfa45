"""``facslens layers``: the layers of a network, and what can be done in each."""

from typing import Annotated, Any, Final

import typer

from facslens.cli import options

#: Columns of the table that is shown, by their headings.
_SHOWN: Final = {
    "layer": "layer", "kind": "kind", "units": "units", "map": "map", "sees": "sees",
    "stride": "stride", "steps": "map behind", "rules": "projection",
}  # fmt: skip


def layers(
    network: options.Network,
    weights: options.Weights = None,
    reads: options.Input = None,
    expressions: options.Expressions = None,
    output: options.Output = None,
    layer: Annotated[
        list[str] | None,
        typer.Option(
            "--layer",
            metavar="PATTERN",
            help="A layer, or a pattern such as 'layer4.*'; may be repeated [default: all].",
        ),
    ] = None,
    as_json: options.Json = False,
) -> None:
    """List the layers of a network, and what can be done in each.

    Units, size of a map, the pixels that a place of it sees, the steps from the weights to the map,
    and whether responses can be projected: exactly, with the derivative of steps for which the
    rules are not defined, or not, and why. A shortcut's sum with a deeper layer belongs to that.
    The code of NETWORK is run where it is a FILE.py.
    """
    from facslens.projection.layer_table import describe_layers
    from facslens.stages.open_foreign import open_foreign

    model = open_foreign(network, weights, reads, options.names_in(expressions), output)
    table = describe_layers(model, layer)
    if as_json:
        print(table.to_json(orient="records", indent=2))  # noqa: T201 - the answer
    else:
        _print(table.to_dict(orient="records"), model.opened.get("notes", []))


def _print(rows: list[dict[Any, Any]], notes: list[str]) -> None:
    reasons: dict[str, int] = {}  # each is written once, below the table
    shown = [dict(_SHOWN)]
    for row in rows:
        shown.append(cells := _cells(row))
        if row["why"]:
            cells["rules"] += f" [{reasons.setdefault(row['why'], len(reasons) + 1)}]"
    widths = {name: max(len(cells[name]) for cells in shown) for name in _SHOWN}
    for cells in shown:
        typer.echo("  ".join(cells[name].ljust(widths[name]) for name in _SHOWN).rstrip())
    for reason, number in reasons.items():
        typer.echo(f"[{number}] {reason}")
    for note in notes:
        typer.echo(f"note: {note}")


def _cells(row: dict[Any, Any]) -> dict[str, str]:
    seen = f"{row['field_rows']}×{row['field_columns']}"
    return {
        "layer": row["layer"],
        "kind": f"{row['kind']}, shortcut" if row["shortcut"] else row["kind"],
        "units": str(row["units"]),
        "map": f"{row['rows']}×{row['columns']}",
        "sees": "all" if row["whole"] else seen,
        "stride": f"{row['stride_rows']}×{row['stride_columns']}",
        "steps": row["steps"] or "–",
        "rules": row["rules"],
    }
