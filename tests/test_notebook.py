"""What a notebook shows is escaped, complete in itself, and small."""

import base64
import math
import re
from html.parser import HTMLParser

from facslens.colours import BLUE, GREY
from facslens.notebook import Html, card, estimate, figure, folded, line, table

HOSTILE = '</div><script>alert(1)</script><img src=x onerror="alert(2)">'


class Tags(HTMLParser):
    """Collects what a browser would make of it; every tag has to be closed in its turn."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.names: list[str] = []
        self.handlers: list[str] = []
        self.sources: list[str] = []
        self.words: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.append(tag)
        self.handlers += [name for name, _ in attrs if name.startswith("on")]
        self.sources += [value or "" for name, value in attrs if name in ("src", "href")]
        if tag != "img":
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def test_every_text_is_escaped() -> None:
    shown = card(
        HOSTILE,
        {HOSTILE: HOSTILE},
        line(HOSTILE),
        folded(HOSTILE, table([HOSTILE], [[HOSTILE]])),
        figure(b"png", HOSTILE, 160),
    )
    found = Tags(shown)
    assert "script" not in found.names
    assert found.handlers == []
    assert found.names.count("img") == 1
    assert found.sources == [f"data:image/png;base64,{base64.b64encode(b'png').decode()}"]
    assert "".join(found.words).count("alert(1)") == 8


def test_html_is_not_escaped_twice_and_nothing_empty_is_said() -> None:
    shown = card("run", {"seed:": 0, "nothing:": "", "none:": None}, Html("<b>bold</b>"))
    assert "<b>bold</b>" in shown
    assert '<div class="facts">seed: 0</div>' in shown


def test_a_mark_lies_where_its_number_says() -> None:
    shown = estimate(0.5, 0.25, 1.0)
    assert 'cx="45.0"' in shown  # the axis is 90 wide
    assert 'x1="22.5" x2="90.0"' in shown
    assert "0.50 (0.25–1.00)" in shown
    assert BLUE in shown
    assert GREY in estimate(0.5, 0.25, 1.0, strong=False)
    assert estimate(0.5, math.nan, math.nan).count("<line") == 2  # the axis and the half


def test_it_takes_the_notebook_s_own_colours_and_loads_nothing() -> None:
    shown = card("run", {})
    style = re.search("<style>(.*)</style>", shown)[1]
    assert not re.search(r"(?<![-\w])(color|background):(?!inherit|none)", style)
    assert all(rule.strip().startswith(".facslens") for rule in style.split("}") if rule)
    assert "url(" not in shown
    assert "http" not in shown
    assert len(shown) < 1500
