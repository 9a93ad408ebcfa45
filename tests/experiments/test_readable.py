"""What linear probes read layer by layer: against slow loops, and on layers of known content."""

import itertools

import numpy as np
import pandas as pd
import pytest

from facslens.association.ridge import FOLDS, PENALTIES, grouped_folds
from facslens.errors import CallError, NotEnoughDataError
from facslens.experiments.absolute import resampled
from facslens.experiments.effects import centred
from facslens.experiments.probes import by_type, change_sums, explained, faces_of, foretell, tell
from facslens.experiments.readable import FIRST, LAYERS, MEAN, READABLE, reached, readable
from facslens.experiments.reading import expressions_read, units_read
from facslens.experiments.tasks import control_tasks, exchanged, exchanges, units_tasks
from facslens.experiments.trials import arrange, is_rival

AUS = ("AU01", "AU04", "AU12", "AU17", "AU25", "AU26")
EXPRESSIONS = ("anger", "happiness", "surprise")
STRENGTH = {"": 0.0, "C": 0.6, "E": 1.0}
PEOPLE, SETTINGS = 20, 2


def rows():
    found = []
    for person, setting in itertools.product(range(PEOPLE), range(SETTINGS)):
        base = {"person": f"P{person:02d}", "setting": setting, "side": ""}
        base["half"] = "choosing" if person % 2 else "measuring"
        found.append(base | {"kind": "rest", "aus": "", "grade": ""})
        for au, grade in itertools.product(AUS, ("C", "E")):
            found.append(base | {"kind": "alone", "aus": au, "grade": grade})
    return pd.DataFrame(found)


def switched(table):
    """How strongly each action unit is switched in each face."""
    grade = table["grade"].map(STRENGTH).to_numpy()
    return (table["aus"].to_numpy()[:, None] == np.array(AUS)) * grade[:, None]


def separate(table):
    """A unit for each type of face: action unit and grade."""
    types = table["aus"] + table["grade"]
    return (types.to_numpy()[:, None] == np.unique(types)).astype(float)


def people_as_units(table, rng, units):
    """What differs between people and settings alone."""
    block, _ = pd.factorize(table["person"] + table["setting"].astype(str))
    return rng.normal(size=(block.max() + 1, units))[block]


@pytest.fixture
def table():
    return rows()


@pytest.fixture
def logits(table, rng):
    mixing = np.array([[2, 0, 0], [3, 0, 1], [0, 4, 0], [2, -1, 0], [0, 1, 1], [0, 0, 3.0]])
    return switched(table) @ mixing + people_as_units(table, rng, 3)


@pytest.fixture
def mixed(table, rng):
    """A layer that holds action units in directions, people, and noise."""
    values = switched(table) @ rng.normal(size=(len(AUS), 9)) + people_as_units(table, rng, 9)
    return values + 0.4 * rng.normal(size=values.shape)


def slow_ridge(x, y, penalty):
    """From the normal equations of responses with a column of ones."""
    padded = np.hstack([x, np.ones((len(x), 1))])
    penalties = np.diag([len(x) * penalty] * x.shape[1] + [0.0])
    return np.linalg.solve(padded.T @ padded + penalties, padded.T @ y)


def pairs(present, absent):
    return np.mean([(a > b) + (a == b) / 2 for a in present for b in absent])


def slow_scores(table, values, label, known, merit):
    """One probe, row by row: its output for the measuring rows."""
    choosing = (table["half"] == "choosing").to_numpy()
    values = (values - values[choosing].mean(axis=0)) / values[choosing].std(axis=0)
    person = table["person"].str[1:].astype(int).to_numpy()
    block = person * SETTINGS + table["setting"].to_numpy()
    fold_of = dict(
        zip(
            np.unique(block[choosing]),
            grouped_folds(np.unique(block[choosing]) // SETTINGS, FOLDS, 0),
            strict=True,
        )
    )
    fold = np.array([fold_of.get(one, -1) for one in block])
    means = []
    for penalty in PENALTIES:
        found = []
        for number in range(FOLDS):
            inside = choosing & known & (fold != number)
            out = choosing & known & (fold == number)
            weights = slow_ridge(values[inside], label[inside], penalty)
            found.append(merit(values[out] @ weights[:-1], label[out], table[out]))
        means.append(np.mean(found))
    best = max(k for k, mean in enumerate(means) if mean == max(means))
    fitted = choosing & known
    return values @ slow_ridge(values[fitted], label[fitted], PENALTIES[best])[:-1]


def slow_auroc(score, label, _table=None):
    return pairs(score[label == 1], score[label == 0])


def changes(values, table):
    at_rest = table["kind"] == "rest"
    rest = dict(
        zip(
            table.loc[at_rest, ["person", "setting"]].itertuples(index=False, name=None),
            values[at_rest],
            strict=True,
        )
    )
    keys = table[["person", "setting"]].itertuples(index=False, name=None)
    return np.array([value - rest[key] for key, value in zip(keys, values, strict=True)])


def slow_explained(score, label, table):
    foretold, true = changes(score, table), changes(label, table)
    return 1 - ((foretold - true) ** 2).sum() / (true**2).sum()


def test_probes_of_action_units_agree_with_loops(table, mixed):
    trials = arrange(table, mixed)
    faces = faces_of(trials)
    label, known = units_tasks(trials.rivals)
    scores = tell(faces, label, known, seed=0)
    one = resampled(PEOPLE // 2, 0)
    value, _, _ = units_read(faces, faces, trials.rivals, exchanges(trials.rivals, 0), one, 0)
    measuring = (table["half"] == "measuring").to_numpy()
    for a, au in enumerate(AUS):
        own = (table["aus"] == au).to_numpy()
        part = own | np.array([not shown or is_rival(au, shown) for shown in table["aus"]])
        slow = slow_scores(table, mixed, own.astype(float), part, slow_auroc)
        fast = np.full(len(table), np.nan)
        for (_, row), score in zip(
            table[measuring].groupby(["person", "setting"]), scores[:, :, a], strict=True
        ):
            order = [0, *(1 + 2 * k for k in range(6)), *(2 + 2 * k for k in range(6))]
            fast[row.index[order]] = score
        np.testing.assert_allclose(np.diff(fast[measuring]), np.diff(slow[measuring]), atol=1e-8)
        rows_ = measuring & part
        assert value.value[a] == pytest.approx(slow_auroc(slow[rows_], own[rows_]), abs=1e-12)


def test_intervals_count_pairs_of_resampled_people(table, mixed):
    trials = arrange(table, mixed)
    faces = faces_of(trials)
    counts = resampled(PEOPLE // 2, 0)[:5]
    value, _, _ = units_read(faces, faces, trials.rivals, exchanges(trials.rivals, 0), counts, 0)
    label, known = units_tasks(trials.rivals)
    scores = tell(faces, label, known, seed=0)[:, :, 2]
    present, absent = label[:, 2], known[:, 2] & ~label[:, 2]
    people = faces.person[~faces.choosing]
    for draw, count in enumerate(counts):
        drawn = np.concatenate([
            np.flatnonzero(people == person)
            for person, n in zip(np.unique(people), count, strict=True) for _ in range(n)
        ])  # fmt: skip
        want = pairs(scores[drawn][:, present].ravel(), scores[drawn][:, absent].ravel())
        assert value.draws[2, draw] == pytest.approx(want, abs=1e-12)


def test_probes_of_expressions_agree_with_loops(table, mixed, logits):
    faces, answers = faces_of(arrange(table, mixed)), by_type(arrange(table, centred(logits)))
    counts = np.eye(PEOPLE // 2, dtype=int)[:3] * 5
    value, _, _ = expressions_read(faces, faces, answers, exchanges(~np.eye(6, dtype=bool), 0),
                                   counts, 0)  # fmt: skip
    measuring = (table["half"] == "measuring").to_numpy()
    for e in range(len(EXPRESSIONS)):
        target = centred(logits)[:, e]
        slow = slow_scores(table, mixed, target, np.ones(len(table), bool), slow_explained)
        part = table[measuring].reset_index(drop=True)
        want = slow_explained(slow[measuring], target[measuring], part)
        assert value.value[e] == pytest.approx(want, abs=1e-8)
        for draw in range(3):  # each draw has one person alone
            own = measuring & (table["person"] == f"P{2 * draw:02d}").to_numpy()
            want = slow_explained(slow[own], target[own], table[own].reset_index(drop=True))
            assert value.draws[e, draw] == pytest.approx(want, abs=1e-8)


def test_the_control_of_an_action_unit_is_of_its_own_faces(table, mixed):
    """The mean over action units is that of all control tasks, positives taken together."""
    trials = arrange(table, mixed)
    faces, dealt = faces_of(trials), exchanges(trials.rivals, 0)
    _, control, _ = units_read(
        faces, faces, trials.rivals, dealt, resampled(PEOPLE // 2, 0)[:2], seed=0
    )
    found = []
    for exchange in dealt:
        label, known = control_tasks(trials.rivals, exchange)
        scores = tell(faces, label, known, seed=0)
        found += [
            pairs(scores[:, label[:, t], t].ravel(),
                  scores[:, known[:, t] & ~label[:, t], t].ravel())
            for t in range(len(AUS))
        ]  # fmt: skip
    assert control.value.mean() == pytest.approx(np.mean(found), abs=1e-12)


def test_tasks_have_two_types_and_exchanges_no_own_and_no_degree_of_one_opening():
    rivals = np.array([[is_rival(au, other) for other in AUS] for au in AUS])
    dealt = exchanges(rivals, seed=3)
    assert dealt.shape == (4, 2, 6)
    assert (np.sort(dealt, axis=2) == np.arange(6)).all()
    assert rivals[np.arange(6), dealt].all()
    label, known = control_tasks(rivals, dealt[0])
    assert (label.sum(axis=0) == 2).all()
    assert label.sum(axis=1).tolist() == [0] + [1] * 12
    assert known[label].all()
    # AU26 at both grades takes no part where AU25 is told, but for the type that is positive
    _, own = units_tasks(rivals)
    assert own[:, 4].tolist() == [True] * 6 + [False] + [True] * 5 + [False]
    answers = np.arange(13.0)[None, :, None]
    moved = exchanged(answers, dealt[0])[0, :, 0]
    assert moved.tolist() == [0, *(1 + dealt[0, 0]), *(7 + dealt[0, 1])]
    assert exchanges(np.zeros((2, 2), dtype=bool), seed=0).shape == (0, 2, 2)


def test_what_each_layer_holds_is_found(table, logits, rng):
    noise = rng.normal(size=(len(table), 8))
    direction = np.concatenate([rng.normal(size=8), [0.0]])
    one = np.hstack([rng.normal(size=(len(table), 8)), noise[:, :1]])
    one += 1e3 * switched(table)[:, 2:3] * direction  # AU12 in one direction, nothing else
    responses = {
        "noise": noise,
        "one": one,
        "all": switched(table) + 1e-3 * noise[:, :6],
        "types": separate(table) + 1e-3 * rng.normal(size=(len(table), 13)),
        "answer": logits,
    }
    untrained = dict.fromkeys(responses, noise)
    done = []
    found = readable(table, responses, untrained, logits, EXPRESSIONS, progress=done.append)
    assert done == [1, 2, 3, 4, 5]
    assert tuple(found.readable.columns) == READABLE
    assert tuple(found.layers.columns) == LAYERS
    each = found.readable.set_index(["layer", "what"])
    means = found.layers.set_index(["layer", "kind"])
    # a layer of noise tells nothing
    lost = means.loc[("noise", "au")]
    assert lost["low"] < 0.5 < lost["high"]
    assert abs(lost["selectivity"]) < 0.05
    assert means.loc[("noise", "expression"), "value"] == pytest.approx(0, abs=0.05)
    # AU12 is found in its direction, no other is
    assert each.loc[("one", "AU12"), "value"] == 1
    assert each.loc[("one", "AU12"), "gain_low"] > 0.2
    assert each.loc[("one", "AU01"), "value"] < 0.7
    # all are told, and better than control tasks, for grades lie in one direction
    assert (each.loc["all"].loc[list(AUS), "value"] == 1).all()
    assert means.loc[("all", "au"), "selectivity_low"] > 0.02
    # a layer with a unit for each type learns every labelling
    assert means.loc[("types", "au"), "value"] == 1
    assert means.loc[("types", "au"), "selectivity"] == pytest.approx(0, abs=1e-9)
    assert means.loc[("types", "expression"), "selectivity"] == pytest.approx(0, abs=0.02)
    # the answers foretell themselves
    assert (each.loc["answer"].loc[list(EXPRESSIONS), "value"] > 0.999).all()
    assert means.loc[("answer", "expression"), "selectivity_low"] > 0.3


def test_expressions_come_later_than_action_units(table, logits, rng):
    """Two layers: types and people first, the answer itself behind."""
    types = switched(table) + 0.05 * rng.normal(size=(len(table), 6))
    curved = np.hstack([types, types**2 - types])
    target = logits + 4 * (switched(table) > 0.8)[:, :3]  # at E more than linear
    responses = {"first": types, "second": np.hstack([curved, target])}
    noise = dict.fromkeys(responses, rng.normal(size=(len(table), 5)))
    first = readable(table, responses, noise, target, EXPRESSIONS).first
    assert tuple(first.columns) == FIRST
    first = first.set_index(["kind", "what"])
    assert first.loc[("au", MEAN), ["layer", "place", "later"]].tolist() == ["first", 1, 0]
    late = first.loc[("expression", MEAN)]
    assert late[["layer", "place", "later", "later_low"]].tolist() == ["second", 2, 1, 1]
    assert late["best_layer"] == "second"


def test_nothing_readable_has_no_layer(table, logits, rng):
    noise = {"a": rng.normal(size=(len(table), 4)), "dead": np.zeros((len(table), 4))}
    found = readable(table, noise, noise, logits, EXPRESSIONS)
    dead = found.readable[found.readable["layer"] == "dead"]
    assert dead[["value", "low", "control", "selectivity", "untrained"]].isna().all(axis=None)
    first = found.first.set_index(["kind", "what"])
    assert first.loc[("au", MEAN), "layer"] == ""
    assert np.isnan(first.loc[("au", MEAN), "place"])
    assert found.layers.set_index(["layer", "kind"]).loc[("dead", "au"), "n"] == 0


def test_an_expression_that_nothing_moves_is_undefined(table, logits, mixed):
    still = centred(logits)
    still[:, 0] = 0
    still[:, 1] = -still[:, 2]
    found = readable(table, {"a": mixed}, {"a": mixed}, still, EXPRESSIONS)
    each = found.readable.set_index("what")
    assert np.isnan(each.loc["anger", "value"])
    assert not np.isnan(each.loc["happiness", "value"])
    assert found.layers.set_index("kind").loc["expression", "n"] == 2


def test_a_dip_before_the_best_layer_counts():
    curve = np.array([0.9, 0.6, 0.96, 1.0, 0.7])
    assert reached(curve, 0.5) == 3
    assert np.isnan(reached(np.array([0.4, np.nan]), 0.5))


def test_the_share_of_the_change_is_one_minus_the_error():
    true = np.array([[0.0, 1.0, 2.0]])
    error, square = change_sums(true + 5, true)
    assert (error.item(), square.item()) == (0, 5)
    assert explained(*change_sums(0 * true, true)).item() == 0


def test_the_penalty_of_each_column_is_its_own(table, mixed, logits):
    faces, answers = faces_of(arrange(table, mixed)), by_type(arrange(table, logits))
    both = foretell(faces, answers, seed=0)
    for e in range(3):
        alone = foretell(faces, answers[:, :, [e]], seed=0)
        np.testing.assert_allclose(both[:, :, [e]], alone, atol=1e-9)


def test_bad_input_is_one_sentence(table, logits, mixed):
    layers = {"a": mixed}
    with pytest.raises(CallError, match="logits has 3 columns: expected one for each of 2"):
        readable(table, layers, layers, logits, EXPRESSIONS[:2])
    broken = mixed.copy()
    broken[3] = np.nan
    with pytest.raises(CallError, match="the response to image 3 is not finite"):
        readable(table, {"a": broken}, layers, logits, EXPRESSIONS)
    lacking = ~((table["person"] == "P03") & (table["aus"] == "AU04") & (table["grade"] == "C"))
    kept = {"a": mixed[lacking]}
    with pytest.raises(NotEnoughDataError, match="the stimuli lack AU04 at C for P03"):
        readable(table[lacking], kept, kept, logits[lacking], EXPRESSIONS)
