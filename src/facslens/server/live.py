"""Read a picture for the live page: its faces, what each looks like, and the units behind it."""

import base64
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np

from facslens.action_units import ACTION_UNITS
from facslens.datasets.archive import Carried
from facslens.datasets.images import Picture, read_picture
from facslens.datasets.labels import EXPRESSIONS
from facslens.prediction import sources
from facslens.prediction.faces import Face, Finder, finder
from facslens.prediction.network import Network
from facslens.prediction.predict import Row, predict
from facslens.preprocess.crop import way_of
from facslens.preprocess.detect import DEFAULT
from facslens.projection.regions import region
from facslens.shapes import Float, UInt8
from facslens.stages.open_network import Choice, open_network

#: What a picture is called in messages; it has no name here.
_NAME: Final = "the picture"
#: Share of a projection's pixels that are shown with their own strength; the rest is full.
_SHOWN: Final = 99.0


@dataclass(frozen=True)
class _Tools:
    """What is loaded once: the network, and what finds faces for it."""

    network: Network
    find: Finder


class Live:
    """The network of the package on ONNX Runtime, as ``facslens predict`` uses it.

    It is loaded when first asked, and any number of threads may ask.
    """

    def __init__(self) -> None:
        self._choice = Choice()
        self._loading = threading.Lock()

    @cached_property
    def _tools(self) -> _Tools:
        network = open_network(self._choice)
        return _Tools(network, finder(DEFAULT, network.input))

    @cached_property
    def _model(self) -> Any:
        from facslens.runs.model import open_model  # PyTorch, which only projections need

        return open_model(self._choice.model, labels=self._choice.labels)

    def open(self) -> None:
        """Load what reads pictures.

        Raises
        ------
        CallError
            If what it needs is not installed.
        """
        with self._loading:
            _ = self._tools

    def facts(self) -> dict[str, Any]:
        """Say what the network knows, for the page: expressions, and its detectors of AUs."""
        self.open()
        network = self._tools.network
        return {
            "expressions": [name for name in EXPRESSIONS if name in network.expressions],
            "units": [
                {
                    "au": one.au,
                    "name": ACTION_UNITS[one.au].name,
                    "unit": f"{one.layer}/{one.unit}",
                    "threshold": one.threshold,
                    "calibrated": one.calibrated,
                    "evidence": one.sentence,
                    "region": region(one.au),
                }
                for one in network.detectors
            ],
        }

    def read(self, content: bytes, *, units: bool = False) -> dict[str, Any]:
        """Read a picture.

        Parameters
        ----------
        content
            The bytes of its file.
        units
            Whether the units that decided are projected back to pixels, which takes longer.

        Returns
        -------
        dict
            ``width`` and ``height`` of the picture the right way up, ``note``, and ``faces``, the
            most certain first. A face has its ``box`` (left, top, width, height in pixels), the
            ``crop`` that the network read (``side``, and grey levels in base64) with its ``way``:
            the complex numbers turn and shift, that move a place in the crop, in shares of its
            side, to the picture; its row as `facslens.prediction.predict.columns` names it; and
            ``projections``.

        Raises
        ------
        DataError
            If the bytes are no picture that can be read.
        """
        self.open()
        picture = read_picture(Carried(_NAME, content))
        one = sources.Picture(_NAME, pixels=picture.pixels, reduced=picture.reduced)
        found = list(predict([one], self._tools.find, self._tools.network))
        problem = found[0][0].picture.problem
        faces = [self._face(face, row, picture, units) for face, row in found if face.place]
        rows, columns = picture.pixels.shape[:2]
        return {
            "width": columns * picture.reduced,
            "height": rows * picture.reduced,
            "faces": faces,
            "note": problem or picture.note,
        }

    def _face(self, face: Face, row: Row, picture: Picture, units: bool) -> dict[str, Any]:
        assert face.place is not None
        assert face.crop is not None
        way = way_of(face.place, 1)
        values = [way.turn.real, way.turn.imag, way.shift.real, way.shift.imag]
        network = self._tools.network
        return {
            "box": [row[f"FaceRect{side}"] for side in ("X", "Y", "Width", "Height")],
            "way": [value * picture.reduced for value in values],
            "crop": {"side": len(face.crop), "grey": _text(face.crop)},
            "row": {name: row[name] for name in row if name not in _OTHERWISE},
            "projections": self._projections(face.crop, row, network) if units else [],
        }

    def _projections(
        self, crop: UInt8[np.ndarray, "row column"], row: Row, network: Network
    ) -> Sequence[dict[str, Any]]:
        from facslens.prediction.attribution import deciding_units

        with self._loading:
            model = self._model
        fired = [
            (one.au, one.layer, one.unit)
            for one in network.detectors
            if row[f"{one.au}_fired"] and one.unit is not None
        ]
        return [
            {
                "unit": f"{one.layer}/{one.unit}",
                "reason": one.reason,
                "share": None if np.isnan(one.share) else one.share,
                "levels": _text(_levels(one.projection)),
            }
            for one in deciding_units(model, crop, row["expression"], fired)
        ]


#: Columns of a row that the page gets otherwise, or not at all.
_OTHERWISE: Final = frozenset(
    {"input", "frame", "time", "face", "note", "problem"}
    | {f"FaceRect{side}" for side in ("X", "Y", "Width", "Height")}
)


def _levels(projection: Float[np.ndarray, "row column"]) -> UInt8[np.ndarray, "row column"]:
    """Scale a projection to 8 bits: 128 is 0, what most pixels keep below is full."""
    largest = float(np.percentile(np.abs(projection), _SHOWN)) or 1.0
    return np.rint(128 + 127 * np.clip(projection / largest, -1, 1)).astype(np.uint8)


def _text(levels: UInt8[np.ndarray, "row column"]) -> str:
    return base64.b64encode(levels.tobytes()).decode()
