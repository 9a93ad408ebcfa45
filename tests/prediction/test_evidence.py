"""The evidence that comes with a network: what it says of responses, and how it is kept."""

import dataclasses
import json
import subprocess
import sys

import numpy as np
import pytest

from facslens.errors import ArtifactError, CallError
from facslens.prediction.evidence import Evidence, entries, read_evidence

NAN = float("nan")
SMILE = Evidence(
    au="AU12", layer="conv3", unit=1, threshold=2.0, intercept=-3.0, slope=1.5,
    auroc_test=0.95, auroc_low=0.9, auroc_high=0.99, skill=0.5, skill_low=0.3, skill_high=0.6,
    n_present=30, subjects=47, status="confirmed", sentence="AU12: yes.",
)  # fmt: skip
RAW = dataclasses.replace(SMILE, au="AU06", intercept=NAN, slope=NAN, status="not confirmed")
NONE = Evidence("AU14", "conv3", None, *[NAN] * 9, 0, 47, "none", "AU14: no.")


def test_a_unit_fires_at_its_threshold(rng: np.random.Generator) -> None:
    responses = np.array([[9.0, 2.0], [9.0, 1.999], [0.0, 8.0]], dtype=np.float32)
    assert SMILE.fires(responses).tolist() == [1, 0, 1]
    assert np.isnan(NONE.fires(responses)).tolist() == [True] * 3


def test_probabilities_are_the_logistic_of_the_response() -> None:
    responses = np.array([[0.0, 2.0], [0.0, 0.0], [0.0, 1e9], [0.0, -1e9]])
    want = [0.5, 1 / (1 + np.exp(3)), 1, 0]
    np.testing.assert_allclose(SMILE.probability(responses), want, rtol=1e-12)
    assert np.isnan(RAW.probability(responses)).all()
    assert np.isnan(NONE.probability(responses)).all()
    assert RAW.fires(responses).tolist() == [1, 0, 1, 0]  # it has a threshold all the same
    assert (SMILE.calibrated, RAW.calibrated, NONE.calibrated) == (True, False, False)
    assert SMILE.probability(np.zeros((0, 2))).shape == (0,)


def test_another_layers_responses_are_refused() -> None:
    with pytest.raises(
        CallError, match="responses has 1 units, but AU12 is told by unit 1 of conv3"
    ):
        SMILE.fires(np.zeros((3, 1)))


def test_it_comes_back_from_json(tmp_path) -> None:
    path = tmp_path / "aus.json"
    path.write_text(json.dumps(entries([SMILE, RAW, NONE], note="made"), allow_nan=False))
    # NaN is not equal to itself, its text is
    assert repr(read_evidence(path)) == repr((SMILE, RAW, NONE))
    assert json.loads(path.read_text())["note"] == "made"
    assert Evidence.of({**SMILE.entry(), "threshold": 2}) == SMILE  # JSON may write 2.0 as 2


def test_damaged_files(tmp_path) -> None:
    path = tmp_path / "aus.json"
    with pytest.raises(ArtifactError, match=r"aus\.json does not exist"):
        read_evidence(path)
    path.write_text("{")
    with pytest.raises(ArtifactError, match="no readable JSON file"):
        read_evidence(path)
    for content in ([], {"aus": 1}, {"aus": [1]}):
        path.write_text(json.dumps(content))
        with pytest.raises(ArtifactError, match="holds no list of action units"):
            read_evidence(path)
    entry = SMILE.entry()
    for wrong, message in (
        ({**entry, "unit": "1"}, "AU12 has unit '1'"),
        ({**entry, "n_present": None}, "AU12 has n_present None"),
        ({**entry, "slope": True}, "AU12 has slope True"),
        ({**entry, "status": "sure"}, "AU12 has status 'sure'"),
        ({**entry, "more": 1}, "AU12 has an unknown entry 'more'"),
        ({k: v for k, v in entry.items() if k != "skill"}, "AU12 lacks entry 'skill'"),
    ):
        path.write_text(json.dumps({"aus": [wrong]}))
        with pytest.raises(ArtifactError, match=message):
            read_evidence(path)


def test_it_needs_numpy_alone() -> None:
    code = (
        "import sys, facslens.prediction.evidence; "
        "print(*{'torch', 'lightning', 'pandas', 'scipy', 'zarr'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
