"""Figures of results against the tables that they are made of."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

import facslens as fl
from facslens.association.discovery.result import Association
from facslens.errors import CallError
from facslens.experiments.analysis import Findings
from facslens.projection.deconvnet import Projections
from facslens.projection.windows import to_grey


@pytest.fixture(scope="module")
def association() -> Association:
    """Unit 3 follows AU12 and unit 5 AU01; unit 11 is dead; AU20 is never shown."""
    rng = np.random.default_rng(0)
    labels = pd.DataFrame(
        {au: (rng.uniform(size=160) < 0.3).astype(float) for au in ("AU01", "AU06", "AU12")}
    ).assign(AU20=0.0)
    responses = np.maximum(rng.normal(size=(160, 12)), 0)
    responses[:, 3] += 2 * labels["AU12"]
    responses[:, 5] += 1.5 * labels["AU01"]
    responses[:, 11] = 0
    return fl.associate(responses, labels, distance="kl", permutations=99, layer="conv3")


def findings() -> Findings:
    """Two layers; in conv2 AU01 is caused and AU12's unit moves more under AU06."""
    key = {"layer": "conv2"}
    caused = pd.DataFrame(
        [
            key | {"layer": "conv1", "au": "AU01", "unit": None, "verdict": "silent"},
            key | {"au": "AU01", "unit": 2, "verdict": "caused", "rival": "AU06", "change": 4.0,
                   "n_wins": 12, "n_people": 12, "auroc": 0.9, "auroc_low": 0.8, "auroc_high": 1.0},
            key | {"au": "AU06", "unit": None, "verdict": "silent"},
            key | {"au": "AU12", "unit": 5, "verdict": "rival", "rival": "AU06", "change": 1.5,
                   "n_wins": 3, "n_people": 12, "auroc": 0.6, "auroc_low": 0.4, "auroc_high": 0.8},
        ]
    ).astype({"unit": "Int64", "n_wins": "Int64", "n_people": "Int64"})  # fmt: skip
    rivals = pd.DataFrame(
        [key | {"au": au, "other": other, "change_other": change}
         for au, other, change in (("AU01", "AU06", 1.0), ("AU01", "AU12", -2.0),
                                   ("AU12", "AU01", 0.0), ("AU12", "AU06", 3.0))]
    )  # fmt: skip
    dose = pd.DataFrame(
        [key | {"au": au, "grade": grade, "change": change, "noise": 0.25}
         for au, grade, change in (("AU01", "E", 4.0), ("AU01", "C", 2.0), ("AU12", "E", 1.5))]
    )  # fmt: skip
    people = dose.assign(person="P001", change=dose["change"] * 0.5)
    controls = pd.DataFrame({"layer": ["conv2"], "au": ["AU01"], "control": ["pixels"]})
    nothing = pd.DataFrame({"layer": []})
    return Findings(nothing, rivals, dose, people, caused, controls, nothing)


def names(figure: Figure) -> list[str]:
    return [label.get_text() for label in figure.axes[0].get_yticklabels()]


def test_a_map_of_an_association_has_its_aurocs_and_accepted_pairs(
    association: Association,
) -> None:
    axes = fl.plot.heatmap(association).axes[0]
    values = np.asarray(axes.images[0].get_array())
    units = [int(label.get_text()) for label in axes.get_xticklabels()]
    aus = [label.get_text() for label in axes.get_yticklabels()]
    assert sorted(units) == list(range(11))  # the dead one is not there
    assert aus == ["AU01", "AU06", "AU12"]
    known = association.effects.set_index(["unit", "au"])["auroc"]
    for row, au in enumerate(aus):
        for column, unit in enumerate(units):
            assert values[row, column] == known[unit, au] - 0.5
    dots = {(units[int(x)], aus[int(y)]) for x, y in axes.collections[0].get_offsets()}
    assert dots == {(3, "AU12"), (5, "AU01")}


def test_units_of_an_association_are_of_discovery(association: Association) -> None:
    figure = fl.plot.units(association)
    assert names(figure) == ["AU12 lip corner puller, unit 3", "AU01 inner brow raiser, unit 5"]
    auroc = association.effects.query("unit == 3 and au == 'AU12'")["auroc"].item()
    assert list(figure.axes[0].lines[2].get_xdata()) == [auroc]


def test_units_of_a_mapping_are_of_unseen_people_with_their_intervals(
    association: Association,
) -> None:
    mapping = association.mapping().assign(rule="tested", status="confirmed", auroc_test=0.75)
    mapping = mapping.assign(auroc_test_low=0.6, auroc_test_high=0.9)
    axes = fl.plot.units(mapping).axes[0]
    assert [list(axes.lines[k].get_xdata()) for k in (0, 2)] == [[0.6, 0.9], [0.75]]


def test_tuning_is_in_shares_of_each_unit_s_largest_change() -> None:
    figure = fl.plot.tuning(findings())
    shares = np.asarray(figure.axes[0].images[0].get_array(), dtype=float)
    nan = np.nan
    expected = [[1.0, 0.25, -0.5], [nan, nan, nan], [0.0, 1.0, 0.5]]
    np.testing.assert_array_equal(shares, expected)
    assert names(figure) == ["AU01, caused", "AU06", "AU12"]
    assert [frame.get_xy() for frame in figure.axes[0].patches] == [
        (k - 0.5, k - 0.5) for k in range(3)
    ]


@pytest.mark.parametrize("au", ["AU01", 1, "au_1"])
def test_a_dose_has_every_grade_in_order_and_the_rival(au: str | int) -> None:
    axes = fl.plot.dose(findings(), au).axes[0]
    _, person, mean, rival = axes.lines
    assert (list(mean.get_xdata()), list(mean.get_ydata())) == ([0, 3, 5], [0, 2, 4])
    assert list(person.get_ydata()) == [0, 1, 2]
    assert list(rival.get_ydata()) == [1.0]  # AU01's unit under AU06


def test_projections_are_shown_within_their_windows_and_silent_ones_named() -> None:
    image = np.zeros((2, 1, 6, 6), np.float32)
    image[0, 0, 2:5, 1:4] = [[1, 0, -1], [0, 2, 0], [0, 0, 0]]
    found = Projections(
        image, np.array([1.5, 0.0], np.float32), np.array([[1, 1], [-1, -1]], np.int16),
        np.array([[2, 1, 5, 4], [0, 0, 0, 0]], np.int32),
    )  # fmt: skip
    _, shown, silent = fl.plot.projections(found).axes
    np.testing.assert_array_equal(shown.images[0].get_array(), to_grey(image[0, 0, 2:5, 1:4]))
    assert shown.get_title(loc="left") == "response 1.50"
    assert [text.get_text() for text in silent.texts] == ["silent"]
    assert not silent.images


def test_wrong_calls_are_named(association: Association) -> None:
    with pytest.raises(CallError, match=r"^layer is 'conv9', but the association holds conv3$"):
        fl.plot.heatmap(association, "conv9")
    with pytest.raises(CallError, match=r"^layer is 'fc', but the experiment holds conv1, conv2$"):
        fl.plot.tuning(findings(), "fc")
    with pytest.raises(CallError, match=r"^au is AU06, of which no dose .* one of AU01, AU12$"):
        fl.plot.dose(findings(), "AU06")
    none = association.mapping(alpha=0.0)
    with pytest.raises(CallError, match="no action unit has a unit in conv3"):
        fl.plot.units(none)
