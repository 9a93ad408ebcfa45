"""Real servers on the loopback address, and the pictures that they are shown."""

import http.client
import io
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("uvicorn")
pytest.importorskip("onnxruntime")

from facslens.server.app import Pages
from facslens.server.serve import bind, server


@dataclass
class Answer:
    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()


@dataclass(frozen=True)
class Served:
    """A server that runs, and a way to ask it anything."""

    port: int
    address: str

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    def ask(self, path: str, method: str = "GET", body: Any = None, **headers: str) -> Answer:
        """Send exactly this; names of headers with _ for -. None leaves a header out."""
        own = {"Host": self.host}
        if method == "POST":
            own |= {"Origin": f"http://{self.host}", "Content-Type": "image/png"}
        own |= {name.replace("_", "-").title(): value for name, value in headers.items()}
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
            for name, value in own.items():
                if value is not None:
                    connection.putheader(name, value)
            if body is not None and "Content-Length" not in own:
                connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body)
            response = connection.getresponse()
            return Answer(response.status, response.msg, response.read())
        finally:
            connection.close()


class Site:
    """A stand-in for the pages of a run."""

    def __init__(self, **more: bytes) -> None:
        self.files = {
            "index.html": b"<!doctype html><title>explorer</title>",
            "data/units.js": b'units({"conv3": 84});',
            "data/sheet.png": b"\x89PNG",
        } | more

    def names(self) -> tuple[str, ...]:
        return tuple(self.files)

    def read(self, name: str) -> bytes:
        return self.files[name]


@pytest.fixture(scope="session")
def run_server() -> Iterator[Callable[..., Served]]:
    """Start a server in a thread of this process; all end with the tests."""
    ends: list[Callable[[], None]] = []

    def start(site: Pages | None = None, **bound: Any) -> Served:
        at = bind(bound.pop("host", "127.0.0.1"), 0, **bound)
        running = server(at, site)
        thread = threading.Thread(target=running.run, kwargs={"sockets": [at.socket]})
        thread.start()

        def end() -> None:
            running.should_exit = True
            thread.join()
            at.socket.close()

        ends.append(end)
        while not running.started:
            time.sleep(0.01)
        return Served(at.socket.getsockname()[1], at.address)

    yield start
    for end in ends:
        end()


@pytest.fixture(scope="session")
def live(run_server: Callable[..., Served]) -> Served:
    """The live page alone."""
    return run_server()


@pytest.fixture(scope="session")
def explorer(run_server: Callable[..., Served]) -> Served:
    """A stand-in for the explorer, and the live page."""
    return run_server(Site())


@pytest.fixture(scope="session")
def drawn() -> list[np.ndarray]:
    """The drawn faces that come with the live page: happiness, surprise, disgust, anger."""
    pages = files("facslens.server") / "pages"
    return [
        np.asarray(Image.open(io.BytesIO((pages / f"drawn-{n}.webp").read_bytes())).convert("RGB"))
        for n in range(4)
    ]


@pytest.fixture(scope="session")
def encode() -> Callable[..., bytes]:
    """Write a picture as the bytes of a file."""

    def write(pixels: np.ndarray, kind: str = "PNG", **options: Any) -> bytes:
        stream = io.BytesIO()
        Image.fromarray(pixels).save(stream, kind, **options)
        return stream.getvalue()

    return write
