"""What action units and projection rules are called on the page."""

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
