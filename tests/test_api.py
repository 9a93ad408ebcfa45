"""The flat interface, as the README uses it, on drawn faces."""

import inspect

import numpy as np
import pandas as pd
import pytest

import facslens as fl
from facslens.errors import CallError
from facslens.models.model import build


@pytest.fixture(scope="module")
def faces(drawn_ck48):
    return fl.split(fl.load_faces(f"ck48:{drawn_ck48}"), seed=0)


@pytest.fixture(scope="module")
def model(faces):
    return build("paper", faces.expressions, 48, seed=0)


@pytest.fixture(scope="module")
def responses(model, faces):
    return fl.record(model, faces, layer=["conv2", "conv3"])


def test_every_name_of_the_package_leads_somewhere():
    for name in fl.__all__:
        assert getattr(fl, name) is not None
    for name in fl.__all__:  # no module of the same name has come over it
        assert not inspect.ismodule(getattr(fl, name)), name
    with pytest.raises(AttributeError, match="no attribute 'asociate'"):
        _ = fl.asociate


def test_faces_and_a_recording_give_what_their_arrays_give(faces, responses):
    some = faces.part("train", "validation")
    choices = {"distance": "auroc", "permutations": 20, "seed": 1, "layer": "conv3"}
    found = fl.associate(responses, some, **choices)
    rows = [list(responses.images).index(image) for image in some.table["image"]]
    arrays = fl.associate(
        responses.response("conv3")[rows],
        some.table[list(some.aus)],
        sequence=some.table["sequence"],
        subject=some.table["subject"],
        **choices,
    )
    pd.testing.assert_frame_equal(found.table, arrays.table)
    # a mouth drawn wide open is told by some unit even of an untrained network
    surprised = found.mapping().query("view == 'au_to_unit' and au == 'AU27' and rank == 1")
    assert surprised["auroc"].item() > 0.95


def test_a_projection_is_zero_outside_of_what_the_unit_sees(model, faces, responses):
    row = 3
    unit = int(responses.response("conv2")[row].argmax())
    found = fl.project(model, faces, layer="conv2", unit=unit, image=row, rule="gradient")
    assert found.response[0] == pytest.approx(responses.response("conv2")[row, unit], rel=1e-5)
    assert tuple(found.location[0]) == tuple(responses.location("conv2")[row, unit])
    top, left, bottom, right = found.window[0]
    outside = found.image[0, 0].copy()
    assert np.abs(outside[top:bottom, left:right]).max() > 0
    outside[top:bottom, left:right] = 0
    assert np.abs(outside).max() == 0
    by_name = fl.project(model, faces, "conv2", unit, faces.table["image"][row], "gradient")
    np.testing.assert_array_equal(by_name.image, found.image)


def test_wrong_calls_are_named(model, faces, responses):
    with pytest.raises(CallError, match="layer is missing: the recording holds conv2, conv3"):
        fl.associate(responses, faces)
    with pytest.raises(CallError, match="not one of each"):
        fl.associate(responses, faces.presence())
    with pytest.raises(CallError, match="there is no face 999 among 144"):
        fl.project(model, faces, "conv2", 0, 999)
    only = fl.record(model, faces.part("test"), layer="conv3")
    with pytest.raises(CallError, match="was not recorded"):
        fl.associate(only, faces)
