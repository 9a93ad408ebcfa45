"""Do pieces of work on this machine: in this process, or in several side by side."""

import multiprocessing
import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from itertools import islice
from typing import ClassVar

from facslens.engines.engine import Engine, Item, Result, Seen, ignore
from facslens.errors import FacslensError


@dataclass(frozen=True)
class Local(Engine):
    """Does pieces of work on one machine.

    Parameters
    ----------
    processes
        How many pieces are done side by side, each in a process of its own; 1 is this process.
    """

    processes: int = 1
    far: ClassVar[bool] = False

    def map(
        self, work: Callable[[Item, Seen], Result], items: Iterable[Item], seen: Seen = ignore
    ) -> Iterator[Result]:
        """Do a piece of work for each item; see `facslens.engines.engine.Engine`."""
        if self.processes == 1:
            for item in items:
                yield work(item, seen)
            return
        source = iter(items)
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(self.processes, context, _end_with_parent) as pool:
            waiting: deque[Future[Result]] = deque()
            try:
                for item in islice(source, 2 * self.processes):
                    waiting.append(pool.submit(work, item, ignore))
                while waiting:
                    result = waiting.popleft().result()
                    for item in islice(source, 1):
                        waiting.append(pool.submit(work, item, ignore))
                    yield result
            except BrokenProcessPool as error:
                raise FacslensError(
                    "a process that worked beside this one was killed: run the same command again"
                ) from error
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise


def _end_with_parent() -> None:
    """End this process when the one that began it is killed, and does not end it itself."""
    parent = multiprocessing.parent_process()
    assert parent is not None

    def watch() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
