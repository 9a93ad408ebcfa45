import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from facslens.errors import CallError
from facslens.projection.windows import crop, to_diverging, to_grey

edges = st.tuples(st.integers(-9, 9), st.integers(1, 9))
values = arrays.arrays(
    np.float32, st.tuples(st.integers(1, 6), st.integers(1, 6)), elements=st.floats(-9, 9, width=32)
)


@given(values, edges, edges)
def test_a_crop_is_a_cut_of_the_padded_image(image, rows, columns):
    (top, height), (left, width) = rows, columns
    padded = np.pad(image, 20, constant_values=7)
    cut = crop(image, (top, left, top + height, left + width), fill=7.0)
    np.testing.assert_array_equal(
        cut, padded[20 + top : 20 + top + height, 20 + left : 20 + left + width]
    )
    assert cut.dtype == image.dtype


def test_a_crop_keeps_leading_axes_and_is_a_copy():
    image = np.arange(24.0).reshape(2, 3, 4)
    cut = crop(image, (1, 2, 4, 4))
    assert cut.tolist() == [[[6, 7], [10, 11], [0, 0]], [[18, 19], [22, 23], [0, 0]]]
    np.testing.assert_array_equal(crop(image, np.array([1, 2, 4, 4], dtype=np.int32)), cut)
    cut[:] = -1
    assert image[0, 1, 2] == 6


def test_an_empty_rectangle_is_refused():
    with pytest.raises(CallError, match=r"rectangle is \(0, 0, 0, 0\) .*: it has no pixel"):
        crop(np.zeros((2, 2)), (0, 0, 0, 0))


@given(values)
def test_greys_and_colours_are_symmetric_around_zero(projection):
    greys = to_grey(projection).astype(int)
    np.testing.assert_array_equal(greys + to_grey(-projection), 256)
    assert (greys[projection == 0] == 128).all()
    assert (np.sign(greys - 128) * np.sign(projection) >= 0).all()
    colours = to_diverging(projection)
    assert colours.shape == (*projection.shape, 3)
    assert (colours[projection == 0] == 247).all()


def test_the_largest_absolute_value_reaches_the_end():
    assert to_grey(np.array([-4.0, 2.0])).tolist() == [1, 192]  # 128 + 127/2 = 191.5, to even
    assert to_grey(np.array([0.0, 3.0])).tolist() == [128, 255]
    assert to_grey(np.zeros((2, 2), np.float32)).tolist() == [[128, 128], [128, 128]]


def test_a_shared_limit_makes_projections_comparable():
    assert to_grey(np.array([-1.0, 1.0, 9.0]), limit=2.0).tolist() == [64, 192, 255]
    assert to_diverging(np.array([9.0]), limit=2.0).tolist() == [[178, 24, 43]]


def test_what_cannot_be_shown():
    with pytest.raises(CallError, match="projection has values that are not finite"):
        to_grey(np.array([0.0, np.nan]))
    with pytest.raises(CallError, match=r"limit is 0\.0: needs a value above 0"):
        to_diverging(np.array([1.0]), limit=0.0)
