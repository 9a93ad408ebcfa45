"""Whether the projection rules work in a layer of a run."""

from facslens.projection.layer_table import REFUSED
from facslens.runs.record import RunRecord


def can_project(record: RunRecord, layer: str) -> bool:
    """Tell whether the rules work in a layer of a run; in one that was trained here they do."""
    if not record.run.is_audit:
        return True
    rules = record.table("layers.csv").set_index("layer")["rules"]
    return str(rules[layer]) != REFUSED
