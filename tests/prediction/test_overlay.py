import numpy as np
import pytest
import torch

from facslens.models.model import build
from facslens.prediction.attribution import Decider, deciding_units
from facslens.prediction.overlay import BLUE, FAINT, PAD, draw
from facslens.preprocess import normalise

EXPRESSIONS = ("anger", "happiness", "neutral")
ROW = {
    "face": 0, "FaceRectX": 10.0, "FaceRectY": 20.0, "FaceRectWidth": 30.0, "FaceRectHeight": 30.0,
    "FaceScore": 0.9, "expression": "happiness", "anger": 0.1, "happiness": 0.8, "neutral": 0.1,
    "AU12": 0.9, "AU12_fired": True, "AU12_response": 3.0, "AU12_unit": "conv3/4",
}  # fmt: skip


def rgb(colour):
    return tuple(int(colour[i : i + 2], 16) for i in (1, 3, 5))


def decided():
    return [
        Decider("conv3", 7, "happiness", 0.4, np.eye(48, dtype=np.float32)),
        Decider("conv3", 4, "AU12", float("nan"), np.eye(48, dtype=np.float32)),
    ]


def test_bars_are_as_long_as_their_probability():
    crop = np.full((48, 48), 90, np.uint8)
    image = draw(np.zeros((100, 120, 3), np.uint8), [ROW], [crop], [decided()], EXPRESSIONS)
    pixels = np.asarray(image)
    blue = (pixels == rgb(BLUE)).all(axis=2)
    faint = (pixels == rgb(FAINT)).all(axis=2)
    lengths = [int(blue[row].sum()) for row in np.flatnonzero(blue.any(axis=1))]
    assert sorted(set(lengths)) == [16, 121]  # 150 pixels are 1; both ends are drawn
    assert faint.any()


def test_the_box_is_where_the_face_is():
    crop = np.zeros((48, 48), np.uint8)
    image = draw(np.zeros((100, 120, 3), np.uint8), [ROW], [crop], [[]], EXPRESSIONS)
    scale = 4.0  # small pictures are shown four times as large
    yellow = (np.asarray(image) == (255, 211, 77)).all(axis=2)
    columns = np.flatnonzero(yellow[round(PAD + 45 * scale)])
    assert columns.min() == pytest.approx(PAD + 10 * scale, abs=1)
    assert columns.max() == pytest.approx(PAD + 40 * scale, abs=1)


def test_several_faces_and_none():
    crop = np.zeros((48, 48), np.uint8)
    pixels = np.zeros((600, 300, 3), np.uint8)
    one = draw(pixels, [ROW], [crop], [decided()], EXPRESSIONS)
    five = draw(pixels, [ROW] * 5, [crop] * 5, [decided()] * 5, EXPRESSIONS)
    none = draw(pixels, [], [], [], EXPRESSIONS)
    assert five.height > one.height >= none.height == 720 + 2 * PAD


def test_the_units_that_decided_are_those_without_which_the_score_falls_most():
    """By ablation: with pooled maps and a linear head the contribution is exact."""
    model = build("compact", EXPRESSIONS, 48, seed=4)
    with torch.no_grad():
        for module in model.network.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.running_mean.normal_(0, 0.05)
                module.running_var.uniform_(0.05, 0.2)
    crop = np.random.default_rng(0).integers(0, 256, (48, 48), dtype=np.uint8)
    found = deciding_units(model, crop, "anger", [("AU01", "block1b.conv2", 3)], count=4)
    assert [d.reason for d in found] == ["anger"] * 4 + ["AU01"]
    weight = model.network.scores.weight
    relative = (weight[0] - weight.mean(dim=0)).detach().numpy()
    face = normalise.standardise(torch.from_numpy(crop.copy())[None, None].float() / 255)
    with torch.inference_mode():
        trunk = torch.nn.Sequential(*list(model.network.children())[:-3])
        pooled = trunk(face)[0, :, 0, 0].numpy()
    parts = (pooled * relative).clip(min=0)
    expected = np.argsort(-parts)[:4]
    assert [d.unit for d in found[:4]] == expected.tolist()
    np.testing.assert_allclose(
        [d.share for d in found[:4]], parts[expected] / parts.sum(), rtol=1e-4
    )
    assert found[0].projection.shape == (48, 48)
    assert np.abs(found[4].projection).max() > 0
    assert all(p.grad is None for p in model.network.parameters())
