"""Names in text: joined as a sentence does, and such as every terminal, format and table holds."""

import re
from collections.abc import Sequence
from typing import Final

# The sign for what cannot be shown; it stands before what is written in its place.
_SIGN: Final = "\ufffd"
# What no UTF-8 text may hold (surrogates), what moves a terminal's cursor or changes its colours
# (control characters), and what ends a line.
_UNSAFE: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffd]")


def printable(name: object) -> str:
    r"""Give a name as text that can be printed, and written as UTF-8, JSON and Parquet.

    On Linux the name of a file is any string of bytes; Python keeps those that are not UTF-8 as
    surrogates, which no file format takes. A name may also hold line ends and escape sequences,
    which a terminal would obey.

    Parameters
    ----------
    name
        A name or path.

    Returns
    -------
    str
        The same text, where a byte that is not UTF-8 and a control character are written as the
        sign � and two hexadecimal digits, a line separator and a lone surrogate as �u and four,
        and the sign itself twice. Different names stay different.

    Examples
    --------
    >>> printable("caf\udce9.png"), printable("a\x1b[2J.png"), printable("plain.png")
    ('caf�E9.png', 'a�1B[2J.png', 'plain.png')
    """
    return _UNSAFE.sub(_written, str(name))


def one_line(sentence: str) -> str:
    r"""Make a sentence printable that may hold names; names that are printable already stay.

    Examples
    --------
    >>> one_line("caf\udce9.png is a folder"), one_line(printable("caf\udce9.png is a folder"))
    ('caf�E9.png is a folder', 'caf�E9.png is a folder')
    """
    return _UNSAFE.sub(lambda match: match[0] if match[0] == _SIGN else _written(match), sentence)


def listed(names: Sequence[str], last: str = "and") -> str:
    """Join names as a sentence does.

    Examples
    --------
    >>> listed(["a"]), listed(["a", "b", "c"]), listed(["a", "b"], "or")
    ('a', 'a, b and c', 'a or b')
    """
    return f" {last} ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


def _written(match: re.Match[str]) -> str:
    code = ord(match[0])
    if match[0] == _SIGN:
        return _SIGN + _SIGN
    if 0xDC80 <= code <= 0xDCFF:  # how Python keeps a byte that is not UTF-8
        return f"{_SIGN}{code - 0xDC00:02X}"
    # Two digits from 80 on are such a byte, so that the control characters there have four.
    return f"{_SIGN}{code:02X}" if code < 0x80 else f"{_SIGN}u{code:04X}"
