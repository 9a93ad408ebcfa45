import os
import signal

import numpy as np
import pytest

from facslens.datasets.load import load
from facslens.datasets.splits import holdout
from facslens.errors import CallError, DataError, FacslensError
from facslens.progress import silent
from facslens.training.fit import fit
from facslens.training.machines import Machines
from facslens.training.module import EpochOrder
from facslens.training.recipe import Recipe

RECIPE = Recipe(epochs=2, batch_size=16)


@pytest.fixture(scope="module")
def faces(draw_ck48, tmp_path_factory):
    folder = draw_ck48(tmp_path_factory.mktemp("single"), subjects=24, frames=1)
    found = load(f"ck48:{folder}")
    return found.with_split(holdout(found, seed=0))


def test_two_processes_train_as_one_does(faces, tmp_path):
    """They see the same batches, so that losses differ by augmentation and dropout alone."""
    together = fit(faces, seed=4, recipe=RECIPE, machines=Machines(2), folder=tmp_path)
    alone = fit(faces, seed=4, recipe=RECIPE)
    assert not list(tmp_path.iterdir())  # the checkpoint of a finished training
    # eight expressions: a guess has a loss of 2.08, the first epochs fall well below it in both
    np.testing.assert_allclose(together.history["loss"], alone.history["loss"], atol=0.25)
    counts = together.history["loss"].groupby(together.history["split"]).last()
    assert (counts < 1.9).all()


@pytest.mark.parametrize(("count", "processes"), [(10, 1), (10, 2), (11, 2), (11, 3), (2, 3)])
def test_processes_divide_every_batch(monkeypatch, count, processes):
    whole = list(EpochOrder(count, 5))
    order = EpochOrder(count, 5, processes)
    shares = []
    for rank in range(processes):
        monkeypatch.setattr("facslens.training.module.place", lambda rank=rank: (rank, processes))
        shares.append(list(order))
    assert {len(share) for share in shares} == {len(order)}
    dealt = [face for step in zip(*shares, strict=True) for face in step]
    assert dealt[:count] == whole
    assert dealt[count:] == whole[: len(dealt) - count]


def test_what_cannot_be_divided_or_joined_is_refused(faces):
    with pytest.raises(CallError, match="a batch of 16 faces cannot be divided between 3"):
        fit(faces, recipe=RECIPE, machines=Machines(3))
    with pytest.raises(CallError, match="set NODE_RANK, MASTER_ADDR and MASTER_PORT"):
        fit(faces, recipe=RECIPE, machines=Machines(nodes=2))
    with pytest.raises(CallError, match="strategy is 'fsdp': expected auto, ddp"):
        Machines(strategy="fsdp")
    with pytest.raises(CallError, match="devices is 0"):
        Machines(0)


def killed(progress):
    if os.environ["LOCAL_RANK"] == "0":
        progress(1, 2, "one")
        os.kill(os.getpid(), signal.SIGKILL)


def refused(progress):
    raise DataError("the face is broken")


def environment(progress):
    return {name: os.environ[name] for name in ("LOCAL_RANK", "NODE_RANK", "MASTER_PORT")}


def test_what_a_process_tells_is_passed_on_and_a_lost_one_is_said():
    told = []
    with pytest.raises(FacslensError, match="a process of the training was lost"):
        Machines(1).start(killed, {}, lambda *now: told.append(now))
    assert told == [(1, 2, "one")]
    with pytest.raises(DataError, match=r"^the face is broken$"):
        Machines(1).start(refused, {}, silent)


def test_the_second_machine_knows_that_it_is_the_second(monkeypatch):
    assert Machines(nodes=2).first
    for name, value in (("NODE_RANK", "1"), ("MASTER_ADDR", "a"), ("MASTER_PORT", "9")):
        monkeypatch.setenv(name, value)
    assert not Machines(nodes=2).first
    found = Machines(nodes=2).start(environment, {}, silent)
    assert found == {"LOCAL_RANK": "0", "NODE_RANK": "1", "MASTER_PORT": "9"}
