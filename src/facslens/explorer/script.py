"""Data as small scripts: a page from the disk may load no JSON, but it may load a script."""

import base64
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float, Num

#: What `json` writes.
Content = Mapping[str, Any] | Sequence[Any]


def script(name: str, content: Content) -> bytes:
    r"""Write data as a classic script that hands it to the page under a name.

    Examples
    --------
    >>> script("au/AU12", {"units": [1, None]})
    b'facslens.take("au/AU12",{"units":[1,null]});\n'
    """
    options: dict[str, Any] = {"ensure_ascii": False, "separators": (",", ":"), "allow_nan": False}
    return f"facslens.take({json.dumps(name)},{json.dumps(content, **options)});\n".encode()


def thousandths(values: Float[np.ndarray, "*axes"]) -> list[Any]:
    """Round to whole thousandths, a short form for a script; None where undefined.

    Examples
    --------
    >>> thousandths(np.array([[0.25, np.nan]]))
    [[250, None]]
    """
    scaled = np.rint(1000 * np.asarray(values, dtype=np.float64))
    found = scaled.astype(object)
    known = np.isfinite(scaled)
    found[known] = scaled[known].astype(np.int64)
    found[~known] = None
    listed: list[Any] = found.tolist()
    return listed


def short(value: float | int | None) -> float | None:
    """Keep four digits of a number; None where undefined.

    Examples
    --------
    >>> short(0.123456), short(float("nan")), short(1234567.0)
    (0.1235, None, 1235000.0)
    """
    if value is None or not math.isfinite(value):
        return None
    return float(f"{value:.4g}")


def shorts(values: Iterable[float]) -> list[float | None]:
    """Keep four digits of each number."""
    return [short(float(value)) for value in values]


def packed(values: Float[np.ndarray, "state unit"]) -> dict[str, Any]:
    """Write many numbers as text: whole numbers of 16 bits between the least and largest of a unit.

    Returns
    -------
    dict
        ``low`` and ``high`` of each unit, and ``text``: little-endian whole numbers q in Base64,
        rows one after the other; a value is low + (high − low) · q / 65535.
    """
    low, high = values.min(axis=0), values.max(axis=0)
    span = np.where(high > low, high - low, 1.0)
    whole: Num[np.ndarray, "state unit"] = np.rint((values - low) / span * 65535).astype("<u2")
    return {
        "low": shorts(low),
        "high": shorts(high),
        "text": base64.b64encode(whole.tobytes()).decode(),
    }
