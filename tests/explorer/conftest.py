"""The explorer of a run with everything in it, and its folder."""

import functools
import http.server
import json
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from facslens.explorer.site import Site, write_site


@pytest.fixture(scope="session")
def run(finished_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The finished run, under a name with a space."""
    return shutil.copytree(finished_run, tmp_path_factory.mktemp("explorer") / "small run")


@pytest.fixture(scope="session")
def site(run: Path) -> Site:
    """Its explorer, beside itself."""
    return Site.of(run, against=[run])


@pytest.fixture(scope="session")
def folder(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The explorer as a folder."""
    return write_site(site, tmp_path_factory.mktemp("sites") / "site").parent


def taken(content: bytes) -> Any:
    """Read data out of their script."""
    text = content.decode()
    assert text.startswith("facslens.take(")
    assert text.endswith(");\n")
    return json.loads(f"[{text[len('facslens.take(') : -len(');') - 1]}]")[1]


@pytest.fixture(scope="session")
def read(site: Site) -> Any:
    """Read data of the site by name, such as ``au/AU12``."""
    return lambda name: taken(site.read(f"data/{name}.js"))


@pytest.fixture
def served(folder: Path) -> Iterator[str]:
    """The folder on the loopback, as any web server gives it."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    handler = functools.partial(Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()
