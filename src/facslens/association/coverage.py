"""What can be tested: which action units have enough faces, and which units respond at all."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import pandas as pd
from jaxtyping import Float

from facslens.action_units import ACTION_UNITS
from facslens.association.sample import Sample, Sequences

#: Sequences with the action unit that an association needs at least.
MIN_PRESENT: Final = 10
#: Subjects that it needs at least, both with the action unit and without.
MIN_SUBJECTS: Final = 5

Status = Literal["live", "dead", "constant"]


@dataclass(frozen=True)
class Eligibility:
    """How often an action unit has to occur before it is tested.

    Parameters
    ----------
    present
        Sequences with it; at least one sequence without it is always needed.
    subjects
        Subjects with a sequence that shows it, and subjects with a sequence that does not.
        This is only checked where subjects are known.
    """

    present: int = MIN_PRESENT
    subjects: int = MIN_SUBJECTS


def coverage_table(
    sample: Sample | Sequences, aus: Sequence[str], needed: Eligibility
) -> pd.DataFrame:
    """Count sequences and subjects of every action unit and say whether they suffice.

    Returns
    -------
    pandas.DataFrame
        Columns au, name, n_present, n_absent, subjects_present, subjects_absent (missing
        without subjects), eligible, reason (empty where eligible).

    Examples
    --------
    >>> from facslens.association.sample import make_sample
    >>> sample = make_sample(np.zeros((3, 1)), np.array([[1], [0], [0]]))
    >>> coverage_table(sample, ["AU12"], Eligibility()).loc[0, "reason"]
    '1 sequence with it, needs 10'
    """
    rows = []
    for column, au in enumerate(aus):
        counts = _counts(sample, column)
        reasons = _reasons(counts, needed)
        rows.append(
            {
                "au": au,
                "name": ACTION_UNITS[au].name if au in ACTION_UNITS else "",
                **counts,
                "eligible": not reasons,
                "reason": "; ".join(reasons),
            }
        )
    table = pd.DataFrame(rows)
    subjects = ["subjects_present", "subjects_absent"]
    return table.astype(dict.fromkeys(subjects, "Int64"))


def _counts(sample: Sample | Sequences, column: int) -> dict[str, int | None]:
    counts: dict[str, int | None] = {}
    rows = {"present": sample.labels[:, column] == 1, "absent": sample.labels[:, column] == 0}
    for word, mask in rows.items():
        counts[f"n_{word}"] = int(mask.sum())
    for word, mask in rows.items():
        subjects = None if sample.subject is None else len(np.unique(sample.subject[mask]))
        counts[f"subjects_{word}"] = subjects
    return counts


def _reasons(counts: dict[str, int | None], needed: Eligibility) -> list[str]:
    limits = (
        ("n_present", "sequence", "with it", needed.present),
        ("n_absent", "sequence", "without it", 1),
        ("subjects_present", "subject", "with it", needed.subjects),
        ("subjects_absent", "subject", "without it", needed.subjects),
    )
    reasons = []
    for key, noun, rest, limit in limits:
        found = counts[key]
        if found is not None and found < limit:
            reasons.append(f"{found} {noun}{'' if found == 1 else 's'} {rest}, needs {limit}")
    return reasons


def unit_status(responses: Float[np.ndarray, "sequence unit"]) -> list[Status]:
    """Distinguish live units from those whose response never changes.

    Returns
    -------
    list of str
        ``dead`` where every response is 0, ``constant`` where all are equal up to float32's
        rounding, else ``live``.

    Examples
    --------
    >>> unit_status(np.array([[0.0, 2.0, 1.0], [0.0, 2.0, 3.0]]))
    ['dead', 'constant', 'live']
    """
    largest = np.abs(responses).max(axis=0)
    constant = np.ptp(responses, axis=0) <= 1e-6 * largest
    return [
        "dead" if peak == 0 else "constant" if flat else "live"
        for peak, flat in zip(largest, constant, strict=True)
    ]
