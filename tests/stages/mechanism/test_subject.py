"""What the parts are asked about: which units an action unit's card shows."""

import dataclasses

import pandas as pd
import pytest

from facslens.artifacts import write_table
from facslens.datasets.stimuli import read_stimuli
from facslens.experiments.analysis import Findings
from facslens.experiments.convergence import TYPES
from facslens.models.model import build
from facslens.runs.folder import Run
from facslens.runs.record import RunRecord
from facslens.runs.settings import Settings
from facslens.stages.mechanism.subject import Subject

NAMES = [field.name for field in dataclasses.fields(Findings)]


@pytest.fixture
def subject(drawn_stimuli):
    """An experiment in two layers, of which one is looked at; unit 5 is caused there."""
    caused = pd.DataFrame(
        [
            ("conv2", "AU12", 1, "caused"),
            ("conv3", "AU01", 4, "rival"),
            ("conv3", "AU12", 5, "caused"),
            ("conv3", "AU04", None, "silent"),
        ],
        columns=["layer", "au", "unit", "verdict"],
    ).astype({"unit": "Int64"})
    return Subject(
        build("paper", ("anger", "happiness"), 48, seed=0),
        read_stimuli(drawn_stimuli),
        ("conv3",),
        findings=Findings(**{**dict.fromkeys(NAMES, pd.DataFrame()), "caused": caused}),
    )


@pytest.fixture
def with_convergence(subject, tmp_path):
    """Plant what a run observed on coded faces, beside its experiment."""

    def planted(rows):
        run = Run.create(tmp_path / "run", data="none", seed=0, settings=Settings().entries())
        table = pd.DataFrame(rows).reindex(columns=list(TYPES)).astype(dict(TYPES))
        write_table(run / "experiment" / "convergence.csv", table)
        run.accept(["experiment"])
        return dataclasses.replace(subject, record=RunRecord(run))

    return planted


def row(au, layer="conv3", **values):
    return {"layer": layer, "au": au, **values}


def shown(subject):
    return [tuple(each) for each in subject.cards().itertuples(index=False)]


def test_units_are_those_of_the_layers_that_are_looked_at(subject):
    assert subject.units()[["au", "unit"]].to_numpy().tolist() == [["AU01", 4], ["AU12", 5]]
    both = dataclasses.replace(subject, layers=("conv2", "conv3"))
    assert len(both.units()) == 3


def test_of_a_network_alone_the_caused_units_are_shown(subject):
    assert shown(subject) == [("conv3", "AU12", 5, "caused")]


def test_an_observed_unit_is_one_that_is_confirmed_on_unseen_people(with_convergence):
    found = with_convergence(
        [
            row("AU01", unit_observed=7, status_observed="confirmed"),
            row("AU12", unit_observed=8, status_observed="not confirmed"),
            row("AU06", unit_observed=9, status_observed="not enough data"),
            row("AU01", "conv2", unit_observed=3, status_observed="confirmed"),
        ],
    )
    assert shown(found) == [("conv3", "AU01", 7, "observed"), ("conv3", "AU12", 5, "caused")]


def test_a_unit_that_is_both_has_one_row(with_convergence):
    held = {"unit_observed": 5, "status_observed": "confirmed"}
    assert shown(with_convergence([row("AU12", **held)])) == [
        ("conv3", "AU12", 5, "caused, observed")
    ]


def test_the_joint_unit_is_shown_as_what_holds_of_it(with_convergence):
    found = with_convergence(
        [
            row("AU12", unit_joint=6, confirmed_real=True, verdict_joint="caused"),
            row("AU01", unit_joint=7, confirmed_real=True, verdict_joint="rival"),
            # caused alone is what the experiment's own unit is for
            row("AU04", unit_joint=8, confirmed_real=False, verdict_joint="caused"),
            row("AU06", unit_joint=9, confirmed_real=None, verdict_joint="caused"),
        ],
    )
    assert shown(found) == [
        ("conv3", "AU01", 7, "observed"),
        ("conv3", "AU12", 5, "caused"),
        ("conv3", "AU12", 6, "caused, observed"),
    ]


def test_where_nothing_holds_there_is_no_card(subject):
    none = dataclasses.replace(subject, layers=("conv1",))
    assert list(none.cards().columns) == ["layer", "au", "unit", "shown_as"]
    assert none.cards().empty
