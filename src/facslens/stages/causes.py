"""What ablation shows for each action unit: its expression, p corrected over AUs, the verdict."""

import numpy as np
import pandas as pd

from facslens.association.discovery.correction import benjamini_hochberg
from facslens.association.verdicts import Cause, Effect, verdict_table
from facslens.datasets.base import Faces, is_neutral
from facslens.datasets.splits import DISCOVERY
from facslens.runs.record import RunRecord
from facslens.runs.selection import of_rule

#: The mode of ablation that the verdicts report.
_MODE = "zero"


def related_expressions(faces: Faces) -> dict[str, tuple[str, float]]:
    """Give for each action unit the expression that shows it most often, and how often.

    Counted over the sequences of the discovery subjects, without neutral faces. Only the labels
    are used; of equally frequent expressions the first in alphabetical order is taken.
    """
    table = faces.part(*DISCOVERY).table
    table = table[table["expression"].notna() & ~is_neutral(table)]
    sequence = table["sequence"].fillna(table["image"])
    peaks = table.groupby([sequence, "expression"])[list(faces.aus)].max()
    shown = peaks.groupby("expression").mean()
    found = {}
    for au in faces.aus:
        share = shown[au].dropna()
        if len(share) and share.max() > 0:
            found[au] = (str(share.idxmax()), float(share.max()))
    return found


def corrected(ablation: pd.DataFrame, faces: Faces) -> pd.DataFrame:
    """Mark each action unit's own expression in an ablation, and correct p over the AUs.

    Parameters
    ----------
    ablation
        As `facslens.causal.ablation.ablation_table` gives it.
    faces
        All faces of the run.

    Returns
    -------
    pandas.DataFrame
        With four more columns: ``related``, whether the expression is the one that shows the
        AU most often in discovery; ``share``, the share of its sequences that show the AU;
        ``q_score`` and ``q_accuracy``, Benjamini–Hochberg's q over the AUs, separately for
        each action and mode. q is NaN where the row is not the AU's own expression, or was
        not tested.

    Examples
    --------
    >>> corrected(ablation, faces).columns[-4:]  # doctest: +SKIP
    Index(['related', 'share', 'q_score', 'q_accuracy'], dtype='object')
    """
    own = related_expressions(faces)
    related = np.array(
        [
            own.get(au, ("",))[0] == expression
            for au, expression in zip(ablation["au"], ablation["expression"], strict=True)
        ],
        dtype=bool,
    )
    table = ablation.assign(
        related=related,
        share=[own[au][1] if au in own else np.nan for au in ablation["au"]],
        q_score=np.nan,
        q_accuracy=np.nan,
    )
    for _, rows in table[related & (table["status"] == "tested")].groupby(["action", "mode"]):
        for name in ("score", "accuracy"):
            p = rows[f"p_{name}"].to_numpy(dtype=np.float64)
            table.loc[rows.index, f"q_{name}"] = benjamini_hochberg(p)
    return table


def causes_of(ablation: pd.DataFrame, layer: str) -> dict[str, Cause]:
    """Give how ablation changes the score of each action unit's expression, in one layer."""
    rows = ablation[
        ablation["related"]
        & (ablation["layer"] == layer)
        & (ablation["action"] == "ablate")
        & (ablation["mode"] == _MODE)
        & (ablation["status"] == "tested")
    ]
    return {
        str(row["au"]): Cause(
            expression=str(row["expression"]),
            units=int(row["n_units"]),
            change=float(row["score_change"]),
            others=float(row["score_null_mean"]),
            q=float(row["q_score"]),
            misread=-float(row["accuracy_change"]),
        )
        for row in rows.to_dict("records")
    }


def effects_of(controls: pd.DataFrame, layer: str) -> dict[str, Effect]:
    """Give how far each action unit's unit exceeds untrained networks, in one layer."""
    rows = controls[(controls["control"] == "untrained") & (controls["layer"] == layer)]
    return {
        str(row["au"]): Effect(
            float(row["difference"]), float(row["difference_low"]), float(row["difference_high"])
        )
        for row in rows.dropna(subset=["unit"]).to_dict("records")
    }


def verified_verdicts(record: RunRecord) -> pd.DataFrame:
    """Add the results of the controls and the ablation to the verdicts of a run.

    Only checks that were made are added; verdicts of other layers stay as they are.
    """
    controls, ablation = (
        record.check(name) if record.has(f"verify/{name}.csv") else None
        for name in ("controls", "ablation")
    )
    return pd.concat(
        [
            verdict_table(
                of_rule(record.mapping),
                record.coverage,
                record.confounds,
                layer,
                control={} if controls is None else effects_of(controls, layer),
                cause={} if ablation is None else causes_of(ablation, layer),
            )
            for layer in record.responses.layers
        ],
        ignore_index=True,
    )
