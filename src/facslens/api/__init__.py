"""The flat Python interface: the stages as plain functions."""

from facslens.api.audits import audit
from facslens.api.faces import load, load_faces, split
from facslens.api.findings import associate, experiment, mechanism, with_directions
from facslens.api.networks import (
    load_model,
    load_run,
    open_network,
    predict,
    project,
    record,
    save_model,
    train,
)

__all__ = [
    "associate",
    "audit",
    "experiment",
    "load",
    "load_faces",
    "load_model",
    "load_run",
    "mechanism",
    "open_network",
    "predict",
    "project",
    "record",
    "save_model",
    "split",
    "train",
    "with_directions",
]
