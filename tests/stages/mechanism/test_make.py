"""A mechanism in a folder, part by part: what is kept, what is refused, what goes on."""

import dataclasses
import json
import re
import shutil
from pathlib import Path

import pandas as pd
import pytest

from facslens.datasets.stimuli import read_stimuli
from facslens.errors import ArtifactError, CallError
from facslens.models.model import build
from facslens.progress import silent
from facslens.stages import answers
from facslens.stages.mechanism import make, subject
from facslens.stages.mechanism.make import finished_parts, is_of, mechanism, order_of
from facslens.stages.mechanism.make import write_mechanism as write
from facslens.stages.mechanism.parts import PARTS, Part, choose_parts
from facslens.stages.mechanism.subject import Subject, layers_of

NAMES = ("anger", "happiness", "surprise")
EFFECTS = [f"{table}.csv" for table in PARTS["effects"].tables]


@pytest.fixture(scope="module")
def asked_of(draw_stimuli, tmp_path_factory):
    """What every test asks: an untrained network, and faces in two of the five grades."""
    faces = draw_stimuli(tmp_path_factory.mktemp("stimuli") / "set", grades=("C", "E"))
    return Subject(build("paper", NAMES, 48, seed=0), read_stimuli(faces), ("conv3",))


@pytest.fixture
def calls(monkeypatch):
    """Note how often faces are shown, by the function that shows them."""
    noted = []
    for module, name in ((subject, "read_faces"), (answers, "keep_faces"), (make, "write_table")):
        own = getattr(module, name)

        def noting(*arguments, own=own, name=name, **named):
            noted.append(name.replace("keep", "read"))
            return own(*arguments, **named)

        monkeypatch.setattr(module, name, noting)
    return noted


@pytest.fixture
def stopped(monkeypatch):
    """Interrupt a part, as often as it is asked."""

    def stop(*_):
        raise KeyboardInterrupt

    def interrupt(patch, name):
        patch.setitem(PARTS, name, dataclasses.replace(PARTS[name], make=stop))

    return interrupt


def content(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def steps():
    """What was said while all parts were made."""
    return []


@pytest.fixture(scope="module")
def whole(asked_of, steps, tmp_path_factory):
    """All parts, made at once."""
    folder = tmp_path_factory.mktemp("mechanisms") / "whole"
    made = write(asked_of, folder, progress=lambda *step: steps.append(step))
    assert made == tuple(PARTS)
    return folder


def test_a_folder_has_the_tables_of_every_part_and_a_note(whole, asked_of):
    tables = [f"{table}.csv" for part in PARTS.values() for table in part.tables]
    assert {path.name for path in whole.iterdir()} == {*tables, "mechanism.json", "experiment"}
    noted = json.loads((whole / "mechanism.json").read_text())
    assert list(noted["sha256"]) == tables
    assert {name: noted[name] for name in ("layers", "seed", "stimuli")} == {
        "layers": ["conv3"], "seed": 0, "stimuli": asked_of.stimuli.sha256,
    }  # fmt: skip
    assert is_of(whole, order_of(asked_of))
    assert not is_of(whole, order_of(asked_of, {"experiment": "of a run"}))
    assert finished_parts(whole) == tuple(PARTS)


def test_parts_made_once_are_kept(whole, asked_of, tmp_path, calls):
    folder = shutil.copytree(whole, tmp_path / "copy")
    before = content(folder)
    assert write(asked_of, folder) == tuple(PARTS)
    assert (calls, content(folder)) == ([], before)


@pytest.mark.parametrize("first", [["layers"], ["groups", "effects"]])
def test_parts_added_later_leave_the_others_and_end_the_same(whole, asked_of, tmp_path, first):
    folder = tmp_path / "parts"
    assert set(write(asked_of, folder, first)) == set(first)
    assert finished_parts(folder) == choose_parts(first)
    made = content(folder)
    assert write(asked_of, folder) == tuple(PARTS)
    found = content(folder)
    assert all(found[name] == made[name] for name in made if name != "mechanism.json")
    assert found == content(whole)


def test_the_network_is_asked_for_a_part_but_once(asked_of, tmp_path, calls):
    folder = tmp_path / "effects"
    write(asked_of, folder, ["effects"])
    assert calls.count("read_faces") == 1
    assert calls.count("write_table") == len(EFFECTS)
    write(asked_of, folder, ["effects"])
    assert calls.count("read_faces") == 1


def test_units_come_from_an_experiment_in_the_folder(whole, asked_of, tmp_path, calls):
    note = json.loads((whole / "experiment" / "experiment.json").read_text())
    assert (note["layers"], note["seed"], note["untrained"]) == (["conv3"], 0, 5)
    folder = tmp_path / "again"
    shutil.copytree(whole / "experiment", folder / "experiment")
    shutil.copy(whole / "mechanism.json", folder)
    noted = json.loads((folder / "mechanism.json").read_text())
    (folder / "mechanism.json").write_text(json.dumps({**noted, "sha256": {}}))
    assert write(asked_of, folder, ["mediation"]) == ("mediation",)
    assert calls.count("read_faces") == 0  # all was answered in that experiment
    for table in PARTS["mediation"].tables:
        assert (folder / f"{table}.csv").read_bytes() == (whole / f"{table}.csv").read_bytes()


def test_in_memory_and_in_a_folder_the_tables_are_the_same(whole, asked_of):
    found = mechanism(asked_of, ["effects", "groups"])
    for name, table in found.items():
        left = pd.read_csv(whole / f"{name}.csv")
        assert list(left.columns) == list(table.columns)
        assert len(left) == len(table)
    # the experiment shows the same faces in other batches
    left = pd.read_csv(whole / "effects.csv")["logit"]
    assert found["effects"]["logit"].to_numpy() == pytest.approx(left.to_numpy(), abs=1e-5)


@pytest.mark.parametrize(
    "harm",
    [
        pytest.param(lambda text: text.replace("1", "2", 1), id="changed"),
        pytest.param(lambda text: text[: len(text) // 2], id="cut"),
        pytest.param(lambda text: "", id="empty"),
    ],
)
@pytest.mark.parametrize("name", ["effects.csv", "curves.csv", "readable.csv"])
def test_a_table_that_was_changed_is_found(whole, asked_of, tmp_path, harm, name):
    folder = shutil.copytree(whole, tmp_path / "copy")
    file = folder / name
    file.write_text(harm(file.read_text()))
    before = content(folder)
    for only in (None, ["groups"]):  # whichever part is wanted
        with pytest.raises(ArtifactError, match=f"{name} is not what the mechanism left"):
            write(asked_of, folder, only)
    assert content(folder) == before
    assert not is_of(folder, order_of(asked_of))


def test_a_table_that_is_lost_is_found(whole, asked_of, tmp_path):
    folder = shutil.copytree(whole, tmp_path / "copy")
    (folder / "words.csv").unlink()
    with pytest.raises(ArtifactError, match=r"words\.csv does not exist"):
        write(asked_of, folder, ["layers"])


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "is no readable JSON file"),
        ("[1]", "holds a list, expected a JSON object"),
        (None, r"mechanism\.json names no tables"),
    ],
)
def test_a_damaged_note_is_one_sentence(whole, asked_of, tmp_path, text, sentence):
    folder = shutil.copytree(whole, tmp_path / "copy")
    note = folder / "mechanism.json"
    if text is None:
        text = json.dumps({**json.loads(note.read_text()), "sha256": None})
    note.write_text(text)
    with pytest.raises(ArtifactError, match=sentence):
        write(asked_of, folder)
    assert not is_of(folder, order_of(asked_of))
    assert finished_parts(folder) == ()


def other_seed(one):
    return dataclasses.replace(one, seed=1)


def other_layer(one):
    return dataclasses.replace(one, layers=("conv2",))


def other_network(one):
    return dataclasses.replace(one, model=build("paper", NAMES, 48, seed=1))


def other_expressions(one):
    model = dataclasses.replace(one.model, expressions=("anger", "happiness", "fear"))
    return dataclasses.replace(one, model=model)


@pytest.mark.parametrize("other", [other_seed, other_layer, other_network, other_expressions])
def test_another_order_into_the_same_folder_is_refused(whole, asked_of, tmp_path, other):
    folder = shutil.copytree(whole, tmp_path / "copy")
    before = content(folder)
    with pytest.raises(CallError, match=re.escape(f"{folder} holds a mechanism made with other")):
        write(other(asked_of), folder, ["effects"])
    assert content(folder) == before


def test_a_folder_of_something_else_is_refused(asked_of, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("mine")
    with pytest.raises(CallError, match="mine is not empty: choose a new folder"):
        write(asked_of, tmp_path / "mine")
    with pytest.raises(CallError, match=r"notes\.txt is a file: choose a new folder"):
        write(asked_of, tmp_path / "mine" / "notes.txt")
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["notes.txt"]


def test_an_interruption_between_two_parts_goes_on(
    whole, asked_of, tmp_path, monkeypatch, stopped, calls
):
    folder = tmp_path / "stopped"
    with monkeypatch.context() as patch:
        stopped(patch, "layers")
        with pytest.raises(KeyboardInterrupt):
            write(asked_of, folder)
    assert finished_parts(folder) == ("effects", "mediation")
    asked = calls.count("read_faces")
    assert write(asked_of, folder) == tuple(PARTS)
    assert calls.count("read_faces") == asked  # by these parts: layers and twins ask elsewhere
    assert content(folder) == content(whole)


def test_half_a_part_is_nobodys_table(whole, asked_of, tmp_path, monkeypatch):
    """A part that was interrupted between its tables leaves none, whatever is made next."""
    folder = tmp_path / "stopped"
    written = []
    own = make.write_table

    def third(file, values):
        if len(written) == 2:
            raise KeyboardInterrupt
        written.append(file.name)
        own(file, values)

    with monkeypatch.context() as patch:
        patch.setattr(make, "write_table", third)
        with pytest.raises(KeyboardInterrupt):
            write(asked_of, folder, ["layers"])
    assert written == ["readable.csv", "readable_layers.csv"]
    assert finished_parts(folder) == ()
    assert write(asked_of, folder, ["effects"]) == ("effects",)
    assert {path.name for path in folder.iterdir()} == {*EFFECTS, "mechanism.json"}
    write(asked_of, folder, ["layers"])
    for name in (*EFFECTS, *written, "readable_from.csv"):
        assert (folder / name).read_bytes() == (whole / name).read_bytes()


def test_changed_faces_are_shown_to_nobody(draw_stimuli, asked_of, tmp_path):
    faces = draw_stimuli(tmp_path / "set", grades=("E",))
    one = dataclasses.replace(asked_of, stimuli=read_stimuli(faces))
    picture = sorted((faces / "images").rglob("*.png"))[3]
    shutil.copy(sorted((faces / "images").rglob("*.png"))[0], picture)
    for call in (lambda: mechanism(one, ["effects"]), lambda: write(one, tmp_path / "made")):
        with pytest.raises(ArtifactError, match="stimuli that were changed since they were drawn"):
            call()
    assert not list((tmp_path / "made").glob("*.csv"))


def test_every_part_says_what_it_does(whole, steps, asked_of):
    named = list(dict.fromkeys(note.partition(": ")[0] for *_, note in steps))
    # effects read what the experiment was answered; the fixture has no twins, which show no face
    assert named == ["experiment", "mediation", "layers"]
    alone = []
    mechanism(asked_of, ["effects"], lambda *step: alone.append(step))
    assert {note for *_, note in alone} == {"effects: faces"}
    assert all(0 <= done <= total for done, total, _ in [*steps, *alone])
    notes = {note for *_, note in steps}
    assert {
        "experiment: faces",
        "mediation: conv3 AU12",
        "layers: probes",
    } <= notes


def test_parts_are_named_in_one_way():
    assert choose_parts(None) == choose_parts([*reversed(PARTS)]) == tuple(PARTS)
    with pytest.raises(CallError, match=r"^only names 'nonsense', which is no part: expected"):
        choose_parts(["effects", "nonsense"])


def test_the_page_names_every_part_and_table():
    page = (Path(__file__).parents[3] / "docs" / "mechanism.md").read_text(encoding="utf-8")
    for name, part in PARTS.items():
        assert f"| `{name}` |" in page
        for table in part.tables:
            assert f"`{table}.csv`" in page, table


def test_another_part_is_one_entry(asked_of, tmp_path, monkeypatch):
    part = Part(lambda one, _: {"sizes": pd.DataFrame({"n": [len(one.table)]})}, ("sizes",), "how")
    monkeypatch.setitem(PARTS, "sizes", part)
    assert write(asked_of, tmp_path / "made", ["sizes"]) == ("sizes",)
    assert pd.read_csv(tmp_path / "made" / "sizes.csv")["n"].tolist() == [len(asked_of.table)]


def test_layers_are_the_last_the_named_or_all():
    every = ("conv1", "conv2", "conv3")
    assert layers_of(every, None) == ("conv3",)
    assert layers_of(every, ["conv3", "conv1"]) == ("conv1", "conv3")  # in their own order
    assert layers_of(every, ["all"]) == every
    with pytest.raises(CallError, match=r"no layer 'nonsense': it has conv1, conv2, conv3$"):
        layers_of(every, ["conv1", "nonsense"])


def test_the_units_of_no_experiment_are_asked_for(asked_of):
    with pytest.raises(CallError, match="the units of an experiment are needed"):
        asked_of.units()
    assert len(asked_of.logits(silent)) == len(asked_of.table)
