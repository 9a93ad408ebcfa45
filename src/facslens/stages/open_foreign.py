"""Open somebody's network for an audit, by what a call names."""

from collections.abc import Sequence

from facslens.errors import CallError
from facslens.models.card import PRETRAINED
from facslens.models.model import Model
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
        The name of a network in the package, or the folder of a run or of a saved model.
    weights, input, expressions
        What other networks do not say of themselves; these do.
    output
        The head of a network in the package; None takes the first.

    Raises
    ------
    CallError
        If there is no such network, or it says itself what a call tells of it.
    ArtifactError
        If its files are missing or damaged.
    """
    given = {"weights": weights, "input": input, "expressions": expressions}
    for name, value in given.items():
        if value is not None:
            shown = value if isinstance(value, str) else ",".join(value)
            raise CallError(
                f"{name} is {shown!r}, but only a network in the package "
                f"({', '.join(PRETRAINED)}) or the folder of a run or a saved model can be opened, "
                f"which says so itself: leave it out"
            )
    return open_model(network, "network", output)
