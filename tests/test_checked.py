"""That tests check the types and shapes of every call: see `conftest.py` in the root."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import jaxtyping
import numpy as np
import pytest
from beartype import beartype
from jaxtyping import Float

from facslens.association.distances.sweep import sweep_distances

if TYPE_CHECKING:  # a name that is not there when a call is checked
    from decimal import Decimal

check = jaxtyping.jaxtyped(typechecker=beartype)


@check
def scale(pixels: Float[np.ndarray, "row column"], by: int) -> Float[np.ndarray, "row column"]:
    return pixels[:by] * by


@check
def count(name: str, of: "Decimal | None" = None) -> int:
    return 3 if name == "three" else name


@check
def square(side: int) -> Float[np.ndarray, "{side} {side}"]:
    return np.ones((min(side, 3), min(side, 3)))


@check
def rows(pixels: Float[np.ndarray, "row column"]) -> Iterator[Float[np.ndarray, " column"]]:
    yield from pixels


@check
@dataclass(frozen=True)
class Face:
    pixels: Float[np.ndarray, "side side"]
    of: list["Face"] | None = None

    @classmethod
    @check
    def blank(cls, side: int) -> "Face":
        return cls(np.zeros((side, side)))

    @property
    @check
    def brightness(self) -> float:
        return str(self.pixels.mean()) if self.pixels.any() else 0.0


def test_what_is_as_said_passes():
    np.testing.assert_array_equal(scale(np.eye(2), 2), 2 * np.eye(2))
    assert count("three", of="anything") == 3
    assert square(2).sum() == 4
    assert sum(len(row) for row in rows(np.ones((2, 3)))) == 6
    assert Face.blank(3).brightness == 0.0


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: count(3), "parameter name=3 violates"),
        (lambda: count("four"), "return 'four' violates"),
        (lambda: scale(np.zeros(3), 1), "parameter pixels=.* violates"),
        (lambda: scale(np.zeros((3, 3), dtype=int), 1), "parameter pixels=.* violates"),
        # the axes of what is returned are those of what was given
        (lambda: scale(np.zeros((3, 3)), 2), "dimension row is 2 .* the existing value of 3"),
        (lambda: square(4), "return .* violates .*{side} {side}"),
        (lambda: Face(np.zeros((2, 3))), "dimension side is 3 .* the existing value of 2"),
        (lambda: Face.blank("3"), "parameter side='3' violates"),
        (lambda: Face(np.eye(2)).brightness, "return '0.5' violates"),
        (lambda: rows(np.zeros(3)), "whilst typechecking parameter 'pixels'"),
        # of the package, too, everything is checked
        (lambda: sweep_distances(3, None, frozenset()), "parameter units=3 violates"),
    ],
)
def test_what_is_not_is_refused(call, said):
    with pytest.raises(Exception, match=f"(?s){said}"):
        call()
