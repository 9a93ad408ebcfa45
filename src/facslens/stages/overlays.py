"""Draw every picture with its predictions, while the rows are written."""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any, Final

from facslens.artifacts import atomic
from facslens.errors import CallError
from facslens.models.model import Model
from facslens.names import one_line
from facslens.prediction.attribution import deciding_units
from facslens.prediction.faces import Face
from facslens.prediction.overlay import draw
from facslens.prediction.predict import Row
from facslens.prediction.sources import Picture, is_camera, is_video, name_of
from facslens.runs.model import open_model
from facslens.stages.open_network import Choice

#: Longest name of a drawing in bytes, without the frame's number and the ending.
LONGEST: Final = 150


def drawn(
    found: Iterable[tuple[Face, Row]],
    folder: Path,
    choice: Choice,
    entries: Sequence[Path | Picture],
) -> Iterator[tuple[Face, Row]]:
    """Pass faces and rows on, and write a drawing of each picture to a folder.

    Parameters
    ----------
    found
        As `facslens.prediction.predict.predict` gives them, with the pixels of their pictures.
    folder
        Where ``<name>.png`` is written, or ``<name>-<frame>.png`` for a video, with the names of
        `drawing_names`.
    choice
        The network; its projections need PyTorch, so it cannot be an ONNX file.
    entries
        All inputs, as `facslens.prediction.sources.find` gives them; `found` may begin with a
        later one.

    Raises
    ------
    CallError
        If the network is an ONNX file, or the folder is a file.
    """
    model = open_model(choice.model, labels=choice.labels)
    if folder.exists() and not folder.is_dir():
        raise CallError(f"overlay is {str(folder)!r}, a file: expected a folder to draw into")
    return _drawn(found, folder, model, drawing_names(entries))


def drawing_names(entries: Sequence[Path | Picture]) -> dict[str, str]:
    """Give every input a unique name for its drawings.

    Of inputs with the same name all but the first get ``-2``, ``-3`` and so on. The names depend
    only on the inputs, not on what was drawn before, so that a call that continues after an
    interruption writes the same files.

    Parameters
    ----------
    entries
        As `facslens.prediction.sources.find` gives them.

    Examples
    --------
    >>> drawing_names([Path("a/face.png"), Path("b/face.jpg"), Path("film.mp4")])
    {'a/face.png': 'face', 'b/face.jpg': 'face-2', 'film.mp4': 'film'}
    """
    # Videos first: their frames are <name>-<frame>, which a picture may be called, too.
    moving = {
        name_of(entry): is_camera(entry) or is_video(Path(name_of(entry))) for entry in entries
    }
    used: dict[str, bool] = {}
    names: dict[str, str] = {}
    numbers: dict[str, int] = {}  # of equal names, so that many of them cost no search
    for source in sorted(moving, key=lambda source: not moving[source]):
        stem = one_line(Path(source).stem).encode()[:LONGEST].decode(errors="ignore")
        number = numbers.get(stem, 1)
        while _is_taken(name := stem if number == 1 else f"{stem}-{number}", used):
            number += 1
        numbers[stem] = number + 1
        used[name] = moving[source]
        names[source] = name
    return {source: names[source] for source in moving}


def _is_taken(name: str, used: dict[str, bool]) -> bool:
    frame = re.fullmatch(r"(.+)-\d{6,}", name)
    return name in used or (frame is not None and used.get(frame[1], False))


def _drawn(
    found: Iterable[tuple[Face, Row]], folder: Path, model: Model, names: dict[str, str]
) -> Iterator[tuple[Face, Row]]:
    for (source, frame), group in groupby(found, lambda pair: _key(pair[0])):
        pairs = list(group)
        pixels = pairs[0][0].picture.pixels
        if pixels is not None:
            shown = [(face, row) for face, row in pairs if face.crop is not None]
            image = draw(
                pixels,
                [_on_picture(face, row) for face, row in shown],
                [face.crop for face, _ in shown if face.crop is not None],
                [
                    deciding_units(model, face.crop, row["expression"], _fired(row))
                    for face, row in shown
                    if face.crop is not None
                ],
                model.expressions,
            )
            with atomic(folder / _file(names[source], frame)) as temporary:
                image.save(temporary, "PNG")
        yield from pairs


def _on_picture(face: Face, row: Row) -> Row:
    """Put the face where it is in the pixels that were read; the file may have more of them."""
    place = face.place
    if place is None:
        return row
    box = zip(("X", "Y", "Width", "Height"), place.box, strict=True)
    return row | {f"FaceRect{side}": value for side, value in box}


def _key(face: Face) -> tuple[str, int | None]:
    return face.picture.source, face.picture.frame


def _fired(row: dict[str, Any]) -> list[tuple[str, str, int]]:
    """Give code, layer and unit of the action units whose detector fired, strongest first."""
    aus = [
        name.removesuffix("_fired") for name, yes in row.items() if name.endswith("_fired") and yes
    ]
    aus.sort(key=lambda au: -(row[au] or 0.0))
    places = [row[f"{au}_unit"].rsplit("/", 1) for au in aus]
    return [(au, layer, int(unit)) for au, (layer, unit) in zip(aus, places, strict=True)]


def _file(name: str, frame: int | None) -> str:
    return f"{name}.png" if frame is None else f"{name}-{frame:06d}.png"
