"""The analysis against a second, slow derivation, and on faces of which the truth is known."""

import itertools
import math

import numpy as np
import pandas as pd
import pytest

from facslens.errors import CallError, NotEnoughDataError
from facslens.experiments import trials as trials_module
from facslens.experiments.absolute import concordance, over_people, resampled, separation
from facslens.experiments.analysis import analyse, sentence
from facslens.experiments.control import Control
from facslens.experiments.dose import dose
from facslens.experiments.screen import screen
from facslens.experiments.specificity import changes, choose, energies, smallest, wins
from facslens.experiments.trials import GRADES, Arrangement, Strips, Trials, arrange

AUS = ("AU01", "AU06", "AU12", "AU25", "AU26", "AU27")


def draw(rng, effect, *, people=24, settings=2, noise=0.3, spread=1.0, again=0.05):
    """Trials of linear units: grade · effect (au, unit), strong effects of people and settings."""
    aus, units = effect.shape
    blocks = people * settings
    person = np.repeat(np.arange(people), settings)
    level = spread * rng.normal(size=(people, units))[person] + spread * rng.normal(
        size=(blocks, units)
    )
    steps = np.arange(1, 6) / 5
    alone = np.empty((5, blocks, aus, units))
    for k, step in enumerate(steps):
        alone[k] = level[:, None] + step * effect + noise * rng.normal(size=(blocks, aus, units))
    nothing = np.full((blocks, aus, units), np.nan)
    return Trials(
        AUS[:aus],
        tuple(f"P{n:02d}" for n in range(people)),
        person,
        np.arange(people) % 2 == 0,
        level,
        level + again * rng.normal(size=level.shape),
        tuple(alone),
        nothing,
        nothing,
    )


def constants(trials, candidates=3):
    """A control that answers the same to every face."""
    blank = np.zeros((len(trials.person), candidates))
    nothing = np.full((len(trials.person), len(trials.aus), candidates), np.nan)
    return Trials(
        trials.aus, trials.people, trials.person, trials.choosing, blank, blank,
        tuple(np.zeros((5, *nothing.shape))), nothing, nothing,
    )  # fmt: skip


def controls(trials):
    return {name: Control.of([constants(trials)]) for name in ("pixels", "gradients", "untrained")}


def test_a_detector_is_caused_and_a_unit_of_two_is_not(rng):
    effect = np.zeros((6, 5))
    effect[2, 0] = 2.0  # a detector of AU12
    effect[1, 1] = effect[2, 1] = 2.0  # answers to AU06 and AU12 alike
    effect[0, 2] = effect[0, 3] = -2.0  # suppressed by AU01
    trials = draw(rng, effect)
    found = analyse(trials, controls(trials), layer="conv", permutations=99)
    rows = found.caused.set_index("au")
    assert rows.loc["AU12", ["unit", "verdict"]].tolist() == [0, "caused"]
    assert rows.loc["AU12", "n_wins"] == 12
    assert rows.loc["AU12", "p"] == pytest.approx(0.5**12)
    assert rows.loc["AU06", ["unit", "verdict", "rival"]].tolist() == [1, "rival", "AU12"]
    assert set(rows.loc[["AU01", "AU25", "AU26", "AU27"], "verdict"]) == {"rival"}
    assert "than under its strongest rival" in sentence(rows.loc["AU12"].to_dict() | {"au": "AU12"})


def test_units_that_follow_how_much_of_the_face_moves_are_not_caused():
    """Unequal energy and no specificity: caused in at most 5 % of trials."""
    extent = np.array([0.5, 1.0, 1.5, 0.4, 2.0, 4.0])
    caused = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        trials = draw(rng, np.zeros((6, 20)), noise=0.0)
        weight = rng.uniform(-1.5, 1.5, 20)
        for k in range(5):
            some = 1 + rng.normal(scale=0.3, size=(*trials.rest.shape[:1], 6, 20))
            grade = trials.alone[k]
            grade += (k + 1) / 5 * extent[:, None] * weight * some
        found = analyse(trials, controls(trials), layer="conv", permutations=9)
        raw = wins(changes(trials, choosing=False), np.ones(6))
        assert smallest(raw, trials.rivals).share[5].max() > 0.9  # as they are they would pass
        caused += (found.caused["verdict"] == "caused").any()
    assert caused <= 2


def test_what_is_not_ahead_of_a_control_is_not_caused(rng):
    effect = np.zeros((6, 3))
    effect[2, 0] = 2.0
    trials = draw(rng, effect, spread=0.2)
    for name in ("pixels", "gradients", "untrained"):
        beside = controls(trials) | {name: Control.of([trials])}  # a control that does as well
        rows = analyse(trials, beside, layer="conv", permutations=19).caused.set_index("au")
        assert rows.loc["AU12", ["verdict", "behind"]].tolist() == ["controls", name]


def test_without_an_untrained_network_the_verdict_is_another_one(rng):
    effect = np.zeros((6, 3))
    effect[2, 0] = 2.0
    effect[1, 1] = effect[2, 1] = 2.0
    trials = draw(rng, effect)
    beside = controls(trials)
    del beside["untrained"]
    found = analyse(trials, beside, layer="conv", permutations=19)
    rows = found.caused.set_index("au", drop=False)
    assert rows.loc["AU12", ["unit", "verdict", "behind"]].tolist() == [0, "uncompared", ""]
    assert rows.loc["AU06", "verdict"] == "rival"  # the other tests decide as ever
    assert found.overview.set_index("candidates").loc["units", "n_caused"] == 0
    assert sentence(rows.loc["AU12"].to_dict()).endswith(
        "in 12 of 12 people, and passes every other test, but there is no untrained network to "
        "compare it with"
    )
    behind = beside | {"pixels": Control.of([trials])}
    rows = analyse(trials, behind, layer="conv", permutations=19).caused.set_index("au")
    assert rows.loc["AU12", "verdict"] == "controls"


def test_a_response_that_does_not_rise_is_not_caused(rng):
    effect = np.zeros((6, 2))
    effect[2, 0] = 2.0
    trials = draw(rng, effect, noise=0.01, spread=0.1)
    for grade in trials.alone[:4]:
        grade[:, 2, 0] = trials.alone[4][:, 2, 0] + 0.5  # less at E than at A to D
    rows = analyse(trials, controls(trials), layer="conv", permutations=19).caused.set_index("au")
    assert rows.loc["AU12", "verdict"] == "dose"
    assert rows.loc["AU12", "n_rising"] == 0


def test_degrees_of_one_opening_are_no_rivals(rng):
    effect = np.zeros((6, 1))
    effect[3:, 0] = [1.0, 2.0, 2.0]
    trials = draw(rng, effect, noise=0.1)
    assert not trials.rivals[3:, 3:].any()
    assert trials.rivals[:3, 3:].all()
    rows = analyse(trials, controls(trials), layer="c", permutations=19)
    table = rows.rivals.set_index(["au", "other"])
    assert not table.loc[("AU26", "AU27"), "rival"]
    assert table.loc[("AU26", "AU12"), "rival"]


def test_wins_agree_with_a_loop_over_people(rng):
    change = rng.normal(size=(7, 4, 3)).round(1)  # with ties
    energy = np.array([1.0, 2.0, 0.5, 1.0])
    found = wins(change, energy)
    for j, k, u in itertools.product(range(4), range(4), range(3)):
        score = []
        for p in range(7):
            raw = change[p, j, u] - change[p, k, u]
            rel = change[p, j, u] / energy[j] - change[p, k, u] / energy[k]
            score.append(raw > 0 and rel > 0)
        assert found[j, k, u] == pytest.approx(np.mean(score)), (j, k, u)
    rivals = ~np.eye(4, dtype=bool)
    least = smallest(found, rivals)
    for j, u in itertools.product(range(4), range(3)):
        others = [found[j, k, u] for k in range(4) if k != j]
        assert least.share[j, u] == min(others)
        assert found[j, least.rival[j, u], u] == min(others)


def test_separation_agrees_with_counting_pairs(rng):
    trials = draw(rng, rng.normal(size=(6, 2)), people=12)
    for values in (trials.rest, trials.full):
        values[..., 1] = values[..., 1].round()  # with ties
    for choosing in (True, False):
        rows = [b for b, p in enumerate(trials.person) if trials.choosing[p] == choosing]
        found = separation(trials, choosing)
        for j, u in itertools.product(range(6), range(2)):
            others = [trials.rest[b, u] for b in rows]
            others += [trials.full[b, k, u] for b in rows for k in range(6) if trials.rivals[j, k]]
            higher = [
                (trials.full[b, j, u] > o) + 0.5 * (trials.full[b, j, u] == o)
                for b in rows
                for o in others
            ]
            assert found[j, u] == pytest.approx(np.mean(higher), abs=1e-12)
            if not choosing:
                table = concordance(trials, j, u)
                assert table.shape == (6, 6)
                assert table.mean() == pytest.approx(np.mean(higher), abs=1e-12)


def test_a_control_read_in_strips_is_that_of_all_candidates_at_once(rng, monkeypatch):
    """Equal ones among them, so that the first of each is taken, whichever strip it is in."""
    table = pd.DataFrame(
        [
            {"person": f"P{n:02d}", "setting": s, "half": half, "kind": kind, "aus": au}
            for n, half in zip(range(12), ["choosing", "measuring"] * 6, strict=True)
            for s in range(2)
            for kind, au in (("rest", ""), *(("alone", au) for au in AUS))
        ]
    )
    table = table.assign(grade=np.where(table["kind"] == "alone", "E", ""), side="")
    values = rng.normal(size=(len(table), 9)).astype(np.float32)
    values[:, 5:7], values[:, 2], values[:, 7] = values[:, :2], 0, values[:, 3].round()
    arrangement = Arrangement.of(table)
    once = Control.of([arrange(table, values), arrange(table, values[:, ::-1])])
    for strip in (1, 4, 9):
        monkeypatch.setattr(trials_module, "STRIP", strip)
        strips = Strips(arrangement, values)
        assert [trials.rest.shape[1] for trials in strips][:-1] == [strip] * (len(strips) - 1)
        found = Control.in_strips([strips, Strips(arrangement, values[:, ::-1])])
        assert (found.n, found.candidate.tolist()) == (2, once.candidate.tolist())
        np.testing.assert_array_equal(found.tables, once.tables)
        np.testing.assert_array_equal(found.wins, once.wins)


def test_an_interval_over_people_agrees_with_drawing_them_one_by_one(rng):
    tables = rng.random((2, 8, 8))
    counts = resampled(8, 3)
    assert counts.sum(axis=1).tolist() == [8] * 2000
    for table, found in zip(tables, over_people(tables, counts[:50]), strict=True):
        drawn = []
        for row in counts[:50]:
            people = np.repeat(np.arange(8), row)
            drawn.append(table[np.ix_(people, people)].mean())
        assert (found.low, found.high) == pytest.approx(tuple(np.quantile(drawn, [0.025, 0.975])))
        assert found.value == pytest.approx(table.mean())


def test_energies_agree_with_a_loop(rng):
    trials = draw(rng, rng.normal(size=(6, 3)), people=10)
    rows = [b for b, p in enumerate(trials.person) if trials.choosing[p]]
    energy = energies([trials])
    for j in range(6):
        squares = []
        for u in range(3):
            levels = [trials.rest[b, u] for b in rows]
            levels += [trials.full[b, k, u] for b in rows for k in range(6)]
            scale = math.sqrt(np.mean((np.array(levels) - np.mean(levels)) ** 2))
            squares += [((trials.full[b, j, u] - trials.rest[b, u]) / scale) ** 2 for b in rows]
        assert energy[j] == pytest.approx(math.sqrt(np.mean(squares)))


def test_dose_agrees_with_counting_people(rng):
    effect = np.array([[0.0], [0.4], [1.0], [0.0], [0.0], [0.0]])
    trials = draw(rng, effect, people=20, noise=0.2)
    for k in (0, 1, 3):
        trials.alone[k][10:] = np.nan  # A, B and D of the first five people only
    found = dose(trials, 2, 0)
    measuring = [p for p in range(20) if not trials.choosing[p]]
    rising = 0
    for p in measuring:
        steps = []
        for b in np.flatnonzero(trials.person == p):
            levels = [trials.alone[k][b, 2, 0] for k in range(5)]
            known = [v for v in levels if not np.isnan(v)]
            steps.append(np.mean([np.sign(y - x) for x, y in itertools.combinations(known, 2)]))
        rising += np.mean(steps) > 0
    assert (found.rises, found.asked) == (rising, 10)
    assert found.p == pytest.approx(sum(math.comb(10, k) for k in range(rising, 11)) / 2**10)
    assert found.people.tolist() == [2, 2, 10, 2, 10]
    for k, p in itertools.product((2, 4), range(10)):
        blocks = np.flatnonzero(trials.person == measuring[p])
        mean = np.mean([trials.alone[k][b, 2, 0] - trials.rest[b, 0] for b in blocks])
        assert found.change[k, p] == pytest.approx(mean)


def test_people_and_overview_agree_with_the_trials(rng):
    """Each line of a dose curve, and each mean beside the controls, derived again by loops."""
    effect = np.zeros((6, 5))
    effect[2, 0] = 2.0
    trials = draw(rng, effect)
    noisy = draw(np.random.default_rng(3), 0.7 * np.ones((6, 5)), noise=1.0)
    against = {**controls(trials), "gradients": Control.of([noisy])}
    found = analyse(trials, against, layer="conv", permutations=9)
    for row in found.people.to_dict("records"):
        number = trials.people.index(row["person"])
        assert not trials.choosing[number]
        au, grade = AUS.index(row["au"]), GRADES.index(row["grade"])
        blocks = np.flatnonzero(trials.person == number)
        own = [
            trials.alone[grade][b, au, row["unit"]] - trials.rest[b, row["unit"]] for b in blocks
        ]
        assert row["change"] == pytest.approx(np.mean(own), rel=1e-12)
    assert len(found.people) == 6 * 12 * 5
    for row in found.dose.to_dict("records"):
        lines = found.people.query("au == @row['au'] and grade == @row['grade']")["change"]
        assert row["change"] == pytest.approx(lines.mean(), rel=1e-12)

    overview = found.overview.set_index("candidates")
    best = separation(trials, choosing=True).argmax(axis=1)
    alone = [concordance(trials, j, int(best[j])).mean() for j in range(6)]
    assert overview.loc["units", "auroc"] == pytest.approx(np.mean(alone), rel=1e-12)
    assert overview.loc["units", "wins"] == pytest.approx(found.caused["wins"].mean(), rel=1e-12)
    assert overview.loc["units", "n_caused"] == (found.caused["verdict"] == "caused").sum()
    ahead = behind = 0
    rivals = against["gradients"]
    for j in range(6):
        table = concordance(trials, j, int(best[j])) - rivals.tables[j]
        (interval,) = over_people(table[None], resampled(12, 0))
        ahead, behind = ahead + (interval.low > 0), behind + (interval.high < 0)
    assert overview.loc["gradients", ["n_ahead", "n_behind"]].tolist() == [ahead, behind]
    assert overview.loc["gradients", "auroc"] == pytest.approx(
        np.mean([table.mean() for table in rivals.tables]), rel=1e-12
    )
    assert 0 < ahead < 6


def test_the_screen_agrees_with_permuting_one_by_one():
    rng = np.random.default_rng(5)
    effect = np.zeros((6, 3))
    effect[2, 1] = 0.4
    trials = draw(rng, effect, people=12, noise=0.5)
    found = screen(trials, 200, seed=7)
    change = changes(trials, choosing=True)
    ranks = change.argsort(axis=1).argsort(axis=1) + 1.0
    observed = ranks.mean(axis=0)
    reached = np.ones_like(observed)
    again = np.random.default_rng(7)
    for _ in range(200):
        dealt = again.permuted(np.tile(np.arange(6), (6, 1)), axis=1)
        largest = np.mean([ranks[p][dealt[p]] for p in range(6)], axis=0).max()
        reached += largest >= observed - 1e-12
    np.testing.assert_allclose(found, reached / 201)


def test_the_screen_holds_its_level_with_strong_people_and_settings():
    """300 trials of a true null here; benchmarks/ has a thousand and more."""
    rng = np.random.default_rng(11)
    false = 0
    for number in range(300):
        trials = draw(rng, np.zeros((6, 8)), people=12, spread=3.0)
        false += screen(trials, 99, seed=number).min() <= 0.05
    assert false <= 25  # 15 expected; P(more than 25) is 0.5 %


def test_units_are_chosen_on_the_choosing_people_alone(rng):
    effect = rng.normal(size=(6, 8))
    trials = draw(rng, effect)
    energy = energies([trials])
    before = choose([trials], energy)
    measuring = trials.blocks_of(choosing=False)
    for grade in trials.alone:
        grade[measuring] = rng.normal(size=grade[measuring].shape)
    trials.rest[measuring] = 0
    assert energies([trials]) == pytest.approx(energy, abs=0)
    after = choose([trials], energy)
    assert after.unit.tolist() == before.unit.tolist()


def test_a_network_that_answers_the_same_to_every_face(rng):
    trials = constants(draw(rng, np.zeros((6, 2))))
    found = analyse(trials, controls(trials), layer="conv", permutations=9)
    assert set(found.caused["verdict"]) == {"silent"}
    assert found.caused["unit"].isna().all()
    assert sentence(found.caused.iloc[0].to_dict()).startswith("no unit of the layer changes")


def stimulus_rows(people=10, settings=2):
    rows = []
    for p, s in itertools.product(range(people), range(settings)):
        base = {"person": f"P{p:02d}", "setting": s, "half": ("choosing", "measuring")[p % 2]}
        blank = base | {"aus": "", "grade": "", "side": ""}
        rows += [blank | {"kind": kind} for kind in ("rest", "again")]
        for au in ("AU06", "AU12"):
            one = base | {"kind": "alone", "aus": au, "side": ""}
            rows += [one | {"grade": grade} for grade in GRADES]
            one |= {"kind": "side", "grade": "E"}
            rows += [one | {"side": side} for side in ("left", "right")]
        rows.append(base | {"kind": "together", "aus": "AU06 AU12", "grade": "D", "side": ""})
    return pd.DataFrame(rows)


def test_responses_are_arranged_by_what_the_table_says(rng):
    table = stimulus_rows().sample(frac=1, random_state=3, ignore_index=True)
    responses = rng.normal(size=(len(table), 2))
    trials = arrange(table, responses)
    assert trials.aus == ("AU06", "AU12")
    assert [grade.shape for grade in trials.alone] == [(20, 2, 2)] * 5
    key = list(zip(table["person"], table["setting"], table["kind"], table["aus"],
                   table["grade"], table["side"], strict=True))  # fmt: skip
    names = table[["person", "setting"]].drop_duplicates().itertuples(index=False, name=None)
    for block, (person, setting) in enumerate(names):
        assert trials.people[trials.person[block]] == person
        row = key.index((person, setting, "alone", "AU12", "C", ""))
        np.testing.assert_array_equal(trials.alone[2][block, 1], responses[row])
        row = key.index((person, setting, "side", "AU06", "E", "left"))
        np.testing.assert_array_equal(trials.left[block, 0], responses[row])
        row = key.index((person, setting, "rest", "", "", ""))
        np.testing.assert_array_equal(trials.rest[block], responses[row])
    assert trials.choosing.tolist() == [True, False] * 5


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (lambda t: t[t["person"] < "P09"], NotEnoughDataError, "show 9 people: .* at least 10"),
        (lambda t: t.assign(half="choosing"), NotEnoughDataError, "have one half only"),
        (
            lambda t: t[~((t["person"] == "P03") & (t["aus"] == "AU12") & (t["grade"] == "E"))],
            NotEnoughDataError,
            "lack AU12 at E for P03 in setting 0",
        ),
        (
            lambda t: t[~((t["person"] == "P04") & (t["kind"] == "rest"))],
            NotEnoughDataError,
            "lack the face at rest for P04",
        ),
        (lambda t: t[t["kind"].isin(["rest", "again"])], NotEnoughDataError, "no action unit"),
    ],
)
def test_stimuli_that_lack_something_are_one_sentence(change, error, message):
    table = change(stimulus_rows())
    with pytest.raises(error, match=message):
        arrange(table, np.zeros((len(table), 1)))


def test_responses_that_are_not_finite_or_too_few_are_refused():
    table = stimulus_rows()
    with pytest.raises(CallError, match="responses has 3 rows: the table has"):
        arrange(table, np.zeros((3, 1)))
    responses = np.zeros((len(table), 1))
    responses[5] = np.nan
    with pytest.raises(CallError, match="the response to image 5 is not finite"):
        arrange(table, responses)
