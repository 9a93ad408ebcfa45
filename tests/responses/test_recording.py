import numpy as np
import pytest
import torch
from PIL import Image

from facslens.datasets.load import load
from facslens.engines.engine import ignore
from facslens.engines.local import Local
from facslens.errors import DataError
from facslens.models.model import build
from facslens.preprocess import normalise
from facslens.preprocess.input import grey_contrast
from facslens.responses import store
from facslens.responses.recording import RecordShard, record_faces


@pytest.fixture(scope="module")
def faces():
    every = load("synthetic")
    return every.where(np.arange(len(every)) % 16 == 0)


@pytest.fixture(scope="module")
def model(faces):
    return build("paper", faces.expressions, 48, seed=3)


class Stopped(Local):
    """Do the first pieces, and then no more."""

    def map(self, work, items, seen=ignore):
        for number, item in enumerate(items):
            if number == 2:
                raise KeyboardInterrupt
            yield work(item, seen)


def same(one, other):
    for layer in other.responses.layers:
        np.testing.assert_array_equal(
            one.responses.response(layer), other.responses.response(layer)
        )
        np.testing.assert_array_equal(
            one.responses.location(layer), other.responses.location(layer)
        )
    assert one.exemplars.equals(other.exemplars)


def test_shards_and_an_interruption_change_nothing(faces, model, tmp_path, monkeypatch):
    assert 128 < len(faces) < 256
    whole = record_faces(model, faces, batch_size=32)  # one shard
    monkeypatch.setattr(store, "SHARD", 32)
    path, done = tmp_path / "a.zarr", []
    with pytest.raises(KeyboardInterrupt):
        record_faces(model, faces, path=path, order="one", batch_size=32, engine=Stopped())

    def counts(count, total, _note):
        done.append((count, total))

    resumed = record_faces(model, faces, path=path, order="one", batch_size=32, progress=counts)
    assert done[0] == (96, len(faces))  # two shards of 32 were kept
    assert done[-1] == (len(faces), len(faces))
    same(resumed, whole)


def test_processes_that_read_ahead_change_nothing(faces, model):
    paths = list(faces.table["path"][:70])
    here, there = (
        RecordShard(model, ("conv2",), 32, processes)(paths, ignore)["conv2"]
        for processes in (0, 2)
    )
    np.testing.assert_array_equal(there.response, here.response)
    np.testing.assert_array_equal(there.location, here.location)


def test_reading_ahead_draws_no_random_number_and_passes_errors_on(tmp_path):
    good, bad = tmp_path / "good.png", tmp_path / "bad.png"
    Image.fromarray(np.full((48, 48), 90, np.uint8)).save(good)
    bad.write_bytes(b"no picture")
    state = torch.random.get_rng_state()
    for processes in (0, 2):
        with pytest.raises(DataError, match=r"^.*bad\.png is no image, whatever its name says"):
            list(normalise.batches([good, good, bad], grey_contrast(48), 1, processes))
    assert torch.equal(torch.random.get_rng_state(), state)
