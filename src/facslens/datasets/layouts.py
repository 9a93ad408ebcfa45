"""The dataset layouts, by the name that a specification begins with."""

from collections.abc import Mapping
from typing import Final

from facslens.datasets.affectnet import AFFECTNET
from facslens.datasets.affwild2 import AFFWILD2
from facslens.datasets.bp4d import BP4D, BP4DPLUS
from facslens.datasets.ck48 import CK48
from facslens.datasets.ckplus import CKPLUS
from facslens.datasets.disfa import DISFA
from facslens.datasets.disfaplus import DISFAPLUS
from facslens.datasets.emotionet import EMOTIONET
from facslens.datasets.fer2013 import FER2013_CSV
from facslens.datasets.ferplus import FERPLUS
from facslens.datasets.folder import FOLDER
from facslens.datasets.frames import WAYS
from facslens.datasets.jaffe import JAFFE
from facslens.datasets.kdef import KDEF
from facslens.datasets.layout import Key, Layout, one_of, yes
from facslens.datasets.oulu import OULU
from facslens.datasets.raf import RAF
from facslens.datasets.synthetic import SYNTHETIC
from facslens.datasets.table import TABLE
from facslens.datasets.tfd import TFD

#: Each is declared in the file that reads it.
LAYOUTS: Final[Mapping[str, Layout]] = {
    "synthetic": SYNTHETIC,
    "ck48": CK48,
    "ckplus": CKPLUS,
    "disfa": DISFA,
    "disfaplus": DISFAPLUS,
    "bp4d": BP4D,
    "bp4dplus": BP4DPLUS,
    "emotionet": EMOTIONET,
    "affwild2": AFFWILD2,
    "fer2013": FER2013_CSV,
    "ferplus": FERPLUS,
    "jaffe": JAFFE,
    "kdef": KDEF,
    "oulu": OULU,
    "raf": RAF,
    "affectnet": AFFECTNET,
    "tfd": TFD,
    "folder": FOLDER,
    "table": TABLE,
}

#: Keys of every layout.
COMMON_KEYS: Final[Mapping[str, Key]] = {
    "assume_independent": Key(
        "yes, if every face of an unknown subject shows another person, or every sequence where "
        "there are sequences (default no)",
        yes,
    ),
    "by": Key(
        "what a sequence counts for whose labels vary from frame to frame: "
        + "; ".join(f"{name}, {way.summary}" for name, way in WAYS.items()),
        one_of(*WAYS),
        chooses=True,
    ),
}

#: What is loaded where nothing is said.
DEFAULT: Final = "synthetic"
