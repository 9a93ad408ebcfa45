"""Linear layers that are applied at every place, but written as one product of two matrices."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class AtEveryPlace:
    """A product between two changes of shape, which put all places into one axis and back.

    Parameters
    ----------
    source
        The name of what has the places in axes of their own.
    inner
        Names of the results that have them in one axis: of the product, and of added biases.
    result
        The name of the last of them in its first shape again.
    """

    source: str
    inner: tuple[str, ...]
    result: str


def at_every_place(
    product: Any,
    makers: Mapping[str, Any],
    users: Mapping[str, Sequence[Any]],
    values: Mapping[str, np.ndarray],
) -> AtEveryPlace | None:
    """Find the changes of shape around a product; None where it is not between such.

    Parameters
    ----------
    product
        A step ``MatMul`` or ``Gemm``.
    makers, users
        By the name of a result, the step that gives it, and those that take it.
    values
        Results by name, of which the shapes are asked.
    """
    before = makers.get(product.input[0])
    if before is None or before.op_type != "Reshape":
        return None
    source, inner = before.input[0], [product.output[0]]
    shape = values[source].shape
    if len(shape) not in (3, 4) or shape[-1] != values[product.input[0]].shape[-1]:
        return None
    while True:
        following = users.get(inner[-1], ())
        if len(following) != 1 or values[inner[-1]].ndim != 2:
            return None
        (step,) = following
        result = step.output[0]
        if step.op_type == "Reshape":
            back = (*shape[:-1], values[inner[-1]].shape[1])
            return (
                AtEveryPlace(source, tuple(inner), result) if values[result].shape == back else None
            )
        constant = all(name in inner or name not in makers for name in step.input)
        if step.op_type != "Add" or not constant:
            return None
        inner.append(result)
