"""Who coded the action units, from the run to every sentence of the report that stands on them."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from facslens.datasets.coding import PEOPLE, Coding, entries
from facslens.report.coded import build_coded
from facslens.report.html import open_page, render
from facslens.report.sections.answer import build_head
from facslens.report.sections.citing import build_citing
from facslens.report.summary import build_summary
from facslens.runs.folder import Run
from facslens.runs.record import RunRecord

AUS = ("AU01", "AU06", "AU12", "AU17", "AU20", "AU27")
OPENFACE = Coding("OpenFace 2", automatic=True)
RULE = Coding("py-feat", automatic=True, rule="present from a probability of 0.5 on")


@pytest.fixture
def coded(full_run: Run, tmp_path: Path) -> Callable[..., Run]:
    """Copy the run, and note in it who coded."""

    def copy(codings: dict[str, Coding]) -> Run:
        folder = tmp_path / "run"
        shutil.copytree(full_run.folder, folder, dirs_exist_ok=True)
        run = Run.open(folder)
        run.update(faces=run.info["faces"] | {"codings": entries(codings)})
        return run

    return copy


def test_codings_are_read_back_and_stay_with_a_part(coded: Callable[..., Run]) -> None:
    faces = RunRecord(coded({"AU12": RULE, "AU01": PEOPLE})).faces
    assert faces.codings == {"AU12": RULE, "AU01": PEOPLE}
    part = faces.part("test").with_split(faces.part("test").table["split"])
    assert part.codings == faces.codings


def test_a_run_of_before_names_nobody(full_run: Run) -> None:
    page = open_page(full_run)
    assert RunRecord(full_run).faces.codings == {}
    assert page.of(build_coded).sentence == ""
    assert page.of(build_coded).warning == ""
    assert not page.of(build_coded).unnamed  # it did not ask


def test_what_people_coded_is_told_without_a_warning(coded: Callable[..., Run]) -> None:
    told = open_page(coded(dict.fromkeys(AUS, PEOPLE))).of(build_coded)
    assert told.sentence == "The action units were coded by FACS coders."
    assert told.warning == ""
    assert told.programs(AUS) == ""


def test_what_a_program_coded_is_said_wherever_it_counts(coded: Callable[..., Run]) -> None:
    run = coded(dict.fromkeys(AUS, OPENFACE) | {"expression": OPENFACE})
    page = open_page(run)
    said = {line.about: line.sentence for line in page.of(build_summary)}
    assert said["Faces"].endswith(
        "to confirm on; the action units are coded by OpenFace 2, a program. Nobody is in two "
        "parts."
    )
    begins = "2 of 5 action units, coded by OpenFace 2, a program, have a detector among the 6"
    assert said["Detected"].startswith(begins)
    assert page.of(build_head).headline.startswith(begins)
    warning = (
        "Action units were coded by OpenFace 2, a program: a unit that agrees with these codes may "
        "agree with the errors of the program, and not with the face."
    )
    html = render(page)
    assert html.count(warning) == 2  # the answer, the limits
    assert html.count("AU12 was coded by OpenFace 2, a program.") == 1  # its card
    assert (
        "<p>The action units were coded by OpenFace 2, a program. A unit that agrees with these "
        "codes may agree"
    ) in html  # the faces
    assert html.count("The AUs were coded by OpenFace 2, a program.") == 1  # the methods
    assert "<strong>Coded by a program.</strong>" in html
    assert "@inproceedings{baltrusaitis2018," in page.of(build_citing).bibtex
    assert "they were estimated by OpenFace 2, a program." in html


def test_several_coders_are_named_for_each_action_unit(coded: Callable[..., Run]) -> None:
    page = open_page(coded({"AU01": PEOPLE, "AU06": PEOPLE, "AU12": RULE}))
    told = page.of(build_coded)
    assert told.sentence == (
        "AU01 and AU06 were coded by FACS coders; AU12 was coded by py-feat, a program (present "
        "from a probability of 0.5 on); AU17, AU20 and AU27 were coded by somebody who is not "
        "named."
    )
    assert told.programs(AUS) == (
        "some of them coded by py-feat, a program (present from a probability of 0.5 on)"
    )
    assert told.programs(["AU01", "AU06"]) == ""
    faces = next(line for line in page.of(build_summary) if line.about == "Faces")
    assert "; some of the action units are coded by py-feat, a program (present" in faces.sentence


def test_a_damaged_note_names_nobody(coded: Callable[..., Run]) -> None:
    run = coded({})
    assert open_page(run).of(build_coded).unnamed
    run.update(faces=run.info["faces"] | {"codings": {"AU12": "me", "AU01": {"by": "x"}}})
    assert RunRecord(run).faces.codings == {}
