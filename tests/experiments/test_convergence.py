"""Observed beside caused: every verdict by hand, and a second, slow derivation of the table."""

import itertools
import math

import numpy as np
import pandas as pd
import pytest

from facslens.errors import CallError
from facslens.experiments.analysis import Findings, analyse
from facslens.experiments.control import Control
from facslens.experiments.convergence import TYPES, converge, joint_units
from facslens.experiments.decision import decide, measure
from facslens.experiments.specificity import changes, choose, energies, sizes, smallest, wins
from facslens.experiments.trials import Trials

NONE = math.nan


def observed(*rows):
    """(au, unit, status, auroc_test, low, high) of layer conv3."""
    columns = ["au", "unit", "status", "auroc_test", "auroc_test_low", "auroc_test_high"]
    table = pd.DataFrame(rows, columns=columns).astype({"unit": "Int64"})
    table.insert(0, "layer", "conv3")
    return table


def plain(**units):
    table = pd.DataFrame({"layer": "conv3", "au": list(units), "unit": list(units.values())})
    return table.astype({"unit": "Int64"})


def joint(*rows):
    """(au, unit, ranks, status and AUROC on real people, wins of 30 and verdict on drawn ones)."""
    names = ["au", "unit", "rank_real", "rank_drawn", "status", "auroc_test"]
    names += ["auroc_test_low", "auroc_test_high", "n_wins", "verdict"]
    table = pd.DataFrame(rows, columns=names).assign(layer="conv3", n_people=30, rival="AU09")
    table = table.assign(wins=table["n_wins"] / 30)
    return table.astype({"unit": "int64", "n_wins": "Int64", "n_people": "Int64"})


def findings(caused, change):
    """Of caused, (au, unit, verdict), and of the change of every unit, (au, change of units)."""
    table = pd.DataFrame(caused, columns=["au", "unit", "verdict"])
    table = table.assign(layer="conv3", n_wins=28, n_people=30, rival="AU09", behind="pixels")
    table = table.assign(n_rising=11, n_dose=30).astype({"unit": "Int64"})
    aus = list(change)
    units = range(len(change[aus[0]])) if aus else ()
    tuning = pd.DataFrame(
        [("conv3", unit, au, change[au][unit]) for unit in units for au in aus],
        columns=["layer", "unit", "au", "change"],
    )
    tables = dict.fromkeys(("rivals", "dose", "people", "controls", "overview"), pd.DataFrame())
    return Findings(tuning=tuning, caused=table, **tables)


def one(seen, made, both=None, largest=0):
    """Converge one action unit, AU12, of which unit `largest` has the largest distance."""
    found = converge(
        observed(("AU12", *seen)) if seen else observed(),
        plain(AU12=largest) if seen else plain(),
        findings([("AU12", *made)] if made else [], {"AU12": [1.0, 2.0], "AU06": [3.0, 1.0]}),
        joint(("AU12", *both)) if both else joint(),
    )
    assert list(found) == list(TYPES)
    for name, kind in TYPES.items():
        assert kind == "str" or str(found[name].dtype) == kind, name
    assert len(found) == 1
    return found.iloc[0]


CONFIRMED = (1, "confirmed", 0.9, 0.8, 0.95)
WEAK = (1, "not confirmed", 0.6, 0.45, 0.75)


@pytest.mark.parametrize(
    ("seen", "made", "both", "verdict", "said"),
    [
        (
            CONFIRMED,
            (0, "caused"),
            (5, 2, 3, "confirmed", 0.85, 0.7, 0.93, 26, "caused"),
            "both by one unit",
            "AU12: unit 5 tells it apart on unseen coded faces (AUROC 0.85, 0.70 to 0.93), and in "
            "the experiment the same unit 5 changes more under AU12 than under AU09, its strongest "
            "rival, in 26 of 30 unseen people.",
        ),
        (  # neither side's own unit does, and the joint one does
            (None, "none", NONE, NONE, NONE),
            (0, "rival"),
            (5, 2, 3, "confirmed", 0.85, 0.7, 0.93, 26, "caused"),
            "both by one unit",
            "AU12: unit 5 tells it apart",
        ),
        (  # one and the same unit, though the joint table corrects its p for other tests
            CONFIRMED,
            (1, "caused"),
            (1, 1, 1, "confirmed", 0.9, 0.8, 0.95, 26, "rival"),
            "both by one unit",
            "AU12: unit 1 tells it apart on unseen coded faces (AUROC 0.90, 0.80 to 0.95), and in "
            "the experiment the same unit 1 changes more under AU12 than under AU09, its strongest "
            "rival, in 28 of 30 unseen people.",
        ),
        (
            CONFIRMED,
            (0, "caused"),
            (5, 2, 3, "not confirmed", 0.55, 0.4, 0.7, 26, "caused"),
            "observed and caused, by different units",
            "AU12: unit 1 tells it apart on unseen coded faces, but in the experiment "
            "it moves unit 0 of its own; unit 5, the best on both together, fails on the coded "
            "faces.",
        ),
        (
            CONFIRMED,
            (0, "caused"),
            (5, 2, 3, "confirmed", 0.85, 0.7, 0.93, 14, "rival"),
            "observed and caused, by different units",
            "fails in the experiment.",
        ),
        (
            CONFIRMED,
            (0, "caused"),
            (5, 2, 3, "not confirmed", 0.55, 0.4, 0.7, 14, "rival"),
            "observed and caused, by different units",
            "fails on both.",
        ),
        (
            CONFIRMED,
            (0, "caused"),
            None,
            "observed and caused, by different units",
            "no unit comes into question for both.",
        ),
        (
            CONFIRMED,
            (0, "rival"),
            (5, 2, 3, "confirmed", 0.85, 0.7, 0.93, 14, "rival"),
            "observed",
            "AU12: unit 1 tells it apart on unseen coded faces; in the experiment no unit of "
            "its own: its best one changes more under AU12 than under AU09 in 28 of 30 people.",
        ),
        (
            CONFIRMED,
            (None, "silent"),
            None,
            "observed",
            "in the experiment no unit of the layer changes under any action unit.",
        ),
        (
            WEAK,
            (0, "caused"),
            (5, 2, 3, "not confirmed", 0.55, 0.4, 0.7, 26, "caused"),
            "caused",
            "AU12: unit 1 was chosen on coded faces, but does not tell it apart on unseen ones; "
            "in the experiment unit 0 changes more under AU12 than under AU09, its strongest "
            "rival, in 28 of 30 unseen people.",
        ),
        (
            (None, "none", NONE, NONE, NONE),
            (0, "controls"),
            None,
            "neither",
            "AU12: no unit tells it apart on coded faces beyond chance; in the experiment unit 0 "
            "changes more under AU12 than under any other action unit, but its response alone is "
            "not ahead of pixels.",
        ),
        (WEAK, (0, "dose"), None, "neither", "in 11 of 30 people."),
        (
            (1, "not enough data", 0.9, NONE, NONE),
            (0, "caused"),
            (1, 1, 4, "not enough data", 0.9, NONE, NONE, 26, "caused"),
            "unknown on real faces",
            "AU12: the coded faces cannot say; in the experiment unit 0 changes more",
        ),
        (None, (0, "caused"), None, "unknown on real faces", "AU12: the coded faces cannot say;"),
        (
            CONFIRMED,
            None,
            None,
            "unknown on drawn faces",
            "AU12: unit 1 tells it apart on unseen coded faces; the experiment does not switch it.",
        ),
        (
            (1, "not enough data", 0.9, NONE, NONE),
            None,
            None,
            "unknown on drawn faces",
            "AU12: too few of the coded faces show it; the experiment does not switch it.",
        ),
    ],
)
def test_every_verdict(seen, made, both, verdict, said):
    row = one(seen, made, both, largest=1)  # AU12 moves unit 1 most: nothing is contradicted
    assert row["verdict"] == verdict
    assert said in row["sentence"]
    assert row["known"] == ("both" if seen and made else "real" if seen else "drawn")
    if both:
        assert row[["unit_joint", "rank_real", "rank_drawn"]].tolist() == list(both[:3])
        assert (row["wins_joint"], row["n_wins_joint"]) == (both[7] / 30, both[7])
        sure = both[3] in ("confirmed", "not confirmed")
        assert pd.isna(row["confirmed_real"]) is not sure
        assert not sure or row["confirmed_real"] == (both[3] == "confirmed")
    else:
        assert row[["unit_joint", "confirmed_real", "verdict_joint"]].isna().all()
    if seen:
        assert row["status_observed"] == seen[1]
        np.testing.assert_equal(row["auroc_observed_low"], seen[3])


def test_the_largest_distance_is_contradicted_by_a_rival_alone():
    change = {
        "AU06": [0.5, 3.0, 0.0, -1.0],
        "AU25": [0.0, 0.0, 1.0, -1.0],
        "AU27": [0.0, 1.0, 2.0, -2.0],
    }
    made = findings([(au, 0, "rival") for au in change], change)
    seen = observed(*((au, 0, "confirmed", 0.9, 0.8, 0.95) for au in (*change, "AU39")))

    def contradicted(**units):
        found = converge(seen, plain(**units), made, joint()).set_index("au")
        said = found["contradicted"]
        return found, {au: said[au] for au in found.index}

    found, said = contradicted(AU06=0, AU25=1, AU27=1, AU39=1)
    assert found["most_distance"].fillna("").to_dict() == {
        "AU06": "AU06", "AU25": "AU06", "AU27": "AU06", "AU39": "",
    }  # fmt: skip
    assert (said["AU06"], said["AU25"], said["AU27"]) == (False, True, True)
    assert said["AU39"] is pd.NA  # never switched
    assert found.loc["AU25", "sentence"].endswith(
        ". The largest distance names unit 1, which changes more under AU06 than under AU25."
    )
    assert "largest distance" not in found.loc["AU06", "sentence"]
    found, said = contradicted(AU06=3, AU25=2, AU27=2, AU39=None)
    assert found.loc["AU25", "most_distance"] == "AU27"
    assert (said["AU25"], said["AU27"]) == (False, False)  # degrees of one opening
    assert said["AU06"] is pd.NA  # no action unit raises unit 3
    assert pd.isna(found.loc["AU06", "most_distance"])


def test_layers_and_action_units_of_one_side_have_a_row():
    seen = observed(*((au, 0, "confirmed", 0.9, 0.8, 0.95) for au in ("AU12", "AU01")))
    seen = pd.concat([seen, seen.assign(layer="conv1")], ignore_index=True)
    made = findings([("AU12", 0, "caused"), ("AU43", 1, "rival")], {"AU12": [1.0, 0.0]})
    found = converge(seen, plain(AU12=0), made, joint())
    assert found[["layer", "au", "known"]].to_numpy().tolist() == [
        ["conv3", "AU01", "real"],
        ["conv3", "AU12", "both"],
        ["conv3", "AU43", "drawn"],
        ["conv1", "AU01", "real"],
        ["conv1", "AU12", "real"],
    ]


def test_verdicts_agree_with_counting_what_is_known_of_each_unit():
    """All combinations, from two sets: units that hold on real people, and on drawn ones."""
    statuses = ("confirmed", "not confirmed", "not enough data", "none")
    verdicts = ("caused", "rival", "dose", "controls", "silent")
    cases = itertools.product(
        statuses, verdicts, (1, 2), ("confirmed", "not confirmed"), ("caused", "rival", "silent")
    )
    for status, verdict, unit, real, drawn in cases:
        row = one(
            (1, status, 0.9, 0.8, 0.95), (unit, verdict), (5, 1, 1, real, 0.9, 0.8, 0.95, 9, drawn)
        )
        on_real = ({1} if status == "confirmed" else set()) | (
            {5} if real == "confirmed" else set()
        )
        on_drawn = ({unit} if verdict == "caused" else set()) | (
            {5} if drawn == "caused" else set()
        )
        own = (status == "confirmed", verdict == "caused")
        if status == "not enough data":
            expected = "unknown on real faces"
        elif on_real & on_drawn:
            expected = "both by one unit"
        else:
            expected = {
                (True, True): "observed and caused, by different units",
                (True, False): "observed",
                (False, True): "caused",
                (False, False): "neither",
            }[own]
        assert row["verdict"] == expected, (status, verdict, unit, real, drawn)
        assert row["sentence"].startswith("AU12: ")
        assert row["sentence"].count("nan") == row["sentence"].count("<NA>") == 0


def ranked(**ranks):
    """Of each action unit the ranks of its units, None for a unit that has none."""
    rows = [(au, unit, rank) for au, some in ranks.items() for unit, rank in enumerate(some)]
    return pd.DataFrame(rows, columns=["au", "unit", "rank"]).assign(layer="conv3").dropna()


def as_tuning(table):
    return table.rename(columns={"rank": "rank_choosing"})


@pytest.mark.parametrize(
    ("real", "drawn", "unit"),
    [
        ([1, 9, 2], [9, 1, 3], 2),  # first on one side and last on the other is no unit of both
        ([1, 4, 2], [4, 2, 4], 0),  # equal worse rank: the smaller better one
        ([2, 5], [5, 2], 1),  # equal both: the one that ranks higher on drawn faces
        ([None, 2, 3], [1, 3, None], 1),  # only a unit with both ranks is a candidate
    ],
)
def test_the_joint_unit_has_the_smallest_worse_rank(real, drawn, unit):
    found = joint_units(ranked(AU12=real), as_tuning(ranked(AU12=drawn)))
    assert found[["layer", "au", "unit"]].to_numpy().tolist() == [["conv3", "AU12", unit]]
    assert found.loc[0, ["rank_real", "rank_drawn"]].tolist() == [real[unit], drawn[unit]]


def test_there_is_no_joint_unit_where_one_side_knows_none():
    found = joint_units(ranked(AU12=[1, 2]), as_tuning(ranked(AU06=[1, 2])))
    assert len(found) == 0
    assert list(found) == ["layer", "au", "unit", "rank_real", "rank_drawn"]


def test_joint_units_agree_with_a_loop(rng):
    aus = ["AU01", "AU06", "AU12", "AU25"]
    sides = [{au: [*(rng.permutation(7) + 1)] for au in aus} for _ in range(2)]
    for side, au in itertools.product(sides, aus):
        side[au][int(rng.integers(7))] = None
    found = joint_units(ranked(**sides[0]), as_tuning(ranked(**sides[1]))).set_index("au")
    for au in aus:
        best = None
        for unit, (real, drawn) in enumerate(zip(sides[0][au], sides[1][au], strict=True)):
            if real is not None and drawn is not None:
                key = (max(real, drawn), min(real, drawn), drawn)
                if best is None or key < best[0]:
                    best = (key, unit)
        assert found.loc[au, "unit"] == best[1], au


def trials_of(rng, people=20, aus=("AU06", "AU12", "AU25", "AU27"), units=6):
    """Responses rounded so that changes and shares of wins tie; unit 5 answers to nothing."""
    blocks = 2 * people
    rest = rng.normal(size=(blocks, units)).round(1)
    effect = rng.normal(size=(len(aus), units)).round(1)
    alone = np.empty((5, blocks, len(aus), units))
    for k in range(5):
        noise = 0.5 * rng.normal(size=(blocks, len(aus), units))
        alone[k] = (rest[:, None] + (k + 1) / 5 * effect + noise).round(1)
    rest[:, 5] = alone[..., 5] = 1.0
    nothing = np.full((blocks, len(aus), units), np.nan)
    person = np.repeat(np.arange(people), 2)
    half = np.arange(people) % 2 == 0
    names = tuple(f"P{n:02d}" for n in range(people))
    return Trials(aus, names, person, half, rest, rest + 0.1, tuple(alone), nothing, nothing)


def controls_of(trials, rng):
    other = trials_of(rng, aus=trials.aus)
    return {name: Control.of([other]) for name in ("pixels", "gradients", "untrained")}


def test_ranks_agree_with_sorting_by_share_size_and_number(rng):
    trials = trials_of(rng)
    energy = energies([trials])
    found = choose([trials], energy)
    change = changes(trials, choosing=True)
    share = smallest(wins(change, energy), trials.rivals).share
    size = sizes(change)
    for j in range(len(trials.aus)):
        order = sorted(range(5), key=lambda u: (-share[j, u], -size[j, u], u))
        assert [int(found.rank[j, u]) for u in order] == [1, 2, 3, 4, 5]
        assert found.unit[j] == order[0]
        assert np.isnan(found.rank[j, 5])  # it never changes
    assert len(np.unique(share[:, :5])) < share[:, :5].size  # there were ties
    controls = controls_of(trials, rng)
    tuning = analyse(trials, controls, layer="c", permutations=9).tuning
    table = tuning.pivot_table("rank_choosing", "au", "unit").to_numpy()
    np.testing.assert_array_equal(table, found.rank[:, :5])


def test_a_decision_for_other_units_agrees_with_counting(rng):
    trials = trials_of(rng)
    for step, grade in enumerate(trials.alone, start=1):
        grade[:, 0, 4] += 4 * step  # wins in everybody
        grade[:, 1, 2] += 0.5 * step
    controls = controls_of(trials, rng)
    measured = measure(trials, seed=3)
    units = np.array([4, 2, -1, 0])
    rows = decide(trials, measured, controls, units, "c").caused.set_index("au")
    assert rows["unit"].isna().tolist() == [False, False, True, False]
    assert rows.loc["AU25", "verdict"] == "silent"
    measuring = [p for p in range(20) if not trials.choosing[p]]
    energy = energies([trials])
    p = []
    for j, (au, unit) in enumerate(zip(trials.aus, units, strict=True)):
        if unit < 0:
            p.append(1.0)
            continue

        def moved(person, k, unit=unit):
            blocks = np.flatnonzero(trials.person == person)
            return np.mean([trials.full[b, k, unit] - trials.rest[b, unit] for b in blocks])

        least = min(
            sum(
                moved(q, j) > moved(q, k) and moved(q, j) / energy[j] > moved(q, k) / energy[k]
                for q in measuring
            )
            for k in range(4)
            if k != j and {trials.aus[j], trials.aus[k]} != {"AU25", "AU27"}
        )
        assert rows.loc[au, "n_wins"] == least
        p.append(sum(math.comb(10, n) for n in range(least, 11)) / 2**10)
        assert rows.loc[au, "p"] == pytest.approx(p[-1])
    assert p[0] == p[1] == 0.5**10  # so that the number of tests shows
    order = np.argsort(p)
    worst = 0.0
    for place, j in enumerate(order):
        worst = max(worst, min(1.0, (4 - place) * p[j]))
        if units[j] >= 0:
            assert rows.loc[trials.aus[j], "p_holm"] == pytest.approx(worst)


def test_a_decision_for_the_chosen_units_is_that_of_the_analysis(rng):
    trials = trials_of(rng)
    controls = controls_of(trials, rng)
    found = analyse(trials, controls, layer="c", permutations=9, seed=3)
    units = found.caused["unit"].to_numpy(dtype=np.int64)
    again = decide(trials, measure(trials, seed=3), controls, units, "c")
    pd.testing.assert_frame_equal(again.caused, found.caused.drop(columns="p_screen"))
    for name in ("rivals", "dose", "people", "controls"):
        pd.testing.assert_frame_equal(getattr(again, name), getattr(found, name))
    own = found.tuning.set_index(["au", "unit"])["p_screen"]
    assert found.caused["p_screen"].tolist() == [
        own[au, unit] for au, unit in zip(found.caused["au"], units, strict=True)
    ]


def test_an_action_unit_without_a_unit_has_no_difference_from_a_control(rng):
    trials = trials_of(rng)
    units = np.array([0, -1, 0, 0])
    found = decide(trials, measure(trials, 0), controls_of(trials, rng), units, "c").controls
    own = found.set_index("au")["difference"].isna()
    assert own["AU12"].all()
    assert not own[["AU06", "AU25", "AU27"]].any()


@pytest.mark.parametrize("unit", [6, -2])
def test_a_unit_that_the_layer_lacks_is_one_sentence(rng, unit):
    trials = trials_of(rng)
    controls = controls_of(trials, rng)
    with pytest.raises(CallError, match=f"^units names unit {unit}: conv2 has units 0 to 5$"):
        decide(trials, measure(trials, 0), controls, np.array([0, unit, 0, 0]), "conv2")
