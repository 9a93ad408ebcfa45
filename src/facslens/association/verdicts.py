"""What was found about an action unit, in sentences that a reader without statistics understands.

Pure functions from numbers to words. "No" and "not enough data" are ordinary outcomes.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Final, Literal

import pandas as pd

from facslens.action_units import ACTION_UNITS
from facslens.association.coverage import MIN_PRESENT
from facslens.association.discovery.mapping import AU_TO_UNIT, firsts
from facslens.statistics import ALPHA

Status = Literal["confirmed", "not confirmed", "not enough data", "none"]
_STATUS: Final[dict[str, Status]] = {
    s: s for s in ("confirmed", "not confirmed", "not enough data", "none")
}
#: The sentences of a verdict: what was found, and the answers to further questions.
SENTENCES: Final = ("found", "within", "beyond", "learned", "used", "inseparable")


@dataclass(frozen=True)
class Effect:
    """A number with its 95 % interval; NaN where undefined."""

    value: float
    low: float
    high: float

    def above(self, nothing: float) -> bool:
        """Tell whether the whole interval lies above the value that chance gives."""
        return self.low > nothing


@dataclass(frozen=True)
class Cause:
    """How an expression suffers when an action unit's units are ablated, or similar units.

    Parameters
    ----------
    expression
        The expression that shows the AU most often.
    units
        How many units were ablated.
    change
        Change of the expression's score before the softmax, on unseen faces that show it;
        negative where the score fell.
    others
        Mean change when as many other units of similar response are ablated.
    q
        p-value of the change among those other sets, corrected for the number of AUs.
    misread
        By how much the share of misread faces grew, −1 to 1.
    """

    expression: str
    units: int
    change: float
    others: float
    q: float
    misread: float


@dataclass(frozen=True)
class Grounds:
    """All numbers that a verdict is made from; None where something was not measured.

    Parameters
    ----------
    au
        The action unit.
    layer
        The layer in which a unit was sought.
    unit
        The unit that discovery chose; None where it chose none.
    status
        The verdict on people whom neither the network nor the choice has seen.
    reason
        Why there was not enough data to choose a unit; else empty.
    people
        How many unseen people the pair was measured on.
    auroc
        Share of pairs, one face with the AU and one without, in which the face with the AU has
        the larger response; on the unseen people.
    within
        The same among faces of equal expression.
    n_within
        Number of sequences behind `within`, also where they are too few.
    partial
        Correlation of the response with the AU that the other AUs do not explain, on the
        unseen people.
    inseparable
        AUs that these faces cannot tell apart from this one.
    control
        AUROC of the trained network's unit minus that of the untrained network's, on the same
        people.
    cause
        What happens to the expression that shows the AU when the AU's units are ablated.
    """

    au: str
    layer: str
    unit: int | None
    status: Status
    reason: str = ""
    people: int | None = None
    auroc: Effect | None = None
    within: Effect | None = None
    n_within: int | None = None
    partial: Effect | None = None
    inseparable: tuple[str, ...] = ()
    control: Effect | None = None
    cause: Cause | None = None


def verdict(evidence: Grounds) -> str:
    """Say what was found.

    Examples
    --------
    >>> print(verdict(Grounds("AU14", "conv3", None, "none")))
    AU14, dimpler: no unit of conv3 tells it apart beyond chance.
    >>> print(
    ...     verdict(
    ...         Grounds(
    ...             "AU12", "conv3", 84, "confirmed", people=24, auroc=Effect(0.97, 0.93, 0.99)
    ...         )
    ...     )
    ... )
    AU12, lip corner puller: detected by unit 84 of conv3; on 24 unseen people its response is \
larger with AU12 than without in 97 of 100 pairs of faces (95 % interval 93–99). Still true \
within one expression? Not enough data.
    """
    known = ACTION_UNITS.get(evidence.au)
    subject = evidence.au + (f", {known.name}" if known else "")
    return f"{subject}: {' '.join(sentences(evidence).values())}"


def sentences(evidence: Grounds) -> dict[str, str]:
    """Give the verdict's sentences: what was found, and the answers to further questions.

    Returns
    -------
    dict
        Some of `SENTENCES`, in their order.

    Examples
    --------
    >>> sentences(Grounds("AU14", "conv3", None, "none"))
    {'found': 'no unit of conv3 tells it apart beyond chance.'}
    """
    found = {"found": f"{_found(evidence)}."}
    if evidence.status == "confirmed":
        found["within"] = f"Still true within one expression? {_within(evidence)}."
        if evidence.partial is not None:
            found["beyond"] = f"Beyond the other action units? {_partial(evidence.partial)}."
        if evidence.control is not None:
            found["learned"] = f"Learned? {_control(evidence.control)}."
        if evidence.cause is not None:
            found["used"] = f"Does the network use it? {_cause(evidence.cause)}."
    if evidence.unit is not None and evidence.inseparable:
        names = " or ".join(evidence.inseparable)
        found["inseparable"] = f"These faces cannot tell {evidence.au} from {names}."
    return found


def _found(evidence: Grounds) -> str:
    unit = f"unit {evidence.unit} of {evidence.layer}"
    people = "unseen people" if evidence.people is None else f"{evidence.people} unseen people"
    if evidence.unit is None:
        if evidence.status == "not enough data":
            return f"not enough data ({evidence.reason or 'too few faces show it'})"
        return f"no unit of {evidence.layer} tells it apart beyond chance"
    if evidence.status == "not enough data" or evidence.auroc is None:
        return f"not enough data; {unit} was chosen, but too few of the {people} show it"
    if math.isnan(evidence.auroc.value):
        return f"no; {unit} was chosen, but it answers all of the {people} alike"
    pairs = _pairs(evidence.auroc)
    larger = f"on {people} its response is larger with {evidence.au} than without in {pairs}"
    if evidence.status == "confirmed":
        return f"detected by {unit}; {larger}"
    return f"no; {unit} was chosen, but {larger}, which chance may give, too"


def _pairs(effect: Effect) -> str:
    low, high = _hundred(effect.low), _hundred(effect.high)
    return f"{_hundred(effect.value)} of 100 pairs of faces (95 % interval {low}–{high})"


def _hundred(share: float) -> str:
    """Give a share in whole hundredths, and 100 or 0 only where it is all or none."""
    whole = round(100 * share)
    if whole == 100 and share < 1:
        return "more than 99"
    return "less than 1" if whole == 0 and share > 0 else str(whole)


def _within(evidence: Grounds) -> str:
    if evidence.within is None or math.isnan(evidence.within.low):
        if evidence.n_within is None:
            return "Not enough data"
        s = "" if evidence.n_within == 1 else "s"
        return f"Not enough data ({evidence.n_within} sequence{s}, needs {MIN_PRESENT})"
    word = "Yes, in" if evidence.within.above(0.5) else "Not shown:"
    return f"{word} {_pairs(evidence.within)}"


def _partial(effect: Effect) -> str:
    if math.isnan(effect.low):
        return "Not enough data"
    word = "Yes" if effect.above(0.0) else "Not shown"
    return f"{word}, partial correlation {_numbers(effect)}"


def _control(effect: Effect) -> str:
    if math.isnan(effect.low):
        return "Not enough data"
    points = Effect(100 * effect.value, 100 * effect.low, 100 * effect.high)
    if effect.above(0.0):
        return f"Yes, {_points(points)} more of 100 pairs than in the untrained network"
    return f"Not shown, {_points(points)} more of 100 pairs than in the untrained network"


def _cause(cause: Cause) -> str:
    if math.isnan(cause.q):
        return "Not enough data"
    word = "Yes" if cause.q < ALPHA and cause.change < cause.others else "Not shown"
    it = "it" if cause.units == 1 else f"its {cause.units} units"
    like = "a like unit" if cause.units == 1 else "as many like units"
    return (
        f"{word}, without {it} the score of {cause.expression} changes by {cause.change:+.2f}, "
        f"without {like} by {cause.others:+.2f} (q = {cause.q:.3f}); {_misread(cause.misread)}"
    )


def _misread(share: float) -> str:
    faces = abs(round(100 * share))
    if faces == 0:
        return "as many of its faces are read rightly as before"
    return f"{faces} {'more' if share > 0 else 'fewer'} of 100 of its faces are misread"


def _points(effect: Effect) -> str:
    return f"{effect.value:.0f} ({effect.low:.0f} to {effect.high:.0f})"


def _numbers(effect: Effect) -> str:
    return f"{effect.value:.2f} ({effect.low:.2f} to {effect.high:.2f})"


def gather(
    mapping: pd.DataFrame, coverage: pd.DataFrame, confounds: pd.DataFrame | None, layer: str
) -> list[Grounds]:
    """Collect the evidence of every action unit in one layer from the tables of a run.

    Parameters
    ----------
    mapping
        One rule's mapping, as `confirm` and `partial_effects` leave it; its view au_to_unit
        is read.
    coverage
        Of the `Association`: names the AUs that were not tested, and why.
    confounds
        As `confound_table` gives it.

    Returns
    -------
    list of Grounds
        One an AU of the coverage, in its order. What controls and ablations find is added
        with `dataclasses.replace`.
    """
    rows = firsts(mapping, AU_TO_UNIT, layer)
    best = {str(row["au"]): row for row in rows.to_dict("records")}
    apart = {}
    if confounds is not None:
        apart = {str(r["au"]): str(r["inseparable"]) for r in confounds.to_dict("records")}
    found = []
    for covered in coverage.to_dict("records"):
        au = str(covered["au"])
        one = Grounds(au, layer, None, "not enough data", reason=str(covered["reason"]))
        if au in best:
            one = _evidence(best[au], au, layer)
        inseparable = tuple(apart.get(au, "").replace("nan", "").split())
        found.append(replace(one, inseparable=inseparable))
    return found


def verdict_table(
    mapping: pd.DataFrame,
    coverage: pd.DataFrame,
    confounds: pd.DataFrame | None,
    layer: str,
    *,
    control: Mapping[str, Effect] = MappingProxyType({}),
    cause: Mapping[str, Cause] = MappingProxyType({}),
) -> pd.DataFrame:
    """Write the verdict of every action unit in one layer.

    Parameters
    ----------
    mapping, coverage, confounds
        As in `gather`.
    layer
        Where units were looked for.
    control, cause
        What the comparison with untrained networks and the ablation found, by action unit; an
        action unit that was not checked is not there.

    Returns
    -------
    pandas.DataFrame
        One row an action unit: layer, au, unit, status, verdict, and the verdict's sentences
        one by one, in the columns `SENTENCES`; empty where there was nothing to say.
    """
    rows = []
    for found in gather(mapping, coverage, confounds, layer):
        grounds = replace(found, control=control.get(found.au), cause=cause.get(found.au))
        row = {"layer": layer, "au": found.au, "unit": found.unit, "status": found.status}
        rows.append({**row, "verdict": verdict(grounds), **sentences(grounds)})
    columns = ["layer", "au", "unit", "status", "verdict", *SENTENCES]
    types = {"unit": "Int64", **dict.fromkeys(SENTENCES, "string")}
    return pd.DataFrame(rows, columns=columns).astype(types)


def _evidence(row: Mapping[Any, Any], au: str, layer: str) -> Grounds:
    return Grounds(
        au=au,
        layer=layer,
        unit=_count(row, "unit"),
        status=_STATUS[str(row["status"])],
        people=_count(row, "n_test_subjects"),
        auroc=_effect(row, "auroc_test"),
        within=_effect(row, "auroc_within_test"),
        n_within=_count(row, "n_within_test"),
        partial=_effect(row, "partial_test"),
    )


def _effect(row: Mapping[Any, Any], column: str) -> Effect | None:
    if column not in row:
        return None
    value, low, high = (
        float("nan") if pd.isna(row[c]) else float(row[c])
        for c in (column, f"{column}_low", f"{column}_high")
    )
    return Effect(value, low, high)


def _count(row: Mapping[Any, Any], column: str) -> int | None:
    value = row.get(column)
    return None if value is None or pd.isna(value) else int(value)
