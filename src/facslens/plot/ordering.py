"""The order in which units stand side by side."""

import numpy as np
import pandas as pd


def by_preference(auroc: pd.DataFrame) -> list[int]:
    """Order units by the action unit of their largest AUROC, the largest first.

    Parameters
    ----------
    auroc
        One row a unit, one column an action unit.

    Examples
    --------
    >>> by_preference(pd.DataFrame({"AU01": [0.9, 0.2, 0.95], "AU12": [0.1, 0.7, 0.3]}))
    [2, 0, 1]
    """
    if auroc.empty:
        return []
    values = auroc.to_numpy(dtype=float, na_value=np.nan)
    filled = np.where(np.isnan(values), -np.inf, values)
    favourite, height = filled.argmax(axis=1), filled.max(axis=1)
    return [int(auroc.index[i]) for i in np.lexsort((-height, favourite))]
