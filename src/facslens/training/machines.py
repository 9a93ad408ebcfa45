"""Train with several processes: on the devices of one machine, or on several machines."""

import multiprocessing
import os
import pickle
import socket
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any, Final, TypeVar

import torch

from facslens.errors import CallError, FacslensError
from facslens.progress import Report

Result = TypeVar("Result")

#: Ways of Lightning in which every process has the whole network.
STRATEGIES: Final = ("auto", "ddp", "ddp_find_unused_parameters_true")


@dataclass(frozen=True)
class Machines:
    """Which processes train together.

    Each of them has the whole network, and computes with its share of every batch; gradients are
    averaged before each step. Everything is kept by the first.

    Parameters
    ----------
    devices
        Processes on each machine, one for each of its devices.
    nodes
        Machines. The same command is run on each of them, with the environment variables
        ``NODE_RANK`` (0 on the first), ``MASTER_ADDR`` and ``MASTER_PORT``; what starts a process
        for every device, as torchrun does, and sets ``LOCAL_RANK`` too, serves as well.
    strategy
        One of `STRATEGIES`, Lightning's names.

    Raises
    ------
    CallError
        If one of them is impossible.
    """

    devices: int = 1
    nodes: int = 1
    strategy: str = "auto"

    def __post_init__(self) -> None:
        for name in ("devices", "nodes"):
            if getattr(self, name) < 1:
                raise CallError(f"{name} is {getattr(self, name)}: expected 1 or more")
        if self.strategy not in STRATEGIES:
            raise CallError(
                f"strategy is {self.strategy!r}: expected {', '.join(STRATEGIES)}, for every "
                f"process holds the whole network"
            )

    @property
    def processes(self) -> int:
        """How many processes train."""
        return self.devices * self.nodes

    @property
    def first(self) -> bool:
        """Whether this process keeps what is trained."""
        return _number("NODE_RANK") == 0 and _number("LOCAL_RANK") == 0

    def share(self, batch: int) -> int:
        """Divide a batch between the processes.

        Raises
        ------
        CallError
            If it cannot be divided.
        """
        if batch % self.processes:
            raise CallError(
                f"a batch of {batch} faces cannot be divided between {self.processes} processes: "
                f"choose other devices and nodes"
            )
        return batch // self.processes

    @property
    def started(self) -> bool:
        """Whether this process trains itself: alone, or as one that `start` or torchrun began."""
        return self.processes == 1 or "LOCAL_RANK" in os.environ

    def start(
        self, train: Callable[..., Result], arguments: dict[str, Any], progress: Report
    ) -> Result:
        """Let the processes of this machine train, and give what the first of them has trained.

        Parameters
        ----------
        train
            What each of them does, with its own `progress`.
        arguments
            What it is called with; they can be sent to another process.
        progress
            Called with that of the first.

        Raises
        ------
        CallError
            If there are several machines, and nothing says how they find each other.
        FacslensError
            As `train` does; if a process is lost.
        """
        if self.nodes > 1 and not {"NODE_RANK", "MASTER_ADDR", "MASTER_PORT"} <= set(os.environ):
            raise CallError(
                f"nodes is {self.nodes}: set NODE_RANK, MASTER_ADDR and MASTER_PORT, and run the "
                f"same command on each of them"
            )
        here = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(_free_port()), "NODE_RANK": "0"}
        here = {name: os.environ.get(name) or value for name, value in here.items()}
        context = multiprocessing.get_context("spawn")
        told, tell = context.Pipe(duplex=False)
        processes = [
            context.Process(
                target=_train_one,
                args=({**here, "LOCAL_RANK": str(n)}, train, arguments, tell if n == 0 else None),
                daemon=True,
            )
            for n in range(self.devices)
        ]
        try:
            for process in processes:
                process.start()
            tell.close()
            found: Result = _listened(told, progress)
            return found
        finally:
            for process in processes:
                process.terminate()
                process.join()


def _listened(told: Connection, progress: Report) -> Any:
    """Pass on what the first process tells, up to its result."""
    while True:
        try:
            kind, content = pickle.loads(told.recv_bytes())
        except EOFError:
            raise FacslensError(
                "a process of the training was lost: run the same command again"
            ) from None
        if kind == "progress":
            progress(*content)
        elif kind == "error":
            raise content
        else:
            return content


def _train_one(
    environment: dict[str, str],
    train: Callable[..., object],
    arguments: dict[str, Any],
    tell: Connection | None,
) -> None:
    """Train in a process of its own, and tell what happens; only the first one does."""
    os.environ.update(environment)

    def send(kind: str, content: object) -> None:
        if tell is not None:
            tell.send_bytes(pickle.dumps((kind, content)))

    try:
        found = train(**arguments, progress=lambda *now: send("progress", now))
    except FacslensError as error:
        send("error", error)
    except RuntimeError:  # what PyTorch raises where another process does not answer
        sys.exit(1)
    else:
        send("result", found)


def _number(name: str) -> int:
    return int(os.environ.get(name) or 0)


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def place() -> tuple[int, int]:
    """Give the number of this process among those that train together, and how many they are."""
    if not (torch.distributed.is_available() and torch.distributed.is_initialized()):
        return 0, 1
    return torch.distributed.get_rank(), torch.distributed.get_world_size()


def total(values: Sequence[float], device: torch.device) -> list[float]:
    """Add up numbers over the processes that train together, each on its device."""
    if place()[1] == 1:
        return list(values)
    own = torch.tensor(values, dtype=torch.float64, device=device)
    torch.distributed.all_reduce(own)
    added: list[float] = own.tolist()
    return added
