"""What projections show of themselves in a notebook: the very pixels."""

import base64
import io
import re

import numpy as np
from PIL import Image

from facslens.projection.deconvnet import Projections
from facslens.projection.shown import SHOWN
from facslens.projection.windows import to_grey


def projections(n: int = 1) -> Projections:
    image = np.zeros((n, 2, 6, 6), np.float32)
    image[:, 0, 2:5, 1:4] = [[1, 0, -1], [0, 2, 0], [0, 0, 0]]
    return Projections(
        image,
        np.full(n, 1.5, np.float32),
        np.full((n, 2), 3, np.int16),
        np.tile(np.array([2, 1, 5, 4], np.int32), (n, 1)),
    )


def pictures(html: str) -> list[np.ndarray]:
    found = re.findall('src="data:image/png;base64,([^"]*)"', html)
    return [np.asarray(Image.open(io.BytesIO(base64.b64decode(data)))) for data in found]


def test_the_picture_is_the_mean_over_channels_within_the_window() -> None:
    found = projections()
    (picture,) = pictures(found._repr_html_())
    np.testing.assert_array_equal(picture, to_grey(found.image[0].mean(axis=0)[2:5, 1:4]))
    assert picture[0, 1] == 128  # nothing is grey


def test_the_words_say_what_and_where() -> None:
    html = projections()._repr_html_()
    assert '<div class="title">1 projection</div>' in html
    assert (
        "response 1.50 at row 3, column 3; it sees the pixels of rows 2 to 4 and columns 1 to 3"
        in html
    )
    assert "they illustrate, and prove nothing" in html


def test_a_silent_unit_has_no_picture() -> None:
    silent = Projections(
        np.zeros((1, 1, 6, 6), np.float32),
        np.zeros(1, np.float32),
        np.full((1, 2), -1, np.int16),
        np.zeros((1, 4), np.int32),
        notes=("<softmax>",),
    )
    html = silent._repr_html_()
    assert "Projection 0: the unit does not fire." in html
    assert pictures(html) == []
    assert "no rule for: &lt;softmax&gt;" in html


def test_of_many_the_first_are_shown_and_that_is_said() -> None:
    html = projections(SHOWN + 3)._repr_html_()
    assert len(pictures(html)) == SHOWN
    assert f"First {SHOWN} of {SHOWN + 3} projections" in html
    assert len(html) < 30_000
