import warnings

import pytest

from facslens.synthesis.camera import Studio
from facslens.synthesis.head import load_head


@pytest.fixture(scope="session")
def studio():
    pytest.importorskip("anny", reason="the extra facslens[synthetic] is not installed")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what Warp says about a machine without a GPU
        return Studio(load_head())


@pytest.fixture(scope="session")
def average(studio):
    return studio.head.rest({})
