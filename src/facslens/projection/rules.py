"""The projection rules: what a rectifier passes in the backward pass under each.

Nothing here imports PyTorch, so that a help text can name the rules without waiting for it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from facslens.errors import CallError


@dataclass(frozen=True)
class Rule:
    """A projection rule.

    Parameters
    ----------
    label
        Its name in a sentence, before the word "rule".
    through
        What a rectifier passes in the backward pass, given the values that arrive (R) and where
        the rectifier passed its input in the forward pass (f > 0): two tensors of one shape.
    asks
        Whether it asks where rectifiers passed their input; if not, it may be given None.
    """

    label: str
    through: Callable[[Any, Any], Any]
    asks: bool = True


#: Every rule by its name. An entry is all that a rule needs: commands, the sanity check and the
#: report find it here.
RULES: Final[dict[str, Rule]] = {
    "deconvnet": Rule("deconvolutional network", lambda R, _fires: R.clamp(min=0), asks=False),
    "guided": Rule("guided backpropagation", lambda R, fires: R.clamp(min=0) * fires),
    "gradient": Rule("gradient", lambda R, fires: R * fires),
}


def check_rule(rule: str) -> None:
    """Refuse a rule that is not in `RULES`.

    Raises
    ------
    CallError
        If there is no such rule.
    """
    if rule not in RULES:
        raise CallError(f"rule is {rule!r}: expected one of {', '.join(RULES)}")
