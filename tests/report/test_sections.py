"""The page is a table of sections: one from outside is on it like any other."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import jinja2
import pytest

from facslens.report import html
from facslens.report.contents import SECTIONS
from facslens.report.html import render, write_report
from facslens.report.missing import Missing
from facslens.report.section import Page, Section
from facslens.report.tables import RunTables
from facslens.runs.folder import Run


@dataclass(frozen=True)
class Weather:
    """What a section from outside says."""

    faces: int


def build_weather(page: Page) -> Weather | Missing:
    faces = page.tables.faces
    return (
        page.tables.missing("The sky is unknown", "train") if faces is None else Weather(len(faces))
    )


WEATHER = Section(
    order=55,
    anchor="weather",
    heading="Was the sun shining?",
    title="Weather",
    template="weather.html",
    build=build_weather,
    downloads={"units.csv": "a table that no other section offers"},
    files=lambda page: {"weather/sun.txt": b"bright"},
    loader=jinja2.DictLoader({"weather.html": "<p>Over {{ view.faces }} faces it was.</p>"}),
)


def test_a_section_from_outside_is_on_the_page_and_in_its_navigation(
    write_run: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(html, "SECTIONS", [WEATHER, *SECTIONS])
    index = write_report(write_run())
    page = index.read_text(encoding="utf-8")
    assert '<li><a href="#weather">Weather</a></li>' in page
    assert (
        '<section id="weather">\n<h2>Was the sun shining?</h2>\n<p>Over 72 faces it was.</p>'
        in page
    )
    places = [page.index(f'<section id="{name}">') for name in ("cause", "weather", "place")]
    assert places == sorted(places)
    assert (index.parent / "weather" / "sun.txt").read_bytes() == b"bright"
    assert (index.parent / "data" / "units.csv").is_file()
    assert "a table that no other section offers; 11 rows" in page


def test_a_part_from_outside_stands_within_its_section(full_run: Run) -> None:
    part = Section(
        order=41,
        anchor="sky",
        heading="And the sky?",
        template="sky.html",
        build=lambda _page: "blue",
        part_of="evidence",
        loader=jinja2.DictLoader({"sky.html": "<p>It was {{ view }}.</p>"}),
    )
    page = render(Page(RunTables(full_run), (*SECTIONS, part)))
    evidence = page[page.index('<section id="evidence">') : page.index('<section id="cause">')]
    assert "<h3>And the sky?</h3>\n<p>It was blue.</p>" in evidence
    assert 'href="#sky"' not in page


def test_a_section_whose_stage_has_not_run_says_which_command_does(tmp_path: Path) -> None:
    run = Run.create(tmp_path / "bare", data="synthetic", seed=0)
    page = render(Page(RunTables(run), (WEATHER,)))
    assert f"The sky is unknown: run <code>facslens train {run.folder}</code>" in page


def test_anchors_and_places_are_those_of_one_section_each() -> None:
    tops = [section for section in SECTIONS if not section.part_of]
    assert len({section.anchor for section in SECTIONS}) == len(SECTIONS)
    assert len({section.order for section in tops}) == len(tops)
    assert {s.part_of for s in SECTIONS} - {""} <= {section.anchor for section in tops}
    assert [section.anchor for section in tops] == [
        "answer", "experiment", "effects", "chain", "readable", "groups", "glance", "units",
        "evidence", "cause", "place", "truth", "further", "heatmap", "rule", "opened", "network",
        "faces", "methods", "limits", "files",
    ]  # fmt: skip
