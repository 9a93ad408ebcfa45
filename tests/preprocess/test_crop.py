import math

import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import map_coordinates

from facslens.datasets.images import read_grey
from facslens.errors import DataError
from facslens.preprocess.alignment import Similarity
from facslens.preprocess.crop import IN_BOX, TEMPLATE, crop, crop_box, crop_face
from facslens.preprocess.detection import Detection
from facslens.preprocess.fit import fit
from facslens.preprocess.input import grey_contrast

PLACES = 48 * np.array(TEMPLATE)


def way_of(scale, degrees, centre):
    """From the pixels of a 48×48 face to those of a picture."""
    angle = math.radians(degrees)
    turn = scale * complex(math.cos(angle), math.sin(angle))
    return Similarity(turn, complex(*centre) - turn * (24 + 24j))


def pattern(size, rng, speed=0.12):
    """Draw smooth grey levels whose values between the pixels are known: a sum of waves."""
    shape = rng.normal(size=(6, 4))

    def level(x, y):
        total = sum(a * np.cos(speed * (b * x + c * y) + d) for a, b, c, d in shape)
        return 128 + 100 * total / np.abs(shape[:, 0]).sum()

    across, down = np.meshgrid(np.arange(size[0]) + 0.5, np.arange(size[1]) + 0.5)
    return level, np.rint(level(across, down)).astype(np.uint8)


def test_a_face_that_is_the_crop_already_is_left_alone(rng):
    face = rng.integers(0, 256, (48, 48), dtype=np.uint8)
    np.testing.assert_array_equal(crop(face, PLACES, 48), face)


@pytest.mark.parametrize("size", [24, 48, 96])
def test_the_template_holds_for_any_size(size):
    face = np.zeros((480, 480), np.uint8)
    x, y = (480 * np.array(TEMPLATE)).T
    for column, row in zip(x, y, strict=True):
        face[int(row) - 10 : int(row) + 10, int(column) - 10 : int(column) + 10] = 255
    found = crop(face, np.stack([x, y], axis=1), size) > 100
    rows, columns = np.nonzero(found)
    mouth = rows > size / 2
    # centres of pixels lie half a pixel in
    assert abs((columns[mouth].mean() + 0.5) / size - TEMPLATE[2][0]) < 0.5 / size
    assert abs((rows[mouth].mean() + 0.5) / size - TEMPLATE[2][1]) < 0.5 / size
    assert abs((columns[~mouth].min() + columns[~mouth].max() + 1) / 2 / size - 0.5) < 0.5 / size


@pytest.mark.parametrize(
    ("scale", "degrees"), [(0.5, 0), (0.8, 15), (1, 0), (1, 90), (1.7, -35), (3, 20), (4.2, 180)]
)
def test_a_crop_is_the_mean_over_the_area_of_each_pixel(rng, scale, degrees):
    level, picture = pattern((400, 380), rng)
    way = way_of(scale, degrees, (200, 190))
    # a mean over 24 × 24 places in each pixel, of the levels that the pixels were taken from
    steps = (np.arange(48 * 24) + 0.5) / 24
    places = way(np.stack(np.meshgrid(steps, steps), axis=-1))
    exact = level(places[..., 0], places[..., 1]).reshape(48, 24, 48, 24).mean(axis=(1, 3))
    # two roundings, and what bilinear interpolation takes from waves of this length
    np.testing.assert_allclose(crop(picture, way(PLACES), 48), exact, atol=2.5)


@pytest.mark.parametrize("scale", [0.7, 1.6, 3.3])
def test_sampling_equals_scipys_interpolation(rng, scale):
    picture = rng.integers(0, 256, (300, 300), dtype=np.uint8)
    way = way_of(scale, 12, (140, 160))
    many = math.ceil(scale)
    steps = (np.arange(48 * many) + 0.5) / many
    places = way(np.stack(np.meshgrid(steps, steps), axis=-1))
    found = map_coordinates(
        picture.astype(float), [places[..., 1] - 0.5, places[..., 0] - 0.5], order=1, mode="nearest"
    )
    expected = found.reshape(48, many, 48, many).mean(axis=(1, 3))
    # half a level for rounding; noise has no area to be exact about, so the same samples are meant
    np.testing.assert_allclose(crop(picture, way(PLACES), 48), expected, atol=0.501)


@pytest.mark.parametrize("scale", [3, 4, 6.5, 20])
def test_a_face_put_into_a_large_picture_comes_back(rng, scale):
    _, face = pattern((48, 48), rng)
    way = way_of(scale, -17, (700, 650))
    back = way.inverse()
    data = [back.turn.real, -back.turn.imag, back.shift.real]
    data += [back.turn.imag, back.turn.real, back.shift.imag]
    picture = Image.fromarray(face).transform(
        (1400, 1300), Image.Transform.AFFINE, data, Image.Resampling.BICUBIC
    )
    found = crop(np.asarray(picture), way(PLACES), 48)
    inside = (slice(2, -2), slice(2, -2))  # beyond the face's border nothing is known
    error = np.abs(found[inside].astype(float) - face[inside])
    assert error.mean() < 1.0
    assert error.max() < 6.0


def test_reducing_a_huge_face_first_changes_nothing_that_can_be_seen(rng):
    level, picture = pattern((1500, 1500), rng, speed=0.025)  # 10 pixels of the crop a wave
    way = way_of(25, 8, (750, 750))
    steps = (np.arange(48 * 50) + 0.5) / 50
    places = way(np.stack(np.meshgrid(steps, steps), axis=-1))
    exact = level(places[..., 0], places[..., 1]).reshape(48, 50, 48, 50).mean(axis=(1, 3))
    np.testing.assert_allclose(crop(picture, way(PLACES), 48), exact, atol=2.5)


def test_beyond_the_border_the_border_repeats(rng):
    picture = rng.integers(0, 256, (60, 60), dtype=np.uint8)
    found = crop(picture, PLACES - [30, 20], 48)
    np.testing.assert_array_equal(found[20:, 30:], picture[:28, :18])
    np.testing.assert_array_equal(found[20:, :30], np.tile(picture[:28, :1], (1, 30)))
    np.testing.assert_array_equal(found[:20, 30:], np.tile(picture[:1, :18], (20, 1)))


def test_a_face_wholly_outside_repeats_the_corner(rng):
    picture = rng.integers(0, 256, (60, 60), dtype=np.uint8)
    assert (crop(picture, PLACES + 500, 48) == picture[-1, -1]).all()


def test_a_tilted_face_comes_back_upright(rng):
    face = rng.integers(0, 256, (48, 48), dtype=np.uint8)
    turned = np.rot90(face, -1)  # clockwise: (x, y) goes to (48 - y, x)
    points = np.stack([48 - PLACES[:, 1], PLACES[:, 0]], axis=1)
    np.testing.assert_array_equal(crop(np.ascontiguousarray(turned), points, 48), face)


@pytest.mark.parametrize(
    "points",
    [np.full((3, 2), 5.0), np.array([[np.nan, 1], [2, 1], [1.5, 3]]), np.full((3, 2), np.inf)],
)
def test_landmarks_of_no_face_are_refused(points):
    with (
        np.errstate(invalid="ignore"),
        pytest.raises(DataError, match="no landmarks of a face: expected three different places"),
    ):
        crop(np.zeros((60, 60), np.uint8), points, 48)


def test_a_box_gives_the_square_that_it_has_on_average(rng):
    picture = rng.integers(0, 256, (100, 100), dtype=np.uint8)
    across, down, side = IN_BOX
    width = 48 / side
    box = (50 - across * width, 60 - down * width, width, width)
    np.testing.assert_array_equal(crop_box(picture, box, 48), picture[36:84, 26:74])


@pytest.mark.parametrize(
    "box", [(0.0, 0.0, 0.0, 5.0), (0.0, 0.0, 5.0, -1.0), (math.nan, 0.0, 5.0, 5.0)]
)
def test_a_box_without_area_is_refused(box):
    with pytest.raises(DataError, match="is no place of a face: expected a width and a height"):
        crop_box(np.zeros((60, 60), np.uint8), box, 48)


def test_a_face_is_cut_out_by_its_landmarks_where_it_has_them(rng):
    picture = rng.integers(0, 256, (90, 90), dtype=np.uint8)
    box, points = (20.0, 20.0, 40.0, 40.0), PLACES + 10
    with_points, without = Detection(*box, 1.0, points), Detection(*box, math.nan)
    np.testing.assert_array_equal(crop_face(picture, with_points, 48), picture[10:58, 10:58])
    np.testing.assert_array_equal(crop_face(picture, without, 48), crop_box(picture, box, 48))


def test_training_and_prediction_share_one_definition_of_the_crop(data_folder, detect, rng):
    """Training reads FER2013's faces as they are: eyes and mouths must lie on the template."""
    archive = data_folder / "ferplus.zip" / "ferplus" / "FER2013Train"
    points = []
    for number in rng.choice(28_000, 160, replace=False):
        try:
            face = read_grey(archive / f"fer{number:07d}.png")
        except DataError:  # not every number is in this part
            continue
        wide = np.pad(fit(face, grey_contrast(48)), 24, mode="edge")
        large = np.asarray(Image.fromarray(wide).resize((384, 384), Image.Resampling.BICUBIC))
        found = detect(np.dstack([large] * 3))
        if found and found[0].points is not None:
            points.append(found[0].points / 4 - 24)
    assert len(points) > 100
    # The standard error of a median of 150 landmarks that scatter by 3 px is 0.3 px.
    np.testing.assert_allclose(np.median(points, axis=0), PLACES, atol=0.7)
