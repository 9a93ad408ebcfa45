import shutil

import numpy as np
import pytest
import zarr

from facslens.errors import ArtifactError, CallError
from facslens.responses import store, writer
from facslens.responses.store import BatchResponses, Responses
from facslens.responses.writer import ResponseWriter


@pytest.fixture
def small(monkeypatch):
    """Make shards of six faces, in chunks of three faces and two units."""
    monkeypatch.setattr(store, "SHARD", 6)
    monkeypatch.setattr(writer, "CHUNK", (3, 2))


def batch(response, layer="conv1"):
    location = np.stack([response, response], axis=-1).astype(np.int16)
    return {layer: BatchResponses(response.astype(np.float32), location, (5, 6))}


def names(count):
    return [f"{i}.png" for i in range(count)]


@pytest.mark.parametrize(("faces", "units"), [(1, 1), (2, 5), (6, 4), (8, 4), (14, 3)])
def test_what_is_written_in_shards_is_read_back(tmp_path, small, rng, faces, units):
    values = rng.integers(0, 100, (faces, units)).astype(np.float32)
    values[:, 0] = 0  # chunks of zeros are written, too
    to = ResponseWriter(tmp_path / "responses.zarr", names(faces))
    for rows in store.shards(faces):
        to.add(batch(values[rows]))
    to.close()
    read = Responses.open(tmp_path / "responses.zarr")
    np.testing.assert_array_equal(read.response("conv1"), values)
    np.testing.assert_array_equal(read.response("conv1", slice(1, 3)), values[:, 1:3])
    np.testing.assert_array_equal(read.location("conv1")[..., 1], values)
    assert read.response("conv1").dtype == np.float32
    assert read.shape("conv1") == (5, 6)
    assert read.units("conv1") == units
    assert list(read.images) == names(faces)


def test_rows_are_read_in_the_order_that_is_asked_for(tmp_path, small, rng):
    values = rng.random((8, 3)).astype(np.float32)
    to = ResponseWriter(tmp_path / "a.zarr", names(8))
    for rows in store.shards(8):
        to.add(batch(values[rows]))
    some = to.close().aligned(["7.png", "0.png"])
    np.testing.assert_array_equal(some.response("conv1", slice(2, 3)), values[[7, 0], 2:])


@pytest.mark.parametrize("kept", ["nothing", "a shard", "half of the next shard"])
def test_a_store_that_was_begun_goes_on_after_its_last_whole_shard(tmp_path, small, rng, kept):
    values = rng.integers(1, 100, (14, 3)).astype(np.float32)
    both = [batch(values[rows]) | batch(2 * values[rows], "conv2") for rows in store.shards(14)]
    path = tmp_path / "a.zarr"
    first = ResponseWriter(path, names(14), "order")
    if kept != "nothing":
        first.add(both[0])
    if kept == "half of the next shard":
        first.add(both[1])
        shutil.rmtree(path / "conv2" / "location" / "c" / "1")  # killed before the last file
        (path / "conv2" / "location" / "c" / "2.0a1b.partial").write_bytes(b"half")
    second = ResponseWriter(path, names(14), "order")
    assert second.written == (0 if kept == "nothing" else 6)
    for number, rows in enumerate(store.shards(14)):
        if rows.stop <= second.written:
            np.testing.assert_array_equal(second.read(rows)["conv2"].response, 2 * values[rows])
        else:
            second.add(both[number])
    second.close()
    read = Responses.open(path)
    np.testing.assert_array_equal(read.response("conv1"), values)
    np.testing.assert_array_equal(read.response("conv2"), 2 * values)
    assert not list(path.rglob("*.partial"))


@pytest.mark.parametrize(("images", "order"), [(names(14)[::-1], "order"), (names(14), "other")])
def test_a_store_of_other_faces_or_another_order_begins_anew(tmp_path, small, images, order):
    begun = ResponseWriter(tmp_path / "a.zarr", names(14), "order")
    begun.add(batch(np.ones((6, 2))))
    assert ResponseWriter(tmp_path / "a.zarr", images, order).written == 0


def test_a_missing_face_is_noticed(small):
    to = ResponseWriter(None, names(8))
    with pytest.raises(CallError, match="5 faces were added after 0 of 8: expected a shard of 6"):
        to.add(batch(np.ones((5, 2))))
    to.add(batch(np.ones((6, 2))))
    with pytest.raises(CallError, match="images names 8 faces: responses of 6 were added"):
        to.close()


def test_a_shard_that_vanished_or_changed_is_named(tmp_path, small):
    path = tmp_path / "a.zarr"
    to = ResponseWriter(path, names(14), "order")
    for rows in store.shards(14):
        to.add(batch(np.ones((rows.stop - rows.start, 2))))
    shard = path / "conv1" / "response" / "c" / "1" / "0"
    content = shard.read_bytes()
    shard.write_bytes(content[:5] + bytes([content[5] ^ 255]) + content[6:])
    with pytest.raises(ArtifactError, match=r"the responses of 'conv1' in .* are damaged"):
        Responses.open(path).response("conv1")
    begun = ResponseWriter(path, names(14), "order")
    with pytest.raises(ArtifactError, match=r"a\.zarr, which an interrupted .* remove it"):
        begun.read(slice(6, 12))
    shard.unlink()
    with pytest.raises(ArtifactError, match="conv1/response lacks 1 of its 3 shards"):
        Responses.open(path)


def test_an_unknown_layer_and_a_missing_store_are_named(tmp_path):
    to = ResponseWriter(None, ["a"])
    to.add(batch(np.ones((1, 2))))
    with pytest.raises(CallError, match="no layer 'conv9' was recorded: there are conv1"):
        to.close().response("conv9")
    with pytest.raises(ArtifactError, match="no readable store of responses"):
        Responses.open(tmp_path / "nothing.zarr")
    zarr.open_group(tmp_path / "other.zarr", mode="w")
    with pytest.raises(ArtifactError, match="no readable store of responses"):
        Responses.open(tmp_path / "other.zarr")


def test_a_full_disk_is_said_and_loses_nothing(tmp_path, small, monkeypatch):
    to = ResponseWriter(tmp_path / "a.zarr", names(14), "order")
    to.add(batch(np.ones((6, 2))))

    def full(*_args, **_more):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("zarr.storage._local._put", full)
        with pytest.raises(ArtifactError, match="the disk is full"):
            to.add(batch(np.ones((6, 2))))
    assert ResponseWriter(tmp_path / "a.zarr", names(14), "order").written == 6
