"""Refuse tables whose indexes name other rows than each other's."""

from collections.abc import Mapping

import pandas as pd

from facslens.errors import CallError


def check_rows(given: Mapping[str, object]) -> None:
    """Refuse data frames and series whose indexes name other rows, or the same in another order.

    Inputs are matched by position, so that an index that differs would mix up the images.
    Nothing is reordered: an index is often left over from an earlier table, and then its order
    means nothing. Arrays and lists have no names and are taken as they stand; so is an index
    that merely counts from 0, unless the other index consists of numbers, too.

    Parameters
    ----------
    given
        The inputs, by the name of their argument.

    Raises
    ------
    CallError
        If two indexes differ; it names the first row that one of them lacks.

    Examples
    --------
    >>> check_rows({"labels": pd.Series([1, 0], ["a", "b"]), "subject": pd.Series(["S1", "S2"])})
    """
    indexes = {
        argument: values.index
        for argument, values in given.items()
        if isinstance(values, pd.DataFrame | pd.Series)
    }
    named = {argument: index for argument, index in indexes.items() if not _counts_rows(index)}
    if not named:
        return
    reference, rows = next(iter(named.items()))
    for argument, index in indexes.items():
        nameless = argument not in named and not pd.api.types.is_numeric_dtype(rows.dtype)
        if nameless or index.equals(rows):
            continue
        lacks, has, missing = argument, reference, rows[~rows.isin(index)]
        if not len(missing):
            lacks, has, missing = reference, argument, index[~index.isin(rows)]
        what = (
            f"{lacks} has no row {missing[0]!r}, which {has} has"
            if len(missing)
            else f"{argument} has the rows of {reference} in another order"
        )
        raise CallError(f"{what}: all inputs need the same index, or none")


def _counts_rows(index: pd.Index) -> bool:
    return isinstance(index, pd.RangeIndex) and index.start == 0 and index.step == 1
