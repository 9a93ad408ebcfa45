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


def naive(image, sigma, reach, floor):
    """Local contrast by a sum over all neighbours, with the border repeated."""
    steps = np.arange(-reach, reach + 1)
    weights = np.exp(-(steps[:, None] ** 2 + steps[None, :] ** 2) / (2 * sigma**2))
    weights /= weights.sum()

    def blurred(values):
        wide = np.pad(values, reach, mode="edge")
        rows, columns = values.shape
        return np.array(
            [
                [
                    (wide[r : r + len(steps), c : c + len(steps)] * weights).sum()
                    for c in range(columns)
                ]
                for r in range(rows)
            ]
        )

    remainder = image - blurred(image)
    return remainder / (np.sqrt(blurred(remainder**2)) + floor)


def test_local_contrast_equals_a_loop_over_the_neighbours(rng):
    image = rng.random((24, 24))
    found = standardise(torch.from_numpy(image)[None, None])[0, 0].numpy()
    np.testing.assert_allclose(found, naive(image, sigma=2, reach=6, floor=0.05), rtol=1e-9)


def test_a_light_from_the_side_and_a_darker_skin_change_little():
    generator = torch.Generator().manual_seed(0)
    face = torch.rand(1, 1, 48, 48, generator=generator) * 0.5
    lit = face + torch.linspace(0, 0.5, 48)
    inside = (..., slice(8, -8), slice(8, -8))
    # away from the border a slope is its own local mean
    torch.testing.assert_close(
        standardise(lit)[inside], standardise(face)[inside], atol=0.02, rtol=0
    )
    # half the contrast leaves more than half of the answer: 0.072/0.122 against 0.144/0.194
    darker = standardise(0.5 * face)[inside].abs().mean() / standardise(face)[inside].abs().mean()
    assert 0.7 < darker < 0.9


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
