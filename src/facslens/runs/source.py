"""Where the network of an audit comes from."""

from dataclasses import dataclass, field
from typing import Any, Final

#: In the place of a name: the network was handed over in Python, and no command can open it again.
IN_PYTHON: Final = "(given in Python)"


@dataclass(frozen=True)
class Source:
    """What a call named to open a network; the arguments of `facslens.stages.open_foreign`.

    Parameters
    ----------
    network
        The name of a network in the package, a folder, a file, or ``FILE.py:FUNCTION``; `IN_PYTHON`
        for a network that is no file.
    weights
        The file of its weights, if that is another one.
    input
        What it reads, such as ``rgb224-imagenet``; None where the network says so itself.
    expressions
        The names of its classes in order; None where the network says so itself.
    output
        Which of its outputs to read, and as what; None takes the only one.
    """

    network: str
    weights: str | None = None
    input: str | None = None
    expressions: list[str] | None = field(default=None)
    output: str | None = None

    @classmethod
    def of(cls, entries: dict[str, Any] | None) -> "Source | None":
        """Read it from ``run.json``; None for a run that trains its network."""
        return None if entries is None else cls(**entries)
