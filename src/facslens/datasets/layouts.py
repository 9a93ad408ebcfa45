"""The dataset layouts, by the name that a specification begins with."""

from collections.abc import Mapping
from typing import Final

from facslens.datasets.ck48 import CK48
from facslens.datasets.ckplus import CKPLUS
from facslens.datasets.fer2013 import FER2013_CSV
from facslens.datasets.ferplus import FERPLUS
from facslens.datasets.folder import FOLDER
from facslens.datasets.frames import WAYS
from facslens.datasets.layout import Key, Layout, one_of, yes
from facslens.datasets.synthetic import SYNTHETIC
from facslens.datasets.table import TABLE

#: Each is declared in the file that reads it.
LAYOUTS: Final[Mapping[str, Layout]] = {
    "synthetic": SYNTHETIC,
    "ck48": CK48,
    "ckplus": CKPLUS,
    "fer2013": FER2013_CSV,
    "ferplus": FERPLUS,
    "folder": FOLDER,
    "table": TABLE,
}

#: Keys of every layout.
COMMON_KEYS: Final[Mapping[str, Key]] = {
    "assume_independent": Key(
        "yes, if every face of an unknown subject shows another person (default no)", yes
    ),
    "by": Key(
        "what a sequence counts for whose labels vary from frame to frame: "
        + "; ".join(f"{name}, {way.summary}" for name, way in WAYS.items()),
        one_of(*WAYS),
    ),
}

#: What is loaded where nothing is said.
DEFAULT: Final = "synthetic"
