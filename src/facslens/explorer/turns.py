"""One works on a run at a time: who works ahead lets those go first who wait for an answer."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Ended(Exception):  # noqa: N818  no error: nobody waits for the work any more
    """Work ahead is no longer wanted."""


class Turns:
    """Hand the run to one thread after the other.

    A network is not made for several threads, and neither are the tables that are read once. Who
    answers a request comes as soon as the run is free. Who works ahead comes when nobody waits, and
    gives way wherever it calls `pause`.

    Examples
    --------
    >>> turns = Turns()
    >>> with turns.ahead("a"):
    ...     turns.pause()  # nobody waits
    >>> turns.end()
    >>> with turns.ahead("b"):
    ...     pass
    Traceback (most recent call last):
    facslens.explorer.turns.Ended
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._holder: int | None = None
        self._ahead: str | None = None
        self._waiting: list[str] = []
        self._elsewhere = 0
        self._ended = False

    @contextmanager
    def first(self, name: str = "") -> Iterator[None]:
        """Have the run to oneself, as soon as it is free; who has it already goes on.

        Parameters
        ----------
        name
            What is made: who makes it ahead at the moment is not interrupted.
        """
        if self._holder == threading.get_ident():
            yield
            return
        with self._changed:
            self._waiting.append(name)
            self._changed.wait_for(lambda: self._holder is None)
            self._waiting.remove(name)
            self._holder = threading.get_ident()
        with self._held():
            yield

    @contextmanager
    def ahead(self, name: str) -> Iterator[None]:
        """Have the run to oneself to make something ahead, once nobody waits.

        Raises
        ------
        Ended
            If that is no longer wanted, here or in `pause`.
        """
        with self._changed:
            self._wait(lambda: self._holder is None and not self._others(name))
            self._holder, self._ahead = threading.get_ident(), name
        with self._held():
            yield

    def pause(self) -> None:
        """Let others go first, if this thread works ahead and somebody waits.

        Raises
        ------
        Ended
            If work ahead is no longer wanted.
        """
        if self._ahead is None or self._holder != threading.get_ident():
            return
        with self._changed:
            if self._ended:
                raise Ended
            own = self._ahead
            if not self._others(own):
                return
            self._holder = self._ahead = None
            self._changed.notify_all()
            self._wait(lambda: self._holder is None and not self._others(own))
            self._holder, self._ahead = threading.get_ident(), own

    @contextmanager
    def elsewhere(self) -> Iterator[None]:
        """Keep work ahead waiting, while a request is answered that does not need the run."""
        with self._changed:
            self._elsewhere += 1
        try:
            yield
        finally:
            with self._changed:
                self._elsewhere -= 1
                self._changed.notify_all()

    def end(self) -> None:
        """Let work ahead end where it next pauses."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def _others(self, own: str) -> bool:
        """Tell whether somebody waits for anything but what is made ahead."""
        return bool(self._elsewhere) or any(name != own for name in self._waiting)

    def _wait(self, until: Callable[[], bool]) -> None:
        self._changed.wait_for(lambda: self._ended or until())
        if self._ended:
            raise Ended

    @contextmanager
    def _held(self) -> Iterator[None]:
        try:
            yield
        finally:
            with self._changed:
                if self._holder == threading.get_ident():
                    self._holder = self._ahead = None
                    self._changed.notify_all()
