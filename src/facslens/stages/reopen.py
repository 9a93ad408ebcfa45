"""Open the network of an audit again, where the run does not keep it."""

import dataclasses
import functools

from facslens.errors import ArtifactError
from facslens.models.model import Model
from facslens.runs.folder import Run
from facslens.runs.settings import Settings
from facslens.runs.source import IN_PYTHON, Source
from facslens.stages.open_foreign import open_foreign


def with_network(run: Run) -> Run:
    """Give a run the means to open its network; it is opened once, when it is first asked for."""
    source = None if run.network else Settings.of(run).source
    if source is None:
        return run
    return dataclasses.replace(run, network=functools.cache(functools.partial(reopened, source)))


def reopened(source: Source) -> Model:
    """Open the network that a source names.

    Raises
    ------
    CallError, ArtifactError
        As `facslens.stages.open_foreign.open_foreign`.
    ArtifactError
        If it was handed over in Python.
    """
    if source.network == IN_PYTHON:
        raise ArtifactError(
            "the network of this audit was given in Python, so that no command can open it again: "
            "go on with facslens.audit, the network and resume=True"
        )
    return open_foreign(
        source.network, source.weights, source.input, source.expressions, source.output
    )
