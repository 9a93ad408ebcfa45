"""The shapes and types of arrays in signatures, without what it takes to check them.

``Float[np.ndarray, "image unit"]`` is jaxtyping's. Its import loads a good part of the standard
library, and shapes are checked in the tests alone. So modules that a command loads before it does
anything take the names from here: where jaxtyping has been loaded, as in the tests, they are its
own, and elsewhere they give the bare array.
"""

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING or "jaxtyping" in sys.modules:
    from jaxtyping import Bool, Complex128, Float, Float32, Float64, Int, UInt8
else:

    class _Unchecked:
        def __class_getitem__(cls, array_and_shape: tuple[Any, str]) -> Any:
            return array_and_shape[0]

    Bool = Complex128 = Float = Float32 = Float64 = Int = UInt8 = _Unchecked

__all__ = ["Bool", "Complex128", "Float", "Float32", "Float64", "Int", "UInt8"]
