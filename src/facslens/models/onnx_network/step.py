"""One step of an ONNX file, with everything of it that does not depend on a face."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from torch import fx

#: What ``auto_pad`` says; the odd pixel of ``SAME_LOWER`` lies before.
_SAME: Final = ("SAME_UPPER", "SAME_LOWER")


@dataclass(frozen=True)
class Step:
    """One step.

    Parameters
    ----------
    name
        Of the operation, such as ``Conv``.
    options
        Its attributes.
    inputs
        The steps whose results it takes, or tensors of the file; None for one that is left out.
    values
        The values of inputs that are the same for every face; None for the others.
    shapes
        Of the inputs; empty for one that is left out.
    outputs
        The shapes of its results.
    """

    name: str
    options: Mapping[str, Any]
    inputs: tuple[fx.Node | None, ...]
    values: tuple[np.ndarray | None, ...]
    shapes: tuple[tuple[int, ...], ...]
    outputs: tuple[tuple[int, ...], ...]

    @property
    def rank(self) -> int:
        """Number of axes of the first input."""
        return len(self.shapes[0])

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the first result."""
        return self.outputs[0]

    def value(self, place: int) -> np.ndarray | None:
        """Give the value of an input that is the same for every face; None otherwise."""
        return self.values[place] if place < len(self.values) else None

    def given(self, place: int) -> bool:
        """Tell whether there is such an input."""
        return place < len(self.inputs) and self.inputs[place] is not None

    def said(self, name: str, place: int) -> Any:
        """Give what older files say as an attribute, and newer ones as an input; None if neither.

        An input that depends on the face raises ValueError.
        """
        if name in self.options:
            return self.options[name]
        if not self.given(place):
            return None
        value = self.value(place)
        if value is None:
            raise ValueError(f"{name} depends on the face")
        return value.tolist()

    def axes(self, name: str = "axes", place: int = 1) -> list[int] | None:
        """Give axes that are said, counted from the first; None if none are said."""
        found = self.said(name, place)
        return None if found is None else [int(axis) % self.rank for axis in np.atleast_1d(found)]

    def pairs(self, kernel: tuple[int, ...]) -> tuple[list[int], list[int], list[int]]:
        """Give stride, padding before the first place, and dilation of a kernel that slides.

        Padding behind the last place moves nothing.
        """
        count = len(kernel)
        stride = list(self.options.get("strides", [1] * count))
        dilation = list(self.options.get("dilations", [1] * count))
        pads = list(self.options.get("pads", [0] * 2 * count))[:count]
        auto = self.options.get("auto_pad", "NOTSET")
        if auto in _SAME:
            for axis, (size, result) in enumerate(
                zip(self.shapes[0][2:], self.shape[2:], strict=True)
            ):
                reach = (result - 1) * stride[axis] + dilation[axis] * (kernel[axis] - 1) + 1
                missing = max(0, reach - size)
                pads[axis] = (missing + (auto == "SAME_LOWER")) // 2
        return stride, pads, dilation
