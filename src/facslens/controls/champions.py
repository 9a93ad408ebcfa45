"""The best candidate for every action unit, chosen and measured as in the mapping."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from jaxtyping import Float

from facslens.association.confirmation.compare import compare
from facslens.association.coverage import Eligibility, coverage_table, unit_status
from facslens.association.discovery.associate import associate
from facslens.association.discovery.mapping import AU_TO_UNIT, firsts, make_mapping
from facslens.association.distances.table import DEFAULT
from facslens.association.sample import make_sample
from facslens.datasets.base import Faces
from facslens.errors import CallError
from facslens.runs.tables import TYPES
from facslens.statistics import ALPHA, RESAMPLES

#: A level of p_maxT that accepts every pair, to rank pairs without the test.
_ANY: Final = 2.0
#: Columns of `compare_champions`, in order.
COLUMNS: Final = (
    "control", "layer", "au", "unit", "accepted", "confirmed", "auroc", "auroc_test",
    "seeds", "control_unit", "control_accepted", "control_confirmed", "control_auroc",
    "control_auroc_test", "difference", "difference_low", "difference_high",
    "n_test_present", "n_test_absent", "n_redrawn", "status",
)  # fmt: skip


@dataclass(frozen=True)
class ComparisonDesign:
    """The faces and the rule by which candidates are chosen.

    Parameters
    ----------
    discovery
        Faces of the subjects on whom candidates are chosen.
    confirmation
        Faces of other subjects; if empty, nothing is confirmed.
    distance
        The distance by which candidates are ranked.
    permutations
        Permutations of the test.
    seed
        Of the permutations, and of the resampling of subjects.
    alpha
        Level of max-T p below which a choice is accepted.
    """

    discovery: Faces
    confirmation: Faces
    distance: str = DEFAULT
    permutations: int = 1000
    seed: int = 0
    alpha: float = ALPHA

    def __post_init__(self) -> None:
        if not self.discovery.aus:
            raise CallError(
                f"discovery has no action unit labels ({self.discovery.name}): add them"
            )


@dataclass(frozen=True)
class Units:
    """The values of candidates, one column each, for the faces of both parts.

    Parameters
    ----------
    discovery, confirmation
        (image, unit), finite, in the order of the faces.
    """

    discovery: Float[np.ndarray, "discovery unit"]
    confirmation: Float[np.ndarray, "confirmation unit"]


@dataclass(frozen=True)
class Champions:
    """The best candidate for every action unit.

    Parameters
    ----------
    table
        One row per action unit of the faces: au, unit (missing if there is none), auroc (in
        discovery), accepted (by the mapping's test; missing if nothing was tested).
    response
        (sequence, au): its responses to the confirmation sequences, in the order of their
        names; NaN if there is no candidate.
    """

    table: pd.DataFrame
    response: Float[np.ndarray, "sequence au"]


def champions(units: Units, design: ComparisonDesign) -> Champions:
    """Choose the best candidate for every action unit, by the rule of the mapping.

    It is the candidate with the largest z among those with an AUROC above ½ in discovery. It is
    chosen even if the mapping's test does not accept it, so that there is something to compare
    with; ``accepted`` says whether the test does.

    Returns
    -------
    Champions
        An action unit that is too rare has no candidate; if no candidate is live, none has.
    """
    faces = design.discovery
    aus = list(faces.aus)
    sample = make_sample(units.discovery, faces.table[aus], **_columns(faces))
    live = np.flatnonzero(np.array(unit_status(sample.responses)) == "live")
    eligible = bool(coverage_table(sample, aus, Eligibility())["eligible"].any())
    table = pd.DataFrame({"au": aus})
    best = pd.DataFrame(columns=["au", "unit", "auroc", "p_maxT"])
    if eligible and len(live):
        found = associate(
            units.discovery[:, live],
            faces.table[aus],
            sequence=faces.table["sequence"],
            subject=faces.table["subject"],
            units=live.tolist(),
            distance=design.distance,
            permutations=design.permutations,
            seed=design.seed,
        )
        mapping = make_mapping(found.table, found.effects, alpha=_ANY)
        best = firsts(mapping, AU_TO_UNIT)
    table = table.merge(best[["au", "unit", "auroc", "p_maxT"]], on="au", how="left")
    accepted = (table["p_maxT"] < design.alpha).astype("boolean").mask(table["p_maxT"].isna())
    table = table.assign(accepted=accepted).astype({"unit": "Int64", "auroc": "float64"})
    responses = confirmation_rows(units.confirmation, design.confirmation)
    chosen = np.full((len(responses), len(aus)), np.nan)
    for column, unit in enumerate(table["unit"]):
        if not pd.isna(unit):
            chosen[:, column] = responses[:, int(unit)]
    return Champions(table[["au", "unit", "auroc", "accepted"]], chosen)


def confirmation_rows(
    responses: Float[np.ndarray, "image unit"], faces: Faces
) -> Float[np.ndarray, "sequence unit"]:
    """Average responses over sequences; without faces there are no rows."""
    if len(faces) == 0:
        return np.zeros((0, responses.shape[1]))
    return make_sample(responses, faces.table[list(faces.aus)], **_columns(faces)).responses


def compare_champions(
    trained: Champions,
    others: Sequence[Champions],
    design: ComparisonDesign,
    *,
    control: str,
    layer: str,
    resamples: int = RESAMPLES,
) -> pd.DataFrame:
    """Measure by how much the trained network's choices exceed those of a control.

    Parameters
    ----------
    trained
        The choices among the trained network's units.
    others
        The control's choices: one, or one per seed, which are averaged.
    design
        The design by which all of them were chosen.
    control, layer
        Their names in the table.
    resamples
        Number of bootstrap samples of the subjects.

    Returns
    -------
    pandas.DataFrame
        One row per action unit, with the columns of `COLUMNS`. ``confirmed`` means accepted,
        and the interval of the AUROC on the confirmation subjects lies above ½. ``seeds``
        counts the seeds with a defined AUROC; ``control_accepted`` and ``control_confirmed``
        count over seeds, ``control_auroc`` and ``control_auroc_test`` are means over them,
        and ``control_unit`` is given if there is one seed. ``difference`` is ``auroc_test −
        control_auroc_test`` with a paired interval over subjects, and ``status`` its verdict;
        see `facslens.association.confirmation.compare.Comparison`.

    Raises
    ------
    CallError
        If `others` is empty.
    """
    if not others:
        raise CallError(f"others is empty: the control {control!r} needs at least one seed")
    faces = design.confirmation
    labels, subject = np.zeros((0, len(design.discovery.aus))), np.zeros(0, dtype=np.intp)
    if len(faces):
        values = faces.table[list(design.discovery.aus)]
        sample = make_sample(np.zeros((len(faces), 1)), values, **_columns(faces))
        assert sample.subject is not None  # `_columns` asks for it
        labels, subject = sample.labels, sample.subject
    rows = []
    for column, own in enumerate(trained.table.to_dict("records")):
        found = compare(
            trained.response[:, column],
            np.column_stack([other.response[:, column] for other in others]),
            labels[:, column],
            subject,
            resamples=resamples,
            seed=design.seed,
        )
        of_control = pd.DataFrame([other.table.iloc[column] for other in others])
        accepted = of_control["accepted"].fillna(False).to_numpy(dtype=bool)
        tested = of_control["accepted"].notna().any()
        rows.append(
            {
                "control": control,
                "layer": layer,
                "au": own["au"],
                "unit": own["unit"],
                "accepted": own["accepted"],
                "confirmed": not pd.isna(own["accepted"]) and own["accepted"] and found.low > 0.5,
                "auroc": own["auroc"],
                "auroc_test": found.auroc,
                "seeds": found.n_others,
                "control_unit": of_control["unit"].iloc[0] if len(others) == 1 else pd.NA,
                "control_accepted": accepted.sum() if tested else pd.NA,
                "control_confirmed": (accepted & (found.others_low > 0.5)).sum()
                if tested
                else pd.NA,
                "control_auroc": of_control["auroc"].astype("float64").mean(),
                "control_auroc_test": found.others,
                "difference": found.difference,
                "difference_low": found.difference_low,
                "difference_high": found.difference_high,
                "n_test_present": found.n_present,
                "n_test_absent": found.n_absent,
                "n_redrawn": found.n_redrawn,
                "status": found.verdict,
            }
        )
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype(TYPES["verify/controls.csv"])


def _columns(faces: Faces) -> dict[str, pd.Series]:
    return {"sequence": faces.table["sequence"], "subject": faces.table["subject"]}
