"""What the tests share: where the real faces are, and a seeded generator."""

import os
from pathlib import Path

import numpy as np
import pytest


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """The folder of real faces; the test is skipped, with the reason, where it is missing."""
    root = Path(__file__).parents[1]
    folder = Path(os.environ.get("FACSLENS_DATA", root.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no real faces at {folder}: set FACSLENS_DATA to a folder that holds them")
    return folder


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20190409)
