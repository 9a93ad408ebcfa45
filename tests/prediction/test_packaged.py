"""The evidence in the package belongs to the weights in it, and holds on the faces it is of."""

import json

import numpy as np
import pytest
from scipy import stats

from facslens.artifacts import sha256
from facslens.datasets.load import load
from facslens.datasets.splits import halves
from facslens.models.pretrained import FOLDER, load_pretrained
from facslens.prediction.evidence import PACKAGED, read_evidence
from facslens.responses.recording import record_faces

pytestmark = pytest.mark.skipif(
    not PACKAGED["compact"].exists(), reason="the compact network of this package is not mapped yet"
)


@pytest.fixture(scope="module")
def content():
    return json.loads(PACKAGED["compact"].read_text())


def test_it_belongs_to_the_weights(content) -> None:
    for name, digest in content["sha256"].items():
        assert sha256(FOLDER / name) == digest, "map the network again: tools/map_compact.py"
    found = read_evidence(PACKAGED["compact"])
    assert {one.layer for one in found} == {content["layer"]}
    assert content["layer"] in load_pretrained().reading.layers
    for one in found:
        assert not one.calibrated or (one.status == "confirmed" and one.skill_low > 0)
        assert (one.unit is None) == np.isnan(one.threshold)
    assert sum(one.calibrated for one in found) >= 5


def test_it_holds_on_the_people_who_confirmed_it(content, data_folder) -> None:
    faces = load(f"ck48:{data_folder / 'ck48'}")
    assert faces.digest() == content["digest"]
    faces = faces.with_split(halves(faces, content["seed"])).part("test")
    recorded = record_faces(load_pretrained(), faces, layers=[content["layer"]], exemplars=1)
    table = faces.table.reset_index(drop=True)
    units = recorded.responses.response(content["layer"]).astype(np.float64)
    groups = [rows.index.to_numpy() for _, rows in table.groupby("sequence")]
    mean = np.stack([units[rows].mean(axis=0) for rows in groups])
    for one in read_evidence(PACKAGED["compact"]):
        if not one.calibrated:
            continue
        label = table[one.au].to_numpy()[[rows[0] for rows in groups]]
        known = ~np.isnan(label)
        response, present = mean[known, one.unit], label[known] == 1
        assert (present.sum(), one.subjects) == (one.n_present, table["subject"].nunique())
        won = stats.mannwhitneyu(response[present], response[~present]).statistic
        # Rounding of the network's sums may turn a few of some 4,000 pairs.
        assert won / present.sum() / (~present).sum() == pytest.approx(one.auroc_test, abs=2e-3)
        # A fitted logistic curve says on average what its targets are on average.
        n1, n = present.sum(), len(present)
        target = (n1 * (n1 + 1) / (n1 + 2) + (n - n1) / (n - n1 + 2)) / n
        assert one.probability(mean[known]).mean() == pytest.approx(target, abs=1e-3)
