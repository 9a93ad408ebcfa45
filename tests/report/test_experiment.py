"""The experiment on the page: a small one, written by hand."""

import io
import re
from collections.abc import Callable

import pandas as pd
import pytest
from PIL import Image

from facslens.artifacts import write_table
from facslens.cli.main import main
from facslens.report.html import open_page, render, write_report
from facslens.report.missing import Missing
from facslens.report.sections.answer import build_head
from facslens.report.sections.converged import build_converged
from facslens.report.sections.effects import build_effects
from facslens.report.sections.experiment import build_experiment
from facslens.report.sections.interactions import build_interactions
from facslens.report.sections.sequences import build_sequences
from facslens.report.sections.switched import build_switched
from facslens.report.summary import build_summary
from facslens.runs.folder import Run
from facslens.runs.settings import Settings


@pytest.fixture
def run(write_run: Callable[..., Run], write_experiment: Callable[[Run], None]) -> Run:
    made = write_run()
    write_experiment(made)
    return made


def test_the_first_sentence_is_about_the_experiment(run: Run) -> None:
    head = open_page(run).of(build_head)
    assert head.headline == (
        "On drawn faces, 1 of 3 action units is shown to move a unit of conv2 by itself."
    )
    assert (head.numbers[0].value, head.numbers[0].of) == ("1", "of 3")


def test_the_summary_says_what_is_caused_and_what_the_controls_say(run: Run) -> None:
    lines = {line.about: line.sentence for line in open_page(run).of(build_summary)}
    assert lines["Caused"] == (
        "On drawn faces, 1 of 3 action units is shown to move a unit of conv2 by itself. It is "
        "AU01. Each was switched on alone, with nothing else changed, on 12 people who had no part "
        "in the choice of the units."
    )
    assert lines["Controls"] == (
        "On the same unseen people, the network detects 1 of 2 action units better than untrained "
        "networks do: AU01. On drawn faces, the best unit is ahead of pixels in 2 of 3 action "
        "units."
    )
    assert "That photographs behave as drawn faces do." in lines["Not proved"]


def test_the_first_picture_is_the_matrix(run: Run) -> None:
    view = open_page(run).of(build_experiment)
    assert not isinstance(view, Missing)
    first, silent, last = view.rows
    assert [(a.change, a.share) for a in first.answers] == [(4.0, 1.0), (1.0, 0.25), (-2.0, -0.5)]
    assert [a.own for a in first.answers] == [True, False, False]
    assert [a.rival for a in last.answers] == [False, True, False]
    assert [a.share for a in last.answers] == [0.0, 1.0, 0.5]
    assert (silent.unit, {a.share for a in silent.answers}) == (None, {0.0})
    assert view.layers[0].caused == ("AU01",)
    assert [(c.name, c.ahead) for c in view.layers[0].candidates] == [
        ("units of the network", None), ("pixels", 2),
    ]  # fmt: skip
    page = render(open_page(run))
    assert page.index('class="heat tuned"') < page.index('class="forest"')
    assert 'title="unit 2 of AU01 under AU12: −2.00"' in page
    assert 'title="unit 5 of AU12 under AU06: +3.00, the strongest rival"' in page


def test_cards_have_dose_rival_controls_and_verdict(run: Run) -> None:
    view = open_page(run).of(build_switched)
    assert view is not None
    assert [card.au for card in view.cards] == ["AU01", "AU06", "AU12"]  # caused first
    card = view.cards[0]
    curve = card.curve
    assert curve is not None
    assert (curve.grades, curve.mean) == ((0, 3, 5), (0.0, 2.0, 4.0))
    assert curve.people[1] == ((0, 3, 5), (0.0, 3.0, 6.0))
    assert (curve.rival, curve.low, curve.high, curve.noise) == (1.0, 0.0, 6.0, 0.25)
    assert [(c.name, c.ahead, c.decides) for c in card.controls] == [
        ("pixels", True, True), ("random mixtures of the units", False, False),
    ]  # fmt: skip
    assert view.place is not None
    assert (view.place.rises, view.place.aus, view.place.high) == (1, 2, 2.025)
    page = render(open_page(run))
    assert "interval over people 0 to 2)" in page
    assert "seen from grade C on" in page
    assert "its best one changes more under AU12 than under AU06 in 9 of 12 people" in page
    assert re.search(r"No unit changes at all.*AU06", page, re.S)
    # the card of the coded faces leads to it
    assert '<a href="#switched-AU12">Switched alone</a>: not its own, unit 5' in page


def test_pictures_of_drawn_faces_are_beside_the_page(run: Run) -> None:
    index = write_report(run)
    assert 'src="switched/AU01.png"' in index.read_text(encoding="utf-8")
    with Image.open(io.BytesIO((index.parent / "switched" / "AU01.png").read_bytes())) as picture:
        assert picture.size == (288, 96)
    assert (index.parent / "data" / "experiment-caused.csv").is_file()


def test_observed_stands_beside_caused(run: Run) -> None:
    view = open_page(run).of(build_converged)
    assert view is not None
    assert [(group.verdict, group.aus) for group in view.groups] == [
        ("both by one unit", ("AU01",)), ("observed", ("AU12",)), ("neither", ("AU06",)),
    ]  # fmt: skip
    assert (view.named, view.contradicted) == (2, ("AU12",))
    assert view.sentences == ("AU01: both.", "AU12: seen only.", "AU06: none.")
    page = render(open_page(run))
    assert "In 1 of 2 AUs the experiment contradicts it" in page


def test_what_action_units_do_to_expressions_is_one_picture_and_in_words(run: Run) -> None:
    view = open_page(run).of(build_effects)
    assert not isinstance(view, Missing)
    assert (view.expressions, view.people) == (("happiness", "surprise"), 20)
    assert [(part.name, [row.au for row in part.rows]) for part in view.parts] == [
        ("brows", ["AU01"]), ("mouth", ["AU12"]),
    ]  # fmt: skip
    cells = [row.cells for part in view.parts for row in part.rows]
    assert [[c.share for c in row] for row in cells] == [[-0.5, 1.0], [0.5, 0.0]]
    assert [[c.differs for c in row] for row in cells] == [[False] * 2, [False, True]]
    assert [[c.shown for c in row] for row in cells] == [[False, True], [True, False]]
    assert [(w.expression, w.sentences) for w in view.words] == [("surprise", ("One.", "Two."))]
    page = render(open_page(run))
    assert "members of a prototype from other AUs by AUROC 0.75 (0.60–0.90)" in page
    title = "surprise under AU12: 0.0 points; score 0.00 (−0.50 to 0.50); differs from the"
    assert f'class="hi best differs none" style="--a:0.0" title="{title} prototype">0<' in page
    assert "part of it, but the network <i>differs</i>" in page
    assert ">+50</td>" in page
    assert "<dd>One. Two.</dd>" in page


def test_a_head_of_other_names_has_no_frames(run: Run) -> None:
    file = run / "mechanism" / "effects.csv"
    table = pd.read_csv(file).assign(prototype=None, differs=None)
    write_table(file, table.astype({"prototype": "boolean", "differs": "boolean"}))
    (run / "mechanism" / "words.csv").unlink()
    run.accept(["mechanism"])
    page = render(open_page(run))
    assert "prototype</span>" not in page
    assert "In words" not in page


def test_action_units_together_stand_beside_the_sum_of_each_alone(run: Run) -> None:
    view = open_page(run).of(build_interactions)
    assert view is not None
    assert (view.expressions, view.people, view.largest) == (("happiness", "surprise"), 10, 0.5)
    row = view.rows[0]
    assert (row.aus, row.names) == (("AU06", "AU12"), ("cheek raiser", "lip corner puller"))
    assert [(c.beyond.value, c.shown) for c in row.cells] == [(-0.5, True), (0.25, False)]
    page = render(open_page(run))
    title = "happiness under AU06 AU12: together +1.00, sum of each alone +1.50, beyond it −0.50"
    assert f"{title} (−0.75 to −0.25); interaction −0.50 (−0.75 to −0.25)" in page
    assert "of 2 cells one in twenty" in page


def test_coded_sequences_stand_beside_drawn_faces(run: Run) -> None:
    view = open_page(run).of(build_sequences)
    assert view is not None
    assert [(r.au, r.expression, r.same) for r in view.rows] == [
        ("AU12", "happiness", "same sign"), ("AU12", "surprise", "other sign"),
        ("AU17", "happiness", ""),
    ]  # fmt: skip
    assert (view.cells, view.both, view.same, view.ridge, view.subjects) == (4, 2, 1, True, 8)
    page = render(open_page(run))
    assert "Of 2 cells in which both" in page
    assert "1 have the same sign" in page
    assert "3 of 4 partial changes are shown" in page
    assert "fitted with a penalty" in page


@pytest.mark.parametrize("name", ["interactions", "sequences"])
def test_tables_without_rows_have_no_heading(run: Run, name: str) -> None:
    file = run / "mechanism" / f"{name}.csv"
    write_table(file, pd.read_csv(file).iloc[:0])
    run.accept(["mechanism"])
    page = render(open_page(run))
    heading = {"interactions": "Together, and each alone", "sequences": "In coded sequences"}[name]
    assert heading not in page


def test_none_caused_is_said_as_plainly(run: Run) -> None:
    file = run / "experiment" / "caused.csv"
    file.write_text(file.read_text().replace("caused", "dose"))
    run.accept(["experiment"])
    head = open_page(run).of(build_head)
    assert head.headline == (
        "On drawn faces, none of 3 action units is shown to move a unit of conv2 by itself."
    )


def test_without_an_experiment_the_page_names_the_command_once(
    write_run: Callable[..., Run],
) -> None:
    page = render(open_page(write_run()))
    assert page.count("No action unit has been switched by itself on drawn faces") == 1
    assert "facslens experiment" in page


def test_a_page_without_faces_names_and_shows_nobody(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    run.update(settings=Settings().entries())
    for flag, shown in (("--no-faces", False), ("--faces", True)):
        monkeypatch.setattr("sys.argv", ["facslens", "report", str(run.folder), flag])
        with pytest.raises(SystemExit) as stop:
            main()
        assert not stop.value.code
        page = (run / "report" / "index.html").read_text(encoding="utf-8")
        pictures = {path.name for path in (run / "report" / "pictures").iterdir()}
        assert any(name.endswith("projection.png") for name in pictures)
        for trace in ("-face.png", "-whole.png"):
            assert any(name.endswith(trace) for name in pictures) == shown
            assert (trace in page) == shown
        for trace in ("S00", "broken.png", "It shows faces of the dataset"):
            assert (trace in page) == shown
        assert 'src="switched/AU01.png"' in page
