"""The section that says how a network was opened, in the page and in a browser."""

import pytest

import facslens as fl
from facslens.models.model import build
from facslens.report.html import open_page, write_report
from facslens.report.missing import Missing
from facslens.report.sections.opened import build_opened
from facslens.runs.record import RunRecord


@pytest.fixture(scope="module")
def record(drawn_ck48, draw_stimuli, tmp_path_factory) -> RunRecord:
    folder = tmp_path_factory.mktemp("networks") / "paper"
    fl.save_model(build("paper", ("anger", "happiness", "surprise"), 48, seed=0), folder)
    stimuli = draw_stimuli(tmp_path_factory.mktemp("stimuli") / "set", grades=("C", "E"))
    return fl.audit(
        folder, f"ck48:{drawn_ck48}", tmp_path_factory.mktemp("audits") / "run",
        stimuli=stimuli, untrained=1, permutations=19, layer="conv3",
    )  # fmt: skip


def test_the_view_has_the_numbers_of_the_run(record) -> None:
    view = open_page(record.run).of(build_opened)
    assert not isinstance(view, Missing)
    # the paper's with five classes less: 300 weights and a bias each
    assert view.parameters == 1_335_508 - 5 * 301
    assert (view.choosing, view.measuring) == (5, 5)
    assert [(s.of, s.faces) for s in view.sights] == [
        ("drawn faces at rest", 20), ("faces of the dataset", 144),
    ]  # fmt: skip
    last = view.layers[-1]
    assert (last.name, last.kind, last.steps) == ("conv3", "convolution", ["relu"])
    assert (last.units, last.map, last.field, last.stride) == (256, "12×12", "32×32", "4×4")
    assert (last.rules, last.why, last.shortcut) == ("exact", "", False)
    assert [layer.looked_at for layer in view.layers] == [False, False, True]
    assert view.recognised is not None
    assert view.recognised.accuracy[1] == pytest.approx(1 / 3)
    assert view.recognised.beyond_chance is False


def test_limits_of_coded_faces_are_said_where_there_are_some(
    record, drawn_stimuli, tmp_path
) -> None:
    drawn = fl.audit(
        "compact", out=tmp_path / "run", stimuli=drawn_stimuli, untrained=1, layer="stem"
    )
    for run, coded in ((record.run, True), (drawn.run, False)):
        text = (run / "report" / "index.html").read_text(encoding="utf-8")
        assert ("Age, skin tone, pose, light and camera outside the dataset" in text) == coded
        assert ("of discovery only screens" in text) == coded
        assert ("No photograph was shown" in text) != coded
        assert "Finding a detector is not evidence of learning." in text


def test_a_run_that_trains_leaves_the_section_out(full_run) -> None:
    assert open_page(full_run).of(build_opened) == Missing()
    page = write_report(full_run).read_text(encoding="utf-8")
    assert 'id="opened"' not in page
    assert "How it was opened" not in page


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1440])
def test_the_section_fits_and_shows_its_pictures(browser, record, width, scheme) -> None:
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto((record.run / "report" / "index.html").as_uri())
    page.evaluate("document.querySelectorAll('img').forEach(i => { i.loading = 'eager' })")
    page.wait_for_load_state("load")
    page.evaluate("Promise.all([...document.images].map(i => i.decode()))")
    sizes = page.evaluate("[...document.querySelectorAll('#opened img')].map(i => i.naturalWidth)")
    assert sizes == [48, 48]
    assert page.locator("#opened tbody tr").count() == 3
    assert page.locator("#opened .banner").count() == 1
    assert "no better than guessing" in page.locator(".hero .banner").first.inner_text()
    page.locator(".hero .banner a").first.click()
    assert page.evaluate("location.hash") == "#opened"
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert complaints == []
    page.close()
