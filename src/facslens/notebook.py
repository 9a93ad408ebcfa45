"""HTML by which results show themselves in a notebook: small, complete in itself, and escaped.

Words and lines take the notebook's own colour, so that they can be read on a light and on a dark
ground; marks are of `facslens.colours`, which have a contrast of 3 and more on both. There is no
script, and nothing is loaded.
"""

import base64
import math
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Final

from facslens.colours import BLUE, GREY

# The class stands twice where Jupyter's own style of tables has to be outweighed.
_STYLE: Final = (
    ".facslens{font-size:13px;line-height:1.5;max-width:60em}"
    ".facslens .title{font-weight:600;font-size:15px}"
    ".facslens .facts{opacity:.75;margin:.1em 0 .6em}"
    ".facslens table{border-collapse:collapse;margin:.3em 0;font-size:inherit;color:inherit;"
    "font-variant-numeric:tabular-nums}"
    ".facslens.facslens td,.facslens.facslens th{text-align:left;padding:.15em .9em .15em 0;"
    "border-bottom:1px solid rgba(128,128,128,.35);background:none;vertical-align:middle}"
    ".facslens.facslens th{font-weight:400;opacity:.75}"
    ".facslens figure{display:inline-block;margin:.3em .8em .3em 0}"
    ".facslens figcaption{opacity:.75;font-size:12px}"
    ".facslens img{image-rendering:pixelated;display:block}"
    ".facslens summary{cursor:pointer}"
)


class Html(str):
    """Text that is HTML already, and is not escaped again."""

    __slots__ = ()


def card(title: str, facts: Mapping[str, object], *parts: Html) -> str:
    """Give what a notebook shows: a title, facts in one line, and parts below.

    Examples
    --------
    >>> shown = card("<run>", {"seed": 3})
    >>> "&lt;run&gt;" in shown and "seed 3" in shown
    True
    """
    said = " · ".join(f"{name} {value}" for name, value in facts.items() if value not in ("", None))
    return (
        f'<div class="facslens"><style>{_STYLE}</style><div class="title">{escape(title)}</div>'
        f'<div class="facts">{escape(said)}</div>{"".join(parts)}</div>'
    )


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> Html:
    """Give a table; a cell that is `Html` is taken as it is, and every other one is escaped.

    Examples
    --------
    >>> print(table(["a"], [["1 < 2"]]))
    <table><thead><tr><th>a</th></tr></thead><tbody><tr><td>1 &lt; 2</td></tr></tbody></table>
    """
    names = "".join(f"<th>{escape(name)}</th>" for name in head)
    body = "".join(f"<tr>{''.join(f'<td>{_cell(v)}</td>' for v in row)}</tr>" for row in rows)
    return Html(f"<table><thead><tr>{names}</tr></thead><tbody>{body}</tbody></table>")


def line(text: str) -> Html:
    """Give a sentence as a line of its own."""
    return Html(f"<div>{escape(text)}</div>")


def folded(summary: str, *parts: Html) -> Html:
    """Give parts that are shown when somebody asks for them."""
    return Html(f"<details><summary>{escape(summary)}</summary>{''.join(parts)}</details>")


def figure(png: bytes, caption: str, width: int) -> Html:
    """Give a picture with a caption, as wide as that in pixels."""
    data = base64.b64encode(png).decode()
    return Html(
        f'<figure><img src="data:image/png;base64,{data}" width="{width}" alt="{escape(caption)}">'
        f"<figcaption>{escape(caption)}</figcaption></figure>"
    )


def estimate(value: float, low: float, high: float, *, strong: bool = True) -> Html:
    """Give a number from 0 to 1 as a mark with its interval, the half marked, and in digits.

    Examples
    --------
    >>> print(estimate(float("nan"), 0.0, 1.0))
    –
    """
    if math.isnan(value):
        return Html("–")
    colour, known = BLUE if strong else GREY, not math.isnan(low)
    span = (
        f'<line x1="{90 * low:.1f}" x2="{90 * high:.1f}" y1="6" y2="6" stroke="{colour}" '
        f'stroke-width="2"/>'
        if known
        else ""
    )
    said = f"{value:.2f}" + (f" ({low:.2f}–{high:.2f})" if known else "")
    return Html(
        f'<span style="white-space:nowrap"><svg width="92" height="12" role="img" '
        f'aria-label="{said}" style="vertical-align:middle">'
        f'<line x1="0" x2="90" y1="6" y2="6" stroke="currentColor" stroke-opacity=".25"/>'
        f'<line x1="45" x2="45" y1="1" y2="11" stroke="currentColor" stroke-opacity=".5"/>{span}'
        f'<circle cx="{90 * value:.1f}" cy="6" r="3.5" fill="{colour}"/></svg> {said}</span>'
    )


def number(value: float | None, places: int = 2) -> str:
    """Write a number; a dash where there is none.

    Examples
    --------
    >>> number(0.5), number(float("nan")), number(None)
    ('0.50', '–', '–')
    """
    return "–" if value is None or math.isnan(value) else f"{value:.{places}f}"


def _cell(value: object) -> str:
    return value if isinstance(value, Html) else escape(str(value))
