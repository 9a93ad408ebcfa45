"""Which action units a synthetic face shows: by expression, as in life, or independently."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np

from facslens import action_units
from facslens.datasets.archive import read_bytes
from facslens.datasets.labels import EXPRESSIONS, NEUTRAL
from facslens.errors import CallError
from facslens.synthesis.actions import AUS, EXCLUDED, SIDED

#: Draws of a whole set of action units before a design is given up as impossible.
_TRIES: Final = 10_000


@dataclass(frozen=True)
class Design:
    """The probabilities by which action units are drawn.

    Parameters
    ----------
    name
        Its name.
    expressions
        For each expression the probability of each action unit. Empty: faces carry no
        expression, and every action unit is drawn by ``chance``.
    chance
        Probability of every action unit beside those of its expression.
    frames
        Images of a sequence: the first at rest, the others at the peak.
    """

    name: str
    expressions: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    chance: Mapping[str, float] = field(default_factory=dict)
    frames: int = 3

    def __post_init__(self) -> None:
        for expression, probabilities in self.expressions.items():
            if expression not in EXPRESSIONS or expression == NEUTRAL:
                raise CallError(
                    f"the design {self.name} names the expression {expression!r}: expected one "
                    f"of {', '.join(EXPRESSIONS[1:])}"
                )
            self._check(probabilities)
        self._check(self.chance)
        if self.frames < 2:
            raise CallError(
                f"the design {self.name} has {self.frames} frames: expected at least 2, "
                f"neutral and peak"
            )

    def _check(self, probabilities: Mapping[str, float]) -> None:
        for au, probability in probabilities.items():
            if au not in AUS:
                raise CallError(
                    f"the design {self.name} names {au!r}: synthetic faces have {', '.join(AUS)}"
                )
            if not 0 <= probability <= 1:
                raise CallError(
                    f"the design {self.name} gives {au} the probability {probability}: "
                    f"expected 0 to 1"
                )

    def draw(
        self, expression: str | None, rng: np.random.Generator
    ) -> dict[str, tuple[float, float]]:
        """Draw the left and right intensity, 0 to 1, of the action units of one peak.

        Each is drawn independently. A set with two action units that exclude each other
        (`EXCLUDED`) is discarded and drawn again as a whole.

        Raises
        ------
        CallError
            If no allowed set is drawn, because the design requires action units that exclude each
            other.
        """
        chances = dict(self.chance)
        if expression is not None:
            chances |= self.expressions[expression]
        for _ in range(_TRIES):
            drawn = [au for au in AUS if rng.random() < chances.get(au, 0.0)]
            if (drawn or expression is None) and not excluded(drawn):
                return {au: _sides(au, expression, rng) for au in drawn}
        raise CallError(
            f"the design {self.name} requires action units that exclude each other"
            + (f" in {expression}" if expression else "")
        )


def excluded(aus: list[str]) -> bool:
    """Say whether two of these action units exclude each other.

    Examples
    --------
    >>> excluded(["AU12", "AU25"]), excluded(["AU12", "AU15"])
    (False, True)
    """
    return excluding(aus) is not None


def excluding(aus: list[str]) -> tuple[str, str] | None:
    """Give the first two of these action units that exclude each other; None where none do.

    Examples
    --------
    >>> excluding(["AU12", "AU25", "AU15"])
    ('AU12', 'AU15')
    """
    pairs = ((b, a) for i, a in enumerate(aus) for b in aus[:i])
    return next((pair for pair in pairs if frozenset(pair) in EXCLUDED), None)


def _sides(au: str, expression: str | None, rng: np.random.Generator) -> tuple[float, float]:
    strength = float(rng.uniform(0.55, 1.0))
    if au not in SIDED:
        return strength, strength
    if expression == "contempt" and au in ("AU12", "AU14"):
        weak = strength * float(rng.uniform(0.0, 0.2))  # contempt is one-sided
        return (strength, weak) if rng.random() < 0.5 else (weak, strength)
    other = strength * float(rng.uniform(0.75, 1.0))
    return (strength, other) if rng.random() < 0.5 else (other, strength)


_RARE: Final = 0.03


def _mostly(shown: Mapping[str, float], never: tuple[str, ...]) -> dict[str, float]:
    return {**shown, **dict.fromkeys(never, 0.0)}


#: Action units of each expression with their probabilities, after the prototypes and major
#: variants of EMFACS as tabled by Ekman, Friesen & Hager 2002 [ekman2002facs]_, p. 174. The
#: probabilities are ours, set beside how often CK+ codes each in its expressions [lucey2010]_, and
#: so are the action units that would undo an expression and are not mixed in.
NATURAL: Final = Design(
    name="natural",
    expressions={
        "anger": _mostly(
            {
                "AU04": 0.9, "AU05": 0.35, "AU07": 0.7, "AU10": 0.3, "AU17": 0.6, "AU23": 0.45,
                "AU24": 0.4, "AU25": 0.25,
            },
            ("AU01", "AU12", "AU27", "AU43"),
        ),
        "contempt": _mostly(
            {"AU12": 0.3, "AU14": 0.85, "AU04": 0.1, "AU24": 0.1}, ("AU01", "AU27", "AU43")
        ),
        "disgust": _mostly(
            {
                "AU09": 0.75, "AU10": 0.35, "AU04": 0.5, "AU06": 0.3, "AU07": 0.5, "AU15": 0.15,
                "AU16": 0.15, "AU17": 0.6, "AU25": 0.3, "AU26": 0.1,
            },
            ("AU05", "AU12", "AU27"),
        ),
        "fear": _mostly(
            {
                "AU01": 0.9, "AU02": 0.6, "AU04": 0.8, "AU05": 0.75, "AU07": 0.15, "AU20": 0.8,
                "AU25": 0.75, "AU26": 0.25,
            },
            ("AU12", "AU28", "AU43"),
        ),
        "happiness": _mostly(
            {"AU06": 0.85, "AU12": 1.0, "AU07": 0.15, "AU25": 0.8, "AU26": 0.15},
            ("AU04", "AU09", "AU27"),
        ),
        "sadness": _mostly(
            {
                "AU01": 0.9, "AU04": 0.8, "AU06": 0.15, "AU15": 0.8, "AU17": 0.8, "AU43": 0.1,
                "AU24": 0.08,
            },
            ("AU05", "AU12", "AU27"),
        ),
        "surprise": _mostly(
            {
                "AU01": 0.95, "AU02": 0.95, "AU05": 0.8, "AU25": 0.15, "AU26": 0.35,
                "AU27": 0.6,
            },
            ("AU04", "AU07", "AU12", "AU43"),
        ),
    },
    chance=dict.fromkeys(AUS, _RARE) | {"AU16": 0.05, "AU18": 0.05, "AU22": 0.08, "AU28": 0.15},
)  # fmt: skip

#: Every action unit by itself. Those that exclude many others are asked for more often, so
#: that they are left in enough faces; AU25 comes with many others by itself.
FACTORIAL: Final = Design(
    name="factorial",
    chance=dict.fromkeys(AUS, 0.3)
    | {"AU18": 0.35, "AU22": 0.4, "AU23": 0.55, "AU24": 0.45}
    | {"AU25": 0.15, "AU27": 0.6, "AU28": 0.7},
    frames=2,
)  # fmt: skip

DESIGNS: Final = {design.name: design for design in (NATURAL, FACTORIAL)}


def get_design(name: str) -> Design:
    """Find a design by its name, or read one from a JSON file.

    Parameters
    ----------
    name
        ``natural``, ``factorial``, or the path of a JSON file with the keys ``expressions``
        (an object an expression, of probabilities by action unit), ``chance`` (the same,
        for all faces) and ``frames``, each of which may be left out.

    Raises
    ------
    CallError
        If there is no such design, or the file is not as described.
    """
    if name in DESIGNS:
        return DESIGNS[name]
    path = Path(name)
    if path.suffix != ".json":
        raise CallError(f"design is {name!r}: expected {', '.join(DESIGNS)} or a .json file")
    try:
        content = json.loads(read_bytes(path).decode("utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise CallError(f"the design file {path} cannot be read: {error}") from error
    return _design(path, content)


def _design(path: Path, content: Any) -> Design:
    if not isinstance(content, dict) or set(content) - {"expressions", "chance", "frames"}:
        raise CallError(
            f"the design file {path} needs to be an object with the keys expressions, chance "
            f"and frames"
        )
    try:
        return Design(
            name=path.stem,
            expressions={
                expression: _probabilities(table)
                for expression, table in content.get("expressions", {}).items()
            },
            chance=_probabilities(content.get("chance", {})),
            frames=int(content.get("frames", 3)),
        )
    except (AttributeError, TypeError, ValueError) as error:
        if isinstance(error, CallError):
            raise
        raise CallError(f"the design file {path} has a value of the wrong kind: {error}") from error


def _probabilities(table: Mapping[str, Any]) -> dict[str, float]:
    return {action_units.parse(au): float(value) for au, value in table.items()}
