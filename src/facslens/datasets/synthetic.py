"""Synthetic faces as a dataset: those inside the package, or a folder that was generated."""

from dataclasses import replace
from pathlib import Path
from typing import Final

from facslens.datasets.coding import DRAWN
from facslens.datasets.layout import Key, Layout, one_of
from facslens.datasets.reading import Reading
from facslens.datasets.regions import Regions
from facslens.datasets.table import read_table

#: Made by ``facslens data synth`` and packed by `pack`; CONTRIBUTING says how.
ARCHIVE: Final = Path(__file__).parent / "synthetic.zip"
#: The parts of it.
BUNDLED: Final = ("natural", "factorial")


def read_synthetic(folder: Path | None, *, design: str = "natural") -> Reading:
    """Read synthetic faces.

    Parameters
    ----------
    folder
        One that ``facslens data synth`` made; None for the faces in the package.
    design
        Which of the faces in the package; ignored where a folder is given.
    """
    root = ARCHIVE / design if folder is None else folder
    return replace(read_table(root / "faces.csv", coded=DRAWN), name="synthetic")


def read_regions(folder: Path | None, *, design: str = "natural") -> Regions:
    """Read the true regions of the same faces.

    Raises
    ------
    ArtifactError
        If the folder has none.
    """
    root = ARCHIVE / design if folder is None else folder
    return Regions.read(root / "regions.npz")


SYNTHETIC: Final = Layout(
    summary="faces drawn by a program, with exact action units; some are in the package",
    path="a folder made by `facslens data synth`; without it, the faces in the package",
    read=read_synthetic,
    keys={
        "design": Key(
            "natural (the default) or factorial, of those in the package", one_of(*BUNDLED)
        )
    },
    needs_path=False,
)
