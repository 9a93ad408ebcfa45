from dataclasses import replace

import pytest

from facslens.datasets.stimuli import read_stimuli
from facslens.models.model import build
from facslens.preprocess.input import parse_input
from facslens.stages.open import fitted


@pytest.mark.parametrize(
    ("reads", "said"),
    [
        ("grey48", []),
        ("grey64-signed", []),
        ("grey96", ["The drawn faces have 64×64 pixels and are enlarged."]),
        ("rgb48", ["The drawn faces are grey."]),
        (
            "rgb224-imagenet",
            ["The drawn faces have 64×64 pixels and are enlarged.", "The drawn faces are grey."],
        ),
    ],
)
def test_what_drawn_faces_lack_is_said(reads, said):
    model = replace(build("paper", ("anger", "happiness"), 48, seed=0), input=parse_input(reads))
    assert fitted(read_stimuli(), model) == said
