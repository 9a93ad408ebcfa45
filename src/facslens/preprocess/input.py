"""What a network reads of a picture: its colours, its size, the range of its values."""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

from PIL import Image

from facslens.errors import CallError

#: Channels by colour; those of ``bgr`` are blue, green and red, as OpenCV reads pictures.
COLOURS: Final = {"grey": 1, "rgb": 3, "bgr": 3}
#: What is done to a picture of another shape than the network's, see `Input`.
RESIZES: Final = ("centre", "shortest", "stretched")
#: How pixels are interpolated, each with a support that grows when shrinking.
INTERPOLATIONS: Final = {
    name: Image.Resampling[name.upper()]
    for name in ("bilinear", "bicubic", "nearest", "lanczos", "box", "hamming")
}
#: Largest side in pixels; a larger one in a file is damage, not a network.
MAX_SIZE: Final = 1024

#: What a word in the name of an input says.
WORDS: Final[Mapping[str, Mapping[str, Any]]] = {
    "signed": {"black": -1.0, "white": 1.0},
    "bytes": {"black": 0.0, "white": 255.0},
    "imagenet": {"mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)},
    "contrast": {"contrast": True},
    "stretched": {"resize": "stretched"},
    **{name: {"interpolation": name} for name in INTERPOLATIONS if name != "bilinear"},
}
#: What a word that ends in numbers says: the entry that they are, and what else.
NUMBERS: Final[Mapping[str, tuple[str, Mapping[str, Any]]]] = {
    "black": ("black", {}),
    "white": ("white", {}),
    "mean": ("mean", {}),
    "std": ("std", {}),
    "from": ("side", {"resize": "shortest"}),
    "stretched": ("side", {"resize": "stretched"}),
}
#: Names for messages and for the help of the command line.
EXAMPLES: Final = ("grey48", "grey64-signed", "rgb224-imagenet", "rgb112x96-signed")

_NAME: Final = re.compile(
    r"(?P<colour>[a-z]+)(?P<height>[0-9]{1,4})(x(?P<width>[0-9]{1,4}))?(?P<rest>(-[a-z].*)?)"
)
_WORD: Final = re.compile(r"(?P<word>[a-z]+)(?P<numbers>[-+.,0-9e]*)")


@dataclass(frozen=True)
class Input:
    """What a network reads of a picture.

    Parameters
    ----------
    colour
        One of `COLOURS`.
    height, width
        In pixels.
    black, white
        The values of black and white, before `mean` and `std`.
    mean, std
        What is taken from the values of each channel, and what the rest is divided by, in the order
        of the network's channels; empty for neither.
    contrast
        Whether the local contrast is evened out instead, see
        `facslens.preprocess.normalise.standardise`; for grey pictures.
    resize
        How a picture gets to the network's size. ``centre``: its largest central part of the
        network's proportions is cut out and resized. ``shortest``: it is resized until its shorter
        side is `side`, and the network's size is cut from its centre. ``stretched``: it is resized
        to the network's size whatever its proportions, or, where there is a `side`, to a square of
        it, from whose centre the network's size is cut.
    side
        In pixels.
    interpolation
        One of `INTERPOLATIONS`.

    Raises
    ------
    CallError
        If it describes no input.

    Examples
    --------
    >>> Input("rgb", 112, 96, black=-1.0).name
    'rgb112x96-signed'
    """

    colour: str
    height: int
    width: int
    black: float = 0.0
    white: float = 1.0
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    contrast: bool = False
    resize: str = "centre"
    side: int | None = None
    interpolation: str = "bilinear"

    def __post_init__(self) -> None:
        if fault := _fault(self):
            raise CallError(f"input has {fault}")

    @property
    def channels(self) -> int:
        """Number of channels: 1 or 3."""
        return COLOURS[self.colour]

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, rows and columns of what the network reads."""
        return self.channels, self.height, self.width

    @property
    def uncut(self) -> tuple[int, int]:
        """Rows and columns to which a square picture is resized before the network's are cut."""
        if self.side is not None:
            return self.side, self.side
        if self.resize == "stretched":
            return self.height, self.width
        return (max(self.height, self.width),) * 2

    @property
    def name(self) -> str:
        """A name that `parse_input` reads back as an equal input."""
        size = str(self.height) + (f"x{self.width}" if self.width != self.height else "")
        words = [f"{self.colour}{size}"]
        plain = asdict(Input(self.colour, self.height, self.width))
        unsaid = {entry: v for entry, v in asdict(self).items() if v != plain[entry]}
        for word, said in WORDS.items():
            if self.side is not None and word in NUMBERS:
                continue  # it has a number
            if unsaid.keys() & said.keys() and all(getattr(self, k) == said[k] for k in said):
                words.append(word)
                unsaid = {entry: value for entry, value in unsaid.items() if entry not in said}
        for word, (entry, said) in NUMBERS.items():
            if entry in unsaid and all(getattr(self, k) == said[k] for k in said):
                words.append(word + _written(unsaid[entry]))
        return "-".join(words)


def grey_contrast(side: int) -> Input:
    """Describe what the networks of facslens read: square grey pictures of even contrast."""
    return Input("grey", side, side, contrast=True)


def parse_input(name: str) -> Input:
    """Read the name of an input.

    Parameters
    ----------
    name
        Colour and side, or height and width, in pixels, and then any of these words, separated by
        hyphens. Values go from 0 for black to 1 for white, or by ``signed`` from −1 to 1, by
        ``bytes`` from 0 to 255; ``imagenet`` takes mean and standard deviation of ImageNet's
        pictures, ``mean`` and ``std`` with a number a channel any others; ``contrast`` evens out
        the local contrast. A picture's largest central part is resized; after ``from`` with a
        number of pixels, the picture until its shorter side has so many; ``stretched`` keeps no
        proportions. Filters, such as ``bicubic``, are those of `INTERPOLATIONS`.

    Raises
    ------
    CallError
        If it names none.

    Examples
    --------
    >>> parse_input("rgb224-imagenet-from256").side
    256
    >>> parse_input("bgr160-bytes-mean93.6,104.8,129.2").mean
    (93.6, 104.8, 129.2)
    """
    found = _NAME.fullmatch(name)
    if found is None or found["colour"] not in COLOURS:
        raise CallError(
            f"input is {name!r}: expected {' or '.join(COLOURS)}, a size in pixels, and words "
            f"as in {', '.join(EXAMPLES)}"
        )
    said: dict[str, Any] = {}
    # a hyphen before a digit is a sign
    for word in re.split(r"-(?=[a-z])", found["rest"])[1:]:
        for entry, value in _said(word, name).items():
            if said.setdefault(entry, value) != value:
                raise CallError(f"input is {name!r}, which says {entry} twice: expected it once")
    height, width = int(found["height"]), int(found["width"] or found["height"])
    return Input(found["colour"], height, width, **said)


def noted_input(content: Mapping[str, object]) -> Input:
    """Read the input that a file notes by its name, or by its size as older files do.

    Raises
    ------
    CallError
        If it notes none.
    """
    if "input" in content:
        name = content["input"]
        if not isinstance(name, str):
            raise CallError("input has to be a name")
        return parse_input(name)
    if "size" not in content:
        raise CallError("it lacks 'input'")
    size = content["size"]
    if not isinstance(size, int) or isinstance(size, bool):
        raise CallError("size has to be a number of pixels")
    return grey_contrast(size)


def _said(word: str, name: str) -> Mapping[str, Any]:
    """Give the entries that a word says."""
    if word in WORDS:
        return WORDS[word]
    found = _WORD.fullmatch(word)
    if found is None or found["word"] not in NUMBERS:
        words = ", ".join(dict.fromkeys([*WORDS, *NUMBERS]))
        raise CallError(f"input is {name!r}, which says {word!r}: expected some of {words}")
    entry, beside = NUMBERS[found["word"]]
    try:
        return {entry: _KINDS[entry](found["numbers"]), **beside}
    except ValueError as error:
        raise CallError(
            f"input is {name!r}, which says {word!r}: expected "
            f"{'numbers' if entry in ('mean', 'std') else 'a number'} behind the word"
        ) from error


def _numbers(text: str) -> tuple[float, ...]:
    return tuple(map(float, text.split(",")))


_KINDS: Final[Mapping[str, Callable[[str], Any]]] = {
    "black": float, "white": float, "mean": _numbers, "std": _numbers, "side": int
}  # fmt: skip


def _written(value: float | int | tuple[float, ...]) -> str:
    numbers = value if isinstance(value, tuple) else (value,)
    return ",".join(str(int(n)) if n == int(n) else repr(float(n)) for n in numbers)


def _fault(one: Input) -> str | None:
    """Say what is wrong with an input, if anything is."""
    known = {"colour": COLOURS, "resize": RESIZES, "interpolation": INTERPOLATIONS}
    for entry, names in known.items():
        if getattr(one, entry) not in names:
            return f"the {entry} {getattr(one, entry)!r}: expected one of {', '.join(names)}"
    sides = {"height": one.height, "width": one.width}
    sides |= {"side": one.side} if one.side is not None else {}
    for entry, side in sides.items():
        if not 1 <= side <= MAX_SIZE:
            return f"a {entry} of {side}: expected 1 to {MAX_SIZE} pixels"
    if (one.side is not None) != (one.resize == "shortest") and one.resize != "stretched":
        return f"the resize {one.resize!r} and the side {one.side}: only 'shortest' needs a side"
    if one.side is not None and one.side < max(one.height, one.width):
        return f"a side of {one.side}: expected {max(one.height, one.width)} or more to cut from"
    for entry, values in (("mean", one.mean), ("std", one.std)):
        if values and len(values) != one.channels:
            return f"a {entry} of {len(values)} numbers: expected one a channel, {one.channels}"
        if not all(map(math.isfinite, values)):
            return f"the {entry} {values}: expected finite numbers"
    if any(value <= 0 for value in one.std):
        return f"the std {one.std}: expected numbers above 0"
    if not (math.isfinite(one.black) and math.isfinite(one.white)) or one.black >= one.white:
        return f"black at {one.black} and white at {one.white}: expected black below white"
    changed = one.mean or one.std or (one.black, one.white) != (0, 1)
    if one.contrast and (one.channels != 1 or changed):
        return "even contrast and colours or other values: expected grey alone"
    return None
