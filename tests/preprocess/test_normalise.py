import numpy as np
import pytest
import torch
from PIL import Image

from facslens.preprocess.fit import fit
from facslens.preprocess.input import grey_contrast, parse_input
from facslens.preprocess.normalise import (
    as_read,
    batches,
    read,
    scaled,
    standardise,
    to_picture,
)


def test_shrinking_averages_instead_of_skipping():
    stripes = np.tile(np.array([0, 200], np.uint8), (48, 24))
    small = fit(stripes, grey_contrast(12))
    # every pixel of the small image covers black and white alike
    assert np.ptp(small[:, 1:-1]) <= 16
    assert abs(small.mean() - 100) < 3


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
    assert [len(b) for b in batches(paths, grey_contrast(48), 2)] == [2, 2, 1]
    corners = read(paths, grey_contrast(48))[:, 0, 0, 0]
    assert corners.mul(255).round().tolist() == [0, 40, 80, 120, 160]


def test_a_missing_face_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"gone\.png"):
        read([tmp_path / "gone.png"], grey_contrast(48))


@pytest.fixture
def photographs(tmp_path, rng):
    """Pictures in colour, and one in grey, with their pixels in RGB."""
    pictures = [rng.integers(0, 256, (20, 24, 3), dtype=np.uint8) for _ in range(3)]
    pictures.append(rng.integers(0, 256, (20, 24), dtype=np.uint8))
    paths = []
    for number, picture in enumerate(pictures):
        paths.append(tmp_path / f"{number}.png")
        Image.fromarray(picture).save(paths[-1])
    pictures[-1] = np.stack([pictures[-1]] * 3, axis=2)
    return paths, np.stack(pictures).astype(float)


def test_colours_are_read_by_the_range_and_the_mean_of_their_channels(photographs):
    paths, colours = photographs
    mean, std = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
    expected = {
        "rgb20x24": colours / 255,
        "rgb20x24-signed": colours / 127.5 - 1,
        "bgr20x24-bytes": colours[..., ::-1],
        "rgb20x24-imagenet": (colours / 255 - mean) / std,
        "bgr20x24-bytes-mean90,100,110-std2,3,4": (colours[..., ::-1] - [90, 100, 110]) / [2, 3, 4],
    }
    for name, values in expected.items():
        (found,) = batches(paths, parse_input(name), 4)
        # float32 of numbers up to 255, about a mean
        np.testing.assert_allclose(found.numpy(), np.moveaxis(values, 3, 1), rtol=3e-6, atol=3e-6)
    levels = read(paths, parse_input("bgr20x24-bytes-mean90,100,110"))
    pictures = [to_picture(face) for face in levels.numpy()]
    np.testing.assert_array_equal(pictures, colours)  # what is shown is RGB, whatever is read


def test_bytes_are_whole_numbers(photographs):
    paths, colours = photographs
    (found,) = batches(paths, parse_input("rgb20x24-bytes"), 4)
    np.testing.assert_array_equal(found.numpy(), np.moveaxis(colours, 3, 1))


def test_grey_networks_read_luma(photographs):
    paths, colours = photographs
    (found,) = batches(paths, parse_input("grey20x24-bytes-mean100-std2"), 4)
    luma = colours @ [0.299, 0.587, 0.114]
    # Pillow rounds luma to whole levels, which are halved here
    np.testing.assert_allclose(found[:, 0].numpy(), (luma - 100) / 2, atol=0.26)


def test_even_contrast_is_read_bit_by_bit_as_before_other_inputs(photographs):
    paths, _ = photographs
    for side in (16, 48):
        levels = [
            np.asarray(
                Image.open(path).convert("L").crop((2, 0, 22, 20)).resize((side, side), 2),
            )
            for path in paths
        ]
        grey = torch.from_numpy(np.stack(levels)).float().div_(255).unsqueeze(1)
        into = grey_contrast(side)
        assert torch.equal(read(paths, into), grey)
        assert torch.equal(as_read(grey, into), standardise(grey))
        (found,) = batches(paths, into, 4)
        assert torch.equal(found, standardise(grey))


def test_pictures_that_are_held_are_read_like_files(photographs):
    paths, colours = photographs
    for name in ("rgb16x12-imagenet", "grey16-signed", "bgr16-stretched20"):
        into = parse_input(name)
        held = scaled(list(colours.astype(np.uint8)), into)
        assert held.shape[1:] == into.shape
        torch.testing.assert_close(held, read(paths, into), atol=0, rtol=0)


def test_the_levels_of_a_grey_picture_come_back(rng):
    picture = rng.integers(0, 256, (16, 16), dtype=np.uint8)
    (levels,) = scaled([picture], parse_input("grey16"))
    np.testing.assert_array_equal(to_picture(levels.numpy()), picture)
