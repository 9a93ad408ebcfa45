"""Open somebody's network by what a call names."""

from collections.abc import Sequence
from pathlib import Path

from facslens.errors import CallError
from facslens.models.card import PRETRAINED
from facslens.models.model import Model
from facslens.models.opening.kinds import Named, open_named
from facslens.runs.model import open_model


def open_foreign(
    network: str,
    weights: str | None = None,
    input: str | None = None,  # noqa: A002  the option's name
    expressions: Sequence[str] | None = None,
    output: str | None = None,
) -> Model:
    """Open the network that a call names.

    Parameters
    ----------
    network
        The name of a network in the package, the folder of a run or of a saved model, or one of
        `facslens.models.opening.kinds.KINDS`.
    weights, input, expressions
        What other networks do not say of themselves; those of facslens do.
    output
        Which part of the answer is read, and as what; of a network in the package its head.

    Raises
    ------
    CallError
        If there is no such network, or it says itself what a call tells of it.
    ArtifactError
        If its files are missing or damaged.
    """
    if not _is_own(network):
        return open_named(Named(network, weights, input, expressions, output))
    given = {"weights": weights, "input": input, "expressions": expressions}
    for name, value in given.items():
        if value is not None:
            shown = value if isinstance(value, str) else ",".join(value)
            raise CallError(f"{name} is {shown!r}, but {network} has its own: leave it out")
    return open_model(network, "network", output)


def _is_own(network: str) -> bool:
    """Tell whether a name is that of a network of facslens's own architectures."""
    return network in PRETRAINED or (Path(network) / "model.json").is_file()
