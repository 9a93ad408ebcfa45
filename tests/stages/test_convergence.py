"""A run on drawn expressions beside an experiment whose responses are made up."""

import numpy as np
import pandas as pd
import pytest

from facslens.artifacts import read_table, write_table
from facslens.experiments.analysis import analyse
from facslens.experiments.control import Control
from facslens.experiments.convergence import TYPES
from facslens.experiments.trials import Trials
from facslens.stages.convergence import convergence, real_ranks

LAYER = "conv3"
AUS = ("AU04", "AU12", "AU25", "AU27", "AU43")


def invented(aus, detectors, units=256, people=16):
    """Responses in which each action unit moves the unit given for it, and noise all others."""
    rng = np.random.default_rng(3)
    blocks = 2 * people
    rest = rng.normal(size=(blocks, units))
    noise = 0.1 * rng.normal(size=(5, blocks, len(aus), units))
    alone = rest[None, :, None] + noise
    for j, au in enumerate(aus):
        if au in detectors:
            steps = np.arange(1, 6)
            alone[:, :, j, detectors[au]] += steps[:, None]
    person = np.repeat(np.arange(people), 2)
    nothing = np.full((blocks, len(aus), units), np.nan)
    names = tuple(f"P{n:02d}" for n in range(people))
    half = np.arange(people) % 2 == 0
    return Trials(aus, names, person, half, rest, rest + 0.05, tuple(alone), nothing, nothing)


def converged(run, aus, detectors):
    trials = {LAYER: invented(aus, detectors)}
    blank = Control.of([invented(aus, {}, units=2)])
    controls = {LAYER: dict.fromkeys(("pixels", "gradients", "untrained"), blank)}
    findings = analyse(trials[LAYER], controls[LAYER], layer=LAYER, permutations=9)
    return findings, convergence(run, findings, trials, controls)


def test_ranks_on_real_faces_are_those_of_the_statistic(run):
    """By z among the units whose AUROC is above one half, under the deciding null."""
    table = run.association.table
    own = table[(table["null"] == run.settings.null) & (table["distance"] == "auroc")]
    effects = run.association.effects.set_index(["layer", "au", "unit"])["auroc"]
    found = real_ranks(run)
    assert set(found["layer"]) == set(run.responses.layers)
    for (layer, au), rows in found.groupby(["layer", "au"]):
        part = own[(own["layer"] == layer) & (own["au"] == au)]
        z = dict(zip(part["unit"], part["z"], strict=True))
        above = [unit for unit in z if effects[layer, au, unit] > 0.5]
        order = sorted(above, key=lambda unit: (-z[unit], unit))
        assert rows.sort_values("rank")["unit"].tolist() == order
        assert sorted(rows["rank"]) == list(range(1, len(order) + 1))


def test_the_best_unit_on_both_is_confirmed_on_both_unseen_sets(run):
    ranks = real_ranks(run).query("layer == @LAYER and rank == 1").set_index("au")["unit"]
    findings, table = converged(run, AUS, {au: int(ranks[au]) for au in ("AU04", "AU12")})
    rows = table[table["layer"] == LAYER].set_index("au")
    assert findings.caused.set_index("au")["verdict"].loc[["AU04", "AU12"]].tolist() == 2 * [
        "caused"
    ]
    part = run.confirmation
    faces = part.faces.table
    responses = pd.DataFrame(part.responses(run.responses)[LAYER][:, :])
    by_sequence = responses.groupby(faces["sequence"].to_numpy()).mean()
    for au in ("AU04", "AU12"):
        row = rows.loc[au]
        assert row[["unit_joint", "rank_real", "rank_drawn"]].tolist() == [ranks[au], 1, 1]
        label = faces.groupby("sequence")[au].first()
        own = by_sequence[row["unit_joint"]]
        shown, not_shown = own[label == 1].to_numpy(), own[label == 0].to_numpy()
        larger = (shown[:, None] > not_shown) + 0.5 * (shown[:, None] == not_shown)
        assert row["auroc_real"] == pytest.approx(larger.mean())
        assert row["confirmed_real"] == (row["auroc_real_low"] > 0.5)
        assert row["verdict_joint"] == "caused"
        assert row["n_wins_joint"] == 8
    verdicts = run.verdicts.query("layer == @LAYER").set_index("au")
    for au in verdicts.index:
        assert rows.loc[au, "status_observed"] == verdicts.loc[au, "status"]
    both = rows.index[rows["verdict"] == "both by one unit"]
    real = rows.index[rows["confirmed_real"].fillna(False)]
    drawn = rows.index[rows["verdict_joint"].fillna("") == "caused"]
    assert set(both) == set(real) & set(drawn) & {"AU04", "AU12"}
    assert len(both) > 0


def test_a_joint_unit_of_the_mapping_has_the_interval_of_the_mapping(run):
    ranks = real_ranks(run).query("layer == @LAYER and rank == 1").set_index("au")["unit"]
    _, table = converged(run, AUS, {au: int(ranks[au]) for au in ("AU04", "AU12")})
    same = table[(table["layer"] == LAYER) & (table["unit_joint"] == table["unit_observed"])]
    assert len(same) > 0
    for end in ("", "_low", "_high"):
        pd.testing.assert_series_equal(
            same[f"auroc_real{end}"], same[f"auroc_observed{end}"], check_names=False
        )


def test_the_table_is_written_and_read(run, tmp_path):
    _, table = converged(run, AUS, {"AU12": 3})
    write_table(tmp_path / "convergence.csv", table)
    again = read_table(tmp_path / "convergence.csv", TYPES)
    pd.testing.assert_frame_equal(again, table, check_exact=True)


def test_action_units_and_layers_that_one_side_lacks(run):
    _, table = converged(run, AUS, {})
    rows = table.set_index(["layer", "au"])
    assert rows.loc[(LAYER, "AU43"), ["known", "verdict"]].tolist() == [
        "drawn",
        "unknown on real faces",
    ]
    assert rows.loc[(LAYER, "AU17"), ["known", "verdict"]].tolist() == [
        "real",
        "unknown on drawn faces",
    ]
    others = table[table["layer"] != LAYER]
    assert set(others["layer"]) == set(run.responses.layers) - {LAYER}
    assert set(others["verdict"]) == {"unknown on drawn faces"}


def test_faces_and_stimuli_without_an_action_unit_in_common(run):
    _, table = converged(run, ("AU09", "AU43"), {"AU09": 3})
    assert set(table["known"]) == {"real", "drawn"}
    assert table["unit_joint"].isna().all()
