"""What the network has learned of each expression, in sentences that follow from the tables."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import pandas as pd

from facslens.action_units import PROTOTYPES, when
from facslens.experiments.interactions import UNKNOWN
from facslens.experiments.trials import FULL
from facslens.names import listed

#: Columns of `words`.
WORDS: Final = ("expression", "claim", "sentence")
#: Tables of a mechanism by name; any but ``effects`` may be absent.
Tables = Mapping[str, pd.DataFrame]
#: Action units of which a sentence says what they are; of further ones it gives the number.
NAMED: Final = 3

#: What a face is called of which the network names the expression.
CALLED: Final = {
    "neutral": "neutral", "anger": "angry", "contempt": "contemptuous", "disgust": "disgusted",
    "fear": "afraid", "happiness": "happy", "sadness": "sad", "surprise": "surprised",
}  # fmt: skip
#: Shares as they are called: the nearest one counts.
SHARES: Final = (
    (1.0, "all"), (0.9, "nearly all"), (3 / 4, "three quarters"), (2 / 3, "two thirds"),
    (1 / 2, "half"), (1 / 3, "a third"), (1 / 4, "a quarter"), (1 / 5, "a fifth"),
    (1 / 10, "a tenth"), (0.0, "next to nothing"),
)  # fmt: skip
_RATIOS: Final = {
    "all": "as much", "nearly all": "nearly as much", "next to nothing": "hardly at all",
}  # fmt: skip


def words(tables: Tables, expressions: Sequence[str]) -> pd.DataFrame:
    """Say what raises and lowers each expression, and how that fits its prototype.

    Parameters
    ----------
    tables
        ``effects``; ``needed`` and ``interactions`` where they were made.
    expressions
        Their names, in order; together, the sentences of one are a paragraph.

    Returns
    -------
    pandas.DataFrame
        One row a sentence, in the order of `CLAIMS`; a claim that has nothing to say is left out.
        A sentence names an effect only where its 95 % interval lies on one side of 0.
    """
    found = [
        (expression, claim, sentence)
        for expression in expressions
        for claim, say in CLAIMS.items()
        if (sentence := say(tables, expression))
    ]
    return pd.DataFrame(found, columns=list(WORDS))


def called(expression: str) -> str:
    """Say what the network does to a face that it reads so.

    Examples
    --------
    >>> called("surprise"), called("bored")
    ('call a face surprised', 'give a face the label “bored”')
    """
    if expression in CALLED:
        return f"call a face {CALLED[expression]}"
    return f"give a face the label “{expression}”"


def share(value: float) -> str:
    """Say a share in words: the nearest of `SHARES`.

    Examples
    --------
    >>> share(0.48), share(0.02), share(1.4)
    ('half', 'next to nothing', 'more than all')
    """
    if value > 1.05:
        return "more than all"
    return min(SHARES, key=lambda one: abs(one[0] - value))[1]


def points(probability: float) -> str:
    """Write a change of probability in points.

    Examples
    --------
    >>> points(0.214), points(-0.034), points(0.0002)
    ('+21 points', '−3.4 points', '+0.02 points')
    """
    value = 100 * probability
    places = 0 if abs(value) >= 9.95 else 1 if abs(value) >= 0.1 else 2
    return f"{value:+.{places}f} points".replace("-", "−")


def strongest(tables: Tables, expression: str) -> str:
    """Name the action unit that alone raises the probability most."""
    rises = _rising(tables, expression)
    if rises.empty:
        return f"No action unit alone is shown to make the network {called(expression)}."
    verb = called(expression).replace("call ", "calls ", 1).replace("give ", "gives ", 1)
    first = rises.iloc[0]
    change = points(float(first["probability"]))
    seen = _clause(first["au"])
    return f"The network {verb} most readily when only {seen}, {change} of probability)."


def further(tables: Tables, expression: str) -> str:
    """Say how far the next ones raise it, by the strongest."""
    rises = _rising(tables, expression)
    if len(rises) < 2:
        return ""
    top = float(rises["probability"].iloc[0])
    parts = []
    for au, change in rises[["au", "probability"]].iloc[1:NAMED].itertuples(index=False):
        ratio = share(float(change) / top)
        parts.append(f"{_RATIOS.get(ratio, f'{ratio} as much')} when {_clause(au)})")
    said = f"The probability rises {listed(parts)}"
    more = len(rises) - NAMED
    return f"{said}, and less under {more} more." if more > 0 else f"{said}."


def lowered(tables: Tables, expression: str) -> str:
    """Name the action units that lower it most."""
    full = _full(tables, expression)
    falls = full[(full["logit_high"] < 0) & (full["probability_high"] < 0)]
    falls = falls.sort_values("probability", kind="stable")
    if falls.empty:
        return ""
    parts = [
        f"when {_clause(au)}, {points(float(change))})"
        for au, change in falls[["au", "probability"]].iloc[: NAMED - 1].itertuples(index=False)
    ]
    more = len(falls) - len(parts)
    rest = f", and less under {more} more" if more else ""
    return f"The probability falls {'most ' if len(falls) > 1 else ''}{listed(parts)}{rest}."


def silent(tables: Tables, expression: str) -> str:
    """Name the members of the prototype that do not raise the score alone."""
    full = _full(tables, expression)
    members = full[_true(full["prototype"]) & _true(full["differs"])]
    falls = members["logit_high"] < 0
    parts = []
    for rows, verb in ((members[~falls], "is not shown to rise"), (members[falls], "falls")):
        if len(rows):
            clauses = listed([f"{_clause(au)})" for au in rows["au"]], "or")
            parts.append(f"{verb} when only {clauses}")
    if not parts:
        return ""
    return f"It differs from the prototype: the score {', and '.join(parts)}."


def outsiders(tables: Tables, expression: str) -> str:
    """Name the action units that raise the score and are no members of the prototype."""
    full = _full(tables, expression)
    others = full[_true(full["differs"]) & _true(~full["prototype"].astype("boolean"))]
    if others.empty:
        return ""
    others = others.sort_values("logit", ascending=False, kind="stable")
    clauses = listed([f"{_clause(au)})" for au in others["au"].iloc[:NAMED]], "or")
    more = len(others) - NAMED
    rest = f", and under {more} more" if more > 0 else ""
    which = "which is" if len(others) == 1 else "which are"
    return (
        f"It differs from the prototype: the score rises when only {clauses}{rest}, {which} no "
        f"part of it."
    )


def agrees(tables: Tables, expression: str) -> str:
    """Say that no action unit departs from the prototype, where that is so."""
    full = _full(tables, expression)
    if full.empty or full["differs"].isna().any() or _true(full["differs"]).any():
        return ""
    return "By single action units it departs nowhere from the prototype."


def needed(tables: Tables, expression: str) -> str:
    """Say what the whole prototype loses without each member."""
    table = tables.get("needed")
    if table is None:
        return ""
    own = table[table["expression"] == expression]
    if len(own) < 2:  # of one member, nothing is left without it
        return ""
    own = own.sort_values("needed", ascending=False, kind="stable")
    if not (own["whole_low"] > 0).all():
        return "Under the whole prototype the score is not shown to rise."
    lost, gains = own["needed_low"] > 0, own["needed_high"] < 0
    kept = own["au"][~lost & ~gains]
    losses = [
        f"{share(float(row['needed'] / row['whole']))} without {row['au']}"
        for _, row in own[lost].iterrows()
    ]
    parts = [f"loses {listed(losses)}"] if losses else []
    if gains.any():
        parts.append(f"rises further without {listed(list(own['au'][gains]), 'or')}")
    if len(kept):
        parts.append(f"is not shown to lose anything without {listed(list(kept), 'or')}")
    return f"Under the whole prototype the score {'; it '.join(parts)}."


def together(tables: Tables, expression: str) -> str:
    """Say which members of the prototype do more or less together than the sum of each alone."""
    table = tables.get("interactions")
    if table is None:
        return ""
    members = set(PROTOTYPES.get(expression, ()))
    inside = table["aus"].map(lambda aus: set(str(aus).split()) <= members)
    own = table[inside.astype(bool) & (table["expression"] == expression)]
    if own.empty:
        return ""
    told = own[own["more"] != UNKNOWN]
    if told.empty:
        largest = max(map(str, own["aus"]), key=len)
        names = listed(largest.split())
        return f"No difference is shown between {names} together and the sum of each alone."
    parts = [
        f"{listed(str(row['aus']).split())} change the score by {_signed(row['together'])}, "
        f"{row['more']} of each alone ({_signed(row['sum_alone'])})"
        for _, row in told.iterrows()
    ]
    return f"Together, {'; '.join(parts)}."


#: The claims of a paragraph, in order. A claim about another table of the mechanism is one more
#: entry; it says nothing where there is no such table.
CLAIMS: Final[dict[str, Callable[[Tables, str], str]]] = {
    "strongest": strongest,
    "further": further,
    "lowered": lowered,
    "silent": silent,
    "outsiders": outsiders,
    "agrees": agrees,
    "needed": needed,
    "together": together,
}


def _full(tables: Tables, expression: str) -> pd.DataFrame:
    table = tables["effects"]
    return table[(table["grade"] == FULL) & (table["expression"] == expression)]


def _rising(tables: Tables, expression: str) -> pd.DataFrame:
    """Choose where score and probability rise by their intervals, the most probable first."""
    full = _full(tables, expression)
    rises = full[(full["logit_low"] > 0) & (full["probability_low"] > 0)]
    return rises.sort_values("probability", ascending=False, kind="stable")


def _true(values: pd.Series) -> pd.Series:
    return values.astype("boolean").fillna(False).astype(bool)


def _clause(au: object) -> str:
    """Begin a clause; the caller closes the bracket."""
    return f"{when(str(au))} ({au}"


def _signed(value: object) -> str:
    return f"{value:+.2f}".replace("-", "−")
