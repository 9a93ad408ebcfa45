"""Choose an engine by name."""

from facslens.engines.engine import Engine
from facslens.engines.local import Local
from facslens.errors import CallError

#: The engines, and what each is, for help texts.
ENGINES = {"local": "this machine", "ray": "a Ray cluster, or Ray's processes on this machine"}


def choose(name: str = "local", address: str | None = None, processes: int = 1) -> Engine:
    """Give an engine.

    Parameters
    ----------
    name
        One of `ENGINES`.
    address
        Of the Ray cluster; ``auto`` finds the one that this machine belongs to. None starts Ray
        on this machine alone.
    processes
        How many pieces are done side by side on this machine without Ray.

    Raises
    ------
    CallError
        If there is no such engine, or an address is given to one that has none.
    """
    if name == "ray":
        from facslens.engines.ray import Ray

        return Ray(address)
    if name not in ENGINES:
        raise CallError(f"engine is {name!r}: expected {' or '.join(ENGINES)}")
    if address is not None:
        raise CallError("--address is that of a Ray cluster: it needs --engine ray")
    return Local(processes)
