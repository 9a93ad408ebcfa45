import json

import pytest

from facslens.errors import DataError
from facslens.names import one_line, printable


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("plain é.png", "plain é.png"),
        ("caf\udce9.png", "caf�E9.png"),
        ("a\nb\x1b[2J", "a�0Ab�1B[2J"),
        ("a\x9b2J", "a�u009B2J"),
        ("a\ud800b", "a�uD800b"),
        ("a\u2028b", "a�u2028b"),
        ("a�E9", "a��E9"),
    ],
)
def test_names_become_text_that_every_format_takes(name, text):
    assert printable(name) == text
    assert json.loads(json.dumps(text, ensure_ascii=False).encode()) == text


def test_different_names_stay_different():
    names = ["a\udce9", "a�E9", "a��E9", "a\u00e9", "a\x9b", "a\udc9b", "a�u009B", "a\ud800", "a�"]
    assert len({printable(name) for name in names}) == len(names)


def test_a_sentence_is_made_printable_once():
    assert one_line(one_line("caf\udce9")) == "caf�E9"
    assert str(DataError("the image caf\udce9\x1b.png is a folder")) == (
        "the image caf�E9�1B.png is a folder"
    )
