"""Do pieces of work on the machines of a Ray cluster, or in Ray's processes on this machine."""

import contextlib
import os
import pickle
import socket
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

from facslens.engines.engine import Engine, Item, Result, Seen, ignore
from facslens.errors import CallError, FacslensError
from facslens.version import __version__

#: Seconds between two looks at whether the cluster's head still answers.
LOOK = 5.0
#: So many looks in vain, and the head is lost. Ray itself would end the whole process after a
#: minute without it, in the middle of a sentence.
LOOKS = 4
#: Times that a piece is done again after the process or machine that did it was lost.
RETRIES = 3


@dataclass(frozen=True)
class Ray(Engine):
    """Does pieces of work with Ray.

    Parameters
    ----------
    address
        Of the cluster, such as ``auto`` or ``10.0.0.1:6379``; None starts Ray on this machine
        alone, on its loopback address, and ends it with the work.
    threads
        Processor cores that a piece takes, and threads that it computes with.

    Notes
    -----
    The work is sent once to every machine, an item with each piece, through Ray's object store;
    machines share no disk. At most two pieces a core are sent ahead of the results. A piece whose
    process or machine is lost is done again by Ray, on another, up to `RETRIES` times.
    """

    address: str | None = None
    threads: int = 1
    far: ClassVar[bool] = True

    def map(
        self, work: Callable[[Item, Seen], Result], items: Iterable[Item], seen: Seen = ignore
    ) -> Iterator[Result]:
        """Do a piece of work for each item; see `facslens.engines.engine.Engine`."""
        with _connected(self.address) as ray:
            piece = ray.remote(num_cpus=self.threads, max_retries=RETRIES)(_do)
            sent = ray.put(_packed(ray, work))
            cores = int(ray.cluster_resources().get("CPU", 0))
            if cores < self.threads:
                raise CallError(
                    f"a piece takes {self.threads} cores: no machine of the cluster has so many"
                )
            waiting: deque[Any] = deque()
            head = _Head(ray.get_runtime_context().gcs_address)
            try:
                for item in items:
                    waiting.append(piece.remote(__version__, sent.hex(), sent, item))
                    if len(waiting) >= 2 * cores // self.threads:
                        yield _result(ray, waiting.popleft(), head)
                while waiting:
                    yield _result(ray, waiting.popleft(), head)
            finally:
                for left in waiting:
                    ray.cancel(left, force=True)


def _packed(ray: Any, work: Callable[[Item, Seen], Result]) -> bytes:
    """Make bytes of the work, its network included."""
    try:
        packed: bytes = ray.cloudpickle.dumps(work)
    except Exception as error:  # what is in a network decides what its parts raise
        raise CallError(
            f"the network cannot be sent to other processes ({type(error).__name__}): leave "
            f"--engine ray out, or open the network from its code and weights"
        ) from error
    return packed


class _Head:
    """Looks from time to time whether the head of the cluster answers."""

    def __init__(self, address: str) -> None:
        host, _, port = address.rpartition(":")
        self._place = (host, int(port))
        self._next, self._in_vain = time.monotonic() + LOOK, 0

    def check(self) -> None:
        """Raise a `FacslensError` if it has not answered for some time."""
        if time.monotonic() < self._next:
            return
        try:
            socket.create_connection(self._place, timeout=LOOK).close()
            self._in_vain = 0
        except OSError:
            self._in_vain += 1
        if self._in_vain == LOOKS:
            raise FacslensError(
                "the head of the Ray cluster does not answer any more: start the cluster again, "
                "and then the same command"
            )
        self._next = time.monotonic() + LOOK


def _result(ray: Any, reference: Any, head: _Head) -> Any:
    try:
        while True:
            head.check()
            with contextlib.suppress(ray.exceptions.GetTimeoutError):
                return ray.get(reference, timeout=LOOK)
    except ray.exceptions.RayTaskError as error:
        raise error.cause from None
    except ray.exceptions.RayError as error:
        first = str(error).strip().splitlines()[0]
        raise FacslensError(
            f"a piece of the work was lost {RETRIES + 1} times, or the cluster is gone: {first}"
        ) from error


@contextlib.contextmanager
def _connected(address: str | None) -> Iterator[Any]:
    """Connect to a cluster, or start one on this machine, and leave it again."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # it would tell its makers of its use
    try:
        import ray
    except ImportError as error:
        raise CallError("--engine ray needs the extra: pip install 'facslens[ray]'") from error
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR"}
    here: dict[str, Any] = {"include_dashboard": False, "_node_ip_address": "127.0.0.1"}
    before = ray.is_initialized()
    try:
        if not before:
            ray.init(address=address, **({} if address else here), **quiet)
    except (ConnectionError, ValueError, RuntimeError, TimeoutError) as error:
        first = str(error).strip().splitlines()[0]
        raise CallError(f"address is {address}: no Ray cluster answers there: {first}") from error
    try:
        yield ray
    finally:
        if not before:
            ray.shutdown()


#: The last work that this process was sent, by name.
_kept: dict[str, Callable[[Any, Seen], Any]] = {}


def _do(version: str, name: str, work: bytes, item: Any) -> Any:
    """Do one piece; runs in a process of Ray."""
    if version != __version__:
        raise CallError(
            f"a machine of the cluster has facslens {__version__}: expected {version} on all of "
            f"them, as here"
        )
    if name not in _kept:
        _kept.clear()
        _kept[name] = pickle.loads(work)
    return _kept[name](item, ignore)
