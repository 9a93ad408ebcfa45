"""The chain: action units, the units that carry their effect, and the expression."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

import pandas as pd

from facslens.colours import BLUE, GREY, VERMILION
from facslens.plot.chains import Band, chain
from facslens.plot.curves import Series, lines
from facslens.plot.style import Drawing
from facslens.report.estimates import Estimate, estimate_of
from facslens.report.formats import percent, signed
from facslens.report.missing import Missing
from facslens.report.names import au_name
from facslens.report.section import Drawn, Page, Section
from facslens.report.tables import Row, count, number, records, text

#: Action units of an expression that the picture shows; the table has all.
SHOWN: Final = 4
#: Width, height and place of the face in the picture.
WIDTH: Final = 720
HEIGHT: Final = 270
FACE: Final = (265, 15, 240)
#: Thickness of the widest band.
WIDEST: Final = 26.0
#: Radius of the dot of a unit that carries a whole effect by itself.
LARGEST: Final = 30.0


@dataclass(frozen=True)
class Dot:
    """A unit that helps to carry half of an effect, in the picture's coordinates."""

    unit: int
    x: float
    y: float
    r: float


@dataclass(frozen=True)
class Link:
    """An action unit that raises the expression, and what its effect passes through.

    Parameters
    ----------
    au, name
        Its code and name.
    effect
        Change of the expression's score.
    width
        Of its band.
    start, middle, end
        Where the band begins, passes the face, and ends.
    dots
        The units that carry half of the effect.
    half, half_random
        How many first units carry half, and as how many first ones random units have to change
        to do so; None where they never do.
    around
        Share that goes round the layer.
    own
        Units that its card shows; the share that passes through them, and through random sets
        whose change is as large.
    """

    au: str
    name: str
    effect: Estimate
    width: float
    start: float
    middle: tuple[float, float]
    end: float
    dots: tuple[Dot, ...]
    half: int | None
    half_random: int | None
    around: float
    own: str
    through: Estimate
    random: Estimate

    @property
    def path(self) -> str:
        """The middle of the band, as an SVG path."""
        x, y = self.middle
        return (
            f"M196,{self.start}C232,{self.start} {x - 80:.1f},{y} {x},{y}S536,{self.end} "
            f"572,{self.end}"
        )


@dataclass(frozen=True)
class Curve:
    """How much of one effect passes through the first units, by their number."""

    au: str
    counts: tuple[int, ...]
    removed: tuple[float, ...]
    restored: tuple[float, ...]
    random_units: tuple[float, ...]


@dataclass(frozen=True)
class Chain:
    """One expression."""

    expression: str
    links: tuple[Link, ...]
    drawn: tuple[Link, ...]
    curve: Curve
    words: str


@dataclass(frozen=True)
class Chains:
    """The chains of one layer, those of the largest effect first."""

    layer: str
    units: int
    people: int
    further: tuple[str, ...]
    chains: tuple[Chain, ...]
    silent: tuple[str, ...]
    detectors: str


def build_chains(page: Page) -> Chains | Missing:
    """Gather the effects that raise each expression in the last layer that was asked."""
    effects, curves, carriers, own = (
        page.tables.mechanism(f"{name}.csv")
        for name in ("mediation", "curves", "carriers", "detectors")
    )
    realised = page.tables.mechanism("realised.csv")
    if (
        effects is None or curves is None or carriers is None or own is None or realised is None
        or effects.empty
    ):  # fmt: skip
        return page.tables.missing(
            "Through which units the effects pass has not been measured", "mechanism"
        )
    layers = [str(layer) for layer in effects["layer"].unique()]
    tables = [table[table["layer"] == layers[-1]] for table in (effects, curves, carriers, own)]
    every = [str(name) for name in tables[0]["expression"].unique()]
    raised = tables[0][tables[0]["effect_low"] > 0]
    most = raised.groupby("expression")["effect"].max().sort_values(ascending=False)
    return Chains(
        layer=layers[-1],
        units=int(tables[0]["n_units"].iloc[0]),
        people=int(tables[0]["n_people"].iloc[0]),
        further=tuple(layers[:-1]),
        chains=tuple(
            _chain(name, *(table[table["expression"] == name] for table in (raised, *tables[1:])))
            for name in map(str, most.index)
        ),
        silent=tuple(name for name in every if name not in most.index),
        detectors=_detectors(realised[realised["layer"] == layers[-1]]),
    )


def _chain(
    expression: str,
    effects: pd.DataFrame,
    curves: pd.DataFrame,
    carriers: pd.DataFrame,
    own: pd.DataFrame,
) -> Chain:
    rows = records(effects.sort_values("effect", ascending=False))
    largest = number(rows[0], "effect")
    shown = rows[:SHOWN]
    widths = [WIDEST * number(row, "effect") / largest for row in rows]
    tops = _stacked(widths[:SHOWN], HEIGHT / 2)
    cards = {text(row, "au"): row for row in records(own)}
    links = tuple(
        _link(
            row,
            widths[place],
            (place + 0.5) * HEIGHT / len(shown),
            tops[place] if place < len(shown) else 0.0,
            carriers[carriers["au"] == row["au"]],
            cards.get(text(row, "au"), {}),
        )
        for place, row in enumerate(rows)
    )
    first = curves[curves["au"] == links[0].au].sort_values("k")
    removed, restored, random = (
        tuple(first[name].astype(float)) for name in ("removed", "restored", "random_removed")
    )
    curve = Curve(links[0].au, tuple(first["k"].astype(int)), removed, restored, random)
    return Chain(expression, links, links[:SHOWN], curve, _words(expression, links, rows[0]))


def _stacked(widths: list[float], middle: float) -> list[float]:
    """Give the middles of bands that lie on one another round a height."""
    found, top = [], middle - sum(widths) / 2
    for width in widths:
        found.append(round(top + width / 2, 1))
        top += width
    return found


def _link(
    row: Row, width: float, start: float, end: float, carriers: pd.DataFrame, card: Row
) -> Link:
    left, top, side = FACE
    half = carriers[carriers["half"] & carriers["row"].notna()]
    dots = tuple(
        Dot(
            unit=count(one, "unit") or 0,
            x=round(left + side * number(one, "column"), 1),
            y=round(top + side * number(one, "row"), 1),
            r=round(max(1.5, LARGEST * max(number(one, "removed"), 0.0) ** 0.5), 1),
        )
        for one in records(half)
    )
    middle = (left + side / 2, start)
    if dots:
        weights = [dot.r**2 for dot in dots]
        middle = (
            round(sum(w * d.x for w, d in zip(weights, dots, strict=True)) / sum(weights), 1),
            round(sum(w * d.y for w, d in zip(weights, dots, strict=True)) / sum(weights), 1),
        )
    return Link(
        au=text(row, "au"),
        name=au_name(text(row, "au")),
        effect=estimate_of(row, "effect"),
        width=round(max(width, 1.0), 1),
        start=round(start, 1),
        middle=middle,
        end=end,
        dots=dots,
        half=count(row, "half_removed"),
        half_random=count(row, "half_random_removed"),
        around=number(row, "round"),
        own=text(card, "units"),
        through=estimate_of(card, "removed"),
        random=estimate_of(card, "random_removed"),
    )


def _words(expression: str, links: tuple[Link, ...], first: Row) -> str:
    """Say how the largest effect passes."""
    link, units = links[0], count(first, "n_units")
    said = f"{link.au} raises {expression} most ({signed(link.effect.value)})"
    if link.half is None:
        said += f"; no number of units carries half of it, for {percent(link.around)} goes round"
    else:
        said += f"; half of it passes through {link.half} of {units} units"
        if link.half_random is None:
            said += "; random units that change as much never carry half"
        elif link.half_random > link.half:
            said += (
                f"; random units do so where they change as much as the first {link.half_random}"
            )
        else:
            said += "; random units that change as much carry half, too"
    most = percent(number(first, "largest"))
    return f"{said}. The unit that carries most, {count(first, 'largest_unit')}, carries {most}."


def _detectors(realised: pd.DataFrame) -> str:
    """Say how much passes through the units that the cards show as detectors."""
    for row in records(realised):
        own, difference = (estimate_of(row, name) for name in ("share", "difference"))
        against = "not shown to differ from that of"
        if difference.low > 0 or difference.high < 0:
            against = f"{'more' if difference.low > 0 else 'less'} than through"
        ahead, aus = count(row, "n_ahead"), count(row, "n_aus")
        return (
            f"Through the units that the cards show as detectors passes {percent(own.value, 1)} of "
            f"what their AU does to the expression that it raises most ({percent(own.low, 1)} to "
            f"{percent(own.high, 1)}, mean over {aus} AUs): {against} random units that change as "
            f"much ({percent(number(row, 'random'), 1)}). In {ahead} of the {aus} AUs at most one "
            f"random set in 20 carries as much"
        )
    return (
        "The cards show no unit of this layer as a detector of an action unit that raises an "
        "expression"
    )


def draw(page: Page) -> Drawn:
    """Draw each expression’s chain, and the share that passes through the first units."""
    found = page.of(build_chains)
    if isinstance(found, Missing):
        return {}
    drawn: dict[str, Callable[[], Drawing]] = {}
    for place, one in enumerate(found.chains, start=1):
        drawn[f"chain-{place}"] = partial(_bands, found.layer, one)
        drawn[f"passing-{place}"] = partial(_passing, one)
    return drawn


def _bands(layer: str, one: Chain) -> Drawing:
    return chain(
        [
            Band(
                f"{link.au} {link.name} {signed(link.effect.value)}",
                link.path,
                link.width,
                link.start,
                [(dot.x, dot.y, dot.r) for dot in link.dots],
            )
            for link in one.drawn
        ],
        to=one.expression,
        title=f"Through the units of {layer}",
        size=(WIDTH, HEIGHT),
        face=FACE,
    )


def _passing(one: Chain) -> Drawing:
    curve = one.curve
    return lines(
        [
            Series("removed", curve.removed, BLUE),
            Series("restored", curve.restored, VERMILION),
            Series("random, removed", curve.random_units, GREY, dashed=True),
        ],
        title=f"{curve.au}: share of its effect on {one.expression} that passes",
        x=range(len(curve.counts)),
        ticks=[str(count) for count in curve.counts],
        along="first units",
        y_range=(0, 1.2),
    )


SECTION: Final = Section(
    order=19,
    anchor="chain",
    heading="Through which units does an action unit reach the expression?",
    title="Chain",
    template="chain.html",
    build=build_chains,
    figures=draw,
    downloads={
        "mechanism/mediation.csv": "every effect: how much passes, and how many units carry half",
        "mechanism/curves.csv": "every effect: the share that passes through the first units",
        "mechanism/carriers.csv": "every effect: the units that carry it, and where on the face",
        "mechanism/detectors.csv": "how much passes through the units that cards show as detectors",
        "mechanism/realised.csv": "the same, mean over action units",
    },
)
