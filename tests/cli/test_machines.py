"""The same command on two machines, here two processes that find each other by their addresses."""

import os
import socket
import subprocess
import sys

import pytest

from facslens.progress import silent
from facslens.runs.folder import Run
from facslens.runs.record import RunRecord
from facslens.runs.settings import Settings
from facslens.stages.faces import run_faces
from facslens.training.recipe import Recipe

CALL = "from facslens.cli.main import main; main()"


@pytest.fixture
def run(draw_ck48, tmp_path):
    """A run that has its faces, and no network yet."""
    data = f"ck48:{draw_ck48(tmp_path / 'faces', subjects=20, frames=1)}"
    settings = Settings(recipe=Recipe(epochs=2))
    made = Run.create(tmp_path / "run", data=data, seed=0, settings=settings.entries())
    run_faces(made, silent)
    return made


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def train_on(node, run, port):
    places = {"NODE_RANK": str(node), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    return subprocess.Popen(
        [sys.executable, "-c", CALL, "train", run.folder, "--nodes", "2"],
        env={**os.environ, **places, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip


def test_two_machines_train_one_network_which_the_first_writes(run):
    port = free_port()
    machines = [train_on(node, run, port) for node in (0, 1)]
    said = [machine.communicate(timeout=240)[0] for machine in machines]
    assert [machine.returncode for machine in machines] == [0, 0], said
    trained = RunRecord(Run.open(run.folder))
    assert trained.info["stages"]["train"]["status"] == "done"
    history = trained.table("training.csv")
    assert list(history["epoch"]) == [1, 1, 2, 2]
    assert sorted(path.name for path in run.folder.iterdir() if "training" in path.name) == [
        "training.csv"
    ]
