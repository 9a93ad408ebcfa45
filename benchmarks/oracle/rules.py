"""What a rectifier lets down under each projection rule."""

from collections.abc import Callable
from typing import Final

from torch import Tensor

#: Given R, what arrives from above, and where the rectifier fires: what goes on down.
RULES: Final[dict[str, Callable[[Tensor, Tensor], Tensor]]] = {
    "deconvnet": lambda R, _fires: R * (R > 0),
    "guided": lambda R, fires: R * (R > 0) * fires,
    "gradient": lambda R, fires: R * fires,
}
