"""Twins through the real stage: their numbers, and stimuli that have none."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from facslens.datasets import stimuli as reading
from facslens.datasets.regions import Regions
from facslens.datasets.stimuli import read_stimuli
from facslens.errors import CallError
from facslens.experiments.groups import GROUPS
from facslens.models.model import build
from facslens.preprocess import normalise
from facslens.progress import silent
from facslens.report.html import write_report
from facslens.runs.folder import Run
from facslens.runs.record import RunRecord
from facslens.stages.experiment import Plan, analysed, ask
from facslens.stages.experiment_of_run import run_experiment
from facslens.stages.mechanism.groups import of_groups, shown
from facslens.stages.mechanism.make import mechanism
from facslens.stages.mechanism.of_run import run_mechanism
from facslens.stages.mechanism.subject import Subject

LAYERS = ("conv1", "conv3")


@pytest.fixture(scope="module")
def twins(draw_stimuli, tmp_path_factory):
    """Of the measuring people in the first setting a darker twin, in whom AU12 brightens less."""
    folder = draw_stimuli(tmp_path_factory.mktemp("twins") / "set", grades=("E",))
    table = reading.read_rows(folder)
    rows = []
    for row in table.to_dict("records"):
        rows.append(row)
        if row["half"] != "measuring" or row["setting"] or row["name"] == "again":
            continue
        levels = np.asarray(Image.open(folder / row["path"])).astype(float) * 0.5
        if row["aus"] == "AU12":
            levels[32:40, 12:36] -= 30
        name = "skin" if not row["aus"] else f"skin-{row['name']}"
        path = f"images/{row['person']}/0/{name}.png"
        Image.fromarray(levels.astype(np.uint8)).save(folder / path)
        own = {"path": path, "name": name, "kind": "twin", "group": "skin", "end": "darker"}
        rows.append(row | own)
    key = ["person", "setting", "group"]
    table = pd.DataFrame(rows).sort_values(key, kind="stable", ignore_index=True)
    table.to_csv(folder / "stimuli.csv", index=False)
    masks = np.zeros((len(table), 2, 48, 48), dtype=bool)
    Regions.of(list(table["path"]), ["AU01", "AU12"], masks).write(folder / "regions.npz")
    found = reading.digest(reading.Stimuli(folder, table, 48, False, ""))
    note = {"size": 48, "colour": False, "sha256": found}
    (folder / "stimuli.json").write_text(json.dumps(note))
    return read_stimuli(folder)


@pytest.fixture(scope="module")
def model():
    return build("paper", ("anger", "happiness", "sadness"), 48, 3)


@pytest.fixture(scope="module")
def subject(model, twins):
    plan = Plan(LAYERS, untrained=1, permutations=9)
    answers = ask(model, twins, LAYERS, 1, 0, silent)
    return Subject(model, twins, LAYERS, 0, analysed(answers, twins, plan), answers)


@pytest.fixture(scope="module")
def found(subject):
    return of_groups(subject, silent)["groups"]


def forward(model, stimuli, person, name):
    """Give the pixels, every unit's response in the first layer, and the centred logits."""
    face = normalise.standardise(
        normalise.read([stimuli.root / f"images/{person}/0/{name}.png"], model.input)
    )
    first = next(m for m in model.network.modules() if isinstance(m, torch.nn.Conv2d))
    with torch.inference_mode():
        logits = model.network(face)[0].double().numpy()
        response = first(face).relu().amax(dim=(2, 3))[0].numpy()
    return face.numpy(), response, logits - logits.mean()


def test_numbers_are_those_of_single_passes(subject, twins, found):
    people = [f"P{number:03d}" for number in range(1, 10, 2)]
    by = found[found["layer"].isna() | (found["layer"] == "conv1")].set_index(["measure", "au"])
    units = subject.units().set_index(["layer", "au"])["unit"]
    for au in ("AU01", "AU12"):
        unit, change = int(units["conv1", au]), []
        own = by.loc["expression", "expression"][au]
        expression = subject.model.expressions.index(own)
        for person in people:
            ends = []
            for prefix in ("skin-", ""):
                rest = forward(subject.model, twins, person, prefix.strip("-") or "rest")
                full = forward(subject.model, twins, person, f"{prefix}{au}-E")
                ends.append([
                    full[1][unit] - rest[1][unit],
                    full[2][expression] - rest[2][expression],
                    np.abs(full[0] - rest[0]).mean(),
                ])  # fmt: skip
            change.append(ends)
        mean = np.mean(change, axis=0)
        for place, measure in enumerate(("unit", "expression", "pixels")):
            row = by.loc[(measure, au)]
            assert row[["group", "end_from", "end_to"]].tolist() == ["skin", "darker", "lighter"]
            assert [row["mean_from"], row["mean_to"]] == pytest.approx(mean[:, place], abs=2e-5)
            assert row["n_people"] == 5
        assert by.loc[("unit", au), "unit"] == unit


def test_every_tested_measure_has_its_rows(found):
    assert found.columns.tolist() == list(GROUPS)
    layers = found["layer"].fillna("").tolist()
    assert list(zip(layers, found["measure"], found["au"], strict=True)) == [
        (layer, measure, au)
        for layer, measure in (
            ("conv1", "unit"), ("conv3", "unit"), ("", "expression"), ("", "pixels"),
        )
        for au in ("AU01", "AU12")
    ]  # fmt: skip
    tested = found["p"].notna()
    # of five people no p is below 2^-4: nothing could have been found
    assert found.loc[tested, "p"].min() >= 2**-4
    assert not found.loc[tested, "differs"].any()
    assert found["detectable"].isna().all()


def test_only_twins_and_the_people_themselves_are_shown(twins):
    table = twins.table[shown(twins)]
    assert set(table["name"]) == {
        "rest", "AU01-E", "AU12-E", "skin", "skin-AU01-E", "skin-AU12-E",
    }  # fmt: skip
    assert set(table["half"]) == {"measuring"}
    assert set(table["setting"]) == {0}
    assert len(table) == 5 * 6


def test_without_answers_the_network_is_asked(subject, found):
    table = mechanism(
        Subject(subject.model, subject.stimuli, LAYERS, 0, subject.findings), ["groups"]
    )["groups"]
    pd.testing.assert_frame_equal(table, found, rtol=1e-4, atol=1e-5)


def test_stimuli_without_twins_leave_an_empty_table(model, drawn_stimuli):
    stimuli = read_stimuli(drawn_stimuli)
    (table,) = of_groups(Subject(model, stimuli, LAYERS), silent).values()
    assert (len(table), list(table.columns)) == (0, list(GROUPS))


def test_a_network_that_answers_nan_is_one_sentence(subject):
    broken = build("paper", subject.model.expressions, 48, 3)
    with torch.no_grad():
        *_, last = broken.network.parameters()
        last.fill_(float("nan"))
    with pytest.raises(CallError, match="the network answers NaN"):
        of_groups(Subject(broken, subject.stimuli, LAYERS, 0, subject.findings), silent)


def test_a_network_whose_units_and_expressions_never_change_leaves_pixels_alone(model, twins):
    dead = build("paper", model.expressions, 48, 3)
    with torch.no_grad():
        for weight in dead.network.parameters():
            weight.zero_()
    table = mechanism(Subject(dead, twins, ("conv1",)), ["groups"])["groups"]
    assert set(table["measure"]) == {"pixels"}
    assert table[["p", "detectable", "differs"]].isna().all(axis=None)


def test_a_run_has_the_table_and_its_report_the_section(run, twins, tmp_path):
    copied = Run.open(shutil.copytree(run.run.folder, tmp_path / "run"))
    chosen = {"stimuli": str(twins.root), "permutations": 9, "mechanism": ["groups"]}
    copied.update(settings={**copied.info["settings"], **chosen})
    run_experiment(copied, silent)
    run_mechanism(copied, silent)
    table = RunRecord(copied).table("mechanism/groups.csv")
    assert set(table["measure"]) == {"unit", "expression", "pixels"}
    assert set(table["layer"].dropna()) == {"conv3"}
    page = write_report(copied).read_text(encoding="utf-8")
    section = page[page.index('<section id="groups">') :]
    assert "its unit in <b>conv3</b>" in section
    assert "No difference could have been found: 5 people are too few" in section
