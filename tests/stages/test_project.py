"""The pictures of a run show what its index says, and are the projections of single responses."""

import numpy as np
import pytest
from PIL import Image

from facslens.api import project
from facslens.projection.windows import DISPLAYED
from facslens.runs.selection import mapped_units


@pytest.fixture
def index(run):
    return run.projections


def test_every_mapped_unit_has_its_exemplars(run, index) -> None:
    wanted = run.exemplars.merge(mapped_units(run.mapping), on=["layer", "unit"])
    key = ["layer", "unit", "rank", "image", "row", "column"]
    found = index.merge(wanted, on=["layer", "unit", "rank", "image"])
    assert len(found) == len(index) == len(wanted) > 0
    assert set(key) <= set(wanted.columns)
    np.testing.assert_allclose(found["response_x"], found["response_y"], rtol=1e-6)  # float32
    assert set(index["rule"]) == {"deconvnet"}


def test_a_picture_is_the_projection_of_its_response(run, index) -> None:
    """Derived again: one projection at a time, cut and scaled by hand."""
    layer, unit = index[["layer", "unit"]].iloc[-1]
    own = index[(index["layer"] == layer) & (index["unit"] == unit)]
    faces = run.faces
    images = [
        project(run.model, faces, layer, int(unit), image).image[0, 0] for image in own["image"]
    ]
    values = np.abs(np.concatenate([image.ravel() for image in images]))
    bright = np.quantile(values[values > 0], DISPLAYED)
    for image, row in zip(images, own.itertuples(), strict=True):
        folder = run.path("projections")
        shown = np.asarray(Image.open(folder / row.projection)).astype(int)
        assert shown.shape == (row.bottom - row.top, row.right - row.left)
        padded = np.pad(image, 48)[row.top + 48 : row.bottom + 48, row.left + 48 : row.right + 48]
        expected = 128 + 127 * np.clip(padded / bright, -1, 1)
        assert np.abs(shown - expected).max() <= 1  # rounding to a grey level
        whole = np.asarray(Image.open(folder / row.whole))
        path = faces.table.set_index("image").loc[row.image, "path"]
        np.testing.assert_array_equal(whole, np.asarray(Image.open(path).convert("L")))
        face = np.asarray(Image.open(folder / row.face))
        inside = np.pad(whole, 48, constant_values=255)
        window = inside[row.top + 48 : row.bottom + 48, row.left + 48 : row.right + 48]
        np.testing.assert_array_equal(face, window)
