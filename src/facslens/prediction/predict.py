"""Read the faces of many pictures: a row for each face, with expressions and action units."""

import math
from collections.abc import Iterable, Iterator
from typing import Any, Final

import numpy as np

from facslens.datasets.labels import EXPRESSIONS
from facslens.prediction.evidence import Evidence
from facslens.prediction.faces import Face, Finder, faces
from facslens.prediction.network import Answers, Network
from facslens.prediction.sources import Picture

#: Faces that a network reads at once.
BATCH: Final = 64

#: The columns that say where a face was found, by the names that py-feat has for them
#: [cheong2023pyfeat]_.
PLACE: Final = (
    "input",
    "frame",
    "time",
    "face",
    "FaceRectX",
    "FaceRectY",
    "FaceRectWidth",
    "FaceRectHeight",
    "FaceScore",
)
#: The columns of an action unit, by what follows its code.
AU_COLUMNS: Final = ("", "_fired", "_response", "_unit")

Row = dict[str, Any]


def columns(network: Network) -> list[str]:
    """Name the columns of the rows that `predict` gives, in order.

    - ``input``, the file or camera; ``frame``, the number of the frame in a video, from 0;
      ``time``, when it is shown, in seconds from the beginning of the video, which need not
      follow from the number. Both are None for pictures.
    - ``face``, the number of the face in the picture, from 0, the most certain first; None where
      there is no face.
    - ``FaceRectX``, ``FaceRectY``, ``FaceRectWidth``, ``FaceRectHeight``, in pixels;
      ``FaceScore``, how certain the detector is, 0 to 1.
    - ``expression``, the most probable one; and the probability of each expression, by its name.
    - For each action unit with a confirmed detector: ``AU12``, its calibrated probability, None
      where the evidence allows none; ``AU12_fired``, whether the unit responds above its
      threshold; ``AU12_response``; ``AU12_unit``, as layer/unit.
    - ``note``, and ``problem`` where a file could not be read.
    """
    shown: list[str] = [name for name in EXPRESSIONS if name in network.expressions]
    shown += [name for name in network.expressions if name not in shown]
    units = [entry.au + suffix for entry in network.detectors for suffix in AU_COLUMNS]
    return [*PLACE, "expression", *shown, *units, "note", "problem"]


def predict(
    pictures: Iterable[Picture],
    find: Finder,
    network: Network,
    workers: int = 1,
    *,
    keep: bool = False,
    batch: int = BATCH,
) -> Iterator[tuple[Face, Row]]:
    """Read every face of every picture.

    Parameters
    ----------
    pictures
        In the order in which rows are wanted.
    find
        Finds the faces of a picture and crops them.
    network
        Reads the crops.
    workers
        Threads that find faces.
    keep
        Whether the faces come with the pixels of their picture. They then come one picture at a
        time, so that few pictures are in memory.
    batch
        Faces that the network reads at once.

    Yields
    ------
    Face and dict
        A face and its row, which has every one of `columns`. A picture without a face has a row,
        and so has a file that could not be read.
    """
    empty: Row = dict.fromkeys(columns(network))
    waiting: list[Face] = []
    for found in faces(pictures, find, workers, keep):
        waiting += found
        if keep or len(waiting) >= batch:
            yield from _read(waiting, network, empty)
            waiting = []
    yield from _read(waiting, network, empty)


def _read(batch: list[Face], network: Network, empty: Row) -> Iterator[tuple[Face, Row]]:
    """Let the network read the faces of a batch at once."""
    crops = [face.crop for face in batch if face.crop is not None]
    answers = network.read(np.stack(crops)) if crops else None
    number = 0
    for face in batch:
        row = empty | _place(face)
        if face.crop is not None and answers is not None:
            row.update(_answer(answers, number, network))
            number += 1
        yield face, row


def _place(face: Face) -> Row:
    picture, place = face.picture, face.place
    row: Row = {
        "input": picture.source,
        "frame": picture.frame,
        "time": None if picture.time is None else round(picture.time, 6),
        "face": face.number,
        "note": picture.note,
        "problem": picture.problem,
    }
    if place is not None:
        row |= {
            "FaceRectX": place.left * picture.reduced,
            "FaceRectY": place.top * picture.reduced,
            "FaceRectWidth": place.width * picture.reduced,
            "FaceRectHeight": place.height * picture.reduced,
            "FaceScore": _known(place.score),
        }
    return row


def _answer(answers: Answers, number: int, network: Network) -> Row:
    probabilities = answers.probabilities[number]
    row: Row = {"expression": network.expressions[int(probabilities.argmax())]}
    row |= {
        name: float(value) for name, value in zip(network.expressions, probabilities, strict=True)
    }
    responses = answers.responses[[number]]
    for entry in network.detectors:
        row |= _unit(entry, responses)
    return row


def _unit(entry: Evidence, responses: np.ndarray) -> Row:
    assert entry.unit is not None
    values = (
        _known(float(entry.probability(responses)[0])),
        bool(entry.fires(responses)[0]),
        float(responses[0, entry.unit]),
        f"{entry.layer}/{entry.unit}",
    )
    return {entry.au + suffix: value for suffix, value in zip(AU_COLUMNS, values, strict=True)}


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value
