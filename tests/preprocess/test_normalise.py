import numpy as np
import pytest
import torch
from PIL import Image

from facslens.preprocess.normalise import batches, read, square, standardise


def test_the_central_square_is_cut_out_and_left_alone_at_its_own_size():
    image = np.arange(4 * 6, dtype=np.uint8).reshape(4, 6)
    np.testing.assert_array_equal(square(image, 4), image[:, 1:5])


def test_shrinking_averages_instead_of_skipping():
    stripes = np.tile(np.array([0, 200], np.uint8), (48, 24))
    # every pixel of the small image covers black and white alike
    assert np.ptp(square(stripes, 12)[:, 1:-1]) <= 16
    assert abs(square(stripes, 12).mean() - 100) < 3


def test_mean_and_deviation_are_removed_whatever_the_lighting():
    levels = torch.rand(3, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    once, darker = standardise(levels), standardise(0.4 * levels + 0.1)
    torch.testing.assert_close(once.mean((2, 3)), torch.zeros(3, 1), atol=1e-6, rtol=0)
    # the floor of 1e-3 under the deviation of about 0.29 and 0.12 is all that differs
    torch.testing.assert_close(once, darker, atol=0.02, rtol=0.01)
    assert standardise(torch.full((1, 1, 4, 4), 0.5)).abs().max() == 0


def test_batches_hold_every_face_once_in_order(tmp_path):
    paths = []
    for level in range(5):
        paths.append(tmp_path / f"{level}.png")
        Image.fromarray(np.full((48, 48), 40 * level, np.uint8)).save(paths[-1])
    assert [len(b) for b in batches(paths, 48, 2)] == [2, 2, 1]
    assert read(paths, 48)[:, 0, 0, 0].mul(255).round().tolist() == [0, 40, 80, 120, 160]


def test_a_missing_face_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"gone\.png"):
        read([tmp_path / "gone.png"], 48)
