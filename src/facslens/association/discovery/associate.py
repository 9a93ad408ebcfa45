"""The association of units with action units: from arrays to tables."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Int, Shaped

from facslens.association.columns import Columns, Matrix
from facslens.association.coverage import (
    MIN_PRESENT,
    MIN_SUBJECTS,
    Eligibility,
    coverage_table,
)
from facslens.association.discovery.correction import (
    benjamini_hochberg,
    detector_statistic,
    max_t,
    null_maxima,
    p_values,
    standardise,
)
from facslens.association.discovery.layer import Layer
from facslens.association.discovery.permutation import (
    movable_rows,
    null_distances,
    permutation_rows,
)
from facslens.association.discovery.result import COLUMNS, Association
from facslens.association.discovery.thresholds import best_thresholds
from facslens.association.distances.concordance import concordance
from facslens.association.distances.counts import count
from facslens.association.distances.table import DEFAULT, distance_names, measure
from facslens.association.distances.units import Units
from facslens.association.sample import Column, au_codes, blocks, make_sequences
from facslens.engines.engine import Engine, Seen
from facslens.engines.local import Local
from facslens.errors import CallError, NotEnoughDataError

Progress = Callable[[int, int], None]
_Values = dict[str, Float[np.ndarray, "distance unit au"]]
_Effects = dict[str, Shaped[np.ndarray, "unit au"]]

#: What is found of every pair and distance before it is corrected.
_VALUES: Final = ("value", "null_mean", "null_sd", "z", "p")
#: Effects that every pair carries, whatever distance is tested.
EFFECTS: Final = ("auroc", "auprc", "pearson")
#: What a null is called, by what it holds fixed: (strata, subject).
_NULLS: Final = {
    (False, False): "free",
    (True, False): "within_expression",
    (False, True): "within_subject",
    (True, True): "within_expression_and_subject",
}
#: Null distances held at once, 4 bytes each; units are worked through in blocks of this size.
_NULL_VALUES_AT_ONCE: Final = 8_000_000


def associate(
    responses: Matrix | Columns,
    labels: Matrix,
    *,
    sequence: Column | None = None,
    subject: Column | None = None,
    strata: Column | None = None,
    within_subject: bool = False,
    distance: str | Sequence[str] = DEFAULT,
    permutations: int = 1000,
    seed: int = 0,
    aus: Sequence[str | int] | None = None,
    units: Sequence[int] | None = None,
    layer: str = "layer",
    null: str | None = None,
    min_present: int = MIN_PRESENT,
    min_subjects: int = MIN_SUBJECTS,
    engine: Engine | None = None,
    progress: Progress | None = None,
) -> Association:
    """Measure and test how well each unit's responses detect each action unit.

    Whole label rows are permuted between sequences, alike for all units and action units. Each
    distance is compared with its own null distribution, and the p-values are corrected for the
    number of pairs.

    Parameters
    ----------
    responses
        (image, unit): the maximum of one layer's feature maps over each face; finite. They
        are read some units at a time, and may lie on a disk: all that is needed is a shape and
        slices ``responses[:, a:b]``, of which each is read twice.
    labels
        (image, au): 1 present, 0 absent, NaN unknown. A data frame's columns name the AUs.
    sequence
        Name of each image's sequence. Responses are averaged over a sequence, whose labels
        must agree; without it every image is a sequence of its own.
    subject
        Who is on each image; with it an AU also needs enough subjects to be tested.
    strata
        A value for each image, such as its expression: label rows are permuted only between
        sequences of equal value. This tests whether a unit detects the AU beyond the stratum.
        A sequence that is alone in its stratum keeps its labels.
    within_subject
        Whether label rows are permuted only between sequences of one subject. People differ in
        how they look and in which AUs they show, so that sequences of one person are not
        independent: this null keeps the differences between people, the free one does not.
    distance
        A name of `DISTANCES`, several, or ``"all"``.
    permutations
        How many to draw. Where fewer different ones exist, each is used once and p is exact.
    seed
        Seed of the permutations.
    aus
        Spelling of each label column, such as ``"AU12"`` or 12. By default a data frame's
        column names, else ``"0"``, ``"1"`` …
    units
        Number of each response column, by default 0, 1 …
    layer
        Name of the layer in the tables.
    null
        Name of the null in the tables: by default ``free``, ``within_expression`` where
        `strata` is given, ``within_subject`` or ``within_expression_and_subject``.
    min_present
        Sequences with an AU that are needed to test it.
    min_subjects
        Subjects with it, and subjects without it, that are needed where `subject` is given.
    engine
        Where blocks of units are tested; None tests them here. The result is the same.
    progress
        Called now and then with the number of units done and of all units.

    Returns
    -------
    Association
        Its table has one row for every live unit, eligible AU and distance. A pair whose
        null has no spread, such as an AU that never varies within a stratum, has NaN in z
        and p, and is left out of every correction.

    Raises
    ------
    CallError
        If an argument is not as described above.
    NotEnoughDataError
        If no AU is eligible, no unit is live, or no permutation within the strata changes a
        label.

    Notes
    -----
    ``p_maxT_au`` and ``p_maxT`` are single-step max-T [westfall1993]_ of z, set to −∞ where
    AUROC ≤ ½, under the permutations too: a suppressed unit is no detector and is never
    accepted. For that comparison the observed arrangement is standardised together with the
    permuted ones (see `Standardised`), so that the level holds exactly. Observed values are
    computed in float64, null values in float32; see `correction.TIE` for how they are compared.

    References
    ----------
    [zhu2019]_, [westfall1993]_, [benjamini1995]_, [phipson2010]_

    Examples
    --------
    Unit 1 responds to the label and unit 0 never responds. With two of five images labelled
    there are nine other arrangements, none of which gives as large a distance.

    >>> result = associate(
    ...     np.array([[0, 9.0], [0, 8.0], [0, 1.0], [0, 2.0], [0, 3.0]]),
    ...     np.array([[1], [1], [0], [0], [0]]),
    ...     aus=["AU12"],
    ...     distance="auroc",
    ...     min_present=2,
    ... )
    >>> result.table[["unit", "au", "distance", "value", "p", "p_maxT"]]
       unit    au distance  value    p  p_maxT
    0     1  AU12    auroc    1.0  0.1     0.1
    >>> result.units["status"].tolist()
    ['dead', 'live']
    >>> result.nulls[["null", "permutations", "exact", "smallest_p"]]
       null  permutations  exact  smallest_p
    0  free             9   True         0.1
    """
    names = distance_names(distance)
    if within_subject and subject is None:
        raise CallError(
            "within_subject is true, but subject is missing: needs who is on each image"
        )
    sample = make_sequences(responses, labels, sequence=sequence, subject=subject, strata=strata)
    of_layer = Layer(responses, sample)
    unit_table = _unit_table(of_layer, layer, units)
    needed = Eligibility(min_present, min_subjects)
    coverage = coverage_table(sample, au_codes(labels, aus), needed)
    live = (unit_table["status"] == "live").to_numpy()
    eligible = coverage["eligible"].to_numpy()
    _check_testable(coverage, unit_table, layer)

    tested = sample.labels[:, eligible]
    known = ~np.isnan(tested).all(axis=1)  # a row that knows nothing has nothing to exchange
    tested = tested[known]
    stratum = None if sample.strata is None else sample.strata[known]
    person = sample.subject[known] if within_subject and sample.subject is not None else None
    fixed = blocks(stratum, person)
    rows = permutation_rows(tested, permutations, seed=seed, strata=fixed)
    work = _TestUnits(known, tested, stratum, rows, names)
    values, found = _test(of_layer, live, work, engine or Local(), progress)

    pairs = pd.MultiIndex.from_product(
        [[layer], unit_table["unit"][live], coverage["au"][eligible]], names=["layer", "unit", "au"]
    ).to_frame(index=False)
    counts = coverage.set_index("au").loc[pairs["au"], ["n_present", "n_absent"]].to_numpy()
    null_name = null or _NULLS[strata is not None, within_subject]
    parts = []
    for d, name in enumerate(names):
        part = pairs.assign(
            null=null_name, distance=name, n_present=counts[:, 0], n_absent=counts[:, 1]
        )
        parts.append(part.assign(**{column: v[d].ravel() for column, v in values.items()}))
    effects = pairs.assign(**{name: v.ravel() for name, v in found.items()})
    if "n_within" in effects:  # missing for pairs of an association without strata, once joined
        effects = effects.astype({"n_within": "Int64"})
    made = {
        "layer": layer,
        "null": null_name,
        "permutations": len(rows),
        "exact": len(rows) < permutations,
        "smallest_p": 1 / (1 + len(rows)),
        "sequences": len(tested),
        "movable": movable_rows(tested, fixed),
        "seed": seed,
    }
    return Association(
        table=pd.concat(parts, ignore_index=True)[list(COLUMNS)],
        effects=effects,
        coverage=coverage,
        units=unit_table,
        nulls=pd.DataFrame([made]),
    )


@dataclass(frozen=True)
class _Tested:
    """What is found of some units.

    Parameters
    ----------
    values
        Of each distance, (unit, au): value, mean and deviation of the null, z and p.
    statistic
        That of max-T, observed.
    maxima
        Its maximum over these units in each permutation.
    effects
        As `_effects` gives them.
    """

    values: dict[str, Float[np.ndarray, "distance unit au"]]
    statistic: Float[np.ndarray, "distance unit au"]
    maxima: Float[np.ndarray, "distance au permutation"]
    effects: _Effects


@dataclass(frozen=True)
class _TestUnits:
    """Tests some units; sent to wherever they are tested.

    Parameters
    ----------
    known
        Which sequences the labels are of.
    labels, strata, rows, names
        As `permutation_rows` and `distance_names` give them.
    """

    known: Bool[np.ndarray, " sequence"]
    labels: Float[np.ndarray, "row au"]
    strata: Int[np.ndarray, " row"] | None
    rows: Int[np.ndarray, "permutation row"]
    names: tuple[str, ...]

    @property
    def needed(self) -> tuple[str, ...]:
        """The distances that are permuted: AUROC says which units may win."""
        return tuple(dict.fromkeys((*self.names, "auroc")))

    def __call__(self, means: Float[np.ndarray, "sequence unit"], _seen: Seen) -> _Tested:
        """Give distances, nulls, p-values and effects."""
        measured = tuple(dict.fromkeys((*self.needed, *EFFECTS)))
        units = Units(means if self.known.all() else means[self.known])
        given = count(self.labels, np.float64)
        observed = dict(zip(measured, measure(units, given, measured), strict=True))
        null = null_distances(units, self.labels, self.rows, self.needed)
        null_auroc = null[self.needed.index("auroc")]
        each = []
        for d, name in enumerate(self.names):
            s = standardise(observed[name], null[d])
            own = observed[name], s.mean, s.deviation, s.z, p_values(s.rank_z, s.null_z)
            statistic = detector_statistic(s.rank_z, observed["auroc"])
            each.append((own, statistic, null_maxima(detector_statistic(s.null_z, null_auroc))))
        values, statistics, maxima = zip(*each, strict=True)
        return _Tested(
            dict(zip(_VALUES, map(np.stack, zip(*values, strict=True)), strict=True)),
            np.stack(statistics),
            np.stack(maxima),
            _effects(units, self.labels, self.strata, observed),
        )


def _test(
    layer: Layer,
    live: Bool[np.ndarray, " column"],
    work: _TestUnits,
    engine: Engine,
    progress: Progress | None,
) -> tuple[_Values, _Effects]:
    """Test all live units in blocks, over which maxima gather."""
    units = int(live.sum())
    pairs = len(work.needed) * work.labels.shape[1] * len(work.rows)
    blocks_of_units = layer.read(live, _NULL_VALUES_AT_ONCE // pairs)
    found: list[_Tested] = []
    maxima: np.ndarray | None = None
    for tested in engine.map(work, blocks_of_units):
        maxima = tested.maxima if maxima is None else np.maximum(maxima, tested.maxima)
        found.append(replace(tested, maxima=tested.maxima[..., :0]))  # gathered, and let go
        if progress is not None:
            progress(sum(t.statistic.shape[1] for t in found), units)
    assert maxima is not None  # some unit is live
    out = {name: np.concatenate([t.values[name] for t in found], axis=1) for name in _VALUES}
    statistic = np.concatenate([t.statistic for t in found], axis=1)
    corrected = [max_t(statistic[d], maxima[d]) for d in range(len(work.names))]
    out["p_maxT_au"], out["p_maxT"] = map(np.stack, zip(*corrected, strict=True))
    out["q"] = np.stack([benjamini_hochberg(p) for p in out["p"]])
    names = found[0].effects
    return out, {name: np.concatenate([t.effects[name] for t in found]) for name in names}


def _effects(
    units: Units,
    labels: Float[np.ndarray, "row au"],
    strata: Int[np.ndarray, " row"] | None,
    observed: _Effects,
) -> _Effects:
    """Give the effects that every pair carries."""
    found = {name: observed[name] for name in EFFECTS}
    found["threshold"], found["f1"] = best_thresholds(units, labels)
    if strata is not None:
        within = concordance(units.responses, labels, strata)
        enough = within.rarer >= MIN_PRESENT
        found["auroc_within"] = np.where(enough, within.value, np.nan)
        found["n_within"] = np.broadcast_to(within.rarer, within.value.shape)
    return found


def _unit_table(of_layer: Layer, layer: str, units: Sequence[int] | None) -> pd.DataFrame:
    columns = of_layer.responses.shape[1]
    numbers = list(range(columns)) if units is None else [int(u) for u in units]
    if len(numbers) != columns or len(set(numbers)) != columns:
        raise CallError(
            f"units has {len(set(numbers))} different numbers for {columns} columns of responses: "
            f"needs one for each"
        )
    return pd.DataFrame({"layer": layer, "unit": numbers, "status": of_layer.status()})


def _check_testable(coverage: pd.DataFrame, units: pd.DataFrame, layer: str) -> None:
    one_class = (coverage["n_present"] == 0) | (coverage["n_absent"] == 0)
    if one_class.all():
        raise CallError(
            "labels has no column with both 0 and 1: a distance needs faces with the action "
            "unit and faces without it"
        )
    if not coverage["eligible"].any():
        best = coverage.sort_values("n_present").iloc[-1]
        raise NotEnoughDataError(
            f"no action unit has enough faces to be tested: the best, {best['au']}, has "
            f"{best['reason']}"
        )
    if not (units["status"] == "live").any():
        raise NotEnoughDataError(
            f"no unit of {layer!r} is live: all {len(units)} respond equally to every face"
        )
