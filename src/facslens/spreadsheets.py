"""Write text cells so that no spreadsheet program runs them as formulas."""

from typing import TYPE_CHECKING, Final, TypeVar

if TYPE_CHECKING:  # single cells need no pandas, for which a prediction would wait
    import pandas as pd

T = TypeVar("T")

#: What a formula may begin with in a common spreadsheet program.
_BEGINS: Final = ("=", "+", "-", "@", "\t", "\r")


def defused_cell(cell: T) -> T | str:
    """Put an apostrophe before a text that a spreadsheet program would run as a formula.

    Parameters
    ----------
    cell
        Any value. Only a text that begins with ``=``, ``+``, ``-``, ``@``, a tab or a carriage
        return is changed, and not if it is a number.

    Examples
    --------
    >>> defused_cell("=HYPERLINK(1)"), defused_cell("-0.5"), defused_cell(-0.5), defused_cell("a=1")
    ("'=HYPERLINK(1)", '-0.5', -0.5, 'a=1')
    """
    if not isinstance(cell, str) or not cell.startswith(_BEGINS):
        return cell
    try:
        float(cell)
    except ValueError:
        return f"'{cell}"
    return cell


def defused(table: "pd.DataFrame") -> "pd.DataFrame":
    """Apply `defused_cell` to the texts of a table; numbers stay as they are.

    A file name may begin with ``=``; opened in a spreadsheet program, the table would run it as a
    formula.

    Examples
    --------
    >>> import pandas as pd
    >>> defused(pd.DataFrame({"image": ["@a.png", "b.png"], "response": [-1.5, 2.0]}))
         image  response
    0  '@a.png      -1.5
    1    b.png       2.0
    """
    import pandas as pd

    found = table.copy()
    for name, kind in table.dtypes.items():
        if pd.api.types.is_numeric_dtype(kind) or pd.api.types.is_datetime64_any_dtype(kind):
            continue
        cells = table[name].astype(object)
        if any(isinstance(cell, str) and cell.startswith(_BEGINS) for cell in cells):
            found[name] = cells.map(defused_cell)
    return found
