"""JAFFE: posed expressions of ten Japanese women, told by the names of the images."""

import re
from pathlib import Path
from typing import Final

from facslens.datasets.defects import Defect
from facslens.datasets.layout import Layout, Official
from facslens.datasets.named import named_images, named_reading
from facslens.datasets.reading import Reading

#: What the letters in a name mean.
_CODES: Final = {
    "AN": "anger",
    "DI": "disgust",
    "FE": "fear",
    "HA": "happiness",
    "NE": "neutral",
    "SA": "sadness",
    "SU": "surprise",
}
_FILE: Final = re.compile(
    rf"(?P<subject>[A-Z]{{2}})\.(?P<code>{'|'.join(_CODES)})(?P<take>\d)\.(?P<number>\d+)\.\w+",
    re.IGNORECASE,
)


def read_jaffe(root: Path) -> Reading:
    """Read faces from ``KA.AN1.39.tiff``: subject, expression and its take, number of the image.

    The images may lie at any depth below the folder, and may have been converted to another
    format. The expression is the one that was asked for. What sixty people saw in each image
    stands in a text beside them, and is not read.

    Parameters
    ----------
    root
        The folder that holds the images.

    References
    ----------
    Lyons et al. 1998 [lyons1998]_.
    """
    defects: list[Defect] = []
    rows = [
        image.row(
            subject=image.match["subject"].upper(),
            expression=_CODES[image.match["code"].upper()],
        )
        for image in named_images(root, _FILE, "KA.AN1.39.tiff", defects)
    ]
    return named_reading("jaffe", rows, root, "images such as KA.AN1.39.tiff", defects)


JAFFE: Final = Layout(
    summary="JAFFE: posed expressions of ten women, in the names of the images",
    path="the folder that holds KA.AN1.39.tiff and so on",
    read=read_jaffe,
    official=Official("lyons1998", images=213, subjects=10),
    source="lyons1998 https://zenodo.org/record/3451524",
)
