"""The BibTeX of a run: what it used, each once, as BibTeX reads it."""

import re
import tomllib
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from facslens.report.citations import AUTHOR, TITLE, bibtex, software, sources
from facslens.report.html import open_page, write_report
from facslens.report.sections.citing import FACES, _keys, build_citing
from facslens.runs.folder import Run
from facslens.version import RELEASED, __version__

ROOT = Path(__file__).parents[2]


def parsed(text: str) -> dict[str, dict[str, str]]:
    """Read BibTeX by its grammar: every entry closes its braces, every field is in braces."""
    found: dict[str, dict[str, str]] = {}
    place = 0
    while match := re.compile(r"\s*@(\w+)\{([\w-]+),").match(text, place):
        place = match.end()
        fields = {"entry": match[1]}
        while field := re.compile(r"\s*(\w+) = \{").match(text, place):
            place, depth = field.end(), 1
            begin = place
            while depth:
                depth += {"{": 1, "}": -1}.get(text[place], 0)
                place += 1
            fields[field[1]] = text[begin : place - 1]
            place += text[place] == ","  # the last field needs none
        end = re.compile(r"\s*\}").match(text, place)
        assert end, f"{match[2]} is not closed"
        place = end.end()
        assert match[2] not in found, f"{match[2]} stands twice"
        found[match[2]] = fields
    assert not text[place:].strip(), f"not read: {text[place:][:60]}"
    return found


def keys(run: Run) -> set[str]:
    return set(parsed(open_page(run).of(build_citing).bibtex))


def test_every_source_can_be_read_and_has_author_title_and_year() -> None:
    found = parsed("\n\n".join(sources().values()))
    assert list(found) == list(sources())
    assert found["zhu2019"]["eprint"] == "1904.09737"
    for key, fields in found.items():
        assert {"author", "title", "year"} <= set(fields), key


def test_the_day_of_the_release_is_said_once_it_is_known() -> None:
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    if RELEASED is None:
        assert "date-released" not in citation
        assert f"## [{__version__}]" not in changes
    else:
        assert f"date-released: {RELEASED}" in citation
        assert f"## [{__version__}] - {RELEASED}" in changes
    own = parsed(software("1.0", "2027-01-31"))["facslens"]
    assert (own["year"], own["date"]) == ("2027", "2027-01-31")
    assert "year" not in parsed(software("1.0", None))["facslens"]
    older = parsed(bibtex([], "0.0.1"))["facslens"]  # when that was is not known here
    assert (older["version"], "year" in older) == ("0.0.1", False)


def test_facslens_is_cited_as_its_package_names_it() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["authors"] == [{"name": AUTHOR}]
    assert f"{project['name']}: {project['description']}".lower() == TITLE.lower()
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    for line in (f'title: "{TITLE}"', f"name: {AUTHOR}", f"license: {project['license']}"):
        assert line in citation
    entry = parsed(software("9.8.7"))["facslens"]
    assert entry == {
        "entry": "software",
        "author": "{The facslens authors}",
        "title": TITLE,
        "version": "9.8.7",
        "license": project["license"],
    }


def test_a_run_cites_what_it_used_and_nothing_else(
    full_run: Run, write_run: Callable[..., Run], write_chain: Callable[..., None]
) -> None:
    found = keys(full_run)
    assert {"facslens", "zhu2019", "khorrami2015", "ekman2002facs", "bregier2025anny"} <= found
    assert {"westfall1993", "phipson2010", "benjamini1995", "hanley1982", "efron1993"} <= found
    assert {"zeiler2014", "nie2018", "adebayo2018", "wang2004", "morcos2018", "alain2017"} <= found
    assert not found & {"springenberg2015", "lucey2010", "vig2020", "holm1979", "lin1991"}
    run = write_run()
    write_chain(run)
    assert keys(run) - found == {"vig2020", "geiger2021", "syed2024"}


def test_the_faces_of_a_layout_are_cited_by_their_source(write_run: Callable[..., Run]) -> None:
    run = write_run(synthetic=False)
    for layout, cited in FACES.items():
        run.update(data=f"{layout}:somewhere")
        assert set(cited) <= keys(run)
        assert "bregier2025anny" not in keys(run)


def test_what_a_run_has_not_done_is_not_cited(
    write_run: Callable[..., Run], noted: Callable[[Run], None]
) -> None:
    run = write_run()
    for name in ("mapping.csv", "verify/sanity.csv"):
        (run / name).unlink()
    noted(run)
    assert not keys(run) & {"westfall1993", "wang2004", "nie2018"}


def test_guided_pictures_are_cited_by_their_own_source(
    write_run: Callable[..., Run], noted: Callable[[Run], None]
) -> None:
    run = write_run()
    index = pd.read_csv(run / "projections" / "index.csv")
    index.assign(rule="guided").to_csv(run / "projections" / "index.csv", index=False)
    noted(run)
    assert {"springenberg2015", "zeiler2014"} <= keys(run)


def test_every_key_that_a_run_may_cite_is_a_source(full_run: Run) -> None:
    assert set(_keys(open_page(full_run))) <= set(sources())
    with pytest.raises(KeyError, match="nobody1999"):
        bibtex(["nobody1999"])


def test_the_page_has_the_text_and_the_file(full_run: Run) -> None:
    index = write_report(full_run)
    text = (index.parent / "data" / "references.bib").read_text(encoding="utf-8")
    page = index.read_text(encoding="utf-8")
    assert '<pre class="bibtex" id="bibtex" tabindex="0">@software{facslens,' in page
    assert 'data-copy="bibtex"' in page
    assert parsed(text) == parsed(open_page(full_run).of(build_citing).bibtex)
