import numpy as np
import pytest
import torch

from facslens.errors import ArtifactError
from facslens.models.directions import directed, read_directions, undirected, write_directions
from facslens.models.model import build
from facslens.models.reading.directed import Mixture


@pytest.fixture
def model():
    return build("paper", ("anger", "happiness"), 48, seed=1)


@pytest.fixture
def mixtures(rng):
    aus = ("AU01", "AU12")
    return {
        "conv2": {"probe": Mixture(rng.normal(size=(2, 128)), rng.normal(size=2), aus)},
        "conv3": {
            "random": Mixture(rng.normal(size=(3, 256)), np.zeros(3), ("a", "b", "c")),
            "probe": Mixture(rng.normal(size=(2, 256)), np.zeros(2), aus),
        },
    }


def test_directions_are_read_back_as_they_were_written(model, mixtures, tmp_path):
    units = {name: layer.units for name, layer in model.reading.layers.items()}
    assert (units["conv2"], units["conv3"]) == (128, 256)
    own = directed(model, mixtures)
    write_directions(own, tmp_path)
    found = read_directions(model, tmp_path)
    assert found.network.names == ("conv2:probe", "conv3:random", "conv3:probe")
    for layer, kinds in mixtures.items():
        for kind, one in kinds.items():
            again = found.network.mixtures[layer][kind]
            np.testing.assert_array_equal(again.weight, one.weight)
            np.testing.assert_array_equal(again.offset, one.offset)
            assert again.names == one.names
    image = torch.rand(2, 1, 48, 48)
    torch.testing.assert_close(found.network(image), own.network(image), rtol=0, atol=0)


def test_a_model_is_given_back_without_its_directions(model, mixtures):
    own = directed(model, mixtures)
    assert own.architecture == "paper with directions"
    assert undirected(own) == model
    assert undirected(model) is model


def test_damage_and_misfits_are_one_sentence(model, mixtures, tmp_path):
    write_directions(directed(model, mixtures), tmp_path)
    file = tmp_path / "directions.safetensors"
    whole = file.read_bytes()
    file.write_bytes(whole[:100])
    with pytest.raises(ArtifactError, match="holds no directions of this network"):
        read_directions(model, tmp_path)
    file.unlink()
    with pytest.raises(ArtifactError, match="safetensors does not exist"):
        read_directions(model, tmp_path)
    file.write_bytes(whole)
    names = tmp_path / "directions.csv"
    text = names.read_text()
    names.write_text(text.replace("conv3,random,2,c\n", ""))
    with pytest.raises(ArtifactError, match="2 names for 3 directions of conv3"):
        read_directions(model, tmp_path)
    names.write_text(text)
    other = build("compact", ("anger", "happiness"), 48, seed=1)
    with pytest.raises(ArtifactError, match="the network has no layer 'conv2'"):
        read_directions(other, tmp_path)
