"""Draw what was predicted beside its picture, while the rows pass by."""

from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

from facslens.artifacts import atomic
from facslens.errors import CallError
from facslens.models.model import Model
from facslens.prediction.attribution import deciding_units
from facslens.prediction.faces import Face
from facslens.prediction.overlay import draw
from facslens.prediction.predict import Row
from facslens.stages.open_network import Choice, open_model


def drawn(
    found: Iterable[tuple[Face, Row]], folder: Path, choice: Choice
) -> Iterator[tuple[Face, Row]]:
    """Pass faces and rows on, and leave a drawing of each picture in a folder.

    Parameters
    ----------
    found
        As `facslens.prediction.predict.predict` gives them, with the pixels of their pictures.
    folder
        Gets ``<name of the picture>.png``, with ``-<frame>`` for a video.
    choice
        The network; its projections need PyTorch, so an ONNX file won't do.

    Raises
    ------
    CallError
        If the network is an ONNX file, or the folder is a file.
    """
    model = open_model(choice)
    if folder.exists() and not folder.is_dir():
        raise CallError(f"overlay is {str(folder)!r}, a file: expected a folder to draw into")
    return _drawn(found, folder, model)


def _drawn(
    found: Iterable[tuple[Face, Row]], folder: Path, model: Model
) -> Iterator[tuple[Face, Row]]:
    used: set[str] = set()
    for (source, frame), group in groupby(found, lambda pair: _key(pair[0])):
        pairs = list(group)
        pixels = pairs[0][0].picture.pixels
        if pixels is not None:
            shown = [(face, row) for face, row in pairs if face.crop is not None]
            image = draw(
                pixels,
                [row for _, row in shown],
                [face.crop for face, _ in shown if face.crop is not None],
                [
                    deciding_units(model, face.crop, row["expression"], _fired(row))
                    for face, row in shown
                    if face.crop is not None
                ],
                model.expressions,
            )
            folder.mkdir(parents=True, exist_ok=True)
            with atomic(folder / _unused(source, frame, used)) as temporary:
                image.save(temporary, "PNG")
        yield from pairs


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


def _unused(source: str, frame: int | None, used: set[str]) -> str:
    name = Path(source).stem + ("" if frame is None else f"-{frame:06d}")
    number = 1
    while (unused := name if number == 1 else f"{name}-{number}") in used:
        number += 1
    used.add(unused)
    return f"{unused}.png"
