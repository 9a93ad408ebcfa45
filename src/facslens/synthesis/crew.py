"""Processes that draw side by side; what they draw does not depend on how many they are."""

import multiprocessing
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed


def each(work: Callable[[int], str], numbers: Sequence[int], workers: int) -> Iterator[str]:
    """Do a piece of work for each number, with several processes, and give what it returns.

    Parameters
    ----------
    work
        What is done; a function that can be sent to another process.
    numbers
        What it is called with.
    workers
        Number of processes; 1 is this one.
    """
    if workers == 1 or len(numbers) < 2:
        yield from map(work, numbers)
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(workers, len(numbers)), context, _end_with_parent) as pool:
        futures: list[Future[str]] = [pool.submit(work, number) for number in numbers]
        try:
            for future in as_completed(futures):
                yield future.result()
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _end_with_parent() -> None:
    """End this worker when the process that began it is killed, and does not end it itself."""
    parent = multiprocessing.parent_process()
    assert parent is not None

    def watch() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
