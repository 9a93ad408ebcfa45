"""What the probes of one layer read, with intervals over people, and what its controls read."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from facslens.experiments.probes import Faces, change_sums, explained, foretell, tell
from facslens.experiments.tasks import control_tasks, exchanged, units_tasks
from facslens.statistics import percentiles


@dataclass(frozen=True)
class Reading:
    """A value of each thing that is read, and its value in every resample of people."""

    value: Float[np.ndarray, " what"]
    draws: Float[np.ndarray, "what resample"]

    def __sub__(self, other: "Reading") -> "Reading":
        """Take the paired difference."""
        return Reading(self.value - other.value, self.draws - other.draws)

    def mean(self) -> "Reading":
        """Average over what is defined; NaN where nothing is."""
        known = ~np.isnan(self.value)
        if not known.any():
            return Reading(np.full(1, np.nan), np.full((1, self.draws.shape[1]), np.nan))
        return Reading(
            self.value[known].mean(keepdims=True), self.draws[known].mean(axis=0, keepdims=True)
        )

    def joined(self, other: "Reading") -> "Reading":
        """Put other things behind."""
        return Reading(
            np.concatenate([self.value, other.value]), np.concatenate([self.draws, other.draws])
        )

    def last(self) -> "Reading":
        """Give the last thing alone."""
        return Reading(self.value[-1:], self.draws[-1:])

    def where(self, defined: Bool[np.ndarray, " what"]) -> "Reading":
        """Make all else undefined."""
        return Reading(
            np.where(defined, self.value, np.nan), np.where(defined[:, None], self.draws, np.nan)
        )

    def interval(self) -> tuple[Float[np.ndarray, " what"], Float[np.ndarray, " what"]]:
        """Give the 95 % percentile interval over people."""
        return percentiles(self.draws)


def units_read(
    faces: Faces,
    other: Faces,
    rivals: Bool[np.ndarray, "au au"],
    exchange: Int[np.ndarray, "exchange grade au"],
    counts: Int[np.ndarray, "resample person"],
    seed: int,
) -> tuple[Reading, Reading, Reading]:
    """Measure how well probes tell each action unit from rest and every rival.

    Parameters
    ----------
    faces, other
        Of the network, and of an untrained one.
    rivals
        Whether the second action unit is a rival of the first.
    exchange
        Of `facslens.experiments.tasks.exchanges`.
    counts
        How often each measuring person is in each resample.
    seed
        Of the folds.

    Returns
    -------
    value
        AUROC on the measuring people, over all pairs of a face with the action unit and another.
    control
        AUROC of the very same faces where they are positive together with faces of another action
        unit instead of their own at the other grade: half that of the lower, half that of the
        upper grade, over all exchanges. Its mean over action units is that of all control tasks.
    untrained
        The value in the other network.
    """
    aus = len(rivals)
    own = units_tasks(rivals)
    tasks = [own, *(control_tasks(rivals, one) for one in exchange)]
    label, known = (np.concatenate(parts, axis=1) for parts in zip(*tasks, strict=True))
    halves = _told(faces, label, known, seed)
    people = halves.shape[2:]
    dealt = halves[aus:].reshape(len(exchange), aus, 2, *people)
    controls = np.full((1, aus, *people), np.nan)
    if len(exchange):
        controls = np.empty((len(exchange), aus, *people))
        for place, (task, upper) in enumerate(zip(dealt, exchange[:, 1], strict=True)):
            controls[place] = task[:, 0] / 2
            controls[place, upper] += task[:, 1] / 2
    return (
        _over_people(halves[:aus].mean(axis=1), counts),
        _over_people(controls.mean(axis=0), counts),
        _over_people(_told(other, *own, seed).mean(axis=1), counts),
    )


def expressions_read(
    faces: Faces,
    other: Faces,
    answers: Float[np.ndarray, "block type expression"],
    exchange: Int[np.ndarray, "exchange grade au"],
    counts: Int[np.ndarray, "resample person"],
    seed: int,
) -> tuple[Reading, Reading, Reading]:
    """Measure how well probes foretell what the network will answer.

    Parameters
    ----------
    faces, other, exchange, counts, seed
        As `units_read` takes them.
    answers
        Of the network, whichever faces are looked at: centred logits.

    Returns
    -------
    value
        The share of each expression's change from rest that is foretold, `explained`, over all
        action units and grades and the measuring people.
    control
        The same where probes are fitted to, and measured by, the answers to other action units,
        mean over all exchanges.
    untrained
        The value in the other network.
    """
    kinds = answers.shape[2]
    targets = [answers, *(exchanged(answers, one) for one in exchange)]
    found = _foretold(faces, np.concatenate(targets, axis=2), counts, seed)
    control = Reading(np.full(kinds, np.nan), np.full((kinds, len(counts)), np.nan))
    if len(exchange):
        control = Reading(
            found.value[kinds:].reshape(-1, kinds).mean(axis=0),
            found.draws[kinds:].reshape(-1, kinds, len(counts)).mean(axis=0),
        )
    value = Reading(found.value[:kinds], found.draws[:kinds])
    return value, control, _foretold(other, answers, counts, seed)


def _told(
    faces: Faces,
    label: Bool[np.ndarray, "type task"],
    known: Bool[np.ndarray, "type task"],
    seed: int,
) -> Float[np.ndarray, "task 2 person person"]:
    """Give, for each of a task's two positive types, how often its faces rank above the others."""
    members = _members(faces)
    found = np.full((label.shape[1], 2, len(members), len(members)), np.nan)
    if not faces.responses.shape[2]:
        return found
    scores = tell(faces, label, known, seed)
    for task, half in np.ndindex(found.shape[:2]):
        shown = scores[:, np.flatnonzero(label[:, task])[half], task]
        others = scores[:, known[:, task] & ~label[:, task], task]
        found[task, half] = members @ _above(shown, others) @ members.T
    return found


def _above(
    shown: Float[np.ndarray, " block"], others: Float[np.ndarray, "other type"]
) -> Float[np.ndarray, "block other"]:
    """Give the share of each other block's faces that a face ranks above; ties count half."""
    ranked = np.sort(others, axis=1)
    places = [[np.searchsorted(row, shown, side) for row in ranked] for side in ("left", "right")]
    found: Float[np.ndarray, "block other"] = np.mean(places, axis=0).T / others.shape[1]
    return found


def _foretold(
    faces: Faces,
    target: Float[np.ndarray, "block type column"],
    counts: Int[np.ndarray, "resample person"],
    seed: int,
) -> Reading:
    columns = target.shape[2]
    if not faces.responses.shape[2]:
        return Reading(np.full(columns, np.nan), np.full((columns, len(counts)), np.nan))
    sums = change_sums(foretell(faces, target, seed), target[~faces.choosing])
    error, square = (_members(faces) @ one for one in sums)
    value = explained(error.sum(axis=0), square.sum(axis=0))
    return Reading(value, explained(counts @ error, counts @ square).T)


def _members(faces: Faces) -> Float[np.ndarray, "person block"]:
    """Give the weights that average over the settings of each measuring person."""
    person = faces.person[~faces.choosing]
    members = (person == np.unique(person)[:, None]).astype(float)
    found: Float[np.ndarray, "person block"] = members / members.sum(axis=1, keepdims=True)
    return found


def _over_people(
    tables: Float[np.ndarray, "what person person"], counts: Int[np.ndarray, "resample person"]
) -> Reading:
    """Average tables of every two people, over all people and in every resample."""
    drawn = np.einsum("rp,apq,rq->ar", counts, tables, counts, optimize=True)
    return Reading(tables.mean(axis=(1, 2)), drawn / tables.shape[1] ** 2)
