"""What is read of a file: regular ones only, and never more than the limit."""

import os
import resource
import socket
import zipfile

import pytest

from facslens.datasets import archive
from facslens.datasets.archive import is_file, read_bytes, state_of
from facslens.datasets.images import read_grey
from facslens.errors import DataError


def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


@pytest.fixture
def places(tmp_path, monkeypatch):
    """One path of each kind that is no regular file."""
    monkeypatch.chdir(tmp_path)  # the name of a socket is short
    os.mkfifo("pipe.png")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket.png")
        (tmp_path / "zero.png").symlink_to("/dev/zero")
        yield tmp_path


@pytest.mark.parametrize(
    ("name", "kind"), [("pipe", "a named pipe"), ("socket", "a socket"), ("zero", "a device")]
)
def test_only_regular_files_are_read(places, name, kind):
    path = places / f"{name}.png"
    assert state_of(path) == f"is {kind}"
    assert not is_file(path)
    with pytest.raises(DataError, match=f"{name}.png .*: it is {kind}, expected a regular file"):
        read_grey(path)


def test_a_sparse_file_is_not_read(tmp_path):
    with (tmp_path / "sparse.png").open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(DataError, match=r"sparse.png .*: it holds more than 132 MB"):
        read_grey(tmp_path / "sparse.png")


def test_a_file_that_knows_no_size_is_read_up_to_the_limit():
    with pytest.raises(OSError, match="it holds more than 0 MB"):
        read_bytes("/proc/self/smaps", 100)


def test_a_path_that_is_too_long_or_holds_a_zero_byte_is_an_error_of_its_own(tmp_path):
    assert not is_file(tmp_path / ("a" * 5000))
    assert state_of(tmp_path / ("a" * 5000)) == "cannot be opened (File name too long)"
    with pytest.raises(DataError, match="File name too long"):
        read_grey(tmp_path / ("a" * 5000))
    with pytest.raises(DataError, match=r"embedded null (byte|character)"):
        read_grey(tmp_path / "a\0b.png")


def test_no_more_of_a_member_is_unpacked_than_the_limit(tmp_path):
    """512 MB of zeros are a few kilobytes in an archive, and so are the bytes a header may deny."""
    path = tmp_path / "faces.zip"
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed,
        packed.open("bomb.png", "w") as member,
    ):
        for _ in range(512):
            member.write(bytes(1 << 20))
    before = peak()
    with pytest.raises(DataError, match=r"bomb.png .*: it holds more than 132 MB"):
        read_grey(path / "bomb.png")
    content = bytearray(path.read_bytes())
    central = content.index(b"PK\1\2")
    content[central + 24 : central + 28] = (1000).to_bytes(4, "little")
    path.write_bytes(content)
    with pytest.raises(DataError, match="the archive is damaged: Bad CRC-32"):
        read_grey(path / "bomb.png")
    assert peak() - before < 100


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_other_ways_of_packing_are_refused(tmp_path, method):
    with zipfile.ZipFile(tmp_path / "faces.zip", "w", method) as packed:
        packed.writestr("face.png", b"x" * 1000)
    message = f"its archive compresses it by method {method}, expected deflate or none"
    with pytest.raises(DataError, match=message):
        read_grey(tmp_path / "faces.zip" / "face.png")


def spoiled(path, offset, value):
    """An archive of one member with another value in the two headers of that member."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("face.png", os.urandom(500))
    content = bytearray(path.read_bytes())
    central = content.index(b"PK\1\2")
    content[offset], content[central + offset + 2] = value, value
    path.write_bytes(content)
    return path / "face.png"


def test_an_encrypted_member_and_an_unknown_method_have_a_sentence(tmp_path):
    with pytest.raises(DataError, match="it is encrypted in its archive: unpack it first"):
        read_grey(spoiled(tmp_path / "a.zip", 6, 1))
    with pytest.raises(DataError, match="its archive compresses it by method 77, expected deflate"):
        read_grey(spoiled(tmp_path / "b.zip", 8, 77))


def test_a_damaged_stream_has_a_sentence(tmp_path):
    member = spoiled(tmp_path / "a.zip", 6, 0)
    content = bytearray((tmp_path / "a.zip").read_bytes())
    content[38:60] = b"\xff" * 22
    (tmp_path / "a.zip").write_bytes(content)
    with pytest.raises(DataError, match="the archive is damaged: Error -3"):
        read_grey(member)


def test_a_cell_longer_than_the_limit_is_not_read(tmp_path):
    (tmp_path / "t.csv").write_text("x")
    with pytest.raises(OSError, match="it holds more than 132 MB"):
        read_bytes(archive.cell(tmp_path / "t.csv", 0, 1 << 40))
