"""The face detectors, by name; other packages can add theirs.

A package adds one by an entry point of the group ``facslens.detectors`` that names a function
without arguments, which gives a `Detector`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from facslens.errors import CallError
from facslens.preprocess import blazeface, haar
from facslens.preprocess.detection import Detector

#: Where other packages enter their detectors.
GROUP: Final = "facslens.detectors"


@dataclass(frozen=True)
class Kind:
    """One detector: what it is, the extra that installs what it needs, and its factory."""

    summary: str
    extra: str
    make: Callable[[], Detector]


#: What is taken where nothing is said.
DEFAULT: Final = "blazeface"

DETECTORS: Final[dict[str, Kind]] = {
    "blazeface": Kind("a small network; box, eyes and mouth", "photos", blazeface.make),
    "haar": Kind("OpenCV 4's cascades; box, and eyes in some faces", "haar", haar.make),
}


def make_detector(name: str = DEFAULT) -> Detector:
    """Load a detector.

    Parameters
    ----------
    name
        One of `DETECTORS`, or an entry point of the group `GROUP`.

    Returns
    -------
    Detector
        From the colours of a picture, uint8 (row, column, 3), to a list of `Detection`, the
        highest score first (the largest first, where there are no scores).

    Raises
    ------
    CallError
        If there is no such detector, or what it needs is not installed.
    """
    if name in DETECTORS:
        return DETECTORS[name].make()
    from importlib import metadata

    others = metadata.entry_points(group=GROUP)
    if name not in others.names:
        known = ", ".join([*DETECTORS, *sorted(others.names)])
        raise CallError(f"detector is {name!r}: expected one of {known}")
    try:
        factory: Callable[[], Detector] = others[name].load()
    except (ImportError, AttributeError) as error:
        raise CallError(
            f"the detector {name!r} is installed but cannot be loaded: {error}"
        ) from error
    return factory()
