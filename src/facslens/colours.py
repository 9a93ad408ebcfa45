"""The colours of all figures: the palette of Okabe and Ito, which common colour vision tells apart.

On a light and on a dark ground alike, `BLUE` and `VERMILION` have a contrast of 3 and more.
"""

from typing import Final

BLUE: Final = "#0072b2"
VERMILION: Final = "#d55e00"
GREEN: Final = "#009e73"
PURPLE: Final = "#cc79a7"
#: What stands beside and is not to stand out.
GREY: Final = "#8b8d94"
#: Colours of lines that stand side by side, in this order.
SERIES: Final = (BLUE, VERMILION, GREEN, PURPLE)


def rgb(colour: str) -> tuple[int, int, int]:
    """Give a colour as red, green and blue, 0 to 255.

    Examples
    --------
    >>> rgb(BLUE)
    (0, 114, 178)
    """
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)
