"""Text that other programs wrote: its encoding, and what separates the cells of a table."""

import re
from typing import Final

_FORMATS: Final = {
    b"PK\x03\x04": "an Excel workbook or another zip archive",
    b"\xd0\xcf\x11\xe0": "an Excel workbook of before 2007",
    b"PAR1": "a Parquet file",
    b"\x1f\x8b": "a gzip archive",
}
_SEPARATORS: Final = ",;\t"
#: The first line of a log of FaceReader, and what tells the header of its table.
_LOG: Final = re.compile(r"[^\n\t]*detailed log[\t ]*\r?\n", re.IGNORECASE)
_LOGGED: Final = re.compile(r"^[^\n]*\t(?:Neutral|Action Unit \d\d - )", re.MULTILINE)


def decoded(content: bytes) -> str:
    """Decode text in UTF-8 or UTF-16, with or without the mark at its begin.

    Raises
    ------
    ValueError
        If it is none. Its text says what it is instead, as part of a sentence.
    """
    for begin, name in _FORMATS.items():
        if content.startswith(begin):
            raise ValueError(f"it is {name}, to be saved as CSV in UTF-8")
    encoding = _encoding(content)
    if encoding == "utf-8-sig" and b"\0" in content:
        raise ValueError("it holds zero bytes, as no text does")
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        byte = content[error.start]
        raise ValueError(f"its line {line} is in another encoding (byte 0x{byte:02X})") from error


def _encoding(content: bytes) -> str:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    # Four letters of ASCII in UTF-16 without a mark.
    if len(content) >= 8 and 0 not in content[0:8:2] and not any(content[1:8:2]):
        return "utf-16-le"
    if len(content) >= 8 and 0 not in content[1:8:2] and not any(content[0:8:2]):
        return "utf-16-be"
    return "utf-8-sig"


def separated(text: str) -> tuple[str, str, int]:
    r"""Find what separates the cells of a table.

    Parameters
    ----------
    text
        The table. Its first line may be ``sep=;``, which spreadsheets take for the separator and
        do not count as a row. What FaceReader writes above its table is passed over.

    Returns
    -------
    (str, str, int)
        The separator: the one said, else that of comma, semicolon and tab which occurs most often
        in the first line that is not blank, outside of quotation marks; the text from that line
        on; and how many lines stand before it.

    Examples
    --------
    >>> separated("\npath;AU12,5;x\n"), separated("sep=;\npath,x\n")
    ((';', 'path;AU12,5;x\n', 1), (';', 'path,x\n', 0))
    """
    separator = ""
    if "\n" not in text:  # as spreadsheets of old Macintoshes ended lines
        text = text.replace("\r", "\n")
    first, _, rest = text.partition("\n")
    if first.lower().startswith("sep=") and len(first.rstrip("\r\n")) == len("sep=") + 1:
        separator, text = first[4], rest
    table = text.lstrip(" \r\n")
    table = text[text.rfind("\n", 0, len(text) - len(table)) + 1 :]
    if _LOG.match(table) and (logged := _LOGGED.search(table)):
        table = table[logged.start() :]
    blank = text[: len(text) - len(table)].count("\n")
    if not separator:
        header = "".join(table.partition("\n")[0].split('"')[::2])
        separator = max(_SEPARATORS, key=header.count)
    return separator, table, blank
