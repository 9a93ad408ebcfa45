"""FER2013 as folders of images, one per expression, whose names say the part of each."""

import hashlib
import re
from pathlib import Path
from typing import Final

import pandas as pd

from facslens.datasets.archive import read_bytes
from facslens.datasets.defects import Defect, Found, few, one_a_cause, tally
from facslens.datasets.labels import EXPRESSIONS, NUMBERINGS, expression_of, split_name
from facslens.datasets.named import Image, named_images
from facslens.datasets.parts import PARTS, USAGES

_FILE: Final = re.compile(
    r"(?P<folder>[^/]+)/(?P<usage>Training|PublicTest|PrivateTest)_(?P<number>\d+)\.\w+"
)
_EXAMPLE: Final = (
    "train/angry/Training_3908.jpg (folder:PATH reads images of any name from such folders)"
)


def read_folders(root: Path, defects: list[Defect]) -> pd.DataFrame:
    """Read the faces of FER2013 from ``train/angry/Training_3908.jpg`` and so on.

    The folder of these images that circulates has train and test, without a validation part: test
    holds FER2013's PublicTest and PrivateTest. Their names still say which is which, and so they
    are read as validation and test, as in the CSV file.

    Parameters
    ----------
    root
        The folder that holds train and test, or folders of expressions.
    defects
        Takes what is wrong, and as a warning which parts lie in one folder.

    Returns
    -------
    DataFrame
        Columns ``image``, ``path``, ``expression``, ``split``, ``digest`` (of the file's bytes).
    """
    rows = []
    found: list[Found] = []
    mixed: list[tuple[str, str]] = []
    own: list[Defect] = []
    images = named_images(root, _FILE, _EXAMPLE, own)
    if not images and all(defect.kind in ("empty folder", "left out") for defect in own):
        message = f"{root} holds no fer2013.csv: expected a CSV file, or images such as {_EXAMPLE}"
        own = [Defect("missing path", str(root), message)]
    defects.extend(own)
    for image in images:
        folder, usage = image.match["folder"], image.match["usage"]
        expression = expression_of(folder, NUMBERINGS["fer2013"])
        if expression is None:
            message = f"{image.where} lies in {folder!r}: expected a folder named " + " | ".join(
                e for e in EXPRESSIONS if e != "contempt"
            )
            found.append(Found(folder, "", Defect("bad name", image.where, message)))
            continue
        split = PARTS[USAGES[usage]]
        above = _split_above(image)
        if above is not None and above[1] != split:
            if "train" in (split, above[1]):
                message = (
                    f"{image.where} lies in {above[0]}, and its name says {usage}: expected them "
                    f"to agree"
                )
                found.append(Found("part", "", Defect("labels disagree", image.where, message)))
                continue
            mixed.append((above[0], usage))
        rows.append(image.row(expression=expression, split=split, digest=_digest(image.file)))
    defects.extend(one_a_cause(found))
    if mixed:
        folders = few(sorted({folder for folder, _ in mixed}))
        parts = tally(usage for _, usage in mixed)
        message = (
            f"the folder {folders} holds faces of another part of FER2013, {parts}: they are read "
            f"as their names say, PublicTest as validation and PrivateTest as test"
        )
        defects.append(Defect("split", str(root), message, "warning"))
    return pd.DataFrame(rows)


def _split_above(image: Image) -> tuple[str, str] | None:
    """Find the folder above an image that says a split, and the split."""
    for folder in reversed(image.where.split("/")[:-1]):
        split = split_name(folder)
        if split is not None:
            return folder, split
    return None


def _digest(file: Path) -> str | None:
    try:
        return hashlib.sha256(read_bytes(file)).hexdigest()
    except OSError:  # whoever reads the image will say so
        return None
