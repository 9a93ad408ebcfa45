"""When detectors arise: what the experiment finds in one network along its training."""

from collections.abc import Mapping
from typing import Final

import pandas as pd

#: Columns of ``forming``, one row an epoch, layer and action unit; all but ``accuracy`` are those
#: of ``caused``, on the measuring people.
FORMING: Final = ("epoch", "layer", "au", "unit", "wins", "rival", "auroc", "verdict", "accuracy")
#: Types of its columns that a CSV file alone does not give.
TYPES: Final[Mapping[str, str]] = {
    "unit": "Int64",
    **dict.fromkeys(("layer", "au", "rival", "verdict"), "str"),
}
#: Columns of `by_epoch`.
BY_EPOCH: Final = ("epoch", "layer", "accuracy", "wins", "auroc", "caused", "aus")


def forming(epoch: int, caused: pd.DataFrame, accuracy: float) -> pd.DataFrame:
    """Give the rows of one epoch.

    Parameters
    ----------
    epoch
        Number of finished epochs.
    caused
        The table of `facslens.experiments.analysis.Findings`.
    accuracy
        Of the network on the validation part.
    """
    return caused.assign(epoch=epoch, accuracy=accuracy)[list(FORMING)]


def by_epoch(table: pd.DataFrame) -> pd.DataFrame:
    """Summarise ``forming`` over action units.

    Returns
    -------
    pandas.DataFrame
        One row an epoch and layer, in the order of the table: ``accuracy``; ``wins`` and ``auroc``
        as means over action units, NaN where no unit answers; ``caused`` of ``aus`` action units.

    Examples
    --------
    >>> rows = [(0, "conv3", "AU01", 1, 0.25, "AU02", 0.5, "rival", 0.1)]
    >>> rows += [(0, "conv3", "AU02", 1, 0.75, "AU01", 0.75, "caused", 0.1)]
    >>> by_epoch(pd.DataFrame(rows, columns=list(FORMING))).to_numpy().tolist()[0]
    [0, 'conv3', 0.1, 0.5, 0.625, 1, 2]
    """
    grouped = table.assign(caused=table["verdict"] == "caused").groupby(
        ["epoch", "layer"], sort=False
    )
    found = grouped.agg(
        accuracy=("accuracy", "first"),
        wins=("wins", "mean"),
        auroc=("auroc", "mean"),
        caused=("caused", "sum"),
        aus=("au", "size"),
    )
    return found.reset_index()[list(BY_EPOCH)]
