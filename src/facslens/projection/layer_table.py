"""The layers of a network in a table: their maps, what these see, and what the rules can do there.

The way down is known or not whatever the rule, so that it is looked for once for all of them.
"""

from collections.abc import Sequence
from typing import Any, Final

import pandas as pd

from facslens.errors import CallError
from facslens.models.model import Model
from facslens.models.reading.reading import read_steps
from facslens.projection.passing import Passing

#: Columns of `describe_layers`.
COLUMNS: Final = (
    "layer", "kind", "units", "rows", "columns", "field_rows", "field_columns", "stride_rows",
    "stride_columns", "whole", "steps", "shortcut", "rules", "why",
)  # fmt: skip
#: What the projection rules can do in a layer: as the papers define them; with the derivative of
#: steps that the papers do not treat; nothing.
EXACT: Final = "exact"
BY_DERIVATIVE: Final = "by derivative"
REFUSED: Final = "refused"


def describe_layers(model: Model, layers: Sequence[str] | None = None) -> pd.DataFrame:
    """Describe the layers of a network.

    Parameters
    ----------
    model
        The network.
    layers
        Names or patterns, such as ``layer4.*``; None describes all, those of shortcuts included.

    Returns
    -------
    pandas.DataFrame
        One row a layer, in the order of the calls: ``layer``, its name; ``kind``; ``units``;
        ``rows`` and ``columns`` of a map, of tokens one row; ``field_rows``, ``field_columns``,
        what a place of it sees, and ``stride_rows``, ``stride_columns``, how far apart places lie,
        all in pixels; ``whole``, whether every place sees the whole picture; ``steps``, the
        operations from the weights to the map, joined by blanks; ``shortcut``, whether the sum with
        a deeper layer is the deeper layer's; ``rules``, one of `EXACT`, `BY_DERIVATIVE` and
        `REFUSED`; ``why``, the steps whose derivative passes or the reason of the refusal, empty
        for `EXACT`.

    Raises
    ------
    CallError
        If the network cannot be read, has no layer, or none of a given name.

    Examples
    --------
    >>> from facslens.models.model import build
    >>> model = build("paper", ("anger", "fear"), 48, seed=0)
    >>> describe_layers(model, ["conv3"])[["units", "rows", "field_rows", "rules"]].values.tolist()
    [[256, 12, 32, 'exact']]
    """
    reading = model.reading
    chosen = list(reading.layers) if layers is None else layers
    names = reading.choose(chosen)
    rows = [_row(model, name) for name in names]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _row(model: Model, name: str) -> dict[str, Any]:
    layer, field = model.reading.layers[name], model.reading.field(name)
    rules, why = _rules(model, name)
    return {
        "layer": name,
        "kind": layer.kind,
        "units": layer.units,
        "rows": layer.rows,
        "columns": layer.columns,
        "field_rows": field.size[0],
        "field_columns": field.size[1],
        "stride_rows": field.stride[0],
        "stride_columns": field.stride[1],
        "whole": field.whole,
        "steps": " ".join(layer.steps),
        "shortcut": layer.shortcut,
        "rules": rules,
        "why": why,
    }


def _rules(model: Model, name: str) -> tuple[str, str]:
    try:
        reading = read_steps(model.network, model.input.shape)
        tensors = reading.tensors(model.network)
        notes = Passing(reading.trace, tensors, reading.layers[name]).notes
    except CallError as error:
        return REFUSED, str(error)
    return (BY_DERIVATIVE, "; ".join(notes)) if notes else (EXACT, "")
