"""Twins of other groups: against loops over people, and on known differences."""

import itertools

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from facslens.datasets.stimuli import TWINS
from facslens.errors import CallError, NotEnoughDataError
from facslens.experiments import groups as module
from facslens.experiments.absolute import resampled
from facslens.experiments.groups import GROUPS, Measure, at_rest, groups, most_moved

AUS = ("AU01", "AU12", "AU26")
PEOPLE = 20


def rows(people=PEOPLE, settings=1):
    """Every person's twin is at the lower end where the number is even."""
    found = []
    for person, setting in itertools.product(range(people), range(settings)):
        base = {"person": f"P{person:02d}", "setting": setting}
        for group in ("", *TWINS):
            end = TWINS[group][person % 2] if group else ""
            found += [base | {"group": group, "end": end, "aus": au} for au in ("", *AUS)]
    return pd.DataFrame(found)


def answers(table, rng, planted=(), factor=0.5, noise=0.05):
    """Unit 2a rises with the a-th action unit, by 2 in all, halved where it is planted.

    Odd units are noise; people differ strongly, and at both ends of a group.
    """
    people = {name: rng.normal(0, 3, 6) for name in sorted(set(table["person"]))}
    strength = {name: rng.normal(2, 0.3, 6) for name in people}
    found = noise * rng.normal(size=(len(table), 6))
    for i, row in enumerate(table.to_dict("records")):
        found[i] += people[row["person"]]
        if row["aus"]:
            unit = 2 * AUS.index(row["aus"])
            change = strength[row["person"]][unit]
            for group, end, au in planted:
                # the person itself, and its twins of other groups, are at the other end
                other = TWINS[group][1 - int(row["person"][1:]) % 2]
                if au == row["aus"] and end == (row["end"] if row["group"] == group else other):
                    change *= factor
            found[i, unit] += change
    return found


def unit_measure(values):
    return Measure("unit", values, {au: 2 * a for a, au in enumerate(AUS)}, "conv1")


@pytest.fixture
def planted(rng):
    table = rows()
    return table, answers(table, rng, [("skin", "darker", "AU12")])


def test_a_halved_change_in_darker_twins_is_found_and_no_other(planted):
    table, values = planted
    found = groups(table, [unit_measure(values)])
    assert list(found.columns) == list(GROUPS)
    assert found[["group", "au"]].to_numpy().tolist() == [[g, a] for g in TWINS for a in AUS]
    differs = found[found["differs"]]
    assert differs[["group", "au", "end_from", "end_to"]].to_numpy().tolist() == [
        ["skin", "AU12", "darker", "lighter"]
    ]
    one = differs.iloc[0]
    assert (one["layer"], one["unit"], one["n_people"]) == ("conv1", 2, PEOPLE)
    assert one["difference"] == pytest.approx(1.0, abs=0.1)
    assert one["mean_from"] == pytest.approx(1.0, abs=0.1)
    assert one["share"] == pytest.approx(2 / 3, abs=0.05)
    assert one["difference_low"] < one["difference"] < one["difference_high"]
    assert one["share_low"] < one["share"] < one["share_high"]


def test_numbers_agree_with_loops_over_people(rng):
    table = rows(settings=2)
    values = answers(table, rng, [("age", "older", "AU01")], noise=0.4)
    found = groups(table, [unit_measure(values)], seed=3).set_index(["group", "au"])
    key = table[["person", "setting", "group", "aus"]]
    place = {tuple(row): i for i, row in enumerate(key.itertuples(index=False, name=None))}
    draws = resampled(PEOPLE, 3)
    p = []
    for (group, au), row in found.iterrows():
        unit = 2 * AUS.index(au)
        both = []
        for number in range(PEOPLE):
            person, ends = f"P{number:02d}", {}
            for setting in range(2):
                for name in ("", group):
                    end = TWINS[group][number % 2 if name else 1 - number % 2]
                    change = (
                        values[place[person, setting, name, au], unit]
                        - values[place[person, setting, name, ""], unit]
                    )
                    ends.setdefault(end, []).append(change)
            both.append([np.mean(ends[end]) for end in TWINS[group]])
        both = np.array(both)
        assert both.mean(axis=0) == pytest.approx([row["mean_from"], row["mean_to"]])
        difference = both[:, 1] - both[:, 0]
        assert difference.mean() == pytest.approx(row["difference"])
        again = draws @ difference / PEOPLE
        assert np.quantile(again, [0.025, 0.975]) == pytest.approx(
            [row["difference_low"], row["difference_high"]]
        )
        assert difference.mean() / both.mean() == pytest.approx(row["share"])
        shares = again / (draws @ both.mean(axis=1) / PEOPLE)
        assert np.quantile(shares, [0.025, 0.975]) == pytest.approx(
            [row["share_low"], row["share_high"]]
        )
        test = stats.permutation_test(
            (difference,), np.mean, permutation_type="samples", n_resamples=4999, rng=rng
        )
        assert test.pvalue == pytest.approx(row["p"], abs=0.04)
        spread = difference.std(ddof=1)
        critical = stats.t.isf(0.05 / 9 / 2, PEOPLE - 1)
        shift = row["detectable"] / spread * np.sqrt(PEOPLE)
        assert stats.nct.sf(critical, PEOPLE - 1, shift) == pytest.approx(0.8)
        assert row["detectable_share"] == pytest.approx(row["detectable"] / abs(both.mean()))
        p.append(row["p"])
    # Holm, step by step
    order, largest = np.argsort(p, kind="stable"), 0.0
    for step, test in enumerate(order):
        largest = max(largest, min((9 - step) * p[test], 1))
        assert found["p_holm"].iloc[test] == pytest.approx(largest)


def test_where_ends_are_exchanged_every_sign_is(planted):
    table, values = planted
    other = {name: ends[::-1][i] for ends in TWINS.values() for i, name in enumerate(ends)}
    exchanged = table.assign(end=table["end"].map(lambda end: other.get(end, "")))
    found, turned = (groups(t, [unit_measure(values)]) for t in (table, exchanged))
    np.testing.assert_allclose(turned["difference"], -found["difference"])
    np.testing.assert_allclose(turned["difference_low"], -found["difference_high"])
    np.testing.assert_allclose(turned["share"], -found["share"])
    np.testing.assert_allclose(turned["mean_from"], found["mean_to"])
    for name in ("p", "p_holm", "detectable"):
        np.testing.assert_allclose(turned[name], found[name])


def test_the_order_of_faces_does_not_matter(planted, rng):
    table, values = planted
    order = rng.permutation(len(table))
    mixed = groups(table.iloc[order], [unit_measure(values[order])])
    pd.testing.assert_frame_equal(mixed, groups(table, [unit_measure(values)]))


def test_without_a_difference_a_table_seldom_has_one(monkeypatch):
    """Family-wise: at most 5 % of tables; four standard errors of 200 above."""
    # intervals are not looked at
    monkeypatch.setattr(module, "resampled", lambda people, _: np.ones((1, people), dtype=int))
    table, wrong = rows(people=12), 0
    for seed in range(200):
        values = np.random.default_rng(seed).standard_t(3, size=(len(table), 6))
        wrong += bool(groups(table, [unit_measure(values)], seed)["differs"].any())
    assert wrong / 200 < 0.05 + 4 * (0.05 * 0.95 / 200) ** 0.5


def test_several_measures_are_corrected_together_and_pixels_stand_beside(planted):
    table, values = planted
    pixels = np.where(table["aus"] == "", 0.0, 0.5)[:, None]
    happy = Measure("expression", values[:, :2], {"AU01": 0}, expressions=("anger", "fear"))
    beside = Measure("pixels", pixels, dict.fromkeys(AUS, 0), tested=False)
    found = groups(table, [unit_measure(values), happy, beside])
    assert found.groupby("measure", sort=False).size().to_dict() == {
        "unit": 9, "expression": 3, "pixels": 9,
    }  # fmt: skip
    tested = found["p"].notna()
    assert (tested == (found["measure"] != "pixels")).all()
    assert found["differs"].isna().equals(~tested)
    assert found.loc[tested, "p_holm"].min() == pytest.approx(found["p"].min() * 12)
    assert set(found.loc[found["measure"] == "expression", "expression"]) == {"anger"}
    assert found.loc[~tested, ["unit", "expression", "detectable", "p_holm"]].isna().all(axis=None)
    assert found.loc[~tested, "mean_to"].tolist() == [0.5] * 9


def test_an_effect_that_may_be_0_has_no_share(rng):
    table = rows()
    sign = np.where(table["person"].str[1:].astype(int) % 4 < 2, 1.0, -1.0)  # as many of each
    values = 0.1 * rng.normal(size=(len(table), 6))
    values[table["aus"] == "AU01"] += sign[table["aus"] == "AU01", None]
    found = groups(table, [Measure("unit", values, {"AU01": 1}, "conv1")])
    assert found[["share", "share_low", "share_high", "detectable_share"]].isna().all(axis=None)
    nothing = groups(table, [Measure("unit", values * 0, {"AU01": 1}, "conv1")])
    assert nothing[["share", "detectable"]].isna().all(axis=None)
    assert (nothing["p"] == 1).all()


def test_without_twins_the_table_has_its_columns_only():
    table = rows().query("group == ''")
    for measures in ([], [Measure("unit", np.zeros((len(table), 1)), {"AU01": 0}, "conv1")]):
        found = groups(table, measures)
        assert (len(found), list(found.columns)) == (0, list(GROUPS))


def test_the_expression_is_chosen_on_the_choosing_people(rng):
    """Sadness falls most under AU12 in the choosing people; in the others happiness rises more."""
    found = []
    for person in range(12):
        half = ("choosing", "measuring")[person % 2]
        base = {"person": f"P{person:02d}", "setting": 0, "half": half, "side": "", "grade": ""}
        found += [base | {"kind": "rest", "aus": ""}]
        found += [base | {"kind": "alone", "aus": au, "grade": "E"} for au in ("AU12", "AU26")]
    table = pd.DataFrame(found)
    logits = np.repeat(rng.normal(size=12), 3)[:, None] * np.ones(3)
    shown = (table["aus"] == "AU12").to_numpy()
    measuring = (table["half"] == "measuring").to_numpy()
    logits[shown, 1] -= 3  # sadness
    logits[shown & measuring, 0] += 9
    assert most_moved(table, logits, ("happiness", "sadness", "fear")) == {"AU12": 1}
    with pytest.raises(CallError, match="logits has 3 columns: expected one for each of 2"):
        most_moved(table, logits, ("happiness", "sadness"))


def test_what_is_not_finite_missing_or_of_another_name_is_one_sentence(planted):
    table, values = planted
    broken = values.copy()
    broken[7, 3] = np.nan
    with pytest.raises(CallError, match=r"^unit of image 7 is not finite"):
        groups(table, [unit_measure(broken)])
    with pytest.raises(CallError, match=r"^unit has 3 rows: the table has 320"):
        groups(table, [unit_measure(values[:3])])
    renamed = table.assign(end=table["end"].replace("darker", "dark"))
    with pytest.raises(CallError, match=r"twins of skin dark: expected skin darker or lighter, ag"):
        groups(renamed, [unit_measure(values)])
    rest = (table["group"] == "age") & (table["aus"] == "") & (table["person"] == "P03")
    with pytest.raises(NotEnoughDataError, match="rest of P03 with another age in setting 0"):
        at_rest(table[~rest])
