"""Faces that were not recorded: drawn by the program, asked from a server, played in a browser."""

import base64
import io
import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import urlopen

import numpy as np
import pytest
import torch
from PIL import Image

import facslens as fl
from facslens.errors import ArtifactError, DataError
from facslens.explorer import drawing
from facslens.explorer.explored import Explored
from facslens.explorer.site import Site
from facslens.preprocess import normalise

pytest.importorskip("uvicorn")
pytest.importorskip("anny", reason="the extra facslens[synthetic] is not installed")

from facslens.server.serve import bind, server
from facslens.synthesis.sitting import Sitting, order_of
from facslens.synthesis.stimuli import StimulusOrder

from .conftest import ORDER

#: Was not among the stimuli, for AU06 was not.
SHOWN = {"AU06": "C", "AU12": "E"}


@pytest.fixture(scope="module")
def address(run: Path) -> Iterator[str]:
    """The explorer of the run, by a real server."""
    at = bind("127.0.0.1", 0)
    running = server(at, Site.of(run))
    thread = threading.Thread(target=running.run, kwargs={"sockets": [at.socket]})
    thread.start()
    while not running.started:
        time.sleep(0.01)
    yield at.address
    running.should_exit = True
    thread.join()
    at.socket.close()


@pytest.fixture(scope="module")
def face() -> np.ndarray:
    """The face, drawn through Python."""
    return Sitting.of(StimulusOrder(**ORDER), 1, 0).draw(SHOWN)


def pixels(content: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(content)).convert("L"), dtype=float)


def asked(address: str, **query: str) -> tuple[int, str]:
    try:
        with urlopen(f"{address}draw?{urlencode(query)}", timeout=60) as answer:
            return answer.status, answer.read().decode()
    except HTTPError as error:
        with error:
            return error.code, error.read().decode()


def stage(page: Any) -> np.ndarray:
    """The face that a page shows, at the size at which it was drawn."""
    levels = page.evaluate(
        """() => {
          const small = document.createElement("canvas"), stage = document.querySelector(".stage");
          small.width = small.height = 48;
          const context = small.getContext("2d");
          context.imageSmoothingQuality = "high";
          context.drawImage(stage, 0, 0, 48, 48);
          return [...context.getImageData(0, 0, 48, 48).data].filter((_, k) => k % 4 === 0);
        }"""
    )
    return np.array(levels, dtype=float).reshape(48, 48)


def test_an_answer_is_that_of_the_network_to_the_face(run: Path, face: np.ndarray) -> None:
    answer = Site.of(run).drawing.face("P001", "AU06=C+AU12=E")
    assert (pixels(base64.b64decode(answer["face"])) == face).all()
    model = fl.load_model(run)
    read = normalise.as_read(normalise.scaled([face], model.input), model.input)
    scores = model.network(read).detach().numpy()[0].astype(float)
    np.testing.assert_allclose(answer["scores"], scores - scores.mean(), rtol=1e-3, atol=1e-3)
    chances = np.exp(scores) / np.exp(scores).sum()
    np.testing.assert_allclose(answer["chances"], 1000 * chances, atol=0.6)
    maps = torch.relu(dict(model.network.named_modules())["conv1"](read))
    peaks = maps.amax(dim=(0, 2, 3)).detach().numpy()
    np.testing.assert_allclose(answer["responses"]["0"], peaks, rtol=1e-3, atol=1e-5)
    assert len(answer["responses"]["1"]) == 256


def test_a_recorded_face_is_answered_as_it_was_recorded(run: Path, read: Any) -> None:
    recorded, answer = read("play/0"), Site.of(run).drawing.face("P001", "AU12=E")
    k = next(k for k, state in enumerate(recorded["states"]) if state["name"] == "AU12-E")
    np.testing.assert_allclose(answer["scores"], recorded["scores"][k], rtol=2e-3, atol=2e-3)
    assert answer["boxes"] == recorded["seen"]["boxes"][k]
    packed = recorded["responses"]["1"]
    low, high = np.array(packed["low"]), np.array(packed["high"])
    whole = np.frombuffer(base64.b64decode(packed["text"]), "<u2").reshape(-1, len(low))[k]
    expected = low + (high - low) * whole / 65535
    np.testing.assert_allclose(answer["responses"]["1"], expected, atol=2e-3 * high.max())


def test_what_cannot_be_drawn_is_one_sentence(run: Path) -> None:
    found = Site.of(run).drawing
    for person, shown, said in (
        ("P002", "", "person is 'P002': expected P001, P003"),  # of the choosing half
        ("P001", "AU12", "the grade of AU12 is '': expected A, B"),
        ("P001", "AU12=F", "the grade of AU12 is 'F'"),
        ("P001", "AU11=A", "AU11 cannot be drawn: expected one of AU01"),
        ("P001", "AU12=A+AU12=B", "expected each action unit once"),
        ("P001", "AU12=A+AU15=A", "AU12 and AU15 exclude each other"),
        ("P001", "+" * 600, "has 600 characters: expected 512"),
    ):
        with pytest.raises(DataError, match=said):
            found.face(person, shown)
    with pytest.raises(ArtifactError, match="P003 is drawn otherwise here than in small run"):
        found.face("P003", "AU12=E")


def test_nothing_is_drawn_without_the_extra_the_order_or_the_network(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, drawn_stimuli: Path
) -> None:
    assert order_of(fl.datasets.stimuli.read_stimuli(drawn_stimuli)) is None
    copy = shutil.copytree(run, tmp_path / "run")
    with monkeypatch.context() as patch:
        patch.setattr(Explored, "model", None)
        assert Site.of(copy).drawing is None
    monkeypatch.setattr(drawing, "installed", lambda: False)
    site = Site.of(run)
    assert site.drawing is None
    assert "play/0.webp" in site.names()


def test_a_server_draws_for_its_own_pages_alone(address: str) -> None:
    status, text = asked(address)
    assert status == 200
    assert '"grades":["A","B","C","D","E"]' in text
    assert asked(address, person="P001", face="AU12=Q")[0] == 422
    assert asked(address, person="P003", face="AU12=E") == (
        501,
        "P003 is drawn otherwise here than in small run, as by another version of facslens: only "
        "faces of the stimuli are shown.\n",
    )
    assert asked(address, person="P001", size="9999")[0] == 404


@pytest.mark.browser
def test_two_sliders_show_the_face_that_the_program_draws(
    browser: Any, address: str, run: Path, face: np.ndarray
) -> None:
    page = browser.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(f"{address}#/play/P001/rest")
    page.locator('input[aria-label="AU6 cheek raiser"]').fill("3")
    page.locator(".origin", has_text="drawn now by this computer").wait_for()
    assert page.locator(".caption b").inner_text() == "AU6 at C"
    page.locator('input[aria-label="AU12 lip corner puller"]').fill("5")
    page.locator(".caption b", has_text="AU6 at C + AU12 at E").wait_for()
    page.locator(".origin", has_text="drawn now by this computer").wait_for()
    model = fl.load_model(run)
    read = normalise.as_read(normalise.scaled([face], model.input), model.input)
    chances = model.chances(model.network(read)).detach().numpy()[0]
    shown = page.locator(".expressions li .number").all_inner_texts()
    assert [int(text.rstrip(" %")) for text in shown] == pytest.approx(100 * chances, abs=0.51)
    page.get_by_label("show on the face what moved units see").uncheck()
    there = stage(page)
    assert page.url.endswith("#/play/P001/AU06=C+AU12=E")
    # a face that excludes another action unit puts it back to rest, and says so
    page.locator('input[aria-label="AU15 lip corner depressor"]').fill("5")
    page.locator(".why", has_text="AU12 back to rest: no face shows it with AU15").wait_for()
    assert page.locator(".caption b").inner_text() == "AU6 at C + AU15 at E"
    # what was recorded is shown as it was recorded
    page.get_by_role("button", name="Rest", exact=True).click()
    assert page.locator(".origin").inner_text() == "rendered with the stimuli"
    rest = Sitting.of(StimulusOrder(**ORDER), 1, 0).draw({})
    moved = np.corrcoef((there - stage(page)).ravel(), (face - rest.astype(float)).ravel())
    assert moved[0, 1] > 0.8  # the canvas is larger than the face, and smooths it
    # another person, who is drawn otherwise by this version, has the recorded faces alone
    page.locator('.people input[value="P003"]').check()
    page.locator('input[aria-label="AU6 cheek raiser"]').fill("3")
    page.locator(".why", has_text="P003 is drawn otherwise here").wait_for()
    assert page.locator(".slider").count() == 2
    assert [text for text in complaints if "501" not in text] == []
    page.close()
