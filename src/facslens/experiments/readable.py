"""At which layer action units become linearly readable, and at which expressions do."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from jaxtyping import Float, Int

from facslens.errors import CallError
from facslens.experiments.absolute import resampled
from facslens.experiments.effects import centred
from facslens.experiments.probes import by_type, faces_of
from facslens.experiments.reading import Reading, expressions_read, units_read
from facslens.experiments.tasks import exchanges
from facslens.experiments.trials import arrange

_MEASURES: Final = (
    "value", "low", "high", "control", "selectivity", "selectivity_low", "selectivity_high",
    "untrained", "gain", "gain_low", "gain_high",
)  # fmt: skip
#: Columns of `Readable.readable`.
READABLE: Final = ("layer", "kind", "what", "n_people", *_MEASURES)
#: Columns of `Readable.layers`.
LAYERS: Final = ("layer", "kind", "n", "n_people", *_MEASURES)
#: Columns of `Readable.first`.
FIRST: Final = (
    "kind", "what", "layer", "place", "place_low", "place_high", "later", "later_low", "later_high",
    "best_layer", "best",
)  # fmt: skip
#: What is read, with the value of a probe that reads nothing.
KINDS: Final = {"au": 0.5, "expression": 0.0}
#: What the mean over all action units, or over all expressions, is called.
MEAN: Final = "mean"
#: The share of the way from nothing to the best layer at which something counts as readable.
REACHED: Final = 0.9

_Row = dict[str, object]


@dataclass(frozen=True)
class Readable:
    """Three tables.

    Parameters
    ----------
    readable
        One row a layer and action unit (``kind`` au: AUROC), or expression (``kind`` expression:
        the share of the change that is foretold). ``control``: the same of control tasks;
        ``selectivity``: the value less that; ``untrained``: the value in an untrained network;
        ``gain``: the value less that. Intervals are over measuring people, those of differences
        paired.
    layers
        The means over all action units, and over all expressions; ``n`` of them are defined.
    first
        One row an action unit, expression, and mean of each: the layer from which on,
        up to the best one, values are `REACHED` of the way from nothing to the best; its ``place``
        among the layers, 1 for the first, with an interval over people; how many layers ``later``
        that is than for the mean over action units; and the best layer. No layer where even the
        best one's interval holds nothing.
    """

    readable: pd.DataFrame
    layers: pd.DataFrame
    first: pd.DataFrame


def readable(
    table: pd.DataFrame,
    responses: Mapping[str, Float[np.ndarray, "image _unit"]],
    untrained: Mapping[str, Float[np.ndarray, "image _unit"]],
    logits: Float[np.ndarray, "image expression"],
    expressions: Sequence[str],
    seed: int = 0,
    progress: Callable[[int], None] = lambda _layers: None,
) -> Readable:
    """Measure in every layer what linear probes of all its units read.

    Parameters
    ----------
    table
        Rows as `facslens.experiments.trials.arrange` takes them, of all people in all settings at
        rest and with each action unit at the grades of `facslens.experiments.probes.SHOWN`.
    responses
        By layer, in the order of the network.
    untrained
        Those of an untrained network of the same architecture.
    logits
        What the network answers; any constant over expressions drops out.
    expressions
        Their names.
    seed
        Of folds, control tasks and resamples.
    progress
        Called with the number of layers done.

    Raises
    ------
    CallError
        If a number is not finite, or numbers differ.
    NotEnoughDataError
        If there are too few people, or a face was not drawn.

    Notes
    -----
    Probes are fitted on the choosing people, after Alain & Bengio [alain2017]_, with the control
    tasks of Hewitt & Liang [hewitt2019]_. They see maxima of maps, not where in the map they are.
    """
    if logits.shape[1] != len(expressions):
        raise CallError(
            f"logits has {logits.shape[1]} columns: expected one for each of "
            f"{len(expressions)} expressions"
        )
    answered = arrange(table, centred(logits.astype(np.float64)))
    answers = by_type(answered)
    exchanged = exchanges(answered.rivals, seed)
    people = int((~answered.choosing).sum())
    counts = resampled(people, seed)
    names = {"au": answered.aus, "expression": tuple(expressions)}
    rows: list[_Row] = []
    means: list[_Row] = []
    values: dict[str, list[Reading]] = {kind: [] for kind in KINDS}
    for done, (layer, own) in enumerate(responses.items(), start=1):
        faces = faces_of(arrange(table, own))
        other = faces_of(arrange(table, untrained[layer]))
        found = {
            "au": units_read(faces, other, answered.rivals, exchanged, counts, seed),
            "expression": expressions_read(faces, other, answers, exchanged, counts, seed),
        }
        for kind, (value, control, plain) in found.items():
            key: _Row = {"layer": layer, "kind": kind, "n_people": people}
            described = _rows(value, control, plain)
            rows += [
                key | {"what": what} | row for what, row in zip(names[kind], described, strict=True)
            ]
            mean = _rows(value.mean(), control.mean(), plain.mean())[0]
            means.append(key | {"n": int((~np.isnan(value.value)).sum())} | mean)
            values[kind].append(value)
        progress(done)
    return Readable(
        pd.DataFrame(rows, columns=list(READABLE)),
        pd.DataFrame(means, columns=list(LAYERS)),
        _first(tuple(responses), names, values),
    )


def _rows(value: Reading, control: Reading, plain: Reading) -> list[_Row]:
    """Describe each thing that is read: with its control, and the untrained network."""
    columns: dict[str, Float[np.ndarray, " what"]] = {
        "value": value.value, "control": control.value, "untrained": plain.value,
    }  # fmt: skip
    columns["low"], columns["high"] = value.interval()
    for name, difference in (("selectivity", value - control), ("gain", value - plain)):
        columns[name] = difference.value
        columns[f"{name}_low"], columns[f"{name}_high"] = difference.interval()
    records = pd.DataFrame(columns).to_dict("records")
    return [{str(name): one for name, one in row.items()} for row in records]


def _first(
    layers: tuple[str, ...],
    names: Mapping[str, Sequence[str]],
    values: Mapping[str, Sequence[Reading]],
) -> pd.DataFrame:
    """Find the layer from which on each thing, and the mean of its kind, is readable."""
    rows: list[_Row] = []
    reference: Reading | None = None
    for kind, nothing in KINDS.items():
        found = [one.joined(one.mean()) for one in values[kind]]
        value = np.stack([one.value for one in found])
        lows = np.stack([one.interval()[0] for one in found])
        place = Reading(
            reached(value, nothing), reached(np.stack([one.draws for one in found]), nothing)
        )
        best = np.where(np.isnan(value), -np.inf, value).argmax(axis=0)
        holds = np.take_along_axis(lows, best[None], axis=0)[0] > nothing
        place = place.where(holds)
        if reference is None:  # the mean over action units, which come first
            reference = place.last()
        later = place - reference
        intervals = (*place.interval(), *later.interval())
        for a, what in enumerate((*names[kind], MEAN)):
            row: _Row = {"kind": kind, "what": what, "layer": ""}
            if not np.isnan(place.value[a]):
                row["layer"] = layers[int(place.value[a]) - 1]
            row |= {"place": place.value[a], "later": later.value[a], "best": value[best[a], a]}
            row["best_layer"] = "" if np.isnan(value[best[a], a]) else layers[best[a]]
            ends = ("place_low", "place_high", "later_low", "later_high")
            row |= {name: one[a] for name, one in zip(ends, intervals, strict=True)}
            rows.append(row)
    return pd.DataFrame(rows, columns=list(FIRST))


def reached(value: Float[np.ndarray, "layer ..."], nothing: float) -> Float[np.ndarray, "..."]:
    """Find the layer from which on, up to the best one, all are `REACHED` of the way to it.

    Examples
    --------
    >>> reached(np.array([[0.5, 0.4], [0.97, 0.4], [1.0, np.nan], [0.7, 0.3]]), 0.5)
    array([ 2., nan])
    """
    above = np.nan_to_num(value - nothing, nan=-np.inf)
    best, place = above.max(axis=0), above.argmax(axis=0)
    number = np.arange(len(above)).reshape(-1, *[1] * best.ndim)
    short = (above < REACHED * best) & (number < place)
    first: Int[np.ndarray, ...] = np.where(short, number + 1, 0).max(axis=0) + 1
    found: Float[np.ndarray, ...] = np.where(best > 0, first, np.nan)
    return found
