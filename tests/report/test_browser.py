"""The page in a real browser: no request, no error, nothing wider than the screen."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from facslens.report.html import write_report
from facslens.runs.folder import Run

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def index(full_run: Run) -> Path:
    return write_report(full_run)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1440])
def test_opens_from_the_disk_without_complaint(
    browser: Any, index: Path, width: int, scheme: str
) -> None:
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    requests: list[str] = []
    complaints: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    page.on("requestfailed", lambda request: complaints.append(f"failed: {request.url}"))
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(index.as_uri())
    page.evaluate("document.querySelectorAll('img').forEach(i => { i.loading = 'eager' })")
    page.wait_for_load_state("load")
    # its policy forbids what a wait for a condition would evaluate in the page again and again
    page.evaluate("Promise.all([...document.images].map(i => i.decode()))")
    assert page.evaluate("[...document.images].every(i => i.naturalWidth > 0)")
    assert complaints == []
    assert [r for r in requests if not r.startswith(("file:", "data:"))] == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.close()


def test_a_chain_is_no_wider_than_a_phone(
    browser: Any, write_run: Callable[..., Run], write_chain: Callable[..., None]
) -> None:
    run = write_run()
    write_chain(run)
    page = browser.new_page(viewport={"width": 390, "height": 900})
    page.goto(write_report(run).as_uri())
    assert page.evaluate("document.querySelectorAll('svg.chain').length") == 2
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.close()


def test_the_policy_stops_what_the_page_does_not_need(browser: Any, index: Path) -> None:
    page = browser.new_page()
    page.goto(index.as_uri())
    stopped = page.evaluate(
        """async () => {
          const stopped = [];
          document.addEventListener("securitypolicyviolation",
            (event) => stopped.push(event.effectiveDirective));
          const script = document.createElement("script");
          script.textContent = "window.injected = true";
          document.body.append(script);
          const style = document.createElement("style");
          style.textContent = "body { color: red }";
          document.body.append(style);
          const image = document.createElement("img");
          image.src = "https://example.org/pixel.png";
          document.body.append(image);
          await fetch("https://example.org/").catch(() => 0);
          const frame = document.createElement("iframe");
          frame.src = "data:text/html,hello";
          document.body.append(frame);
          await new Promise((done) => setTimeout(done, 300));
          return stopped.sort();
        }"""
    )
    assert stopped == ["connect-src", "frame-src", "img-src", "script-src-elem", "style-src-elem"]
    assert page.evaluate("window.injected") is None
    page.close()


def test_reads_the_same_without_scripts(browser: Any, index: Path) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(index.as_uri())
    assert "2 of 5 action units have a detector" in page.inner_text("h1")
    assert page.locator("#AU01 svg.whisker").count() == 1
    assert page.locator("#AU01 .exemplars li").count() == 6
    context.close()


def test_whiskers_stand_where_their_numbers_say(browser: Any, index: Path) -> None:
    """AU01 has 0.973 on unseen subjects and 1 is the right end of the axis, 0.4 the left."""
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    page.goto(index.as_uri())
    svg = page.locator(".forest .confirmed svg.whisker").first
    frame = svg.evaluate(
        "s => { const b = s.getBoundingClientRect(), c = s.querySelector('.unseen')"
        ".getBoundingClientRect(); return [b.left, b.width, c.left + c.width / 2] }"
    )
    left, width, centre = frame
    # half a pixel for the browser's rounding
    assert centre == pytest.approx(left + width * (0.973 - 0.4) / 0.6, abs=0.5)
    page.close()


def test_only_a_confirmed_detector_looks_confirmed(browser: Any, index: Path) -> None:
    page = browser.new_page()
    page.goto(index.as_uri())
    colour = "e => getComputedStyle(e).backgroundColor"
    assert page.locator("#AU01 .badge").evaluate(colour) == "rgb(0, 114, 178)"
    assert page.locator("#AU06 .badge").evaluate(colour) == "rgba(0, 0, 0, 0)"
    page.close()


def test_the_pointer_reads_a_value_of_the_heat_map(browser: Any, index: Path) -> None:
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    page.goto(index.as_uri())
    chart = page.locator(".overview .map").first
    chart.scroll_into_view_if_needed()
    box = chart.bounding_box()
    page.mouse.move(box["x"] + 2, box["y"] + 2)
    assert page.locator(".readout").first.inner_text().startswith("unit 2 · AU01 · 0.98")
    page.close()


@pytest.mark.parametrize(
    ("source", "begins"),
    [("summary", "Asked\nWhich feature maps"), ("methods-text", "A convolutional network"),
     ("bibtex", "@software{facslens,")],
)  # fmt: skip
def test_buttons_copy_what_they_say(browser: Any, index: Path, source: str, begins: str) -> None:
    page = browser.new_page()
    page.add_init_script("navigator.clipboard.writeText = async (text) => { window.copied = text }")
    page.goto(index.as_uri())
    button = page.locator(f'[data-copy="{source}"]')
    button.click()
    assert button.inner_text() == "Copied"
    copied = page.evaluate("window.copied")
    assert copied.startswith(begins)
    assert copied == page.locator(f"#{source}").inner_text()
    page.close()


def test_where_nothing_can_be_copied_the_text_is_selected(browser: Any, index: Path) -> None:
    page = browser.new_page()
    page.add_init_script("navigator.clipboard.writeText = async () => { throw new Error('no') }")
    page.goto(index.as_uri())
    button = page.locator('[data-copy="bibtex"]')
    button.click()
    assert button.inner_text() == "Selected: copy it with the keyboard"
    assert page.evaluate("getSelection().toString()").startswith("@software{facslens,")
    page.close()


def test_buttons_are_there_only_with_scripts_and_hold_none(browser: Any, index: Path) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(index.as_uri())
    assert page.locator("[data-copy]").count() == 3
    assert not any(button.is_visible() for button in page.locator("[data-copy]").all())
    context.close()
    markup = index.read_text(encoding="utf-8")
    assert not re.search(
        r"<[^>]*\son[a-z]+\s*=", re.sub(r"<script.*?</script>", "", markup, flags=re.DOTALL)
    )


def test_the_page_fits_the_smallest_phone(browser: Any, index: Path) -> None:
    page = browser.new_page(viewport={"width": 360, "height": 740})
    page.goto(index.as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.close()
