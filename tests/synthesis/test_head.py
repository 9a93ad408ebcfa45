import builtins
import subprocess
import sys

import numpy as np
import pytest

from facslens.errors import CallError
from facslens.synthesis import anatomy, head
from facslens.synthesis.actions import AUS, full, mixture
from facslens.synthesis.people import draw_person


def test_the_face_as_a_sum_of_shapes_is_the_face_of_the_model(studio, average):
    import torch

    room, weights = studio.head, {"jawOpen": 0.7, "mouthSmileLeft": 0.9, "eyeBlinkRight": 1.0}
    actions = {name: torch.full((1,), value).double() for name, value in weights.items()}
    middle = {label: torch.full((1,), 0.5).double() for label in room.model.phenotype_labels}
    with torch.no_grad():
        whole = room.model(phenotype_kwargs=middle, facial_actions=actions)["vertices"][0].numpy()
    moved = room.moved(average, weights)[: len(whole)]
    np.testing.assert_allclose(moved, whole, atol=1e-6)  # metres; float32 against float64


def test_normals_are_those_of_the_triangles_around(studio, average):
    room = studio.head
    found = room.normals(average)
    for vertex in (10, 500, 2000):
        around = room.triangles[(room.triangles == vertex).any(axis=1)]
        a, b, c = (average[around[:, k]].astype(float) for k in range(3))
        expected = np.cross(b - a, c - a).sum(axis=0)
        np.testing.assert_allclose(found[vertex], expected / np.linalg.norm(expected), atol=1e-4)


def test_the_lower_teeth_follow_the_jaw_and_the_upper_ones_do_not(studio, average):
    room = studio.head
    move = room.moved(average, {"jawOpen": 1.0}) - average
    teeth = move[-len(room.teeth.vertices) :]
    assert np.abs(teeth[~room.teeth.lower]).max() == 0
    assert (teeth[room.teeth.lower, 2] < -0.005).all()  # half a centimetre down at least


def test_the_jaw_parts_the_lips_and_pressing_does_not(studio, average):
    room = studio.head
    assert room.gap(average, room.moved(average, full("AU27"))) > 0.02
    assert room.gap(average, room.moved(average, full("AU24"))) < 0.0015
    assert room.gap(average, average) == 0


#: The largest movement of the skin at full intensity, as a share of the distance between the
#: eyes, as it was before folds and light made the action units legible: they may not travel more.
TRAVEL = {
    "AU01": 0.1582, "AU02": 0.2003, "AU04": 0.1175, "AU05": 0.0735, "AU06": 0.1387,
    "AU07": 0.0611, "AU09": 0.1253, "AU10": 0.1064, "AU12": 0.3567, "AU14": 0.1737,
    "AU15": 0.1414, "AU16": 0.0811, "AU17": 0.1173, "AU18": 0.1471, "AU20": 0.1899,
    "AU22": 0.1847, "AU23": 0.0817, "AU24": 0.1376, "AU25": 0.0488, "AU26": 0.2945,
    "AU27": 0.7198, "AU28": 0.1792, "AU43": 0.2800,
}  # fmt: skip


def test_no_action_unit_travels_further_than_it_did(studio, average):
    left, right = (average[eye] for eye in studio.head.eyes)
    middle = [(eye.min(axis=0) + eye.max(axis=0)) / 2 for eye in (left, right)]
    between = abs(middle[0][0] - middle[1][0])
    assert set(TRAVEL) == set(AUS)
    for au in AUS:
        moved = np.linalg.norm(studio.head.moved(average, full(au)) - average, axis=1)
        assert 0.5 * TRAVEL[au] < moved.max() / between <= TRAVEL[au], au


def test_the_crop_is_even(studio):
    # of 500 people: the middle between eyes and mouth lies in the middle of the head
    for number in range(500):
        person = draw_person(np.random.default_rng(number))
        rest = studio.head.rest(person.phenotype)
        eyes, mouth = studio.head.eyes_and_mouth(rest)
        width = 2.0 * np.linalg.norm(eyes - mouth)
        assert abs(eyes[0]) < 0.005 * width
        assert abs(mouth[0]) < 0.005 * width


def test_light_from_all_around_reaches_the_tip_of_the_nose_more_than_its_wings(studio, average):
    room = studio.head
    found = room.openness(average, room.normals(average))
    place = room.canonical
    nose = np.argmin(np.linalg.norm(place - [0, -0.1536, 0.0994], axis=1))
    beside = np.argmin(np.linalg.norm(place - [0.0185, -0.1329, 0.0986], axis=1))
    assert found[nose] > 0.9
    assert found[beside] < 0.7


@pytest.mark.parametrize(
    ("au", "low", "high"),
    [("AU01", 0.140, 0.20), ("AU43", 0.130, 0.16), ("AU17", 0.03, 0.09), ("AU12", 0.04, 0.11)],
)
def test_an_action_unit_moves_the_skin_where_its_muscle_is(studio, au, low, high):
    # On the average head the eyes are at 0.137 m, the mouth at 0.070, the chin at 0.045.
    room, reach = studio.head, studio.head.reach[AUS.index(au)]
    middle = np.average(room.canonical[:, 2], weights=reach**2)
    assert low < middle < high


def test_sides_are_the_subjects_own(studio, average):
    room = studio.head
    move = np.linalg.norm(room.moved(average, mixture({"AU12": (1.0, 0.0)})) - average, axis=1)
    assert room.canonical[move.argmax(), 0] > 0.01  # x points to the subject's left


def test_every_part_is_on_the_head(studio):
    parts, counts = np.unique(studio.head.part, return_counts=True)
    assert parts.tolist() == [0, 1, 2, 3, 4]
    assert counts[anatomy.SKIN] > 5000


def test_without_the_extra_the_command_says_so_and_the_faces_in_the_package_work(tmp_path):
    script = (
        "import sys; sys.modules['warp'] = sys.modules['anny'] = None\n"
        "from facslens.datasets.load import load; print(len(load()))\n"
        "from facslens.cli.main import main\n"
        f"sys.argv = ['facslens', 'data', 'synth', '--out', {str(tmp_path / 'x')!r}]; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.stdout.strip() == "3003"
    assert done.returncode == 2
    assert done.stderr.count("facslens[synthetic]") == 1
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "x").exists()


def test_without_the_extra_one_sentence_says_which(monkeypatch):
    real = builtins.__import__

    def without(name, *arguments, **more):
        if name.split(".")[0] in ("anny", "warp"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return real(name, *arguments, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(CallError, match=r"needs the package warp: .*facslens\[synthetic\]"):
        head.load_head.__wrapped__()
