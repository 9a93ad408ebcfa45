"""How projections show themselves in a notebook."""

import io
from typing import TYPE_CHECKING, Final

from PIL import Image

from facslens.notebook import Html, card, figure, line
from facslens.projection.windows import crop, to_grey

if TYPE_CHECKING:
    from facslens.projection.deconvnet import Projections

#: Projections that are shown at most; each is a picture in the notebook's file.
SHOWN: Final = 24
#: Width of a picture on the screen.
_WIDTH: Final = 160


def projections_html(found: "Projections") -> str:
    """Show each projection within what its response sees, the mean over its channels."""
    n = len(found.image)
    more = f"first {SHOWN} of {n} projections" if n > SHOWN else f"{n} projection{'s' * (n != 1)}"
    return card(
        more[0].upper() + more[1:],
        {"silent:": int(found.silent.sum()) or "", "no rule for:": ", ".join(found.notes)},
        *(_shown(found, row) for row in range(min(n, SHOWN))),
        line(
            "Grey is 0. Such pictures recover the edges of an image whatever the weights are: they "
            "illustrate, and prove nothing."
        ),
    )


def _shown(found: "Projections", row: int) -> Html:
    if found.silent[row]:
        return line(f"Projection {row}: the unit does not fire.")
    top, left, bottom, right = (int(edge) for edge in found.window[row])
    stream = io.BytesIO()
    picture = to_grey(crop(found.image[row].mean(axis=0), found.window[row]))
    Image.fromarray(picture).save(stream, "PNG")
    y, x = (int(place) for place in found.location[row])
    caption = (
        f"response {found.response[row]:.2f} at row {y}, column {x}; it sees the pixels of rows "
        f"{top} to {bottom - 1} and columns {left} to {right - 1}"
    )
    return figure(stream.getvalue(), caption, _WIDTH)
