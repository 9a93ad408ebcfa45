import dataclasses

import pytest
import torch

from facslens.preprocess.augment import NONE, Augmentation, augment


def spot(row, column, size=48):
    image = torch.zeros(1, 1, size, size)
    image[0, 0, row - 2 : row + 3, column - 2 : column + 3] = 1
    return image


def centre(image):
    weights = image[0, 0] - image.min()
    rows, columns = torch.meshgrid(torch.arange(48.0), torch.arange(48.0), indexing="ij")
    total = weights.sum()
    return float((weights * rows).sum() / total), float((weights * columns).sum() / total)


def change(image, seed=0, **by):
    generator = torch.Generator().manual_seed(seed)
    return augment(image, dataclasses.replace(NONE, **by), generator)


def test_no_change_is_no_change():
    image = torch.rand(4, 1, 48, 48, generator=torch.Generator().manual_seed(0)).clamp(0.01, 1)
    torch.testing.assert_close(change(image), image, atol=1e-5, rtol=0)


def test_a_flip_mirrors_left_and_right_only():
    torch.testing.assert_close(
        change(spot(10, 5), flip=1.0), spot(10, 5).flip(3), atol=1e-3, rtol=0
    )


def test_a_turn_keeps_the_distance_from_the_middle_and_its_limit():
    for seed in range(20):
        row, column = centre(change(spot(8, 24), seed, rotation=10.0))
        down, across = row - 23.5, column - 23.5
        # the spot began half a pixel right of the middle, 15.5 above it
        assert (down**2 + across**2) ** 0.5 == pytest.approx(15.5, abs=0.3)
        assert abs(across - 0.5) <= 15.5 * 0.1737 + 0.2  # sine of 10 degrees


def test_scale_and_shift_stay_within_their_limits():
    rows = [centre(change(spot(8, 24), seed, scale=1.25))[0] for seed in range(40)]
    assert 23.5 - 15.5 * 1.25 - 0.3 <= min(rows) < 23.5 - 15.5 * 1.1
    assert 23.5 - 15.5 * 0.9 < max(rows) <= 23.5 - 15.5 / 1.25 + 0.3
    columns = [centre(change(spot(24, 24), seed, shift=0.1))[1] for seed in range(40)]
    assert 24 - 4.8 - 0.1 <= min(columns) < 24 - 3
    assert 24 + 3 < max(columns) <= 24 + 4.8 + 0.1


def test_gamma_keeps_black_white_and_order():
    image = torch.linspace(0.01, 1, 48).repeat(48, 1)[None, None]
    changed = change(image, gamma=0.5)[0, 0, 24]
    assert (changed.diff() > 0).all()
    assert changed[-1] == pytest.approx(1, abs=1e-5)
    assert not torch.allclose(changed, image[0, 0, 24], atol=0.01)


def test_the_same_generator_gives_the_same_faces():
    image = torch.rand(3, 1, 48, 48)
    first = augment(image, Augmentation(), torch.Generator().manual_seed(5))
    again = augment(image, Augmentation(), torch.Generator().manual_seed(5))
    torch.testing.assert_close(first, again, atol=0, rtol=0)
