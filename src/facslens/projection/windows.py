"""Crop a projection to what its location can see, and make it a picture."""

from typing import Final

import numpy as np
from jaxtyping import Float, Int, Num, UInt8

from facslens.errors import CallError

#: Share of projected values, by size, that is shown without being cut.
DISPLAYED: Final = 0.99

#: Of `to_diverging`: RGB of the most negative value, of 0, and of the most positive one.
BLUE_WHITE_RED: Final = ((33, 102, 172), (247, 247, 247), (178, 24, 43))


def crop(
    image: Num[np.ndarray, "*axes row column"],
    rectangle: tuple[int, int, int, int] | Int[np.ndarray, "4"],
    fill: float = 0.0,
) -> Num[np.ndarray, "*axes height width"]:
    """Cut out a rectangle, padded where it leaves the image.

    With the unclipped rectangles of a layer's receptive field all crops are of equal size,
    and the location that was projected lies at the same place in each.

    Parameters
    ----------
    image
        (…, row, column): any leading axes.
    rectangle
        Top, left, bottom, right in pixels, half-open, such as
        `facslens.models.reading.fields.ReceptiveField.rectangle` gives.
    fill
        Value outside of the image.

    Returns
    -------
    array
        (…, bottom − top, right − left), a copy in the type of `image`.

    Raises
    ------
    CallError
        If the rectangle is empty.

    Examples
    --------
    >>> crop(np.array([[1, 2], [3, 4]]), (-1, 0, 2, 1)).tolist()
    [[0], [1], [3]]
    """
    top, left, bottom, right = (int(edge) for edge in rectangle)
    if bottom <= top or right <= left:
        raise CallError(
            f"rectangle is {(top, left, bottom, right)} (top, left, bottom, right): it has no pixel"
        )
    rows, columns = image.shape[-2:]
    cut = np.full((*image.shape[:-2], bottom - top, right - left), fill, dtype=image.dtype)
    inside = image[..., max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)]
    down, across = max(-top, 0), max(-left, 0)
    if top < rows and left < columns:
        height, width = inside.shape[-2:]
        cut[..., down : down + height, across : across + width] = inside
    return cut


def brightest(projections: Float[np.ndarray, "*axes"]) -> float | None:
    """Give the value to be shown as the brightest: a few outliers would leave all else grey.

    None if all values are 0.
    """
    values = np.abs(projections)
    values = values[values > 0]
    return float(np.quantile(values, DISPLAYED)) if values.size else None


def to_grey(
    projection: Float[np.ndarray, "*axes"], limit: float | None = None
) -> UInt8[np.ndarray, "*axes"]:
    """Map values to greys, symmetric around 0: −limit is 1, 0 is 128, +limit is 255.

    Parameters
    ----------
    projection
        Any shape; the scale of a projection is arbitrary, but its zero is not.
    limit
        The value that becomes white; larger ones are clipped. The default is the largest
        absolute value; give a limit to compare several projections.

    Returns
    -------
    array
        uint8, of the same shape; all 128 where every value is 0.

    Raises
    ------
    CallError
        If a value is not finite, or the limit not above 0.

    Examples
    --------
    >>> to_grey(np.array([-2.0, 0.0, 1.0, 2.0])).tolist()
    [1, 128, 192, 255]
    """
    greys: Float[np.ndarray, "*axes"] = np.rint(128 + 127 * _scaled(projection, limit))
    return greys.astype(np.uint8)


def to_diverging(
    projection: Float[np.ndarray, "*axes"], limit: float | None = None
) -> UInt8[np.ndarray, "*axes 3"]:
    """Map values to colours, symmetric around 0: blue below, white at 0, red above.

    Parameters
    ----------
    projection
        Any shape.
    limit
        As in `to_grey`.

    Returns
    -------
    array
        (…, 3) uint8: red, green, blue.

    Raises
    ------
    CallError
        If a value is not finite, or the limit not above 0.

    Examples
    --------
    >>> to_diverging(np.array([-1.0, 0.0, 1.0])).tolist()
    [[33, 102, 172], [247, 247, 247], [178, 24, 43]]
    """
    scaled = _scaled(projection, limit)
    channels = [np.interp(scaled, (-1, 0, 1), ends) for ends in zip(*BLUE_WHITE_RED, strict=True)]
    colours: Float[np.ndarray, "*axes 3"] = np.rint(np.stack(channels, axis=-1))
    return colours.astype(np.uint8)


def _scaled(
    projection: Float[np.ndarray, "*axes"], limit: float | None
) -> Float[np.ndarray, "*axes"]:
    """Scale to −1 … 1, 0 staying 0."""
    if not np.isfinite(projection).all():
        raise CallError("projection has values that are not finite")
    if limit is not None and not limit > 0:
        raise CallError(f"limit is {limit}: needs a value above 0")
    largest = np.abs(projection).max(initial=0) if limit is None else limit
    return np.clip(projection / (largest or 1), -1, 1).astype(np.float64)
