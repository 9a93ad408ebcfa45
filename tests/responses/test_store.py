import numpy as np
import pytest

from facslens.errors import ArtifactError, CallError
from facslens.responses import store
from facslens.responses.store import BatchResponses, Responses, ResponseWriter


def batch(response):
    location = np.stack([response, response], axis=-1).astype(np.int16)
    return {"conv1": BatchResponses(response.astype(np.float32), location, (5, 6))}


@pytest.mark.parametrize("chunk", [1, 3, 100])
def test_what_is_written_in_batches_is_read_back(tmp_path, monkeypatch, rng, chunk):
    monkeypatch.setattr(store, "CHUNK", chunk)
    values = rng.integers(0, 100, (8, 4)).astype(np.float32)
    writer = ResponseWriter(tmp_path / "responses.zarr", [f"{i}.png" for i in range(8)])
    for rows in (slice(0, 3), slice(3, 4), slice(4, 8)):
        writer.add(batch(values[rows]))
    writer.close()
    read = Responses.open(tmp_path / "responses.zarr")
    np.testing.assert_array_equal(read.response("conv1"), values)
    np.testing.assert_array_equal(read.location("conv1")[..., 1], values)
    assert read.response("conv1").dtype == np.float32
    assert read.shape("conv1") == (5, 6)
    assert list(read.images[:2]) == ["0.png", "1.png"]


def test_a_missing_face_is_noticed():
    writer = ResponseWriter(None, ["a", "b"])
    writer.add(batch(np.ones((1, 2))))
    with pytest.raises(CallError, match="images names 2 faces: responses of 1 were added"):
        writer.close()


def test_an_unknown_layer_and_a_missing_store_are_named(tmp_path):
    writer = ResponseWriter(None, ["a"])
    writer.add(batch(np.ones((1, 2))))
    with pytest.raises(CallError, match="no layer 'conv9' was recorded: there are conv1"):
        writer.close().response("conv9")
    with pytest.raises(ArtifactError, match="no readable store of responses"):
        Responses.open(tmp_path / "nothing.zarr")
