"""One person from rest to E: responses, projections and where their energy lies."""

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from facslens.datasets.stimuli import read_stimuli
from facslens.models.model import build
from facslens.preprocess import normalise
from facslens.preprocess.input import grey_contrast
from facslens.projection.deconvnet import project_units
from facslens.stages.graded import LEVELS, graded


@pytest.fixture(scope="module")
def made(drawn_stimuli, tmp_path_factory):
    model = build("paper", ("anger", "happiness"), 48, 3)
    folder = tmp_path_factory.mktemp("graded")
    caused = pd.DataFrame({"layer": "conv2", "au": ["AU01", "AU12", "AU15"], "unit": [4, 9, None]})
    table = graded(model, read_stimuli(drawn_stimuli), caused, "deconvnet", folder)
    return model, folder, table


def test_energy_is_that_of_each_projection_by_itself(made, drawn_stimuli):
    """Derived again, one face at a time, from the files and the region that was drawn."""
    model, _, table = made
    assert list(table["grade"].unique()) == list(LEVELS)
    assert set(table["au"]) == {"AU01", "AU12"}
    assert set(table["person"]) == {f"P{n:03d}" for n in (1, 3, 5, 7, 9)}  # who measure
    rows = {"AU01": slice(6, 12), "AU12": slice(32, 40)}
    for row in table.iloc[::7].to_dict("records"):
        name = f"{row['au']}-{row['grade']}" if row["grade"] else "rest"
        file = drawn_stimuli / f"images/{row['person']}/0/{name}.png"
        face = normalise.standardise(normalise.read([file], grey_contrast(48)))
        one = project_units(model.network, face, "conv2", np.array([row["unit"]]), rule="deconvnet")
        square = (one.image[0, 0].astype(float) * float(one.response[0])) ** 2
        assert row["response"] == pytest.approx(float(one.response[0]), rel=1e-4)
        assert row["energy"] == pytest.approx(square.sum(), rel=1e-3)
        cells = np.zeros((48, 48), dtype=bool)
        index = ((np.arange(48) + 0.5) * 32 / 48).astype(int)
        cut = np.linspace(0, 48, 33).round().astype(int)
        mask = np.zeros((48, 48))
        mask[rows[row["au"]], 12:36] = 1
        area = np.add.reduceat(np.add.reduceat(mask, cut[:-1], 0), cut[:-1], 1)
        area /= np.diff(cut)[:, None] * np.diff(cut)[None]
        cells = (area >= 0.5)[index[:, None], index[None]]
        assert row["energy_region"] == pytest.approx(square[cells].sum(), rel=1e-3, abs=1e-9)


def test_the_picture_shows_the_person_of_the_median_rise(made, drawn_stimuli):
    _, folder, table = made
    own = table[table["au"] == "AU12"].pivot_table(
        index="person", columns="grade", values="response"
    )
    rise = (own["E"] - own[""]).sort_values(kind="stable")
    person = rise.index[len(rise) // 2]
    picture = np.asarray(Image.open(folder / "AU12.png"))
    assert picture.shape == (96, 6 * 48)
    for place, grade in enumerate(LEVELS):
        name = f"AU12-{grade}" if grade else "rest"
        face = np.asarray(Image.open(drawn_stimuli / f"images/{person}/0/{name}.png"))
        np.testing.assert_array_equal(picture[:48, place * 48 : (place + 1) * 48], face)
    assert not (folder / "AU15.png").exists()


def test_a_network_that_answers_nothing_leaves_grey_pictures(drawn_stimuli, tmp_path):
    model = build("paper", ("anger", "happiness"), 48, 3)
    with torch.no_grad():
        for weight in model.network.parameters():
            weight.zero_()
    caused = pd.DataFrame({"layer": ["conv2"], "au": ["AU12"], "unit": [9]})
    table = graded(model, read_stimuli(drawn_stimuli), caused, "deconvnet", tmp_path)
    assert set(table["energy"]) == {0.0}
    assert set(np.asarray(Image.open(tmp_path / "AU12.png"))[48:].ravel()) == {128}
