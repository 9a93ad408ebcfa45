"""A planted chain: one unit alone carries AU12 to happiness, another fires as much beside it."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn
from torch.nn import functional

from facslens.datasets.stimuli import read_stimuli
from facslens.errors import CallError
from facslens.experiments import mediation as tables
from facslens.experiments import subsets
from facslens.models.model import Model, build
from facslens.preprocess.input import grey_contrast
from facslens.progress import silent
from facslens.stages.mechanism.mediation import OfAu, of_mediation
from facslens.stages.mechanism.subject import Subject

EXPRESSIONS = ("anger", "happiness", "surprise")
CARRIER, BYSTANDER, BROW, IDLE = range(4)
MOUTH, BROWS = slice(32, 40), slice(6, 12)


class Chain(nn.Module):
    """Four units; happiness reads the mouth's rows of the first one alone.

    The bystander's map is the same as the carrier's, and no score reads it. Surprise reads the
    brows' rows of the third. With `around`, half of happiness reads the image itself.
    """

    def __init__(self, *, around: float = 0.0, curved: bool = False):
        super().__init__()
        self.units = nn.Conv2d(1, 4, 1)
        self.units.weight.data = torch.tensor([1.0, 1.0, 1.0, 0.0])[:, None, None, None]
        self.units.bias.data = torch.full((4,), 4.0)
        self.around, self.curved = around, curved

    def forward(self, image):
        maps = functional.relu(self.units(image))
        happy = maps[:, CARRIER, MOUTH, 12:36].mean(dim=(1, 2)) * (1 - self.around)
        happy = happy + self.around * image[:, 0, MOUTH, 12:36].mean(dim=(1, 2))
        if self.curved:
            happy = happy.square()
        surprise = maps[:, BROW, BROWS, 12:36].mean(dim=(1, 2))
        return torch.stack([torch.zeros_like(happy), happy, surprise], dim=1)


def subject(network, stimuli, layer="units"):
    model = Model(network.eval(), "paper", grey_contrast(48), EXPRESSIONS)
    return Subject(model, read_stimuli(stimuli), (layer,))


@pytest.fixture
def cards(monkeypatch):
    """Stand in for an experiment: what the cards of both action units show."""
    rows = pd.DataFrame(
        [("units", "AU12", CARRIER, "caused"), ("units", "AU01", BYSTANDER, "observed")],
        columns=["layer", "au", "unit", "shown_as"],
    )
    monkeypatch.setattr(Subject, "cards", lambda self: rows)
    return rows


def of(table, au, expression):
    rows = table[(table["au"] == au) & (table["expression"] == expression)]
    return rows.set_index("k") if "k" in table else rows


@pytest.mark.parametrize("curved", [False, True])
def test_the_chain_is_found_by_what_is_removed_and_restored(drawn_stimuli, cards, curved):
    found = of_mediation(subject(Chain(curved=curved), drawn_stimuli), silent)
    row = of(found["mediation"], "AU12", "happiness").iloc[0]
    assert row["effect_low"] > 0
    assert (row["n_people"], row["n_units"]) == (5, 4)
    assert (row["all_removed"], row["all_restored"], row["round"]) == pytest.approx(
        (1, 1, 0), abs=1e-5
    )
    assert (row["largest_unit"], row["half_removed"], row["half_restored"]) == (CARRIER, 1, 1)
    curve = of(found["curves"], "AU12", "happiness")
    assert curve.index.tolist() == [0, 1, 2, 4]
    assert curve["removed"].tolist() == pytest.approx([0, 1, 1, 1], abs=1e-5)
    assert curve["restored"].tolist() == pytest.approx([0, 1, 1, 1], abs=1e-5)
    assert curve.loc[1, "random_removed"] < 0.9
    carriers = of(found["carriers"], "AU12", "happiness").set_index("unit")
    assert carriers.loc[CARRIER, ["removed", "attribution"]].tolist() == pytest.approx(
        [1, 1], abs=1e-4
    )
    assert carriers["rank"][CARRIER] == 1
    assert carriers["half"].to_dict() == {CARRIER: True, BYSTANDER: False, BROW: False, IDLE: False}
    # the bystander changes as much and carries nothing
    assert carriers.loc[BYSTANDER, ["removed", "attribution"]].tolist() == pytest.approx(
        [0, 0], abs=0.01
    )
    row, column = carriers.loc[CARRIER, ["row", "column"]]  # in the mouth
    assert 32 / 48 < row < 40 / 48
    assert 12 / 48 < column < 36 / 48


def test_the_units_of_the_card_carry_what_they_carry(drawn_stimuli, cards):
    tables_of = of_mediation(subject(Chain(), drawn_stimuli), silent)
    found, whole = tables_of["detectors"], tables_of["realised"].iloc[0]
    # the carrier carries all, the bystander nothing
    assert (whole["n_aus"], whole["share"]) == (2, pytest.approx(0.5, abs=0.01))
    own = of(found, "AU12", "happiness").iloc[0]
    assert (own["units"], own["shown_as"], own["n_units"]) == (str(CARRIER), "caused", 1)
    assert own[["removed", "restored"]].tolist() == pytest.approx([1, 1], abs=1e-5)
    assert own["removed_low"] == pytest.approx(1, abs=1e-5)
    beside = of(found, "AU01", "surprise").iloc[0]  # the bystander, shown as observed
    assert beside[["removed", "restored"]].tolist() == pytest.approx([0, 0], abs=0.01)
    assert beside["p_removed"] > 0.5


def test_effects_whose_interval_holds_zero_are_left_out(drawn_stimuli, cards):
    found = of_mediation(subject(Chain(), drawn_stimuli), silent)["mediation"]
    # happiness rises under AU12; centring lowers the two others
    assert set(found["au"]) == {"AU01", "AU12"}
    flat = Chain()
    flat.units.weight.data.zero_()
    none = of_mediation(subject(flat, drawn_stimuli), silent)
    assert all(table.empty for table in none.values())
    assert {name: tuple(table) for name, table in none.items()} == dict(tables.COLUMNS)


def test_what_goes_round_the_layer_is_said(drawn_stimuli, cards):
    found = of_mediation(subject(Chain(around=0.25), drawn_stimuli), silent)
    row = of(found["mediation"], "AU12", "happiness").iloc[0]
    assert row["round"] == pytest.approx(0.25, abs=0.02)
    assert row["all_removed"] == pytest.approx(0.75, abs=0.02)
    most = of_mediation(subject(Chain(around=0.75), drawn_stimuli), silent)["mediation"]
    far = of(most, "AU12", "happiness").iloc[0]
    assert far["half_removed"] is pd.NA  # half of the effect never passes


@pytest.mark.parametrize("layer", ["conv1", "conv2", "conv3"])
def test_all_units_of_a_cut_carry_the_whole_effect(drawn_stimuli, monkeypatch, layer):
    monkeypatch.setattr(
        Subject, "cards", lambda self: pd.DataFrame(columns=["layer", "au", "unit", "shown_as"])
    )
    monkeypatch.setattr(subsets, "STEPS", (1,))
    monkeypatch.setattr(subsets, "ORDERS", 1)
    # a pass for each unit
    monkeypatch.setattr(OfAu, "alone", property(lambda own: np.zeros((len(own.sizes), 3))))
    network = build("paper", EXPRESSIONS, 48, seed=2).network
    found = of_mediation(subject(network, drawn_stimuli, layer), silent)
    table = found["mediation"]
    assert set(table["au"]) == {"AU01", "AU12"}
    for column in ("all_removed", "all_restored"):
        error = (table[column] - 1) * table["effect"]
        assert error.abs().max() <= 1e-5
    assert found["detectors"].empty


def test_a_network_that_answers_nan_is_one_sentence(drawn_stimuli, cards):
    broken = Chain()
    broken.units.bias.data[0] = float("nan")
    with pytest.raises(CallError, match="answers NaN"):
        of_mediation(subject(broken, drawn_stimuli), silent)


def test_the_same_seed_gives_the_same_tables(drawn_stimuli, cards):
    first, again, other = (
        of_mediation(dataclasses.replace(subject(Chain(), drawn_stimuli), seed=seed), silent)
        for seed in (1, 1, 2)
    )
    for name, table in first.items():
        pd.testing.assert_frame_equal(table, again[name])
    assert not np.array_equal(first["curves"]["random_removed"], other["curves"]["random_removed"])
