"""The explorer of a run with everything in it, and its folder."""

import functools
import http.server
import json
import sys
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from facslens.cli.main import main
from facslens.datasets import stimuli as reading
from facslens.explorer.site import Site, write_site
from facslens.synthesis.extra import installed

#: By which the faces of one person of the stimuli are drawn, in one setting.
ORDER = {"people": 10, "size": 48, "colour": False, "design": "long", "seed": 5}


@pytest.fixture(scope="session")
def stimuli(draw_stimuli: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Paired faces of squares, but for P001, who is a person wherever the extra is installed."""
    folder: Path = draw_stimuli(tmp_path_factory.mktemp("stimuli") / "set", grades=("C", "E"))
    if not installed():
        return folder
    from facslens.synthesis.sitting import Sitting
    from facslens.synthesis.stimuli import StimulusOrder

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what Warp says about a machine without a GPU
        person = Sitting.of(StimulusOrder(**ORDER), 1, 0)
        for path in (folder / "images" / "P001" / "0").iterdir():
            au, _, grade = path.stem.partition("-")
            face = person.draw({au: grade} if grade else {})
            Image.fromarray(face).save(path)
    found = reading.digest(reading.Stimuli(folder, reading.read_rows(folder), 48, False, ""))
    (folder / "stimuli.json").write_text(json.dumps(ORDER | {"sha256": found}))
    return folder


@pytest.fixture(scope="session")
def run(drawn_ck48: Path, stimuli: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run on drawn faces with an experiment in two of the five grades of two action units."""
    folder = tmp_path_factory.mktemp("explorer") / "small run"
    arguments = ["--data", f"ck48:{drawn_ck48}", "--stimuli", stimuli, "--out", folder]
    choices = ["--epochs", "2", "--permutations", "19", "--layer", "conv1", "--layer", "conv3"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["facslens", "run", *map(str, (*arguments, *choices))])
        with pytest.raises(SystemExit) as stop:
            main()
    assert not stop.value.code
    return folder


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
