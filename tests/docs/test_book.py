"""The book as a site: it builds without a warning, is whole, and fetches nothing from elsewhere."""

import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

import facslens
from facslens.action_units import WHEN
from facslens.cli.commands import COMMANDS
from facslens.datasets.layouts import COMMON_KEYS, LAYOUTS

ROOT = Path(__file__).parents[2]


class Page(HTMLParser):
    """What a page of the site loads, where it leads, and which places in it can be led to."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.leads: list[str] = []
        self.places: set[str] = set()
        self.words: list[str] = []
        self.feed(file.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.places |= {given[name] for name in ("id", "name") if name in given}
        if tag == "a":
            self.leads += [given["href"]] if "href" in given else []
        elif not (tag == "link" and given.get("rel") in ("index", "search", "next", "prev")):
            self.loads += [given[name] for name in ("src", "href", "srcset") if name in given]

    def handle_data(self, data: str) -> None:
        self.words.append(data)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The book, built as README and CI build it: a warning is an error."""
    folder = tmp_path_factory.mktemp("book")
    command = (sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "docs", folder)
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[str, Page]:
    return {file.name: Page(file) for file in site.glob("*.html")}


def test_what_a_page_loads_is_there_and_from_the_book_itself(site, pages):
    for name, page in pages.items():
        for place in page.loads:
            if not place.startswith(("data:", "#")):
                file = site / unquote(place.partition("?")[0].partition("#")[0])
                assert ":" not in place, f"{name} loads {place}"
                assert file.is_file(), f"{name} loads {place}"


def test_a_link_leads_to_a_page_and_a_place_that_are_there(pages):
    checked = 0
    for name, page in pages.items():
        for link in page.leads:
            if link.startswith(("http://", "https://")):
                continue
            there, _, place = unquote(link).partition("#")
            target = pages.get(there or name)
            assert target is not None, f"{name} leads to {link}"
            assert not place or place in target.places, f"{name} leads to {link}"
            checked += 1
    assert checked > 1000


def test_no_style_or_script_of_the_book_names_another_origin_to_load_from(site):
    for file in site.rglob("*.css"):
        text = file.read_text(encoding="utf-8")
        assert "@import" not in text, file
        assert "url(http" not in text.replace('"', "").replace("'", ""), file


def test_every_public_name_is_explained(pages):
    named = set(facslens.__all__) - {"__version__", "load"}  # load is load_faces by an older name
    named = (named - {"plot"}) | {f"plot.{name}" for name in facslens.plot.__all__}
    assert {f"facslens.{name}" for name in named} <= pages["api.html"].places
    assert "Project a unit’s response to one face back to pixels." in pages["api.html"].words


def test_pages_of_tables_have_every_entry(pages):
    datasets = " ".join(" ".join(pages["datasets.html"].words).split())
    for name, layout in LAYOUTS.items():
        assert layout.path.split("`")[0] in datasets, name
        assert all(f"{key}=" in datasets for key in (*layout.keys, *COMMON_KEYS)), name
        assert not layout.source or all(word in datasets for word in layout.source.split()), name
        if layout.official is not None:
            assert f"{layout.official.told[1:]} ( {layout.official.source} )." in datasets, name
    assert "and https://zenodo.org/record/3451524 : read as described there, and not" in datasets
    commands = pages["commands.html"].words
    assert all(f"facslens {name}" in commands for name in COMMANDS)
    assert {f"_static/{code.lower()}.webp" for code in WHEN} <= set(pages["facs.html"].loads)


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("name", ["index", "facs", "peers"])
def test_a_page_opens_from_the_disk_and_is_no_wider_than_the_screen(
    browser: Any, site: Path, name: str, width: int, scheme: str
):
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    requests: list[str] = []
    complaints: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    page.on("requestfailed", lambda request: complaints.append(request.url))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto((site / f"{name}.html").as_uri())
    page.evaluate("document.querySelectorAll('img').forEach(i => { i.loading = 'eager' })")
    page.evaluate("Promise.all([...document.images].map(i => i.decode()))")
    assert complaints == []
    assert [one for one in requests if not one.startswith(("file:", "data:"))] == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.close()


@pytest.mark.browser
def test_the_book_is_searched_from_the_disk(browser: Any, site: Path):
    page = browser.new_page()
    page.goto((site / "search.html").as_uri() + "?q=patching")
    page.wait_for_selector("#search-results li a")
    found = page.eval_on_selector_all("#search-results li a", "all => all.map(a => a.href)")
    assert any("mechanism.html" in link for link in found)
    page.close()
