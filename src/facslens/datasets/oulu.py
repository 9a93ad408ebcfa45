"""Oulu-CASIA: sequences of six expressions in visible and near-infrared light."""

import re
from collections import Counter, defaultdict
from pathlib import Path
from typing import Final

from facslens.datasets.defects import Defect, Found, one_a_cause
from facslens.datasets.layout import Key, Layout, Official, one_of
from facslens.datasets.named import Image, named_images, named_reading
from facslens.datasets.reading import Reading
from facslens.datasets.sequences import PEAK_KEY, ends

#: The folders of the six expressions.
_FOLDERS: Final = {
    "Anger": "anger",
    "Disgust": "disgust",
    "Fear": "fear",
    "Happiness": "happiness",
    "Sadness": "sadness",
    "Surprise": "surprise",
}
CAMERAS: Final = ("VL", "NI")
LIGHTS: Final = ("Strong", "Weak", "Dark")
_ALL: Final = "all"
_FILE: Final = re.compile(
    rf"(?P<camera>{'|'.join(CAMERAS)})(?:_Acropped)?/(?P<light>{'|'.join(LIGHTS)})/"
    rf"(?P<subject>P\d+)/(?P<folder>{'|'.join(_FOLDERS)})/(?P<frame>\d{{1,18}})\.\w+"
)
_EXAMPLE: Final = "VL/Strong/P001/Anger/000.jpeg"


def read_oulu(root: Path, camera: str = "VL", light: str = "Strong", peak: int = 3) -> Reading:
    """Read faces from ``VL/Strong/P001/Anger/000.jpeg``: camera, light, subject, expression, frame.

    A sequence begins neutral and ends at the peak of its expression.

    Parameters
    ----------
    root
        The folder that holds ``VL`` and ``NI``, or one of them, as the original frames
        (``OriginalImg``) or the cropped ones (``PreProcess_Img``, with ``VL_Acropped``).
    camera
        ``VL`` (visible light), ``NI`` (near infrared) or ``all``.
    light
        ``Strong``, ``Weak``, ``Dark`` or ``all``.
    peak
        How many last frames show the expression. The first frame is never one of them,
        unless it is the only one.

    Notes
    -----
    The first frame of each sequence is read as neutral and the last `peak` frames with its
    expression, as in CK+ (see `facslens.datasets.sequences.ends`). Both cameras recorded at once,
    and each person poses in every light: sequences of one person are no independent ones.

    References
    ----------
    Zhao et al. 2011 [zhao2011]_.
    """
    defects: list[Defect] = []
    sequences: dict[tuple[str, str, str, str], dict[int, Image]] = defaultdict(dict)
    others: Counter[str] = Counter()
    twice: list[Found] = []
    for image in named_images(root, _FILE, _EXAMPLE, defects):
        match = image.match
        if camera in (match["camera"], _ALL) and light in (match["light"], _ALL):
            parts = (match["subject"], match["camera"], match["light"], match["folder"])
            first = sequences[parts].setdefault(int(match["frame"]), image)
            if first is not image:
                message = (
                    f"the frame {int(match['frame'])} of {'/'.join(parts)} occurs twice: as "
                    f"{first.where} and as {image.where}: point at one of the folders"
                )
                twice.append(Found("twice", "", Defect("duplicate name", image.where, message)))
        else:
            others[f"{match['camera']}/{match['light']}"] += 1
    defects.extend(one_a_cause(twice))
    rows = []
    for parts, images in sorted(sequences.items()):
        for frame, at_peak in ends(images, peak, neutral=True):
            expression = _FOLDERS[parts[-1]] if at_peak else "neutral"
            known = {"subject": parts[0], "sequence": "_".join(parts), "frame": frame}
            rows.append(images[frame].row(**known, expression=expression))
    if others:
        counts = ", ".join(f"{place} ({count}×)" for place, count in sorted(others.items()))
        message = f"images of another camera or light are left out (camera=, light=): {counts}"
        defects.append(Defect("left out", str(root), message, "warning"))
    return named_reading("oulu", rows, root, f"images such as {_EXAMPLE}", defects)


OULU: Final = Layout(
    summary="Oulu-CASIA: sequences of six expressions in visible and near-infrared light",
    path="the folder that holds VL/Strong/P001/Anger/000.jpeg and so on",
    read=read_oulu,
    keys={
        "camera": Key(
            "VL for visible light (the default), NI for near infrared, or all",
            one_of(*CAMERAS, _ALL),
            chooses=True,
        ),
        "light": Key(
            "Strong (the default), Weak, Dark or all", one_of(*LIGHTS, _ALL), chooses=True
        ),
        "peak": PEAK_KEY,
    },
    # Three last frames of each sequence, and the first of each as neutral.
    official=Official(
        "zhao2011",
        images=1920,
        subjects=80,
        sequences=480,
        expressions={"neutral": 480, **dict.fromkeys(_FOLDERS.values(), 240)},
    ),
    source="zhao2011",
)
