"""A network that reads colours, not square and about a mean, in everything that a network does."""

import json

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

import facslens as fl
from facslens.controls.pixels import plain_input
from facslens.datasets import stimuli as reading
from facslens.experiments.faces import compared, needed
from facslens.models.model import Model
from facslens.preprocess import normalise
from facslens.preprocess.input import parse_input
from facslens.projection.deconvnet import project_units
from facslens.stages import answers
from facslens.stages.graded import LEVELS, graded
from facslens.stages.mechanism import layers as layers_part

MEAN, STD = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
EXPRESSIONS = ("anger", "happiness", "surprise")


def tiny(seed):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return nn.Sequential(
            nn.Conv2d(3, 6, 5, padding=2),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(6, 8, 3, padding=1),
            nn.ReLU(),
            nn.AdaptiveAvgPool2d(2),
            nn.Flatten(),
            nn.Linear(32, 3),
        ).eval()


def foreign(seed):
    return Model(tiny(seed), "tiny", parse_input("rgb56x48-imagenet"), EXPRESSIONS)


@pytest.fixture(scope="module")
def model():
    return foreign(0)


@pytest.fixture(autouse=True)
def others(monkeypatch):
    """Untrained networks of this architecture."""
    for module in (answers, layers_part):
        monkeypatch.setattr(module, "untrained", lambda _model, seed: foreign(seed + 100))


def seen(picture):
    """What the network reads of a picture in colour, step by step."""
    rows, columns = picture.shape[:2]
    wide = round(rows * 48 / 56)
    left = (columns - wide) // 2
    part = Image.fromarray(picture[:, left : left + wide])
    values = np.asarray(part.resize((48, 56), Image.Resampling.BILINEAR)) / 255
    return torch.from_numpy(np.moveaxis((values - MEAN) / STD, 2, 0)).float()


@pytest.fixture(scope="module")
def coloured(draw_stimuli, tmp_path_factory):
    """The drawn stimuli in colours whose luma says little of what is shown."""
    folder = draw_stimuli(tmp_path_factory.mktemp("coloured") / "set")
    for file in folder.rglob("*.png"):
        grey = np.asarray(Image.open(file))
        Image.fromarray(np.stack([grey, 255 - grey, grey // 2], axis=2)).save(file)
    note = json.loads((folder / "stimuli.json").read_text()) | {"colour": True}
    found = reading.Stimuli(folder, reading.read_rows(folder), note["size"], True, "")
    (folder / "stimuli.json").write_text(json.dumps(note | {"sha256": reading.digest(found)}))
    return folder


@pytest.fixture(scope="module")
def faces(drawn_ck48):
    return fl.load_faces(f"ck48:{drawn_ck48}")


def test_responses_are_those_to_the_picture_as_it_was_described(model, faces):
    some = faces.where(np.arange(len(faces)) < 5)
    pictures = [np.asarray(Image.open(path).convert("RGB")) for path in some.table["path"]]
    with torch.no_grad():
        maps = model.network[:2](torch.stack([seen(picture) for picture in pictures]))
    found = fl.record(model, some, "0")
    np.testing.assert_allclose(found.response("0"), maps.amax(dim=(2, 3)).numpy(), atol=1e-5)
    place = np.stack(np.unravel_index(maps.flatten(2).argmax(2).numpy(), (56, 48)), axis=2)
    np.testing.assert_array_equal(found.location("0"), place)


def test_a_projection_has_the_channels_and_the_shape_of_the_input(model, faces):
    found = fl.project(model, faces, "3", unit=2, image=4, rule="gradient")
    picture = np.asarray(Image.open(faces.table["path"].iloc[4]).convert("RGB"))
    read = seen(picture)[None].requires_grad_()
    response = model.network[:5](read)[0, 2].max()
    (gradient,) = torch.autograd.grad(response, read)
    assert found.image.shape == (1, 3, 56, 48)
    np.testing.assert_allclose(found.image, gradient.numpy(), atol=1e-5)
    assert found.response[0] == pytest.approx(response.item(), abs=1e-5)


def test_stimuli_stay_in_colour_and_pixels_are_grey_and_few(model, coloured):
    stimuli = reading.read_stimuli(coloured)
    found = answers.ask(model, stimuli, ["0", "3"], 1, 0, lambda *_: None)
    rows = np.flatnonzero(needed(stimuli))
    pictures = np.concatenate([stimuli.pixels(row, row + 1) for row in rows[::7].tolist()])
    with torch.no_grad():
        logits = model.network(torch.stack([seen(picture) for picture in pictures]))
    np.testing.assert_allclose(found.logits[::7], logits.numpy(), atol=1e-5)
    assert found.controls["0"]["pixels"].candidate.max() < 2 * 48 * 48
    assert [plain_input(parse_input(name)).name for name in (
        "rgb224-imagenet", "rgb56x48", "grey96-contrast", "grey96-signed",
    )] == ["grey64-contrast", "grey48-contrast", "grey96-contrast", "grey64-contrast"]  # fmt: skip


def test_an_experiment_and_a_mechanism_are_made(model, coloured):
    found = fl.experiment(model, coloured, untrained=2, permutations=20)
    assert list(zip(found.caused["layer"], found.caused["au"], strict=True)) == [
        ("0", "AU01"), ("0", "AU12"), ("3", "AU01"), ("3", "AU12"),
    ]  # fmt: skip
    tables = fl.mechanism(model, coloured, only=["effects", "mediation", "layers"])
    assert set(tables["effects"]["expression"]) == set(EXPRESSIONS)
    assert set(tables["readable"]["layer"]) == {"0", "3"}
    assert tables["mediation"]["layer"].eq("3").all()


def test_rising_faces_are_shown_as_the_network_saw_them(model, coloured, tmp_path):
    stimuli = reading.read_stimuli(coloured)
    caused = fl.experiment(model, coloured, layer="3", untrained=1, permutations=1).caused
    table = graded(model, stimuli, caused, "deconvnet", tmp_path)
    picture = np.asarray(Image.open(tmp_path / "AU12.png")).astype(float)
    assert picture.shape == (2 * 56, 48 * len(LEVELS), 3)
    first = picture[:56, :48]
    rest = stimuli.table[compared(stimuli) & (stimuli.table["kind"] == "rest").to_numpy()]
    shown = [seen(stimuli.pixels(row, row + 1)[0]) for row in rest.index.tolist()]
    levels = [np.moveaxis(one.numpy(), 0, 2) * STD + MEAN for one in shown]
    assert min(np.abs(255 * one - first).max() for one in levels) < 0.01
    # the true region, 32 cells a side, is cut like the pictures: of 56 columns the middle 48
    row = table[table["au"] == "AU12"].iloc[-1]
    path = f"images/{row['person']}/0/AU12-{row['grade']}.png"
    face = seen(np.asarray(Image.open(coloured / path)))[None]
    unit = np.array([row["unit"]])
    projected = project_units(model.network, face, "3", unit).image.sum(axis=1)[0]
    cells = (np.arange(32) + 0.5) / 32
    mask = stimuli.regions.mask(path, "AU12", cells, cells)
    down = [int((i + 0.5) / 56 * 32) for i in range(56)]
    across = [int((j + 4.5) / 56 * 32) for j in range(48)]
    squares = (projected * row["response"]).astype(float) ** 2
    assert row["energy"] == pytest.approx(squares.sum(), rel=1e-4)
    inside = squares[mask[np.ix_(down, across)]].sum()
    assert row["energy_region"] == pytest.approx(inside, rel=1e-4)


@pytest.mark.parametrize("name", ["rgb48-from64", "bgr40x48-signed-stretched60", "grey48-bytes"])
def test_what_a_prediction_reads_is_what_a_recording_reads(name, tmp_path, rng):
    into = parse_input(name)
    torch.manual_seed(2)
    network = nn.Sequential(
        nn.Conv2d(into.channels, 4, 9, 4), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()
    ).eval()
    model = Model(network, "other", into, ("anger", "fear", "happiness", "sadness"))
    Image.fromarray(rng.integers(0, 256, (80, 70, 3), dtype=np.uint8)).save(tmp_path / "face.png")
    (read,) = normalise.batches([tmp_path / "face.png"], into, 1)
    with torch.no_grad():
        expected = torch.softmax(network(read), dim=1)[0].numpy()
    row = fl.predict(tmp_path / "face.png", model, detector=None).iloc[0]
    np.testing.assert_allclose(row[list(model.expressions)].astype(float), expected, atol=1e-6)


def test_predictions_come_from_colours(model, tmp_path, rng):
    picture = rng.integers(0, 256, (80, 70, 3), dtype=np.uint8)
    Image.fromarray(picture).save(tmp_path / "face.png")
    row = fl.predict(tmp_path / "face.png", model, detector=None).iloc[0]
    rows, columns = picture.shape[:2]
    high = round(48 * 70 / 48 * 56 / 48)  # the largest 56 : 48 in 80 × 70 has 70 columns
    assert (high, columns) == (82, 70)
    wide = round(48 * rows / 56)
    part = Image.fromarray(picture[:, (columns - wide) // 2 :][:, :wide])
    values = np.asarray(part.resize((48, 56), Image.Resampling.BILINEAR)) / 255
    read = torch.from_numpy(np.moveaxis((values - MEAN) / STD, 2, 0)).float()[None]
    with torch.no_grad():
        expected = torch.softmax(model.network(read), dim=1)[0]
    np.testing.assert_allclose(row[list(EXPRESSIONS)].astype(float), expected.numpy(), atol=1e-5)
