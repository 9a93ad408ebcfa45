"""The live page in a real browser, with drawn faces in place of people."""

import json
import re

import numpy as np
import pytest
from PIL import Image

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def filming(chromium, drawn, tmp_path_factory):
    """With a camera that sees a drawn smile, then a drawn surprise, for ever."""
    path = tmp_path_factory.mktemp("film") / "faces.mjpeg"
    with path.open("wb") as file:
        for picture in (drawn[0], drawn[1]):
            for _ in range(40):
                Image.fromarray(picture).save(file, "JPEG", quality=90)
    return chromium(
        "--use-fake-ui-for-media-stream",
        "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-video-capture={path}",
    )


class Watched:
    """A page, all that it asks for, and all that it complains of."""

    def __init__(self, browser, served, width=1280, height=900, *, failing=False, **context):
        self.failing = failing
        self.context = browser.new_context(viewport={"width": width, "height": height}, **context)
        self.page = self.context.new_page()
        self.page.set_default_timeout(90_000)  # the first projection loads PyTorch
        self.requests, self.complaints = [], []
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("console", lambda message: self.hear(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.goto(f"http://127.0.0.1:{served.port}/live/")
        self.page.wait_for_selector("#frame[data-faces='1']")

    def hear(self, text):
        if "willReadFrequently" not in text:  # said of the pixels that these tests read
            self.complaints.append(text)

    def __enter__(self):
        return self.page

    def __exit__(self, *_):
        own = re.compile(r"(http://127\.0\.0\.1:\d+/live/|blob:http://127\.0\.0\.1:\d+/|data:)")
        strangers = [url for url in self.requests if not own.match(url)]
        self.context.close()
        assert (strangers, [] if self.failing else self.complaints) == ([], [])


def reading(page):
    """What the panel says: expression, its bars, and the units that fire."""
    return page.evaluate(
        """() => ({
          said: document.getElementById("said").textContent,
          bars: Object.fromEntries(
            [...document.querySelectorAll("#expressions tbody tr")].map((row) => {
              const { transform } = row.querySelector(".fill").style;
              return [row.dataset.name, [row.lastChild.textContent, transform]];
            })),
          fired: [...document.querySelectorAll("#units tr.fired")].map((row) => row.dataset.name),
        })"""
    )


def painted(page):
    """Count the pixels that are drawn over the picture, by kind: the box's colour, and others."""
    return page.evaluate(
        """() => {
          const canvas = document.getElementById("drawing");
          const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
          let box = 0, other = 0;
          for (let i = 0; i < data.length; i += 4) {
            if (data[i + 3] < 200) continue;
            if (data[i] === 255 && data[i + 1] === 211 && data[i + 2] === 77) box++;
            else other++;
          }
          return { box, other };
        }"""
    )


def test_the_promises_stand_before_the_camera_button(browser, live):
    with Watched(browser, live) as page:
        text = page.locator("#intro").inner_text()
        for promise in (
            "Nothing is stored, and nothing is sent elsewhere.",
            f"the facslens that serves this page, at 127.0.0.1:{live.port}.",
            "It is not what the person feels.",
            "(AI Act, Article 5(1)(f))",
        ):
            assert promise in text
        intro, camera = (page.locator(one).element_handle() for one in ("#intro", "#camera"))
        assert page.evaluate("([a, b]) => a.compareDocumentPosition(b)", [intro, camera]) & 4
        assert page.locator("video").evaluate("v => v.srcObject") is None
        notes = page.locator("#notes").inner_text()
        assert "no label of a group, and nothing about age, sex or origin" in " ".join(
            notes.split()
        )


def test_a_drawn_face_is_read_as_the_server_reads_it(browser, live):
    with Watched(browser, live) as page:
        with page.expect_response("**/live/units") as response:
            page.click("#drawn")  # the first was shown already: this is the second
        (face,) = response.value.json()["faces"]
        page.wait_for_selector("#tiles figure")
        said = reading(page)
        row = face["row"]
        assert said["said"] == row["expression"] == "surprise"
        for name, (text, transform) in said["bars"].items():
            assert text == f"{int(100 * row[name] + 0.5)} %"
            assert float(transform[7:-1]) == pytest.approx(row[name], abs=1e-5)
        assert said["fired"] == [n[:4] for n, v in row.items() if n.endswith("_fired") and v]
        assert page.locator("#tiles figure").count() == len(face["projections"]) > 3
        drawn_over = painted(page)
        assert drawn_over["box"] > 500
        assert drawn_over["other"] > 500


def test_an_action_unit_that_is_chosen_shows_its_place_and_its_evidence(browser, live):
    facts = json.loads(live.ask("/live/network.json").body)["units"]
    with Watched(browser, live) as page:
        page.click("#drawn")
        page.wait_for_selector("#tiles figure")
        before = painted(page)
        button = page.locator("#units tr[data-name='AU09'] button")
        button.click()
        assert button.get_attribute("aria-pressed") == "true"
        evidence = next(one["evidence"] for one in facts if one["au"] == "AU09")
        assert page.inner_text("#evidence") == evidence
        assert painted(page) != before
        button.click()
        assert button.get_attribute("aria-pressed") == "false"
        assert painted(page) == before


def test_the_camera_is_read_until_it_is_turned_off(filming, live):
    with Watched(filming, live) as page:
        page.click("#camera")
        seen = set()
        for expression in ("happiness", "surprise"):
            page.locator("#said", has_text=expression).wait_for(timeout=20_000)
            seen.add(expression)
        assert painted(page)["box"] > 500
        assert page.inner_text("#camera") == "Turn the camera off"
        assert "none is recorded" in page.inner_text("#caption")
        page.wait_for_selector("#speed[data-rate]")
        page.click("#hold")
        page.wait_for_selector("#tiles figure")
        held = reading(page)
        page.wait_for_timeout(300)
        assert reading(page) == held
        page.click("#hold")
        page.wait_for_selector("#behind", state="hidden")
        page.click("#camera")
        assert page.locator("video").evaluate("v => v.srcObject") is None
        page.wait_for_timeout(300)  # for a picture that was under way
        asked = page.evaluate("performance.getEntriesByType('resource').length")
        page.wait_for_timeout(300)
        assert page.evaluate("performance.getEntriesByType('resource').length") == asked
        assert page.inner_text("#caption") == "The camera is off."


def test_without_a_camera_a_sentence_says_so(browser, live):
    with Watched(browser, live, permissions=["camera"]) as page:
        page.click("#camera")
        page.locator(
            "#message", has_text="No camera was found. Connect one, or choose a photograph."
        ).wait_for()
        assert page.inner_text("#camera") == "Turn the camera on"
        assert reading(page)["said"] == "Nothing read"
        assert painted(page) == {"box": 0, "other": 0}


def test_a_camera_that_is_not_allowed_is_told(chromium, live):
    with Watched(
        chromium("--use-fake-device-for-media-stream", "--deny-permission-prompts"), live
    ) as page:
        page.click("#camera")
        page.locator(
            "#message", has_text="The browser was not allowed to use the camera."
        ).wait_for()


def test_a_photograph_of_two_is_read_face_by_face(browser, live, drawn, encode):
    with Watched(browser, live) as page:
        both = encode(np.hstack([drawn[0], drawn[1]]), "JPEG")
        page.set_input_files("#file", {"name": "two.jpg", "mimeType": "image/jpeg", "buffer": both})
        page.wait_for_selector("#frame[data-faces='2']")
        page.wait_for_selector("#tiles figure")
        said = []
        for button in page.locator("#faces button").all():
            button.click()
            said.append(reading(page)["said"])
            assert button.get_attribute("aria-pressed") == "true"
        assert sorted(said) == ["happiness", "surprise"]
        box = page.locator("#frame").bounding_box()
        for side, expression in ((0.25, "happiness"), (0.75, "surprise")):
            page.mouse.click(box["x"] + side * box["width"], box["y"] + box["height"] / 2)
            assert reading(page)["said"] == expression


def test_a_picture_without_a_face_and_a_file_without_a_picture_are_told(browser, live, encode, rng):
    with Watched(browser, live) as page:
        ground = encode(rng.integers(90, 170, (480, 640, 3), dtype=np.uint8))
        page.set_input_files(
            "#file", {"name": "wall.png", "mimeType": "image/png", "buffer": ground}
        )
        page.locator("#message", has_text="No face found in this picture.").wait_for()
        assert reading(page)["said"] == "No face found"
        assert painted(page) == {"box": 0, "other": 0}
        page.set_input_files("#file", {"name": "a.png", "mimeType": "image/png", "buffer": b"text"})
        page.locator(
            "#message", has_text="This file is no picture that the browser can open."
        ).wait_for()


def test_a_photograph_can_be_dropped_and_too_large_ones_are_made_smaller(browser, live):
    with Watched(browser, live) as page:
        with page.expect_response("**/live/faces") as response:
            page.evaluate(
                """async () => {
                  const file = await fetch("drawn-3.webp").then((answer) => answer.blob());
                  const padded = new Blob([file, new Uint8Array(17_000_000)], { type: file.type });
                  const dropped = new DataTransfer();
                  dropped.items.add(new File([padded], "large.webp", { type: file.type }));
                  const drop = { dataTransfer: dropped, bubbles: true };
                  document.body.dispatchEvent(new DragEvent("drop", drop));
                }"""
            )
        sent = response.value.request.all_headers()
        assert sent["content-type"] == "image/jpeg"
        assert int(sent["content-length"]) < 1_000_000
        page.wait_for_selector("#tiles figure")
        assert reading(page)["said"] == response.value.json()["faces"][0]["row"]["expression"]


def test_everything_can_be_done_from_the_keyboard(filming, live):
    with Watched(filming, live) as page:
        names = []
        for _ in range(5):
            page.keyboard.press("Tab")
            names.append(
                page.evaluate("document.activeElement.id || document.activeElement.className")
            )
        assert names == ["skip", "camera", "choose", "drawn", ""]
        page.focus("#drawn")
        page.keyboard.press("Enter")
        page.wait_for_selector("#tiles figure")
        page.focus("#camera")
        page.keyboard.press("Space")
        page.wait_for_selector("#speed[data-rate]", timeout=20_000)
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.id") == "hold"
        page.keyboard.press("Enter")
        page.wait_for_selector("#tiles figure")
        page.focus("#camera")
        page.keyboard.press("Enter")
        assert page.locator("video").evaluate("v => v.srcObject") is None


@pytest.mark.parametrize(
    ("width", "scheme"), [(360, "light"), (360, "dark"), (1280, "light"), (2560, "dark")]
)
def test_it_fits_every_screen_and_reader(browser, live, width, scheme):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    with Watched(browser, live, width, color_scheme=scheme, bypass_csp=True) as page:
        for state in ("start", "reading"):
            assert page.locator("body").get_attribute("data-state") == state
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            found = axe.run(page).response["violations"]
            assert [
                (one["id"], [node["target"] for node in one["nodes"]])
                for one in found
                if one["impact"] in ("serious", "critical")
            ] == []
            if state == "start":
                page.click("#drawn")
                page.wait_for_selector("#tiles figure")


def test_it_says_that_facslens_was_stopped(browser, live):
    with Watched(browser, live, failing=True) as page:
        page.route("**/live/faces", lambda route: route.abort())
        page.click("#drawn")
        page.locator(
            "#message",
            has_text="facslens does not answer. Is it still running where you started it?",
        ).wait_for()
        page.unroute("**/live/faces")
        page.route(
            "**/live/faces",
            lambda route: route.fulfill(status=503, headers={"Retry-After": "0.1"}, body="busy"),
            times=2,
        )
        page.click("#drawn")
        page.wait_for_selector("#tiles figure")
        assert page.locator("#message").is_hidden()


def test_the_policy_stops_a_script_that_is_not_its_own(browser, live):
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"http://127.0.0.1:{live.port}/live/")
    stopped = page.evaluate(
        """async () => {
          const stopped = [];
          document.addEventListener("securitypolicyviolation",
            (event) => stopped.push(event.effectiveDirective));
          const script = document.createElement("script");
          script.textContent = "window.injected = true";
          document.body.append(script);
          const foreign = "<p style='color: red'>x</p><img src='https://example.org/a.png'>";
          document.body.insertAdjacentHTML("beforeend", foreign);
          await fetch("https://example.org/").catch(() => 0);
          await new Promise((done) => setTimeout(done, 300));
          return stopped;
        }"""
    )
    assert sorted(set(stopped)) == ["connect-src", "img-src", "script-src-elem", "style-src-attr"]
    assert page.evaluate("window.injected") is None
    context.close()
