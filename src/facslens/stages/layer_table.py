"""The layers of a network, and what can be done in each."""

from typing import Any, Final

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor, nn

from facslens.errors import CallError
from facslens.models.adapter import choose_layers
from facslens.models.model import Model
from facslens.models.receptive_field import receptive_field
from facslens.progress import Report, silent
from facslens.projection.deconvnet import project_units
from facslens.projection.rules import RULES
from facslens.responses.recorder import listen, peak
from facslens.runs.record import RunRecord

#: Columns of ``layers.csv``.
COLUMNS: Final = (
    "layer", "kind", "read_behind", "units", "rows", "columns", "field_rows", "field_columns",
    "stride_rows", "stride_columns", "rules", "refused", "looked_at",
)  # fmt: skip


def layer_table(
    model: Model,
    face: Float[Tensor, "1 channel row column"],
    chosen: list[str] | None = None,
    progress: Report = silent,
) -> pd.DataFrame:
    """Describe every layer whose units can be read.

    Parameters
    ----------
    model
        The network.
    face
        One face, as the network reads it.
    chosen
        Names of the layers that are looked at; None for all.
    progress
        Called after every layer.

    Returns
    -------
    pandas.DataFrame
        One row a layer, with the columns of `COLUMNS`: its kind, the module behind which its maps
        are read, the number of units, the size of a map, the receptive field and the stride of a
        location in pixels (missing where they cannot be derived), the names of the projection rules
        that were tried on its strongest unit and work, what was refused and why, and whether the
        layer is looked at.

    Raises
    ------
    CallError
        If the network has no layer, or none of a given name.
    """
    network = model.network
    modules = choose_layers(network, None)
    looked = choose_layers(network, chosen)
    with listen(network, modules, peak) as found, torch.inference_mode():
        network(face)
    rows: list[dict[str, Any]] = []
    for number, (layer, behind) in enumerate(modules.items()):
        read = found[layer]
        rows.append(
            {
                "layer": layer,
                "kind": _kind(network.get_submodule(layer)),
                "read_behind": behind,
                "units": read.response.shape[1],
                "rows": read.shape[0],
                "columns": read.shape[1],
                **_field(network, layer),
                **_rules(network, face, layer, int(read.response[0].argmax())),
                "looked_at": layer in looked,
            }
        )
        progress(number + 1, len(modules), layer)
    whole = dict.fromkeys([c for c in COLUMNS if c.startswith(("field_", "stride_"))], "Int64")
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype(whole)


def can_project(record: RunRecord, layer: str) -> bool:
    """Tell whether the projection rule of a run works in a layer; trained here, it always does."""
    if not record.run.is_audit:
        return True
    rules = record.table("layers.csv").set_index("layer")["rules"]
    return record.settings.rule in str(rules[layer]).split()


def _kind(module: nn.Module) -> str:
    """Say what a layer is, in the words of PyTorch."""
    kernel = getattr(module, "kernel_size", None)
    size = f" {'×'.join(map(str, kernel))}" if isinstance(kernel, tuple) else ""
    return f"{type(module).__name__}{size}"


def _field(network: nn.Module, layer: str) -> dict[str, int | None]:
    names = ("field_rows", "field_columns", "stride_rows", "stride_columns")
    try:
        field = receptive_field(network, layer)
    except CallError:
        return dict.fromkeys(names)
    return dict(zip(names, (*field.size, *field.stride), strict=True))


def _rules(network: nn.Module, face: Tensor, layer: str, unit: int) -> dict[str, str]:
    """Try every rule on one unit."""
    works, refused = [], dict[str, None]()
    for rule in RULES:
        try:
            project_units(network, face, layer, np.array([unit]), rule=rule)
        except CallError as error:
            refused[str(error)] = None
        else:
            works.append(rule)
    return {"rules": " ".join(works), "refused": "; ".join(refused)}
