import numpy as np
import pytest
from PIL import Image

from facslens.datasets.images import grey
from facslens.preprocess.fit import centres, fit
from facslens.preprocess.input import grey_contrast, parse_input


def square(picture, side):
    """Cut out the central square and resize it, as facslens did before it knew other inputs."""
    rows, columns = picture.shape
    least = min(rows, columns)
    top, left = (rows - least) // 2, (columns - least) // 2
    cut = Image.fromarray(picture[top : top + least, left : left + least])
    return np.asarray(cut.resize((side, side), Image.Resampling.BILINEAR))


def drawn(rng, *shape):
    return rng.integers(0, 256, shape, dtype=np.uint8)


@pytest.mark.parametrize("shape", [(48, 48), (64, 64), (50, 73), (73, 50), (31, 40), (96, 97)])
@pytest.mark.parametrize("side", [48, 96])
def test_grey_pictures_of_even_contrast_are_the_central_squares_of_before(rng, shape, side):
    picture = drawn(rng, *shape)
    np.testing.assert_array_equal(fit(picture, grey_contrast(side)), square(picture, side))


def test_the_central_part_of_the_networks_proportions_is_resized(rng):
    picture = drawn(rng, 90, 100, 3)
    # 112 × 96 is 7 : 6, and the largest 7 : 6 in 90 × 100 has 90 rows and 77 columns
    expected = Image.fromarray(picture[:, 11:88]).resize((96, 112), Image.Resampling.BILINEAR)
    np.testing.assert_array_equal(fit(picture, parse_input("rgb112x96")), expected)


def test_the_shorter_side_is_resized_and_the_centre_is_cut(rng):
    picture = drawn(rng, 90, 100, 3)
    whole = Image.fromarray(picture).resize((71, 64), Image.Resampling.BICUBIC)  # 64 · 100 / 90
    # of 71 columns 48 are left behind the 12th, as torchvision rounds 11.5
    expected = np.asarray(whole)[8:56, 12:60]
    np.testing.assert_array_equal(fit(picture, parse_input("rgb48-bicubic-from64")), expected)


def test_stretching_keeps_no_proportions(rng):
    picture = drawn(rng, 90, 100, 3)
    expected = Image.fromarray(picture).resize((32, 64), Image.Resampling.LANCZOS)
    into = parse_input("rgb64x32-stretched-lanczos")
    np.testing.assert_array_equal(fit(picture, into), expected)
    square = np.asarray(Image.fromarray(picture).resize((80, 80), Image.Resampling.BILINEAR))
    found = fit(picture, parse_input("rgb64x32-stretched80"))
    np.testing.assert_array_equal(found, square[8:72, 24:56])


def test_colours_become_luma_and_grey_levels_are_repeated(rng):
    colours, levels = drawn(rng, 60, 60, 3), drawn(rng, 60, 60)
    np.testing.assert_array_equal(fit(colours, parse_input("grey48")), square(grey(colours), 48))
    found = fit(levels, parse_input("bgr48"))
    assert found.shape == (48, 48, 3)
    np.testing.assert_array_equal(found, np.stack([square(levels, 48)] * 3, axis=2))


@pytest.mark.parametrize(
    "name", ["grey48-contrast", "grey32x48", "grey48x32", "grey32x48-stretched", "grey32-from48",
             "grey32-stretched48"],
)  # fmt: skip
def test_a_picture_of_its_own_places_is_read_where_they_are_said_to_lie(name):
    # a pixel's level is its row, or column, in a picture so large that rounding moves it little
    rows = np.tile(np.arange(240, dtype=np.uint8)[:, None], (1, 240))
    into = parse_input(name)
    row, column = centres(into)
    inside = slice(2, -2)  # away from the border, where the filters have no other side
    found = fit(rows, into)[:, 5].astype(float)
    np.testing.assert_allclose(found[inside], (row * 240 - 0.5)[inside], atol=1.01)
    found = fit(rows.T.copy(), into)[5].astype(float)
    np.testing.assert_allclose(found[inside], (column * 240 - 0.5)[inside], atol=1.01)
