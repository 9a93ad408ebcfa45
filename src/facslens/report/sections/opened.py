"""How the network of an audit was opened: where it came from, what it sees, and its layers."""

from dataclasses import dataclass
from typing import Any, Final

from facslens.artifacts import Json
from facslens.report.missing import Missing
from facslens.report.section import Page, Section
from facslens.report.tables import Row, RunTables, count, records, text
from facslens.runs.files import command_of

#: The mean of the faces as the network reads them: the file of the run, and whose faces.
_DRAWN: Final = "seen-drawn.png"
_FACES: Final = "seen-faces.png"


@dataclass(frozen=True)
class Channel:
    """The numbers of one channel, over all faces and pixels."""

    low: float
    mean: float
    deviation: float
    high: float


@dataclass(frozen=True)
class Sight:
    """What the network sees of some faces: their mean, and its numbers."""

    picture: str
    of: str
    faces: int
    channels: tuple[Channel, ...]


@dataclass(frozen=True)
class Layer:
    """One layer; a size that is not known is empty."""

    name: str
    kind: str
    steps: list[str]
    units: int
    map: str
    field: str
    stride: str
    rules: str
    why: str
    shortcut: bool
    looked_at: bool


@dataclass(frozen=True)
class Recognised:
    """How often the expressions of faces are named rightly, beside guessing; shares of 1."""

    faces: int
    left_out: int
    groups: int
    grouped_by: str
    classes: int
    accuracy: tuple[float, float, float]
    recall: tuple[float, float, float]
    chance: float
    beyond_chance: bool | None


@dataclass(frozen=True)
class Opened:
    """The network, as it was opened."""

    network: str
    files: tuple[tuple[str, str], ...]
    digest: str
    kind: str
    parameters: int
    expressions: tuple[str, ...]
    output: str
    notes: tuple[str, ...]
    has_untrained: bool
    choosing: int
    measuring: int
    steps: tuple[str, ...]
    sights: tuple[Sight, ...]
    recognised: Recognised | None
    layers: tuple[Layer, ...]
    directions: tuple[str, ...]
    reasons: tuple[tuple[tuple[str, ...], str], ...]


def build_opened(page: Page) -> Opened | Missing:
    """Gather what an audit notes of its network; a run that trains its own leaves this out."""
    tables = page.tables
    found = tables.opened
    if not tables.is_audit:
        return Missing()
    if found is None or tables.layers is None:
        command = command_of("open", tables.run.folder)
        return Missing("The network has not been opened", command)
    layers = tuple(_layer(row) for row in records(tables.layers))
    return Opened(
        network=str(found["network"]),
        files=tuple((str(name), str(sha)) for name, sha in found["files"].items()),
        digest=str(found["digest"]),
        kind=str(found["class"]),
        parameters=int(found["parameters"]),
        expressions=tuple(found["expressions"]),
        output=str(found.get("output", "")),
        notes=tuple(found.get("notes", ())),
        has_untrained=bool(found["has_untrained"]),
        choosing=int(found["people"]["choosing"]),
        measuring=int(found["people"]["measuring"]),
        steps=tuple(found["input"]),
        sights=_sights(tables, found),
        recognised=None if tables.recognition is None else _recognised(tables.recognition),
        layers=layers,
        directions=tuple(layer.name for layer in layers if layer.kind == "directions"),
        reasons=tuple(
            (tuple(layer.name for layer in layers if layer.why == why), why)
            for why in dict.fromkeys(layer.why for layer in layers if layer.why)
        ),
    )


def _sights(tables: RunTables, found: Json) -> tuple[Sight, ...]:
    sights = [_sight(_DRAWN, "drawn faces at rest", found["seen"])]
    if tables.recognition is not None and tables.shows_faces:
        sights.append(_sight(_FACES, "faces of the dataset", tables.recognition["seen"]))
    return tuple(sights)


def _sight(picture: str, of: str, numbers: Json) -> Sight:
    ends = (numbers[name] for name in ("low", "mean", "deviation", "high"))
    channels = tuple(Channel(*map(float, one)) for one in zip(*ends, strict=True))
    return Sight(picture, of, int(numbers["faces"]), channels)


def _layer(row: Row) -> Layer:
    def size(of: str) -> str:
        sides = count(row, f"{of}rows"), count(row, f"{of}columns")
        return "" if None in sides else "×".join(map(str, sides))

    return Layer(
        name=text(row, "layer"),
        kind=text(row, "kind"),
        steps=[step.replace("_", " ") for step in text(row, "steps").split()],
        units=int(row["units"]),
        map=size(""),
        field=size("field_"),
        stride=size("stride_"),
        rules=text(row, "rules"),
        why=text(row, "why"),
        shortcut=bool(row["shortcut"]),
        looked_at=bool(row["looked_at"]),
    )


def _recognised(found: Json) -> Recognised:
    def ends(interval: Json) -> tuple[float, float, float]:
        low, value, high = (_or_nan(interval[end]) for end in ("low", "value", "high"))
        return low, value, high

    return Recognised(
        faces=int(found["faces"]),
        left_out=int(found["left_out"]),
        groups=int(found["groups"]),
        grouped_by=str(found["grouped_by"]),
        classes=int(found["classes"]),
        accuracy=ends(found["accuracy"]),
        recall=ends(found["recall"]),
        chance=_or_nan(found["chance"]),
        beyond_chance=found["beyond_chance"],
    )


def _or_nan(value: Any) -> float:
    return float("nan") if value is None else float(value)


def copy_sights(page: Page) -> dict[str, bytes]:
    """Give the pictures of the section."""
    view = page.of(build_opened)
    if isinstance(view, Missing):
        return {}
    record = page.tables.record
    return {f"opened/{s.picture}": record.path(s.picture).read_bytes() for s in view.sights}


SECTION: Final = Section(
    order=95,
    anchor="opened",
    heading="How this network was opened",
    title="How it was opened",
    template="opened.html",
    build=build_opened,
    downloads={"layers.csv": "every layer of the network, and what can be done in it"},
    files=copy_sights,
)
