import pytest
import torch

from facslens.controls.planted import Planted
from facslens.controls.recovery import recovery_table
from facslens.preprocess import normalise
from facslens.preprocess.input import grey_contrast
from facslens.stages.truth import peaks


@pytest.fixture(scope="module")
def factorial():
    faces = peaks("factorial")
    images = torch.cat(list(normalise.batches(list(faces.table["path"]), grey_contrast(48), 64)))
    return faces, images


def test_planted_filters_are_mapped_back_and_blind_ones_are_not(factorial):
    planted = Planted.read()
    table = recovery_table(planted, *factorial, seed=0, permutations=300)
    assert len(planted.aus) == 16
    assert table["recovered"].all()
    assert (table["first_au"] == table["au"]).all()
    assert (table["n_blind"] == 0).all()


def test_a_filter_that_follows_nothing_is_not_recovered(factorial):
    planted = Planted.read()
    noise = torch.randn(planted.filters.shape, generator=torch.Generator().manual_seed(0))
    table = recovery_table(Planted(noise, planted.aus), *factorial, seed=0, permutations=300)
    assert table["recovered"].mean() < 0.2
