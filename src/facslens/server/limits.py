"""How much and how long: of bodies, of work at once, and of patience with slow clients."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any, Final, TypeVar

from starlette.exceptions import HTTPException
from starlette.requests import Request
from uvicorn.protocols.http.h11_impl import H11Protocol

#: Most bytes of a picture that is sent.
BODY: Final = 16_000_000
#: Most connections at once.
CONNECTIONS: Final = 100
#: Seconds in which a request's headers have to be there, and its body.
HEADERS_IN: Final = 10.0
BODY_IN: Final = 20.0
#: Seconds after which a connection without a further request is closed.
IDLE: Final = 15
#: Seconds in which a picture is read, and a page is made; some pages are made when first asked for.
READ_IN: Final = 60.0
MADE_IN: Final = 300.0
#: Seconds for answers that are under way when the server ends.
END_IN: Final = 1
#: How the names of the threads begin that do jobs.
THREADS: Final = "facslens"

T = TypeVar("T")


class Jobs:
    """A few threads, and a few places to wait for them; who finds none is told to come again.

    Parameters
    ----------
    threads
        How many.
    places
        Jobs that are done or wait, at most.
    seconds
        That a job may take, waiting included.
    """

    def __init__(self, threads: int, places: int, seconds: float = READ_IN) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix=THREADS)
        self._free, self._seconds = places, seconds

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """Hold a place while the block prepares its job and waits for it.

        Raises
        ------
        HTTPException
            503 with Retry-After if none is free.
        """
        if not self._free:
            raise HTTPException(503, "facslens is busy: try again.", {"Retry-After": "1"})
        self._free -= 1
        try:
            yield
        finally:
            self._free += 1

    async def do(self, work: Callable[[], T]) -> T:
        """Do a job in one of the threads; give what it gives.

        Raises
        ------
        HTTPException
            504 if it takes too long. It is then not waited for any longer.
        """
        try:
            async with asyncio.timeout(self._seconds):
                return await asyncio.wrap_future(self._pool.submit(work))
        except TimeoutError as error:
            raise HTTPException(504, "That took too long.") from error

    def submit(self, work: Callable[[], None]) -> None:
        """Do a job in one of the threads for which nobody waits; what it raises is let go."""
        self._pool.submit(work)

    def close(self) -> None:
        """Begin no further job."""
        self._pool.shutdown(wait=False, cancel_futures=True)


async def body_of(request: Request, most: int = BODY, seconds: float = BODY_IN) -> bytes:
    """Take the body of a request, no larger and no slower than it may be.

    Raises
    ------
    HTTPException
        413 if it is larger, 408 if it is not there in time.
    """
    close = {"Connection": "close"}
    too_large = HTTPException(413, f"A picture may have {most // 1_000_000} MB at most.", close)
    if int(request.headers.get("content-length", 0)) > most:
        raise too_large
    body = bytearray()
    try:
        async with asyncio.timeout(seconds):
            async for part in request.stream():
                body += part
                if len(body) > most:
                    raise too_large
    except TimeoutError as error:
        raise HTTPException(408, "The picture did not arrive in time.", close) from error
    return bytes(body)


class Impatient(H11Protocol):
    """The HTTP of uvicorn, which answers at once, and waits for no request for ever."""

    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """Begin to wait for the first request."""
        super().connection_made(transport)
        # asyncio does so by itself only for sockets that name their protocol; without it, each
        # answer waits 40 ms for the browser to confirm its head
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._wait()

    def data_received(self, data: bytes) -> None:
        """Wait on, from the first byte of a request to its last header."""
        super().data_received(data)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no longer."""
        self._stop()
        super().connection_lost(exc)

    def _wait(self) -> None:
        if self.cycle is not None and not self.cycle.response_complete:
            self._stop()
        elif self._deadline is None and self.timeout_keep_alive_task is None:
            self._deadline = self.loop.call_later(HEADERS_IN, self.transport.close)

    def _stop(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
