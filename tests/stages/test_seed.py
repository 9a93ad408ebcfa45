"""The seed of a run is that of everything drawn for it."""

import numpy as np
import pytest

from facslens.artifacts import read_table
from facslens.datasets.splits import halves
from facslens.models import model as models
from facslens.progress import silent
from facslens.runs.folder import Run
from facslens.runs.record import RunRecord
from facslens.runs.settings import Settings
from facslens.stages import associate, checks, crossval
from facslens.stages.associate import run_associate
from facslens.stages.checks import Choices, Subject
from facslens.stages.evidence import run_evidence
from facslens.stages.faces import run_faces
from facslens.stages.record import run_record

EXPRESSIONS = ("anger", "happiness", "surprise")


@pytest.fixture(scope="module")
def run(drawn_ck48, tmp_path_factory):
    """Drawn faces and an untrained network: half of the people choose, half confirm."""
    made = Run.create(
        tmp_path_factory.mktemp("runs") / "drawn",
        data=f"ck48:{drawn_ck48}",
        seed=0,
        settings=Settings(permutations=49, distance="auroc", layers=["conv3"]).entries(),
    )
    run_faces(made, silent, halves)
    models.save(models.build("paper", EXPRESSIONS, 48, seed=0), made.folder)
    made.accept(["model.safetensors", "model.json"])
    run_record(made, silent)
    return made


def kept(function, seeds):
    """Call through, and keep the seed."""

    def call(*args, **choices):
        seeds.append(choices["seed"])
        return function(*args, **choices)

    return call


def test_the_association_and_its_evidence(run, monkeypatch) -> None:
    columns = ("auroc_test_low", "auprc_test_high", "partial_test_low", "auroc_within_test_low")
    contrasts = []
    monkeypatch.setattr(
        associate, "contrast_table", kept(associate.contrast_table, contrasts)
    )  # these faces have no neutral frame

    def drawn(seed):
        run.update(seed=seed)
        run_associate(run, silent)
        mapping = read_table(run / "mapping.csv")
        found = {c: mapping[c].dropna().to_numpy() for c in columns}
        found["null_mean"] = read_table(run / "association.parquet")["null_mean"].to_numpy()
        skills = [e.skill_low for e in run_evidence(RunRecord(run))]
        return found | {"skill_low": np.array(skills)[~np.isnan(skills)]}

    first, second, again = drawn(1), drawn(2), drawn(1)
    for name, values in first.items():
        assert len(values), name
        np.testing.assert_array_equal(values, again[name], err_msg=name)
        assert not np.array_equal(values, second[name]), name
    assert contrasts == [1, 2, 1]


def test_the_checks(run, monkeypatch) -> None:
    run.update(seed=4)
    run_associate(run, silent)
    seeds = []
    for name in ("ablation_table", "place_table", "randomisation_table"):
        monkeypatch.setattr(checks, name, kept(getattr(checks, name), seeds))
    subject = Subject(RunRecord(run), Choices(sets=2))
    for check in (checks.check_ablation, checks.check_place, checks.check_sanity):
        check(subject, silent)
    assert seeds == [4, 4, 4]
    assert subject.design.seed == 4


def test_a_fold_of_a_cross_validation(run, monkeypatch) -> None:
    seeds, weights = [], []
    monkeypatch.setattr(crossval, "associate", kept(crossval.associate, seeds))
    untrained = crossval.untrained
    monkeypatch.setattr(
        crossval, "untrained", lambda model, seed: weights.append(seed) or untrained(model, seed)
    )
    faces = RunRecord(run).faces
    crossval.associate_fold(models.load(run.folder), faces, seed=7, controls=1)
    assert seeds == [7, 7]
    assert weights == [8]
