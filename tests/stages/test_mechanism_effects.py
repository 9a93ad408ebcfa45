"""The part ``effects`` of a mechanism: of a network, of a run, and of what it cannot measure."""

import shutil

import numpy as np
import pandas as pd
import pytest
import torch

from facslens.artifacts import write_table
from facslens.datasets.stimuli import read_stimuli
from facslens.errors import CallError
from facslens.experiments.effects import EFFECTS, MEMBERS
from facslens.experiments.interactions import INTERACTIONS
from facslens.experiments.sequences import SEQUENCES
from facslens.experiments.words import WORDS
from facslens.models import model as models
from facslens.preprocess.input import grey_contrast
from facslens.preprocess.normalise import scaled, standardise
from facslens.progress import silent
from facslens.runs.folder import Run
from facslens.runs.record import RunRecord
from facslens.stages.mechanism.effects import of_effects
from facslens.stages.mechanism.parts import PARTS
from facslens.stages.mechanism.subject import Subject
from facslens.training.predictions import predict

NAMES = ("anger", "happiness", "surprise")


@pytest.fixture(scope="module")
def subject(drawn_stimuli):
    model = models.build("paper", NAMES, 48, seed=0)
    return Subject(model, read_stimuli(drawn_stimuli), ("conv3",))


@pytest.fixture(scope="module")
def found(subject):
    return of_effects(subject, silent)


def test_the_part_makes_its_tables(subject, found):
    assert tuple(found) == PARTS["effects"].tables
    columns = {"effects": EFFECTS, "needed": MEMBERS, "interactions": INTERACTIONS}
    columns |= {"sequences": SEQUENCES, "words": WORDS}
    for name, expected in columns.items():
        assert list(found[name].columns) == list(expected)
    full = found["effects"][found["effects"]["grade"] == "E"]
    assert full[["au", "expression"]].apply(tuple, axis=1).tolist() == [
        (au, name) for au in ("AU01", "AU12") for name in NAMES
    ]


def test_an_effect_is_that_of_the_network(subject, found):
    """The change of one cell, by asking the network for each face."""
    table = subject.stimuli.table
    changes = {}
    for person, setting in table[["person", "setting"]].drop_duplicates().itertuples(index=False):
        own = (table["person"] == person) & (table["setting"] == setting)
        pair = own & (
            (table["kind"] == "rest") | ((table["aus"] == "AU12") & (table["grade"] == "E"))
        )
        logits = []
        for row in np.flatnonzero(pair).tolist():
            face = standardise(
                scaled(list(subject.stimuli.pixels(row, row + 1)), grey_contrast(48))
            )
            with torch.inference_mode():
                logits.append(subject.model.network(face)[0].double().numpy())
        rest, shown = (one - one.mean() for one in logits)
        changes.setdefault(person, []).append(shown[1] - rest[1])
    expected = np.mean([np.mean(values) for values in changes.values()])
    cell = found["effects"].set_index(["au", "grade", "expression"]).loc["AU12", "E", "happiness"]
    assert cell["logit"] == pytest.approx(expected, rel=1e-3)  # float32 in batches


def test_what_was_not_drawn_is_an_empty_table(found):
    """The fixture has neither prototypes nor pairs, and a network alone has no faces."""
    assert found["needed"].empty
    assert found["interactions"].empty
    assert found["sequences"].empty
    assert set(found["words"]["expression"]) == set(NAMES)
    assert not set(found["words"]["claim"]) & {"needed", "together"}


def test_other_names_have_no_prototype(drawn_stimuli):
    model = models.build("paper", ("contempt", "disgust"), 48, seed=0)
    other = models.Model(model.network, model.architecture, model.input, ("smirk", "yawn"))
    tables = of_effects(Subject(other, read_stimuli(drawn_stimuli), ()), silent)
    assert tables["effects"]["prototype"].isna().all()
    assert tables["agreement"].isna().all(axis=None)
    assert not set(tables["words"]["claim"]) & {"silent", "outsiders", "agrees"}


def test_a_network_that_answers_nan_is_one_sentence(drawn_stimuli):
    model = models.build("paper", NAMES, 48, seed=0)
    with torch.no_grad():
        for weight in model.network.parameters():
            weight.fill_(np.nan)
    with pytest.raises(CallError, match="the network answers NaN"):
        of_effects(Subject(model, read_stimuli(drawn_stimuli), ()), silent)


def test_a_network_of_one_output_is_one_sentence(drawn_stimuli):
    model = models.build("paper", NAMES, 48, seed=0)
    classifier = torch.nn.Sequential(model.network, torch.nn.Linear(3, 1))
    one = models.Model(classifier.eval(), "paper", grey_contrast(48), ("happiness",))
    with pytest.raises(CallError, match="reads 1 expression"):
        of_effects(Subject(one, read_stimuli(drawn_stimuli), ()), silent)


@pytest.fixture
def resting(run, tmp_path):
    """The run, in which the first frame of every sequence is taken for a neutral one."""
    this = Run.open(shutil.copytree(run.run.folder, tmp_path / "run"))
    table = RunRecord(this).faces.table
    neutral = (table["frame"] == 1).to_numpy(dtype=bool)
    table["expression"] = table["expression"].mask(neutral, "neutral")
    write_table(this / "faces.parquet", table)
    this.accept(["faces.parquet"])
    write_table(this / "predictions.parquet", predict(run.model, RunRecord(this).faces))
    this.accept(["predictions.parquet"])
    stages = this.info["stages"]
    stages["train"]["status"] = "accepted"  # nobody trained it
    this.update(stages=stages)
    return RunRecord(this)


def test_sequences_are_those_of_people_whom_the_network_has_not_seen(resting, drawn_stimuli):
    stimuli = read_stimuli(drawn_stimuli)
    subject = Subject(resting.model, stimuli, (), record=resting)
    found = of_effects(subject, silent)["sequences"]
    faces = resting.faces.table
    unseen = faces[faces["split"] == "test"]
    assert (found["n_subjects"] == unseen["subject"].nunique()).all()
    one = found.set_index(["au", "expression"]).loc["AU12", "happiness"]
    said = resting.predictions.set_index("image")[list(NAMES)]
    c = np.log(said.astype(float)).sub(np.log(said.astype(float)).mean(axis=1), axis=0)["happiness"]
    changes = {0.0: [], 1.0: []}
    for _, own in unseen.groupby("sequence"):
        first, peak = (own[own["frame"] == frame].iloc[0] for frame in (1, 2))
        changes[float(peak["AU12"])].append(c[peak["image"]] - c[first["image"]])
    assert one["change"] == pytest.approx(np.mean(changes[1.0]) - np.mean(changes[0.0]))
    assert np.isnan(found.set_index("au").loc["AU25", "drawn"]).all()  # not switched in the fixture
    assert one["drawn_low"] <= one["drawn"] <= one["drawn_high"]


def test_a_run_without_neutral_frames_has_no_sequences(run, drawn_stimuli):
    subject = Subject(run.model, read_stimuli(drawn_stimuli), (), record=run)
    found = of_effects(subject, silent)["sequences"]
    assert (len(found), list(found.columns)) == (0, list(SEQUENCES))
    assert isinstance(found, pd.DataFrame)
