"""What action units and distances are called on the page."""

from collections.abc import Mapping, Sequence
from typing import Final

from facslens.action_units import ACTION_UNITS
from facslens.projection.rules import RULES


def au_name(au: str) -> str:
    """Give an action unit's name; empty where it has none.

    Examples
    --------
    >>> au_name("AU12"), au_name("AU99")
    ('lip corner puller', '')
    """
    return ACTION_UNITS[au].name if au in ACTION_UNITS else ""


def rule_name(rule: str) -> str:
    """Give the name of a projection rule in a sentence.

    Examples
    --------
    >>> rule_name("guided"), rule_name("of another version"), rule_name("")
    ('guided backpropagation', 'of another version', '')
    """
    return RULES[rule].label if rule in RULES else rule


#: Short name, long name, and unit of measure of each distance.
_DISTANCES: Final[Mapping[str, tuple[str, str, str]]] = {
    "kl": ("KL", "Kullback–Leibler divergence", "nats"),
    "js": ("JS", "Jensen–Shannon distance", ""),
    "wasserstein": ("W₁", "Wasserstein distance", "standard deviations"),
    "ks": ("KS", "Kolmogorov–Smirnov distance", ""),
    "auroc": ("AUROC", "AUROC", ""),
    "auprc": ("AUPRC", "average precision", ""),
    "pearson": ("r", "point-biserial correlation", ""),
}


def short(distance: str) -> str:
    """Give a distance's short name.

    Examples
    --------
    >>> short("kl"), short("something")
    ('KL', 'something')
    """
    return _DISTANCES.get(distance, (distance, distance, ""))[0]


def long(distance: str) -> str:
    """Give a distance's name in a sentence.

    Examples
    --------
    >>> long("js")
    'Jensen–Shannon distance'
    """
    return _DISTANCES.get(distance, (distance, distance, ""))[1]


def measure(distance: str) -> str:
    """Give a distance's unit of measure, to follow a number; empty where it has none.

    Examples
    --------
    >>> measure("kl"), measure("ks")
    (' nats', '')
    """
    unit = _DISTANCES.get(distance, (distance, distance, ""))[2]
    return f" {unit}" if unit else ""


def listed(words: Sequence[str]) -> str:
    """Join words as a sentence does.

    Examples
    --------
    >>> listed(["a"]), listed(["a", "b", "c"])
    ('a', 'a, b and c')
    """
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))
