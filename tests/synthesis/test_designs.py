import json

import numpy as np
import pytest

from facslens.errors import CallError
from facslens.synthesis.actions import AUS, EXCLUDED, LIPS_APART, mixture, opening
from facslens.synthesis.designs import FACTORIAL, NATURAL, Design, excluded, get_design

ASKED = "01 02 04 05 06 07 09 10 12 14 15 16 17 18 20 22 23 24 25 26 27 28 43"


@pytest.fixture(scope="module")
def peaks():
    rng = np.random.default_rng(0)
    drawn = [FACTORIAL.draw(None, rng) for _ in range(3000)]
    return np.array([[au in peak for au in AUS] for peak in drawn])


def test_faces_have_the_action_units_that_they_should():
    assert tuple(f"AU{number}" for number in ASKED.split()) == AUS


def test_the_factorial_design_shows_every_action_unit_often_enough_to_be_tested(peaks):
    assert peaks.mean(axis=0).min() > 0.04


def test_the_factorial_design_keeps_action_units_apart_that_may_go_together(peaks):
    upper = [AUS.index(au) for au in ("AU01", "AU02", "AU04", "AU06", "AU09", "AU12", "AU26")]
    correlation = np.corrcoef(peaks[:, upper].T) - np.eye(len(upper))
    # 3000 draws: a standard error of 0.018; the exclusions of AU09 and AU12 do the rest.
    assert np.abs(correlation).max() < 0.1


def test_the_natural_design_confounds_them_as_life_does():
    rng = np.random.default_rng(0)
    happy = [NATURAL.draw("happiness", rng) for _ in range(200)]
    angry = [NATURAL.draw("anger", rng) for _ in range(200)]
    assert all("AU12" in peak for peak in happy)
    assert np.mean(["AU06" in peak for peak in happy]) > 0.6
    assert np.mean(["AU12" in peak for peak in angry]) < 0.15
    assert np.mean(["AU04" in peak for peak in angry]) > 0.85


@pytest.mark.parametrize("design", [NATURAL, FACTORIAL])
def test_no_face_shows_what_excludes_each_other(design):
    rng = np.random.default_rng(1)
    for expression in list(design.expressions) or [None]:
        for _ in range(200):
            peak = list(design.draw(expression, rng))
            pairs = [{a, b} for a in peak for b in peak if a != b]
            assert not any(frozenset(pair) in EXCLUDED for pair in pairs)


def test_contempt_is_one_sided():
    rng = np.random.default_rng(0)
    design = Design("sneer", {"contempt": {"AU14": 1.0}})
    sides = np.array([design.draw("contempt", rng)["AU14"] for _ in range(50)])
    assert (sides.min(axis=1) <= 0.2 * sides.max(axis=1) + 1e-12).all()
    assert 0 < (sides[:, 0] > sides[:, 1]).mean() < 1


def test_a_design_that_asks_for_the_impossible_says_so():
    design = Design("both", chance={"AU12": 1.0, "AU15": 1.0})
    with pytest.raises(CallError, match="both requires action units that exclude each other"):
        design.draw(None, np.random.default_rng(0))
    assert excluded(["AU15", "AU12"])


def test_a_design_file_is_read(tmp_path):
    file = tmp_path / "smiles.json"
    content = {"expressions": {"happiness": {"12": 1, "au6": 0.5}}, "frames": 4}
    file.write_text(json.dumps(content))
    design = get_design(str(file))
    assert design == Design("smiles", {"happiness": {"AU12": 1.0, "AU06": 0.5}}, frames=4)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"chance": {"AU99": 0.5}}, "AU99"),
        ({"chance": {"AU08": 0.5}}, "smiles names 'AU08': synthetic faces have AU01"),
        ({"chance": {"AU12": 2}}, "gives AU12 the probability 2.0: expected 0 to 1"),
        ({"expressions": {"bliss": {}}}, "names the expression 'bliss'"),
        ({"frames": 1}, "has 1 frames: expected at least 2"),
        ({"faces": 1}, "needs to be an object with the keys"),
        ({"chance": {"AU12": "often"}}, "a value of the wrong kind"),
        ([], "needs to be an object"),
    ],
)
def test_a_wrong_design_file_is_one_sentence(tmp_path, content, message):
    file = tmp_path / "smiles.json"
    file.write_text(json.dumps(content))
    with pytest.raises(CallError, match=message):
        get_design(str(file))


def test_an_unknown_design_is_one_sentence(tmp_path):
    with pytest.raises(CallError, match="design is 'natrual': expected natural, factorial"):
        get_design("natrual")
    with pytest.raises(CallError, match="cannot be read"):
        get_design(str(tmp_path / "none.json"))


def test_shapes_of_several_action_units_add_up():
    both = mixture({"AU06": (1.0, 0.0), "AU07": (1.0, 0.0)})
    one, other = mixture({"AU06": (1.0, 0.0)}), mixture({"AU07": (1.0, 0.0)})
    assert both["eyeSquintLeft"] == one["eyeSquintLeft"] + other["eyeSquintLeft"]
    assert both["eyeSquintRight"] == 0


def test_the_opening_of_the_mouth_has_three_degrees():
    assert opening(0.3, 0.005)["AU26"] > 0.2
    assert opening(0.3, 0.005)["AU27"] == 0
    assert opening(0.8, 0.03) == {"AU25": 1.0, "AU26": 0.0, "AU27": 0.8}
    assert opening(0.0, LIPS_APART)["AU25"] == 1
    assert opening(0.0, 0.001)["AU25"] == 0
