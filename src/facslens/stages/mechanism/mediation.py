"""Part ``mediation``: through which units an action unit's effect on an expression passes."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
import pandas as pd
import torch
from jaxtyping import Bool, Float

from facslens.causal.cut import Cut, Held, cut_at
from facslens.causal.patching import attribution, energy, patched
from facslens.errors import CallError
from facslens.experiments import mediation as tables
from facslens.experiments import subsets
from facslens.experiments.absolute import Interval
from facslens.experiments.mediation import Through, Way
from facslens.progress import Report
from facslens.stages.mechanism.pairs import Pairs, read_pairs
from facslens.stages.mechanism.subject import Subject

#: Random sets that an action unit's own units are compared with.
SETS: Final = 100


def of_mediation(subject: Subject, progress: Report) -> dict[str, pd.DataFrame]:
    """Patch units of each layer, and measure how much of every effect passes through them."""
    pairs = read_pairs(subject, progress)
    cards = subject.cards()
    found: dict[str, list[Mapping[str, Any]]] = {name: [] for name in tables.COLUMNS}
    aus = pairs.trials.aus
    for number, layer in enumerate(subject.layers):
        asked = Asked.of(subject, pairs, layer)
        own, through = cards[cards["layer"] == layer], []
        for place, au in enumerate(aus):
            units = own.loc[own["au"] == au, ["unit", "shown_as"]]
            of_au = asked.of_au(place, units)
            for name, rows in of_au.every().items():
                found[name] += [{"layer": layer, "au": au} | row for row in rows]
            through += of_au.raised()
            done = number * len(aus) + place + 1
            progress(done, len(subject.layers) * len(aus), f"{layer} {au}")
        if through:
            found["realised"].append({"layer": layer} | tables.realised_row(through, subject.seed))
    made = {
        name: pd.DataFrame(rows, columns=list(tables.COLUMNS[name])) for name, rows in found.items()
    }
    return made | {"mediation": made["mediation"].astype(dict.fromkeys(tables.HALVES, "Int64"))}


@dataclass(frozen=True)
class Asked:
    """A layer, cut, and what it holds for the faces at rest."""

    subject: Subject
    pairs: Pairs
    layer: str
    cut: Cut
    choosing: Held
    measuring: Held

    @classmethod
    def of(cls, subject: Subject, pairs: Pairs, layer: str) -> "Asked":
        """Cut the network at a layer."""
        rest = [pairs.rest(choosing) for choosing in (True, False)]
        cut = cut_at(subject.model.network, layer, rest[0])
        held = [cut.hold(images) for images in rest]
        for values in held:
            if not torch.isfinite(values.scores).all():
                raise CallError("the network answers NaN: its weights or its input hold NaN")
        return cls(subject, pairs, layer, cut, held[0], held[1])

    def of_au(self, au: int, own: pd.DataFrame) -> "OfAu":
        """Ask about one action unit, whose own units are given."""
        shown = self.cut.hold(self.pairs.shown(au, choosing=False))
        chosen = self.cut.hold(self.pairs.shown(au, choosing=True))
        return OfAu.of(self, shown, chosen, own, centres(self, au))

    def passed(
        self,
        shown: Held,
        sets: Bool[np.ndarray, "set unit"],
        ways: tuple[str, ...] = tables.WAYS,
    ) -> dict[str, Float[np.ndarray, "set person expression"]]:
        """Give by how much each expression's logit changes when sets of maps are exchanged.

        *Removed*: with the action unit, maps as at rest; *restored*: at rest, maps as with it. Both
        count in the direction from rest to the action unit.
        """
        found = {}
        for way in ways:
            face, other, sign = (
                (shown, self.measuring, -1) if way == "removed" else (self.measuring, shown, 1)
            )
            scores = patched(self.cut, face, other.maps, sets)
            change = _centred(scores) - _centred(face.scores.double().numpy())
            found[way] = sign * self.people(change)
        return found

    def people(self, values: Float[np.ndarray, "*set image expression"]) -> np.ndarray:
        """Average over the faces of each measuring person."""
        found: np.ndarray = np.einsum("...ie,ip->...pe", values, self.pairs.members)
        return found


@dataclass(frozen=True)
class OfAu:
    """What is known of one action unit in a layer before an expression is looked at.

    Parameters
    ----------
    asked
        The layer.
    shown
        The measuring people with the action unit.
    own
        Its own units, with ``shown_as``.
    whole
        (person, expression): the whole change of each centred logit.
    weights
        (expression, unit): the share of each unit by gradient times change, on choosing people.
    sizes
        (unit,): of its change, on choosing people.
    places
        (unit, 2): where on the face it changes.
    """

    asked: Asked
    shown: Held
    own: pd.DataFrame
    whole: Float[np.ndarray, "person expression"]
    weights: Float[np.ndarray, "expression unit"]
    sizes: Float[np.ndarray, " unit"]
    places: Float[np.ndarray, "unit 2"]

    @classmethod
    def of(
        cls, asked: Asked, shown: Held, chosen: Held, own: pd.DataFrame,
        places: Float[np.ndarray, "unit 2"],
    ) -> "OfAu":  # fmt: skip
        """Measure it; `chosen` are the choosing people with the action unit."""
        added = attribution(asked.cut, asked.choosing, chosen).mean(axis=0)
        before = _changed(asked.choosing, chosen).mean(axis=0)[:, None]
        weights = np.full(added.shape, np.nan)
        np.divide(added, before, out=weights, where=before != 0)
        whole = asked.people(_changed(asked.measuring, shown))
        return cls(asked, shown, own, whole, weights, energy(asked.choosing, chosen), places)

    @cached_property
    def counts(self) -> tuple[int, ...]:
        """How many of the first units are patched."""
        return subsets.steps(len(self.sizes))

    @cached_property
    def random(self) -> tuple[Float[np.ndarray, "order set"], Mapping[str, np.ndarray]]:
        """Sizes of growing random sets, and the share of every effect that they carry, by way."""
        orders = subsets.random_orders(len(self.sizes), subsets.ORDERS, self.asked.subject.seed)
        sets = np.concatenate([subsets.first(order, self.counts) for order in orders])
        shape = (len(orders), len(self.counts))
        passed = self.asked.passed(self.shown, sets)
        shares = {way: self._shares(parts).reshape(*shape, -1) for way, parts in passed.items()}
        return (sets @ self.sizes).reshape(shape), shares

    @cached_property
    def alone(self) -> Float[np.ndarray, "unit expression"]:
        """The share that each unit carries by itself, by its removal."""
        each = np.eye(len(self.sizes), dtype=bool)
        return self._shares(self.asked.passed(self.shown, each, ways=("removed",))["removed"])

    @cached_property
    def card(self) -> Mapping[str, Float[np.ndarray, "set person expression"]]:
        """What passes through its own units, and through random sets that change as much."""
        marked = np.isin(np.arange(len(self.sizes)), self.own["unit"])
        size = float(self.sizes[marked].sum())
        random = subsets.of_equal_size(self.sizes, size, SETS, self.asked.subject.seed)
        return self.asked.passed(self.shown, np.concatenate([marked[None], random]))

    @cached_property
    def effects(self) -> dict[int, Interval]:
        """The effects whose interval leaves 0 out, by expression."""
        seed = self.asked.subject.seed
        every = [tables.mean_over_people(one, seed) for one in self.whole.T]
        return {e: one for e, one in enumerate(every) if one.low > 0 or one.high < 0}

    def every(self) -> dict[str, list[dict[str, Any]]]:
        """Give the rows of every table for all effects."""
        found: dict[str, list[dict[str, Any]]] = {}
        for e in self.effects:
            expression = self.asked.subject.model.expressions[e]
            row = {"expression": expression, "n_people": len(self.whole)}
            for name, rows in self.rows(e).items():
                found.setdefault(name, []).extend(row | each for each in rows)
        return found

    def rows(self, e: int) -> dict[str, list[dict[str, Any]]]:
        """Give the rows of every table for one effect."""
        seed = self.asked.subject.seed
        order = subsets.in_order(self.weights[e])
        sets = subsets.first(order, self.counts)
        sizes, shares = self.random
        ways = {
            way: Way.of(
                parts[:, :, e],
                self.whole[:, e],
                subsets.at_size(sizes, shares[way][:, :, e], sets @ self.sizes),
                seed,
            )
            for way, parts in self.asked.passed(self.shown, sets).items()
        }
        alone = self.alone[:, e]
        summary = tables.summary_row(self.effects[e], self.counts, ways, alone)
        carriers = tables.carrier_rows(
            order, self.weights[e], alone, summary["half_removed"], self.places
        )
        curves = tables.curve_rows(self.counts, ways)
        found = {"mediation": [summary], "curves": curves, "carriers": carriers}
        if len(self.own):
            row = tables.detector_row(self.own, self.effects[e], self.through(e))
            found["detectors"] = [row]
        return found

    def through(self, e: int) -> dict[str, Way]:
        """Give the share of one effect that passes through its own units, by way."""
        return {
            way: Way.of(
                parts[:1, :, e],
                self.whole[:, e],
                self._shares(parts[1:])[:, e, None],
                self.asked.subject.seed,
            )
            for way, parts in self.card.items()
        }

    def raised(self) -> list[Through]:
        """Give what passes through its own units, of the expression that it raises most."""
        raised = {e: one.value for e, one in self.effects.items() if one.low > 0}
        if not raised or self.own.empty:
            return []
        e = max(raised, key=raised.__getitem__)
        parts = self.card["removed"][:, :, e]
        p = self.through(e)["removed"].p[0]
        return [Through(parts[0], parts[1:].mean(axis=0), self.whole[:, e], p)]

    def _shares(
        self, parts: Float[np.ndarray, "set person expression"]
    ) -> Float[np.ndarray, "set expression"]:
        with np.errstate(divide="ignore", invalid="ignore"):  # an effect of 0 has no row
            shares: Float[np.ndarray, "set expression"] = parts.sum(axis=1) / self.whole.sum(axis=0)
        return shares


def centres(asked: Asked, au: int) -> Float[np.ndarray, "unit 2"]:
    """Give where on the face the maps of a layer's units change under an action unit."""
    model, layer = asked.subject.model, asked.layer
    listener = model.reading.listener(model.network, [layer], torch.Tensor.double)
    with torch.no_grad():
        maps = [
            listener(images)[0][layer]
            for images in (asked.pairs.rest(False), asked.pairs.shown(au, False))
        ]
    square = (maps[1] - maps[0]).square().mean(dim=0)
    return tables.centre(square.numpy())


def _changed(rest: Held, shown: Held) -> Float[np.ndarray, "image expression"]:
    """Give the change of every centred logit of each face from rest."""
    before, after = (_centred(held.scores.double().numpy()) for held in (rest, shown))
    found: Float[np.ndarray, "image expression"] = after - before
    return found


def _centred(scores: Float[np.ndarray, "*set expression"]) -> np.ndarray:
    found: np.ndarray = scores - scores.mean(axis=-1, keepdims=True)
    return found
