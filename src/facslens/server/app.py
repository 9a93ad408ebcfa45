"""What is served: the pages of a run, and the live page."""

import hashlib
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext
from functools import partial
from importlib.resources import files
from pathlib import PurePosixPath
from typing import Any, Final, Protocol, runtime_checkable

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from facslens.datasets.formats import FORMATS, lacking
from facslens.errors import DataError, FacslensError
from facslens.names import one_line
from facslens.server.guard import Door, Guard
from facslens.server.limits import BODY, MADE_IN, Jobs, body_of
from facslens.server.live import Live

#: Media types of the files of a site; others are bytes to be saved.
TYPES: Final[Mapping[str, str]] = {
    ".css": "text/css; charset=utf-8",
    ".csv": "text/csv; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".jpg": "image/jpeg",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".webp": "image/webp",
}
# Media types of pictures that are not called as Pillow calls the format.
_CALLED: Final = {"PPM": "image/x-portable-pixmap", "JPEG2000": "image/jp2", "HEIF": "image/heic"}
#: Media types of pictures that are read here; the live page asks the browser to convert others.
PICTURES: Final = frozenset(
    _CALLED.get(form, f"image/{form.lower()}") for form in FORMATS.values() if lacking(form) is None
)


@runtime_checkable
class Pages(Protocol):
    """What a site is to the server, such as `facslens.explorer.site.Site`."""

    def names(self) -> tuple[str, ...]:
        """Name every file, relative; ``index.html`` is the first page."""

    def read(self, name: str) -> bytes:
        """Give the content of a file."""


@runtime_checkable
class Draws(Protocol):
    """What draws faces for a site, such as `facslens.explorer.drawing.Drawing`."""

    def facts(self) -> dict[str, Any]:
        """Say what can be drawn."""

    def face(self, person: str, shown: str) -> dict[str, Any]:
        """Draw a face, and give what the network answers to it."""


@runtime_checkable
class Turned(Protocol):
    """Whose turn it is to work on a run, such as `facslens.explorer.turns.Turns`."""

    def elsewhere(self) -> AbstractContextManager[None]:
        """Keep work ahead waiting meanwhile."""

    def end(self) -> None:
        """Let work ahead end."""


@runtime_checkable
class ReadsAhead(Protocol):
    """A site that makes files before they are asked for."""

    @property
    def turns(self) -> Turned:
        """Whose turn it is."""

    def read_ahead(self) -> None:
        """Make files while nobody asks, until `turns` ends it."""


class Own:
    """The files of the live page."""

    _folder = files("facslens.server") / "pages"

    def names(self) -> tuple[str, ...]:
        """Name every file."""
        return tuple(sorted(one.name for one in self._folder.iterdir() if one.is_file()))

    def read(self, name: str) -> bytes:
        """Give the content of a file."""
        return (self._folder / name).read_bytes()


class Served:
    """The pages of a run with what a folder on a disk has not: the live page, and what draws."""

    def __init__(self, site: Pages, draws: bool) -> None:
        self._site, self.names, self._draws = site, site.names, draws

    def read(self, name: str) -> bytes:
        """Give the content of a file."""
        content = self._site.read(name)
        if name != "index.html":
            return content
        for before, now in _SHOWN + (_DRAWN if self._draws else ()):
            content = content.replace(before, now)
        return content


_SHOWN: Final = ((b'<a href="live/" hidden>', b'<a href="live/">'),)
# what is drawn comes as an answer with pictures in it, which the policy of the page forbids
_DRAWN: Final = (
    (b'<html lang="en">', b'<html lang="en" data-draw="draw">'),
    (b"img-src 'self' file:;", b"img-src 'self' data: file:; connect-src 'self';"),
)


def application(door: Door, site: Pages | None = None) -> Guard:
    """Make what answers requests.

    Parameters
    ----------
    door
        How it is reached, and by whom.
    site
        The pages of a run; None for the live page alone.
    """
    live, reading = Live(), Jobs(threads=2, places=8)
    making = Jobs(threads=1, places=64, seconds=MADE_IN)  # one after another: pages share a run
    draws: Draws | None = getattr(site, "drawing", None)
    ahead: ReadsAhead | None = site if isinstance(site, ReadsAhead) else None
    elsewhere = nullcontext if ahead is None else ahead.turns.elsewhere
    drawing = Jobs(threads=1, places=8, seconds=MADE_IN)  # the first face takes longest
    making_ahead = Jobs(threads=1, places=1)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        if ahead is not None:
            making_ahead.submit(ahead.read_ahead)
        yield
        if ahead is not None:
            ahead.turns.end()
        for jobs in (reading, making, drawing, making_ahead):
            jobs.close()

    async def facts(_: Request) -> Response:
        async with reading.place():
            with elsewhere():
                found = await reading.do(partial(_answered, live.facts))
        here = {"explorer": site is not None, "most": BODY, "types": sorted(PICTURES)}
        return JSONResponse(found | here)

    def reader(units: bool) -> Callable[[Request], Awaitable[Response]]:
        async def read(request: Request) -> Response:
            kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
            if kind not in PICTURES or "content-encoding" in request.headers:
                raise HTTPException(415, f"Send a picture: {', '.join(sorted(PICTURES))}.")
            async with reading.place():
                content = await body_of(request)
                work = partial(live.read, content, units=units)
                with elsewhere():
                    return JSONResponse(await reading.do(partial(_answered, work)))

        return read

    async def drawn(request: Request) -> Response:
        given = request.query_params
        if draws is None or set(given) - {"person", "face"}:
            raise HTTPException(404, "There is no such page.")
        work = partial(draws.face, given["person"], given.get("face", "")) if given else draws.facts
        async with drawing.place():
            with elsewhere():
                return JSONResponse(await drawing.do(partial(_answered, work)))

    routes = [
        Route("/draw", drawn),
        Route("/live", RedirectResponse("/live/"), methods=["GET"]),
        Route("/live/network.json", facts),
        Route("/live/faces", reader(units=False), methods=["POST"]),
        Route("/live/units", reader(units=True), methods=["POST"]),
        Route("/live/{name:path}", _files(Own(), "live.html", making)),
        Route("/", RedirectResponse("/live/"), methods=["GET"])
        if site is None
        else Route("/{name:path}", _files(Served(site, draws is not None), "index.html", making)),
    ]
    handlers: dict[Any, Any] = {HTTPException: _told, Exception: _not_foreseen}
    return Guard(Starlette(routes=routes, lifespan=lifespan, exception_handlers=handlers), door)


def _files(pages: Pages, first: str, jobs: Jobs) -> Callable[[Request], Awaitable[Response]]:
    """Answer with the files of some pages: those that they name, and nothing else."""
    names = frozenset(pages.names())

    async def answer(request: Request) -> Response:
        name = request.path_params["name"] or first
        if name not in names:
            raise HTTPException(404, "There is no such page.")
        async with jobs.place():
            content = await jobs.do(partial(pages.read, name))
        headers = {
            "Cache-Control": "private, no-cache",
            "ETag": f'"{hashlib.sha256(content).hexdigest()[:32]}"',
        }
        if request.headers.get("if-none-match") == headers["ETag"]:
            return Response(status_code=304, headers=headers)
        kind = TYPES.get(PurePosixPath(name).suffix, "application/octet-stream")
        return Response(content, media_type=kind, headers=headers)

    return answer


def _answered(work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Do some work; what is wrong with a picture, or not installed, is told to the page."""
    try:
        return work()
    except FacslensError as error:
        status = 422 if isinstance(error, DataError) else 501
        sentence = str(error)
        raise HTTPException(status, f"{sentence[:1].upper()}{sentence[1:]}.") from error


def _told(_: Request, error: HTTPException) -> Response:
    return PlainTextResponse(f"{error.detail}\n", error.status_code, error.headers)


def _not_foreseen(request: Request, error: Exception) -> Response:
    said = one_line(f"{request.url.path}: {type(error).__name__}: {error}")
    print(f"error: {said} (not foreseen: please report it)", file=sys.stderr)  # noqa: T201
    return PlainTextResponse("facslens failed at this; it says more where it runs.\n", 500)
