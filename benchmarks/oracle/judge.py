"""Hold a product against the oracle: exact, refused, or wrong, layer by layer and rule by rule."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from benchmarks.oracle.architectures.table import described
from benchmarks.oracle.graph import Graph
from benchmarks.oracle.rules import RULES

#: Largest error that counts as exact, relative to the largest value, in float64.
EXACT = 1e-9
IMAGES = 3


class RefusedError(Exception):
    """The product declines to answer, with a sentence."""


@dataclass(frozen=True)
class Answer:
    """Responses (image,), places (image, 2) and pictures (image, channel, row, column)."""

    response: Tensor
    place: Tensor
    picture: Tensor


@dataclass(frozen=True)
class Product:
    """What is held against the oracle; both functions may raise `RefusedError`."""

    layers: Callable[[nn.Module, Tensor], list[str]]
    #: Network, images, layer, one unit for each image, rule.
    project: Callable[[nn.Module, Tensor, str, list[int], str], Answer]


@dataclass(frozen=True)
class Subject:
    """A network and what may be said of it: a description for every right answer, or none."""

    group: str
    name: str
    build: Callable[[], nn.Module]
    descriptions: dict[str, Callable[[Graph], None]]
    size: int


@dataclass(frozen=True)
class Row:
    """What became of one layer under one rule.

    Parameters
    ----------
    outcome
        ``exact``, ``refused``, ``wrong``, ``missing`` (no such layer in the product), ``crashed``.
    map_error, picture_error
        Relative to the largest value; infinite where the place of the maximum is another.
    answer
        The right answer that it was compared with.
    said
        The sentence of a refusal or a crash.
    """

    group: str
    name: str
    layer: str
    rule: str
    outcome: str
    map_error: float | None = None
    picture_error: float | None = None
    answer: str = ""
    said: str = ""


def judge(subject: Subject, product: Product) -> tuple[list[Row], list[str]]:
    """Judge every layer of a network under every rule; name the product's further layers.

    Of several right answers that counts to which most layers agree.
    """
    network = subject.build()
    graphs = {name: described(network, d) for name, d in subject.descriptions.items()}
    draw = torch.Generator().manual_seed(11)
    shape = IMAGES, 3, subject.size, subject.size
    images = torch.randn(shape, generator=draw, dtype=torch.float64)
    known = next(iter(graphs.values()), None)
    named = list(known.maps) if known else ["conv1", "conv2", "conv3"]
    further = known.further if known else {}

    try:
        listed = product.layers(network, images)
    except Exception as error:  # noqa: BLE001  a product may fail in any way
        failed = _failed(Row(subject.group, subject.name, "", "", ""), error)
        return [replace(failed, layer=layer, rule=rule) for layer in named for rule in RULES], []

    values = {name: graph.values(images) for name, graph in graphs.items()}
    rows: dict[str, list[Row]] = {name: [] for name in graphs or {"": None}}
    for layer in [*named, *(name for name in listed if name in further)]:
        first = next(iter(graphs), None)
        units = (
            firing(graphs[first].map_of(layer, values[first]))
            if first is not None
            else [0] * IMAGES
        )
        for rule in RULES:
            row, found = Row(subject.group, subject.name, layer, rule, "missing"), None
            if layer in listed:
                try:
                    found = product.project(network, images, layer, units, rule)
                    row = replace(row, outcome="wrong", said="has to be refused")
                except Exception as error:  # noqa: BLE001  a product may fail in any way
                    row = _failed(row, error)
            for name, each in rows.items():
                if found is not None and name in graphs:
                    right = Answer(*graphs[name].project(images, values[name], layer, units, rule))
                    each.append(_compared(row, found, right, name))
                else:
                    each.append(row)
    best = max(rows.values(), key=lambda each: sum(row.outcome == "exact" for row in each))
    return best, [name for name in listed if name not in {*named, *further}]


def firing(maps: Tensor) -> list[int]:
    """Choose for each image a unit that fires, another one for each image; 0 if there is none."""
    chosen = []
    for number, each in enumerate(maps):
        units = torch.nonzero(each.flatten(1).amax(1) > 0).flatten().tolist()
        chosen.append(units[(7 * number + 3) % len(units)] if units else 0)
    return chosen


def _failed(row: Row, error: Exception) -> Row:
    if isinstance(error, RefusedError):
        return replace(row, outcome="refused", said=str(error))
    return replace(row, outcome="crashed", said=f"{type(error).__name__}: {error}")


def _compared(row: Row, found: Answer, right: Answer, name: str) -> Row:
    of_maps, of_pictures = _errors(found, right)
    return replace(
        row,
        outcome="exact" if max(of_maps, of_pictures) <= EXACT else "wrong",
        map_error=of_maps,
        picture_error=of_pictures,
        answer=name,
        said="",
    )


def _errors(found: Answer, expected: Answer) -> tuple[float, float]:
    """Give the largest errors of the maps and of the pictures over the images."""
    elsewhere = not torch.equal(found.place.long(), expected.place)
    of_maps = max(_relative(found.response, expected.response, n) for n in range(IMAGES))
    of_pictures = max(_relative(found.picture, expected.picture, n) for n in range(IMAGES))
    return float("inf") if elsewhere else of_maps, of_pictures


def _relative(found: Tensor, expected: Tensor, image: int) -> float:
    if found.shape != expected.shape or found.isnan().any():
        return float("inf")
    gap = (found[image].double() - expected[image]).abs().max()
    largest = expected[image].abs().max()
    return 0.0 if gap == 0 else float(gap / largest) if largest > 0 else float("inf")
