"""Find what a network reads in the files that timm and transformers write beside weights."""

import math
from collections.abc import Callable, Mapping
from typing import Any, Final

from PIL import Image

from facslens.errors import ArtifactError
from facslens.preprocess.input import INTERPOLATIONS, Input

#: From this side on, transformers' ConvNext does not cut: it stretches.
_WARPED: Final = 384
#: Of how a picture is resized and cut: steps that `Input` has no words for.
_OTHER_STEPS: Final = ("do_pad", "do_thumbnail", "do_align_long_axis")


def timm_input(config: Mapping[str, Any]) -> Input:
    """Find what a network of timm reads.

    Parameters
    ----------
    config
        Its ``pretrained_cfg`` (in older versions ``default_cfg``), or the ``config.json`` that
        holds one.

    Raises
    ------
    ArtifactError
        If an entry is missing or wrong, or asks for a step that `Input` cannot describe.

    Notes
    -----
    As ``timm.data.create_transform`` does it where it does not train: the shorter side becomes the
    network's side divided by ``crop_pct``, rounded down, and the network's size is cut from the
    centre. The sizes of training are taken, not ``test_input_size``.
    """
    what = "the timm configuration"
    given = config.get("pretrained_cfg", config)
    if not isinstance(given, Mapping):
        raise ArtifactError(
            f"{what} has no entries in pretrained_cfg: expected input_size and others"
        )
    channels, height, width = _entry(given, "input_size", what)
    share = float(given.get("crop_pct") or 0.875)
    mode = given.get("crop_mode") or "center"
    if height != width or mode not in ("center", "squash") or (mode == "squash" and share != 1):
        raise ArtifactError(
            f"{what} has an input of {height}×{width} pixels, cut by {mode!r} with crop_pct {share}"
            f": expected a square, cut by 'center'"
        )
    squash = mode == "squash"
    return _made(
        what,
        colour=_colour(channels, what),
        height=height,
        width=width,
        mean=_entry(given, "mean", what),
        std=_entry(given, "std", what),
        resize="stretched" if squash else "shortest",
        side=None if squash else math.floor(height / share),
        interpolation=_filter(given.get("interpolation", "bilinear"), what),
    )


def transformers_input(config: Mapping[str, Any]) -> Input:
    """Find what a network of transformers reads.

    Parameters
    ----------
    config
        Its ``preprocessor_config.json``.

    Raises
    ------
    ArtifactError
        If an entry is missing or wrong, or asks for a step that `Input` cannot describe.
    """
    what = "the transformers configuration"
    for step in _OTHER_STEPS:
        if config.get(step):
            raise ArtifactError(f"{what} has {step}: there is no name for such an input")
    if not config.get("do_resize", True):
        raise ArtifactError(f"{what} does not resize: expected a size to resize to")
    black, white = 0.0, 255.0
    if config.get("do_rescale", True):
        white *= float(config.get("rescale_factor", 1 / 255))
        if config.get("rescale_offset"):
            black, white = -1.0, white - 1
    normal = config.get("do_normalize", True)
    return _made(
        what,
        colour="bgr" if config.get("do_flip_channel_order") else "rgb",
        **_resizing(config, what),
        black=black,
        white=round(white, 9),  # a factor such as 0.0039216 means 1/255
        mean=_entry(config, "image_mean", what) if normal else (),
        std=_entry(config, "image_std", what) if normal else (),
        interpolation=_filter(config.get("resample", 2), what),
    )


def _resizing(config: Mapping[str, Any], what: str) -> Mapping[str, Any]:
    """Give the entries of `Input` that say how a picture gets to the network's size."""
    size = _entry(config, "size", what)
    convnext = "ConvNext" in str(config.get("image_processor_type", "")) or "crop_pct" in config
    cut = bool(config.get("do_center_crop"))
    if isinstance(size, int) and not cut:
        size = {"shortest_edge": size} if convnext else {"height": size, "width": size}
    if isinstance(size, Mapping) and {"height", "width"} <= set(size):
        height, width = size["height"], size["width"]
        if not cut:
            return {"height": height, "width": width, "resize": "stretched"}
        if height == width:
            return {**_crop_size(config, what), "resize": "stretched", "side": height}
    if isinstance(size, Mapping) and set(size) == {"shortest_edge"}:
        side = size["shortest_edge"]
        if cut:
            return {**_crop_size(config, what), "resize": "shortest", "side": side}
        if convnext and side >= _WARPED:
            return {"height": side, "width": side, "resize": "stretched"}
        if convnext:
            whole = int(side / float(config.get("crop_pct") or 224 / 256))
            return {"height": side, "width": side, "resize": "shortest", "side": whole}
    raise ArtifactError(
        f"{what} has the size {size!r}{' and cuts' if cut else ''}: expected a height and a width, "
        f"or a shortest_edge with a crop_size"
    )


def _crop_size(config: Mapping[str, Any], what: str) -> Mapping[str, int]:
    size = _entry(config, "crop_size", what)
    if isinstance(size, int):
        return {"height": size, "width": size}
    if not {"height", "width"} <= set(size):
        raise ArtifactError(f"{what} has the crop_size {size!r}: expected a height and a width")
    return {"height": size["height"], "width": size["width"]}


def _entry(config: Mapping[str, Any], name: str, what: str) -> Any:
    right, words = _ENTRIES[name]
    if name not in config:
        raise ArtifactError(f"{what} lacks {name}: expected {words}")
    value = config[name]
    if not right(value):
        raise ArtifactError(f"{what} has {name} {value!r}: expected {words}")
    return tuple(value) if isinstance(value, list) else value


def _are(kinds: tuple[type, ...], value: object, count: int | None = None) -> bool:
    if not isinstance(value, list | tuple) or count not in (None, len(value)):
        return False
    return all(type(one) in kinds for one in value)


def _is_side(value: object) -> bool:
    return type(value) is int or (
        isinstance(value, Mapping) and all(type(side) is int for side in value.values())
    )


#: What an entry has to be, and in words.
_ENTRIES: Final[Mapping[str, tuple[Callable[[object], bool], str]]] = {
    "input_size": (lambda v: _are((int,), v, 3), "channels, height and width"),
    **dict.fromkeys(
        ("mean", "std", "image_mean", "image_std"),
        (lambda v: _are((int, float), v), "a number a channel"),
    ),
    **dict.fromkeys(("size", "crop_size"), (_is_side, "a number of pixels, or numbers by name")),
}


def _colour(channels: int, what: str) -> str:
    if channels not in (1, 3):
        raise ArtifactError(f"{what} has an input of {channels} channels: expected 1 or 3")
    return "grey" if channels == 1 else "rgb"


def _filter(given: object, what: str) -> str:
    """Give the name of a filter, which transformers gives by Pillow's number."""
    name = Image.Resampling(given).name if isinstance(given, int) and 0 <= given <= 5 else given
    name = str(name).lower()
    if name not in INTERPOLATIONS:
        raise ArtifactError(
            f"{what} has the filter {given!r}: expected {', '.join(INTERPOLATIONS)}"
        )
    return name


def _made(what: str, **entries: Any) -> Input:
    for name in ("mean", "std"):
        entries[name] = tuple(map(float, entries[name]))
    try:
        return Input(**entries)
    except ValueError as error:
        raise ArtifactError(f"{what} describes no input: {error}") from error
