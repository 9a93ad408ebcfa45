"""The exported folder in a real browser, from the disk, as a reader would use it."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from facslens.explorer.script import script

pytestmark = pytest.mark.browser

PAGES = {
    "start": "#/",
    "play": "#/play",
    "units": "#/units",
    "unit": "#/unit/conv3/84",
    "au": "#/au/12",
    "expression": "#/expression/happiness",
    "compare": "#/compare",
    "about": "#/about",
}


class Reader:
    """A page of the folder, and whatever it complains of or asks for."""

    def __init__(
        self, browser: Any, folder: Path, width: int = 1440, scheme: str = "light"
    ) -> None:
        self.page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
        self.complaints: list[str] = []
        self.requests: list[str] = []
        page = self.page
        page.on("console", lambda message: self.complaints.append(message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("requestfailed", self.failed)
        page.on("request", lambda request: self.requests.append(request.url))
        self.index = (folder / "index.html").as_uri()

    def failed(self, request: Any) -> None:
        """Note what did not come, but for what the page was left before, such as its icon."""
        if request.failure != "net::ERR_ABORTED":
            self.complaints.append(f"failed {request.url}: {request.failure}")

    def open(self, address: str = "#/") -> Any:
        """Open a page anew and wait until it has been made."""
        self.page.goto("about:blank")
        self.page.goto(self.index + address)
        return self.made()

    def made(self, turn: int = 1) -> Any:
        """Wait until so many pages have been made since the folder was opened."""
        self.page.wait_for_selector(f'html[data-ready="{turn}"]', state="attached")
        return self.page

    def until(self, address: str) -> None:
        """Wait for an address, or one with a part; the policy forbids to wait in the page."""
        part = "=" in address
        for _ in range(200):
            if self.address == address or (part and address in self.address):
                return
            self.page.wait_for_timeout(25)
        raise AssertionError(f"{self.address} is not {address}")

    @property
    def address(self) -> str:
        """The part of the address after the file."""
        return str(self.page.url).partition("index.html")[2]


@pytest.fixture
def reader(browser: Any, folder: Path) -> Iterator[Reader]:
    found = Reader(browser, folder)
    yield found
    found.page.close()
    assert found.complaints == []
    assert [url for url in found.requests if not url.startswith(("file:", "data:", "about:"))] == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1024, 2560])
def test_every_page_fits_every_screen(browser: Any, folder: Path, width: int, scheme: str) -> None:
    reader = Reader(browser, folder, width, scheme)
    for name, address in PAGES.items():
        page = reader.open(address)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, name
        assert page.locator("h1").count() == 1, name
        background = page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
        light = int(background.split("(")[1].split(",")[0]) > 127
        assert light == (scheme == "light")
    assert reader.complaints == []
    reader.page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_serious_finding_of_axe(browser: Any, folder: Path, scheme: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    reader = Reader(browser, folder, scheme=scheme)
    for name, address in PAGES.items():
        page = reader.open(address)
        found = axe.run(page).response["violations"]
        serious = [
            (one["id"], [node["html"][:120] for node in one["nodes"]][:3])
            for one in found
            if one["impact"] in ("serious", "critical")
        ]
        assert serious == [], name
    reader.page.close()


def test_click_through_from_the_face_to_a_unit_and_back(reader: Reader) -> None:
    page = reader.open()
    page.locator(".face-diagram a.mark[data-au=AU12]").click()
    reader.made(2)
    assert reader.address == "#/au/12"
    assert page.locator("h1").inner_text() == "AU12 lip corner puller"
    assert page.evaluate("document.activeElement.tagName") == "H1"
    page.locator(".layers .beside a").first.click()
    reader.made(3)
    assert reader.address.startswith("#/unit/conv1/")
    page.go_back()
    reader.made(4)
    assert reader.address == "#/au/12"
    page.go_back()
    reader.made(5)
    assert page.locator("h1").inner_text().startswith("What has this network learned")


def test_a_permanent_address_shows_the_numbers_of_the_run(reader: Reader, read: Any) -> None:
    page = reader.open("#/unit/conv3/84")
    assert page.locator("h1").inner_text() == "Unit conv3/84"
    own = read("unit/1-64")["units"][20]
    if own["exemplars"]:
        shown = page.locator(".exemplars > li > .number").first.inner_text()
        assert shown == f"{own['exemplars'][0]['response']:.2f}"
    assert page.title().startswith("Unit conv3/84 · small run")
    page = reader.open("#/unit/conv3/84000")
    assert "There is no unit conv3/84000" in page.inner_text("main")


def test_the_list_is_filtered_sorted_and_kept_in_the_address(reader: Reader, read: Any) -> None:
    shown = read("site")["units"]
    page = reader.open("#/units")
    page.fill('input[aria-label="Filter by AUROC"]', ">0.9")
    reader.until("f.auroc=%3E0.9")
    expected = sum(
        a is not None and a > 900 and not dead
        for a, dead in zip(shown["auroc"], shown["status"], strict=True)
    )
    assert expected > 0
    assert page.locator(".count b").inner_text() == str(expected)
    page.locator(".sort", has_text=re.compile("^AUROC$")).click()
    first = page.locator(".space .grid-row[aria-rowindex='2']").inner_text()
    assert f"{max(a for a in shown['auroc'] if a is not None) / 1000:.2f}" in first
    kept = reader.address
    page = reader.open(kept)
    assert page.locator(".count b").inner_text() == str(expected)
    assert page.input_value('input[aria-label="Filter by AUROC"]') == ">0.9"


def test_a_box_in_the_plot_selects(reader: Reader, read: Any) -> None:
    shown = read("site")["units"]
    page = reader.open("#/units")
    box = page.locator(".scatter").bounding_box()
    x, y, wide, high = (box[name] for name in ("x", "y", "width", "height"))
    page.mouse.move(x + wide * 0.55, y + 15)
    page.mouse.down()
    page.mouse.move(x + wide - 15, y + high * 0.5, steps=4)
    page.mouse.up()
    reader.until("box=")
    low, bottom, right, top = map(float, reader.address.split("box=")[1].split("%2C"))
    inside = sum(
        not dead and a is not None and low <= a / 1000 <= right and bottom <= b / 1000 <= top
        for a, b, dead in zip(shown["separation"], shown["wins"], shown["status"], strict=True)
    )
    # the ends in the address are rounded to thousandths, as the numbers are
    assert int(page.locator(".count b").inner_text()) == pytest.approx(inside, abs=1)
    page.locator(".count button").click()
    assert "box=" not in reader.address


def test_search_finds_what_people_type(reader: Reader) -> None:
    page = reader.open()
    for typed, address in (
        ("AU12", "#/au/12"),
        ("au_1", "#/au/1"),
        ("brow", "#/au/4"),
        ("conv3/84", "#/unit/conv3/84"),
        ("happ", "#/expression/happiness"),
    ):
        page.keyboard.press("/")
        page.keyboard.type(typed)
        page.keyboard.press("Enter")
        reader.until(address)
    page.keyboard.press("/")
    page.keyboard.type("nothing of that kind")
    assert "nothing found" in page.inner_text("#found")
    page.keyboard.press("Escape")


def test_the_keyboard_alone_goes_everywhere(reader: Reader) -> None:
    page = reader.open()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("g")
    page.keyboard.press("u")
    reader.made(2)
    page.locator(".scroller").focus()
    for _ in range(3):
        page.keyboard.press("ArrowDown")
    row = page.locator(".space .grid-row.active")
    assert row.get_attribute("aria-rowindex") == "4"
    name = row.locator("a").inner_text()
    page.keyboard.press("Enter")
    reader.made(3)
    assert page.locator("h1").inner_text() == f"Unit {name}"
    page.keyboard.press("g")
    page.keyboard.press("p")
    reader.made(4)
    page.locator('input[aria-label="AU12 lip corner puller"]').focus()
    page.keyboard.press("ArrowRight")
    assert reader.address == "#/play/P001/AU12=C"
    page.keyboard.press("ArrowRight")
    assert reader.address == "#/play/P001/AU12=E"  # C and E alone were drawn
    page.keyboard.press("t")
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"


def test_playing_shows_what_was_recorded(reader: Reader, read: Any) -> None:
    answers = read("play/0")
    page = reader.open("#/play/P001/AU12=E")
    state = next(k for k, one in enumerate(answers["states"]) if one["name"] == "AU12-E")
    shown = page.locator(".expressions li .number").all_inner_texts()
    assert shown == [f"{round(c / 10)} %" for c in answers["chances"][state]]
    assert page.locator(".caption b").inner_text() == "AU12 at E"
    # AU01 was not drawn together with AU12: a slider never stops at what was not drawn
    page.locator('input[aria-label="AU1 inner brow raiser"]').fill("1")
    assert reader.address == "#/play/P001/AU01=C"
    assert page.input_value('input[aria-label="AU12 lip corner puller"]') == "0"
    assert "AU12 back to rest: this combination was not drawn" in page.inner_text("#said")
    page.locator(".strip button").first.click()
    assert reader.address == "#/play/P001/rest"
    page.locator('.people input[value="P005"]').check()
    reader.until("#/play/P005/rest")
    page.get_by_role("button", name="Walk").click()
    reader.until("#/play/P005/AU01=E")
    page.get_by_role("button", name="Stop").click()


def test_compare_counts_what_came_and_what_was_lost(reader: Reader, read: Any) -> None:
    shown = read("site")
    page = reader.open("#/compare?a=conv1&b=conv3&kind=caused")
    caused = {
        layer: {
            d["au"]
            for d in shown["detectors"]
            if (d["layer"], d.get("c_verdict")) == (layer, "caused")
        }
        for layer in (0, 1)
    }
    counts = [int(text) for text in page.locator(".tally > b").all_inner_texts()]
    assert counts[:3] == [
        len(caused[1] - caused[0]),
        len(caused[0] & caused[1]),
        len(caused[0] - caused[1]),
    ]


@pytest.fixture
def different(folder: Path, read: Any, tmp_path: Path) -> Path:
    """The folder against a run of another network: one layer, no experiment, and AU45 on top."""
    copy = shutil.copytree(folder, tmp_path / "site")
    shown = read("site")
    [own] = shown["against"]
    own |= {"name": "other", "layers": [{"name": "block1", "units": 64}], "expressions": ["fear"]}
    kept = {"layer", "au", "unit", "status", "auroc", "test", "low", "high", "p", "said"}
    rows = [{k: v for k, v in d.items() if k in kept} for d in own["detectors"] if d["layer"] == 0]
    own["aus"] = [*own["aus"], "AU45"]
    row = {"layer": 0, "au": len(own["aus"]) - 1, "unit": 3, "status": "confirmed", "test": 0.9}
    own["detectors"] = [*rows, {**dict.fromkeys(kept), **row}]
    (copy / "data" / "site.js").write_bytes(script("site", shown))
    profile = read("profile/0")
    for name in ("observed", "separation"):
        profile[name] = [[*values, None] for values in profile[name]]
    (copy / "data" / "against" / "0-0.js").write_bytes(script("against/0-0", profile))
    return copy


def test_different_networks_are_compared_by_action_units(
    browser: Any, different: Path, read: Any
) -> None:
    reader = Reader(browser, different)
    page = reader.open("#/compare?kind=observed")
    assert "a=0%3Ablock1&b=conv3" in reader.address
    assert page.locator("th", has_text="block1").inner_text() == "other · block1"
    rows = page.locator("tr", has_text="AU45").locator("td").all_inner_texts()
    assert [" ".join(text.split()) for text in rows] == ["block1/3 confirmed 0.90", "not measured"]
    alone = page.locator(".tally.alone")
    assert "AU45" in alone.inner_text()
    assert "action units measured on one side alone" in alone.inner_text()
    networks = page.locator("section", has=page.locator("h2", has_text="Different networks"))
    assert "other\tblock1 (64)\tfear" in networks.inner_text()
    page = reader.open("#/compare?kind=caused")
    assert page.locator(".note").inner_text() == (
        "other · block1 has no values on drawn faces: nothing came or was lost."
    )
    counts = page.locator(".tally > b").all_inner_texts()
    assert counts[:4] == ["0", "0", "0", "0"]
    profile, theirs = (np.array(read(f"profile/{k}")["observed"], float) for k in (1, 0))
    away = np.nanmean(np.abs(theirs - profile[84]), axis=1)  # in thousandths
    page = reader.open("#/unit/conv3/84")
    card = page.locator("section", has=page.locator("h2", has_text="Its partner in other runs"))
    said = f"other: block1/{int(np.nanargmin(away))}, mean difference {np.nanmin(away) / 1000:.3f}"
    card.locator("li", has_text=f"{said} on coded faces").wait_for()
    assert card.locator("li").inner_text().endswith("; of any layer, for it is another network")
    assert reader.complaints == []
    reader.page.close()


def test_the_policy_holds_where_a_server_gives_the_folder(browser: Any, served: str) -> None:
    page = browser.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("requestfailed", lambda request: complaints.append(request.url))
    page.goto(f"{served}/index.html#/play")
    page.wait_for_selector('html[data-ready="1"]', state="attached")
    assert page.locator(".slider").count() == 2
    assert complaints == []
    stopped = page.evaluate(
        """async () => {
          const stopped = [];
          document.addEventListener("securitypolicyviolation",
            (event) => stopped.push(event.effectiveDirective));
          const script = document.createElement("script");
          script.textContent = "window.injected = true";
          document.body.append(script);
          const image = document.createElement("img");
          image.src = "https://example.org/pixel.png";
          document.body.append(image);
          await fetch("https://example.org/").catch(() => 0);
          const styled = document.createElement("div");
          styled.setAttribute("style", "color: red");
          document.body.append(styled);
          await new Promise((done) => setTimeout(done, 200));
          return stopped.sort();
        }"""
    )
    assert stopped == ["connect-src", "img-src", "script-src-elem", "style-src-attr"]
    page.close()
