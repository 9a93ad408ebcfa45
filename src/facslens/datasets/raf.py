"""RAF-DB, its basic expressions: faces with a list of labels, or folders of numbers."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from facslens.datasets.archive import is_file, state_of
from facslens.datasets.defects import Defect, Found, few, one_a_cause
from facslens.datasets.files import files_below, is_image, relative
from facslens.datasets.labels import NUMBERINGS
from facslens.datasets.layout import Key, Layout, Official, one_of
from facslens.datasets.named import named_images, named_reading, read_list
from facslens.datasets.reading import Reading
from facslens.names import printable

#: The list of labels, which the makers call so; and where it may lie.
LIST: Final = "list_patition_label.txt"
_PLACES: Final = ("", "EmoLabel/", "basic/EmoLabel/")
#: Which images are read, and how their names continue those in the list.
IMAGES: Final = {"aligned": "_aligned", "original": ""}
_EXPRESSIONS: Final = NUMBERINGS["raf"]
_SPLITS: Final = {"train": "train", "test": "test"}
_NAME: Final = re.compile(r"(?P<split>train|test)_\d+\.jpg")
_FILE: Final = re.compile(
    r"(?P<part>[^/]+)/(?P<label>[^/]+)/(?P<split>train|test)_\d+(?:_aligned)?\.jpg"
)
_EXAMPLE: Final = f"train/4/train_00001_aligned.jpg, or {LIST} with Image/aligned"


def read_raf(root: Path, images: str = "aligned") -> Reading:
    """Read faces with one of seven expressions, as the makers or as Kaggle distribute them.

    The makers' list has a name and a number on each line (``train_00001.jpg 5``: 1 surprise,
    2 fear, 3 disgust, 4 happiness, 5 sadness, 6 anger, 7 neutral), and the images lie in
    ``Image/aligned/train_00001_aligned.jpg``. Without the list, the images lie in folders of these
    numbers, ``train/5/train_00001_aligned.jpg``. The name says the part, train or test. Nobody says
    who is shown.

    Parameters
    ----------
    root
        The folder that holds the list, ``EmoLabel`` with it, or ``train`` and ``test``.
    images
        ``aligned`` faces or ``original`` photographs; where there is no list, all are read.

    Notes
    -----
    The list of RAF-DB's compound expressions has the same name, and other meanings of the same
    numbers. It is told by numbers above 7, and refused.

    References
    ----------
    Li, Deng & Du 2017 [li2017]_.
    """
    defects: list[Defect] = []
    base, place = next(
        (
            (root / folder.rpartition("EmoLabel/")[0], folder)
            for folder in _PLACES
            if is_file(root / folder / LIST)
        ),
        (root, None),
    )
    if place is None:
        rows = _folders(root, defects)
    else:
        rows = _listed(base, root, f"{place}{LIST}", images, defects)
    return named_reading("raf", rows, root, _EXAMPLE, defects)


def _listed(
    base: Path, root: Path, source: str, images: str, defects: list[Defect]
) -> list[Mapping[str, object]]:
    """Read the images that the list names."""
    labels = read_list(root / source, source, defects)
    if _is_compound({label for _, label in labels.values()}, source, defects):
        return []
    folder = next((f for f in (base / "Image" / images, base / images) if f.is_dir()), None)
    if folder is None:
        message = (
            f"{base / 'Image' / images} {state_of(base / 'Image' / images)}: expected a folder"
        )
        other = next(name for name in IMAGES if name != images)
        if (base / "Image" / other).is_dir() or (base / other).is_dir():
            message += f" (images={other} reads those in {other})"
        defects.append(Defect("missing path", str(base), message))
        return []
    rows: list[Mapping[str, object]] = []
    wrong: list[Found] = []
    there = {file.name: file for file in files_below(folder, defects) if is_image(file)}
    for name, (number, label) in labels.items():
        line = f"line {number} of {source}"
        match = _NAME.fullmatch(name)
        expression = _EXPRESSIONS.get(label)
        file = there.pop(f"{Path(name).stem}{IMAGES[images]}.jpg", None)
        if match is None:
            message = f"{line}: {name[:80]!r} is no name such as train_00001.jpg"
            wrong.append(Found("name", "", Defect("bad name", line, message)))
        elif expression is None:
            message = (
                f"{line}: the label of {name} is {label[:80]!r}: expected a number from 1 to 7"
            )
            wrong.append(Found("label", label, Defect("bad value", line, message)))
        elif file is None:
            message = f"{line}: {name} has no image in {relative(folder, root)}"
            wrong.append(Found("image", "", Defect("missing path", line, message)))
        else:
            rows.append(
                {
                    "image": printable(relative(file, root)),
                    "path": str(file.absolute()),
                    "expression": expression,
                    "split": _SPLITS[match["split"]],
                }
            )
    defects.extend(one_a_cause(wrong))
    if there and labels:
        where = relative(folder, root)
        message = f"images in {where} that {source} does not name: {len(there)}, {few(there)}"
        defects.append(Defect("left out", source, message, "warning"))
    return rows


def _folders(root: Path, defects: list[Defect]) -> list[Mapping[str, object]]:
    """Read the images in folders of numbers."""
    found = named_images(root, _FILE, _EXAMPLE, defects)
    if _is_compound({image.match["label"] for image in found}, str(root), defects):
        return []
    rows: list[Mapping[str, object]] = []
    wrong: list[Found] = []
    for image in found:
        part, label, split = image.match["part"], image.match["label"], image.match["split"]
        expression = _EXPRESSIONS.get(label)
        if expression is None:
            message = f"{image.where} lies in {label!r}: expected a folder named 1 to 7"
            wrong.append(Found(("label", label), "", Defect("bad name", image.where, message)))
        elif part in _SPLITS and part != split:
            message = f"{image.where} lies in {part}, and its name says {split}"
            wrong.append(Found("part", "", Defect("labels disagree", image.where, message)))
        else:
            rows.append(image.row(expression=expression, split=_SPLITS[split]))
    defects.extend(one_a_cause(wrong))
    return rows


def _is_compound(labels: set[str], source: str, defects: list[Defect]) -> bool:
    """Tell whether the labels are those of compound expressions; report it."""
    above = sorted(int(x) for x in labels if x.isdecimal() and 7 < int(x[:9]) < 20)
    if not above:
        return False
    message = (
        f"{source} has labels above 7, such as {above[0]}: they are of RAF-DB's compound "
        f"expressions, in which 1 to 7 mean others; expected the basic ones"
    )
    defects.append(Defect("bad value", source, message))
    return True


RAF: Final = Layout(
    summary="RAF-DB, basic expressions: faces with the makers' list, or in folders 1 to 7",
    path=f"the folder that holds EmoLabel/{LIST} and Image/aligned, or train/1 to test/7",
    read=read_raf,
    keys={
        "images": Key(
            "aligned (the default) or original, of those beside the list", one_of(*IMAGES)
        )
    },
    # Training and test part together.
    official=Official(
        "li2017",
        images=12271 + 3068,
        expressions={
            "surprise": 1290 + 329,
            "fear": 281 + 74,
            "disgust": 717 + 160,
            "happiness": 4772 + 1185,
            "sadness": 1982 + 478,
            "anger": 705 + 162,
            "neutral": 2524 + 680,
        },
    ),
    source="li2017 http://www.whdeng.cn/raf/model1.html",
)
