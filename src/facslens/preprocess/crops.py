"""Cut face crops out of photographs, into a folder that the layout ``folder`` reads."""

import os
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from PIL import Image

from facslens import artifacts
from facslens.datasets.archive import state_of
from facslens.datasets.defects import Defect
from facslens.datasets.files import count_skipped, files_below, is_image, relative
from facslens.datasets.images import MIN_SIDE, Picture, grey, read_picture
from facslens.errors import CallError, DataError
from facslens.names import one_line, printable
from facslens.preprocess.crop import crop_face
from facslens.preprocess.detect import DEFAULT, make_detector
from facslens.preprocess.detection import Detector
from facslens.progress import Report, silent

#: Most pixels on a side of a crop.
MAX_SIZE: Final = 1024


@dataclass(frozen=True)
class Order:
    """What crops to make.

    Parameters
    ----------
    detector
        The name of a detector.
    size
        Side of the crops in pixels.
    every
        Whether all faces of a photograph are cut out, and not only the largest.

    Raises
    ------
    CallError
        If the size is impossible.
    """

    detector: str = DEFAULT
    size: int = 48
    every: bool = False

    def __post_init__(self) -> None:
        if not MIN_SIDE <= self.size <= MAX_SIZE:
            raise CallError(f"size is {self.size}: expected {MIN_SIDE} to {MAX_SIZE} pixels")


@dataclass(frozen=True)
class Crops:
    """What was found in the photographs, with one sentence for each that needs one.

    Parameters
    ----------
    photographs, faces
        How many photographs there were, and how many faces were cut out, earlier calls included.
    faceless, failed, notes
        Photographs in which no face was found; files that could not be read; other remarks.
    """

    photographs: int
    faces: int
    faceless: tuple[str, ...]
    failed: tuple[str, ...]
    notes: tuple[str, ...]


def make_crops(paths: list[Path], out: Path, order: Order, progress: Report = silent) -> Crops:
    """Cut out the faces of photographs, one PNG per face.

    An interrupted call can be repeated: photographs whose crops are there are not done again.

    Parameters
    ----------
    paths
        Image files, or folders, in which images are looked for at any depth.
    out
        The folder of the crops: a new one, or that of an earlier call with the same order, which
        is kept in ``crops.json``.
    order
        What to make.
    progress
        Called with the number of photographs done.

    Raises
    ------
    CallError
        If a path is missing, no image is found, two photographs would make the same crop, the
        detector is not known or not installed, or `out` holds anything else.
    ArtifactError
        If the crops cannot be written.
    """
    failed: list[str] = []
    notes: list[str] = []
    targets = _targets(paths, out, failed, notes)
    detector = make_detector(order.detector)
    _claim(out, order)
    faces, faceless = 0, []
    for done, (target, photograph) in enumerate(targets.items()):
        progress(done, len(targets), printable(photograph.name))
        try:
            made = _made(target, order)
            if not made:
                picture = read_picture(photograph)
                made = _cut(picture, target, order, detector)
                if picture.note is not None:
                    notes.append(one_line(f"{photograph} {picture.note}"))
            faces += made
            if not made:
                faceless.append(one_line(f"{photograph}: no face was found"))
        except DataError as error:
            failed.append(str(error))
    progress(len(targets), len(targets), "")
    return Crops(len(targets), faces, tuple(faceless), tuple(failed), tuple(notes))


def _targets(paths: list[Path], out: Path, failed: list[str], notes: list[str]) -> dict[Path, Path]:
    """Give each photograph the path of its crop, without an ending, in the order of the paths."""
    found: list[tuple[Path, Path]] = []
    folders = sum(_is_folder(path) for path in paths)
    for path in paths:
        if not os.path.exists(path):  # noqa: PTH110 - as in _is_folder
            raise CallError(f"{path} {state_of(path)}: expected a photograph or a folder of them")
        if not _is_folder(path):
            found.append((Path(path.name), path))
            continue
        defects: list[Defect] = []
        above = Path(path.resolve().name) if folders > 1 else Path()
        files = [file for file in files_below(path, defects) if not _is_inside(file, out)]
        count_skipped((file for file in files if not is_image(file)), path, defects)
        images = filter(is_image, files)
        found += [(above / relative(file, path), file) for file in images]
        failed += [d.message for d in defects if d.kind == "unreadable"]
        notes += [d.message for d in defects if d.kind == "left out"]
    found = [(name, file) for name, file in found if not _is_inside(file, out)]
    if not found:
        raise CallError(f"{', '.join(map(str, paths))} holds no image: expected photographs")
    stems = Counter(name.with_suffix("") for name, _ in found)
    targets: dict[Path, Path] = {}
    for name, file in found:
        stem = name.with_suffix("")
        # anna.jpg and anna.png beside one another keep their endings
        target = out / (stem if stems[stem] == 1 else name)
        if target in targets:
            raise CallError(f"{targets[target]} and {file} would make the same crop: name one")
        targets[target] = file
    return targets


def _is_inside(file: Path, folder: Path) -> bool:
    # unlike Path.resolve, realpath takes a link to itself for the end of the way
    return Path(os.path.realpath(folder)) in Path(os.path.realpath(file)).parents


def _is_folder(path: Path) -> bool:
    return os.path.isdir(path)  # noqa: PTH112 - Path.is_dir raises where a name is too long


def _claim(out: Path, order: Order) -> None:
    note, wanted = out / "crops.json", asdict(order)
    if note.exists():
        if artifacts.read_json(note) != wanted:
            raise CallError(f"{out} holds crops made with other settings: choose a new folder")
    elif out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise CallError(f"{out} is not an empty folder: choose a new one")
    else:
        artifacts.write_json(note, wanted)


def _made(target: Path, order: Order) -> int:
    """Count the crops of a photograph that is done."""
    if not order.every:
        return int(_named(target).exists())
    number = 0
    while _named(target, number).exists():
        number += 1
    return number


def _cut(picture: Picture, target: Path, order: Order, detector: Detector) -> int:
    found = detector(picture.pixels)
    found = sorted(found, key=lambda face: -face.width * face.height)
    levels = grey(picture.pixels)
    if not order.every:
        found = found[:1]
    # The first comes last: it says that the photograph is done.
    for number, face in reversed(list(enumerate(found))):
        path = _named(target, number if order.every else None)
        with artifacts.atomic(path) as temporary:
            Image.fromarray(crop_face(levels, face, order.size)).save(temporary, "PNG")
    return len(found)


def _named(target: Path, number: int | None = None) -> Path:
    ending = ".png" if number is None else f"_{number}.png"
    return target.with_name(target.name + ending)
