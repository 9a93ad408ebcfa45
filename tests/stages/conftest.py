"""A run whose network nobody trained, so that it is quickly made."""

import pytest

from facslens.datasets.splits import halves
from facslens.models import model as models
from facslens.progress import silent
from facslens.runs.folder import Run
from facslens.runs.record import RunRecord
from facslens.runs.settings import Settings
from facslens.stages.associate import run_associate
from facslens.stages.faces import run_faces
from facslens.stages.project import run_project
from facslens.stages.record import run_record


@pytest.fixture(autouse=True)
def _without_figures(undrawn):
    """Leave out the figures for papers of every report that a test writes by itself."""


@pytest.fixture(scope="session")
def run(drawn_ck48, tmp_path_factory):
    """Drawn faces, an untrained network, half of the people to choose and half to confirm."""
    settings = Settings(permutations=49, distance="auroc")
    made = Run.create(
        tmp_path_factory.mktemp("runs") / "drawn",
        data=f"ck48:{drawn_ck48}",
        seed=0,
        settings=settings.entries(),
    )
    run_faces(made, silent, halves)
    models.save(models.build("paper", ("anger", "happiness", "surprise"), 48, seed=0), made.folder)
    made.accept(["model.safetensors", "model.json"])
    for stage in (run_record, run_associate, run_project):
        stage(made, silent)
    return RunRecord(made)
