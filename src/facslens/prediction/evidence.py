"""Which unit of a network detects which action unit, and what the evidence for it is.

A prediction needs no more of the association than this list, which comes with the network. This
module needs only NumPy, so that a prediction starts at once.
"""

import dataclasses
import json
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import numpy as np

from facslens.errors import ArtifactError, CallError
from facslens.shapes import Float

#: The evidence of each network in the package, made by tools/map_compact.py.
PACKAGED: Final = {"compact": Path(str(files("facslens.models") / "weights" / "compact-aus.json"))}
#: Words for how far a pair has been confirmed, as in the mapping.
STATUS: Final = ("confirmed", "not confirmed", "not enough data", "none")
#: Largest whole number in a file of evidence; a larger one is damage.
LARGEST: Final = 2**53


@dataclass(frozen=True)
class Evidence:
    """The unit that detects an action unit, and the evidence for it.

    Parameters
    ----------
    au
        The action unit, such as ``AU12``.
    layer
        The layer that the unit was looked for in; one for all AUs of a network.
    unit
        Number of the accepted unit; None where there is none.
    threshold
        Response at which the unit fires: that of largest F1 on the discovery subjects. NaN
        without a unit.
    intercept, slope
        Of the logistic curve from response to probability: in logits, and in logits per unit of
        response. NaN where the evidence allows no probability.
    auroc_test, auroc_low, auroc_high
        Measured on the confirmation subjects, with its 95 % interval; NaN where undefined.
    skill, skill_low, skill_high
        Brier skill of such curves on people left out, with its 95 % interval; NaN where it was
        not measured.
    n_present
        Confirmation sequences with the AU.
    subjects
        Confirmation subjects.
    status
        One of `STATUS`.
    sentence
        All of it in words.

    Examples
    --------
    >>> smile = Evidence(
    ...     "AU12", "conv3", 1, 2.0, -2.0, 1.0, 0.9, 0.8, 0.95, 0.4, 0.2, 0.5, 30, 24, "confirmed"
    ... )
    >>> responses = np.array([[7.0, 2.0], [7.0, 0.0]])
    >>> smile.fires(responses), smile.probability(responses).round(3)
    (array([1., 0.]), array([0.5  , 0.119]))
    """

    au: str
    layer: str
    unit: int | None
    threshold: float
    intercept: float
    slope: float
    auroc_test: float
    auroc_low: float
    auroc_high: float
    skill: float
    skill_low: float
    skill_high: float
    n_present: int
    subjects: int
    status: str
    sentence: str = ""

    @property
    def calibrated(self) -> bool:
        """Whether the evidence allows a probability."""
        return not math.isnan(self.slope)

    def fires(self, responses: Float[np.ndarray, "face unit"]) -> Float[np.ndarray, " face"]:
        """Tell for each face whether the unit fires: 1 or 0, or NaN where there is no unit.

        Parameters
        ----------
        responses
            Those of all units of the layer.

        Raises
        ------
        CallError
            If the layer has no such unit.
        """
        own = self._own(responses)
        return np.where(np.isnan(own), np.nan, own >= self.threshold)

    def probability(self, responses: Float[np.ndarray, "face unit"]) -> Float[np.ndarray, " face"]:
        """Give each face's probability of the AU; NaN where the evidence allows none.

        Parameters
        ----------
        responses
            Those of all units of the layer.

        Raises
        ------
        CallError
            If the layer has no such unit.
        """
        logit = self.intercept + self.slope * self._own(responses)
        # 1 / (1 + exp(−x)) by way of tanh, which cannot overflow
        return np.asarray(0.5 * (1 + np.tanh(0.5 * logit)))

    def _own(self, responses: Float[np.ndarray, "face unit"]) -> Float[np.ndarray, " face"]:
        if self.unit is None:
            return np.full(len(responses), np.nan)
        if self.unit >= responses.shape[1]:
            raise CallError(
                f"responses has {responses.shape[1]} units, but {self.au} is told by unit "
                f"{self.unit} of {self.layer}: needs those of the whole layer"
            )
        return responses[:, self.unit].astype(np.float64)

    def entry(self) -> dict[str, Any]:
        """Give plain values for JSON; what is NaN is None there.

        Examples
        --------
        >>> nan = float("nan")
        >>> one = Evidence("AU14", "conv3", None, *[nan] * 9, 0, 24, "none")
        >>> one.entry()["slope"] is None, Evidence.of(one.entry()).calibrated
        (True, False)
        """
        return {
            name: None if isinstance(value, float) and math.isnan(value) else value
            for name, value in dataclasses.asdict(self).items()
        }

    @classmethod
    def of(cls, entry: Mapping[str, Any]) -> "Evidence":
        """Make the evidence of what `entry` gave.

        Raises
        ------
        ArtifactError
            If a field is missing, unknown, or not of its kind.
        """
        kinds = {field.name: field.type for field in dataclasses.fields(cls)}
        name = next(iter(sorted(set(entry) ^ set(kinds))), None)
        if name is not None:
            fault = "lacks" if name in kinds else "has an unknown"
            raise ArtifactError(
                f"the evidence of {entry.get('au', 'an action unit')} {fault} entry {name!r}"
            )
        for name, value in entry.items():
            if not _fits(value, kinds[name]) or (name == "status" and value not in STATUS):
                raise ArtifactError(f"the evidence of {entry['au']} has {name} {value!r}")
        if not re.fullmatch(r"AU\d\d", entry["au"]):
            raise ArtifactError(f"the evidence of {entry['au']} is of no action unit such as AU12")
        unit, status = entry["unit"], entry["status"]
        if (status == "confirmed" and unit is None) or (unit is not None and unit < 0):
            raise ArtifactError(f"the evidence of {entry['au']} is {status} of the unit {unit}")
        numbers = {name: entry[name] for name, kind in kinds.items() if kind is float}
        numbers = {k: math.nan if v is None else float(v) for k, v in numbers.items()}
        return cls(**{**entry, **numbers})


def _fits(value: object, kind: Any) -> bool:
    """Tell whether a value of JSON is of a field's kind; NaN is written there as None."""
    allowed = float | int | None if kind is float else kind
    if isinstance(value, int) and abs(value) > LARGEST:
        return False
    return isinstance(value, allowed) and not isinstance(value, bool)


def entries(evidence: Iterable[Evidence], **provenance: object) -> dict[str, Any]:
    """Give the content of a file of evidence: where it comes from, then one entry an AU."""
    return {**provenance, "aus": [one.entry() for one in evidence]}


def read_evidence(path: Path) -> tuple[Evidence, ...]:
    """Read the evidence that comes with a network.

    Raises
    ------
    ArtifactError
        If the file is missing, damaged, or holds something else.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ArtifactError(f"{path} does not exist") from error
    except (OSError, ValueError, RecursionError) as error:
        raise ArtifactError(f"{path} is no readable JSON file: {error}") from error
    found = content.get("aus") if isinstance(content, dict) else None
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise ArtifactError(f"{path} holds no list of action units under the name 'aus'")
    return evidence_in(found, path)


def evidence_in(entries: Iterable[Mapping[str, Any]], source: str | Path) -> tuple[Evidence, ...]:
    """Take up a list of `Evidence.entry`, each action unit once.

    Raises
    ------
    ArtifactError
        If one is wrong; with the source that it comes from.
    """
    try:
        found = tuple(Evidence.of(one) for one in entries)
    except ArtifactError as error:
        raise ArtifactError(f"{source}: {error}") from error
    for one in found:
        if sum(other.au == one.au for other in found) > 1:
            raise ArtifactError(f"{source} has evidence of {one.au} twice: expected once")
    return found
