"""The palette can be told apart by every common kind of colour vision, on both grounds.

Colour vision is simulated after Machado, Oliveira and Fernandes (2009), with their matrices for
severity 1, which apply to linear RGB; differences are CIE 1976 ΔE, of which about 2.3 is just seen.
"""

from itertools import combinations

import numpy as np
import pytest

from facslens.colours import BLUE, GREEN, GREY, PURPLE, SERIES, VERMILION, rgb
from facslens.plot.style import SIGNED

VISION = {
    "normal": np.eye(3),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216],
         [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413],
         [-0.011820, 0.042940, 0.968881]]
    ),
    "tritanopia": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602],
         [0.004733, 0.691367, 0.303900]]
    ),
}  # fmt: skip


def linear(colour: np.ndarray) -> np.ndarray:
    """From sRGB, 0 to 1, to linear RGB."""
    return np.where(colour <= 0.04045, colour / 12.92, ((colour + 0.055) / 1.055) ** 2.4)


def luminance(colour: np.ndarray) -> float:
    return float(linear(colour) @ [0.2126, 0.7152, 0.0722])


def lab(colour: np.ndarray, vision: str = "normal") -> np.ndarray:
    """CIE L*a*b* under D65 of a colour, as an eye of that vision sees it."""
    seen = np.clip(VISION[vision] @ linear(colour), 0, 1)
    to_xyz = np.array(
        [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750],
         [0.0193339, 0.1191920, 0.9503041]]
    )  # fmt: skip
    ratio = to_xyz @ seen / (to_xyz @ np.ones(3))
    f = np.where(ratio > (6 / 29) ** 3, np.cbrt(ratio), ratio / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def share(colour: str) -> np.ndarray:
    return np.array(rgb(colour)) / 255


def test_it_is_the_palette_of_okabe_and_ito() -> None:
    assert [rgb(c) for c in (BLUE, VERMILION, GREEN, PURPLE)] == [
        (0, 114, 178), (213, 94, 0), (0, 158, 115), (204, 121, 167),
    ]  # fmt: skip


def test_white_and_red_are_where_the_literature_puts_them() -> None:
    np.testing.assert_allclose(lab(np.ones(3)), [100, 0, 0], atol=0.01)
    # sRGB's red under D65
    np.testing.assert_allclose(lab(np.array([1.0, 0, 0])), [53.24, 80.09, 67.20], atol=0.02)


@pytest.mark.parametrize("vision", VISION)
def test_lines_side_by_side_can_be_told_apart(vision: str) -> None:
    assert len(set(SERIES)) == 4
    pairs = [(*pair, 16) for pair in combinations(SERIES, 2)]  # seven times what is just seen
    # grey lines beside colours are dashed or thin, too; none stands beside purple
    pairs += [(colour, GREY, 8) for colour in SERIES[:3]]
    for one, other, least in pairs:
        apart = np.linalg.norm(lab(share(one), vision) - lab(share(other), vision))
        assert apart > least, (one, other, apart)


@pytest.mark.parametrize("vision", VISION)
def test_the_two_arms_of_the_signed_scale_stay_two(vision: str) -> None:
    """Their hues differ wherever their lightness is equal, and lightness falls along each."""
    steps = np.linspace(0, 1, 41)
    low, high = (np.array([lab(np.array(SIGNED(v)[:3]), vision) for v in arm])
                 for arm in (0.5 - steps / 2, 0.5 + steps / 2))  # fmt: skip
    for arm in (low, high):
        assert (np.diff(arm[:, 0]) < 0).all()
        assert arm[0, 0] > 99
        assert arm[-1, 0] < 62
    apart = np.linalg.norm(low - high, axis=1)
    assert (np.diff(apart) > -0.2).all()  # simulated colours beyond the gamut are clipped
    assert apart[-1] > 60


@pytest.mark.parametrize("ground", ["#ffffff", "#111111"])
def test_marks_of_a_notebook_are_seen_on_a_light_and_on_a_dark_ground(ground: str) -> None:
    """WCAG's contrast of 3 for what is no text."""
    for mark in (BLUE, VERMILION, GREY):
        one, other = sorted((luminance(share(mark)), luminance(share(ground))))
        assert (other + 0.05) / (one + 0.05) >= 3, (mark, ground)
