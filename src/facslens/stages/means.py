"""With what the stages of a run are done: engine, device, and processes of a training."""

from dataclasses import dataclass, field

from facslens.engines.engine import Engine
from facslens.engines.local import Local
from facslens.training.machines import Machines


@dataclass(frozen=True)
class Means:
    """With what stages are done; their results do not depend on it beyond rounding.

    Parameters
    ----------
    engine
        Where responses are recorded, units tested and drawn faces shown. What is done elsewhere
        is done on processors.
    device
        Where this process lets networks compute, one of `facslens.models.device.DEVICES`.
    machines
        The processes that train together.
    """

    engine: Engine = field(default_factory=Local)
    device: str = "auto"
    machines: Machines = field(default_factory=Machines)
