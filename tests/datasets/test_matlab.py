"""MATLAB files, against those that scipy writes and reads."""

import struct

import numpy as np
import pytest
from scipy import io

from facslens.datasets.matlab import read_matrices

LIMIT = 100_000


@pytest.fixture
def matrices(rng):
    kinds = ("i1", "u1", "i2", "u2", "i4", "u4", "f4", "f8", "i8", "u8")
    found = {kind: rng.integers(0, 100, (3, 4, 2)).astype(kind) for kind in kinds}
    found["small"] = np.array([[3]], dtype=np.uint8)  # its number stands in the tag
    found["empty"] = np.zeros((4, 0))
    return found


@pytest.mark.parametrize("compressed", [True, False])
def test_numbers_are_those_that_scipy_reads(tmp_path, matrices, compressed):
    file = tmp_path / "a.mat"
    io.savemat(file, {**matrices, "words": "abc"}, do_compression=compressed)
    expected = io.loadmat(file)
    found = read_matrices(file, list(matrices), LIMIT)
    assert sorted(found) == sorted(matrices)
    for name, matrix in found.items():
        np.testing.assert_array_equal(matrix, expected[name])
        assert matrix.shape == matrices[name].shape


def test_a_file_of_the_other_byte_order(tmp_path):
    """Written by hand: a matrix of two doubles, big-endian."""
    body = struct.pack(">IIII", 6, 8, 6, 0) + struct.pack(">IIii", 5, 8, 1, 2)
    body += struct.pack(">I4s", (1 << 16) | 1, b"x\0\0\0") + struct.pack(">IIdd", 9, 16, 1.5, -2.0)
    head = b"MATLAB 5.0 MAT-file".ljust(124) + struct.pack(">H2s", 0x0100, b"MI")
    (tmp_path / "a.mat").write_bytes(head + struct.pack(">II", 14, len(body)) + body)
    np.testing.assert_array_equal(
        read_matrices(tmp_path / "a.mat", ["x"], LIMIT)["x"], [[1.5, -2.0]]
    )


def test_what_is_not_wanted_is_not_read_and_what_is_too_large_refused(tmp_path):
    file = tmp_path / "a.mat"
    io.savemat(file, {"a": np.zeros((1000, 20)), "b": np.ones((2, 2))}, do_compression=True)
    assert list(read_matrices(file, ["b"], 64)) == ["b"]
    with pytest.raises(ValueError, match=r"a variable in it holds more than 0\.1 MB"):
        read_matrices(file, ["a"], LIMIT)


@pytest.mark.parametrize(
    "value", [np.array([1 + 2j]), "abc", np.array(["a", 1], dtype=object), {"field": 1}]
)
def test_what_holds_no_real_numbers_is_refused(tmp_path, value):
    io.savemat(tmp_path / "a.mat", {"x": value})
    with pytest.raises(ValueError, match="its x are no real numbers"):
        read_matrices(tmp_path / "a.mat", ["x"], LIMIT)


@pytest.mark.parametrize("compressed", [True, False])
def test_a_cut_file_is_refused(tmp_path, compressed):
    file = tmp_path / "a.mat"
    io.savemat(file, {"x": np.arange(500.0)[:, None]}, do_compression=compressed)
    content = file.read_bytes()
    for length in (129, 140, 170, len(content) - 60):
        file.write_bytes(content[:length])
        with pytest.raises(ValueError, match="it ends in the middle of a variable"):
            read_matrices(file, ["x"], LIMIT)
