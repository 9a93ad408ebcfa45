"""Labels that contradict one another, whatever layout they came from."""

import pandas as pd

from facslens.datasets.defects import Defect, few


def without_conflicts(rows: pd.DataFrame, source: str, defects: list[Defect]) -> pd.DataFrame:
    """Report sequences of two subjects and subjects in two splits; those become unknown."""
    for group, owner in (("sequence", "subject"), ("subject", "split")):
        if group not in rows.columns or owner not in rows.columns:
            continue
        owners = rows.groupby(group)[owner].nunique(dropna=group != "sequence")
        names = owners.index[owners > 1]
        if not len(names):
            continue
        first, *others = names
        message = f"the {group} {first!r} has two {owner}s in {source}: expected one"
        if others:
            message += f"; {len(others)} more like it: {few(map(repr, others))}"
        defects.append(Defect("labels disagree", str(first), message))
        blank = "sequence" if group == "sequence" else "split"
        rows.loc[rows[group].isin(names), blank] = None
    return rows


def check_split(split: pd.Series, source: str, defects: list[Defect]) -> None:
    """Report a split that only some of the faces have."""
    unknown = int(split.isna().sum())
    if 0 < unknown < len(split):
        said = few(sorted(split.dropna().unique()), 8)
        message = (
            f"{unknown} of {len(split)} faces of {source} are in no split, the others in {said}: "
            f"expected all of them, or none"
        )
        defects.append(Defect("split", source, message))
