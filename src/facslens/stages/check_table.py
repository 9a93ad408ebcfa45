"""The table of the checks of a finished run: the name of each, and the function that makes it.

A function is named by text and imported when it is called, so that help texts need not wait for
PyTorch. A check from outside is one more entry of `CHECKS`: the command line, the folder
``verify`` and the report then know it.
"""

import pkgutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from facslens.controls.table import CONTROLS
from facslens.errors import CallError

if TYPE_CHECKING:
    import pandas as pd

    from facslens.progress import Report
    from facslens.stages.checks import Subject


@dataclass(frozen=True)
class Check:
    """A check of a finished run.

    Parameters
    ----------
    function
        ``package.module:name`` of a function that gives one table. It is called with `arguments`,
        the `facslens.stages.checks.Subject` and a function that reports progress.
    arguments
        Texts that the function is given first.
    group
        A name that stands for several checks in ``--only``; empty for none.
    default
        Whether it is made where no check is named.
    note
        What the help says of it, in a few words.
    restarts
        Whether it needs the network with weights drawn anew, which some networks have not.
    """

    function: str
    arguments: tuple[str, ...] = ()
    group: str = ""
    default: bool = False
    note: str = ""
    restarts: bool = False

    def make(self, subject: "Subject", progress: "Report") -> "pd.DataFrame":
        """Make the check."""
        table: pd.DataFrame = pkgutil.resolve_name(self.function)(
            *self.arguments, subject, progress
        )
        return table


def _control(name: str) -> Check:
    trains = CONTROLS[name].trains
    return Check(
        "facslens.stages.checks:check_control",
        arguments=(name,),
        group="" if trains else "controls",
        default=not trains,
        note="trains a network" if trains else "",
        restarts=name == "untrained",
    )


#: Every check by its name, in the order in which they are made. The rows of all controls are in
#: one table, ``verify/controls.csv``; that of another check is ``verify/NAME.csv``.
CHECKS: Final[dict[str, Check]] = {
    **{name: _control(name) for name in CONTROLS},
    "ablation": Check("facslens.stages.checks:check_ablation", default=True),
    "place": Check("facslens.stages.checks:check_place", default=True),
    "sanity": Check("facslens.stages.checks:check_sanity", default=True, restarts=True),
    "stability": Check("facslens.stages.checks:check_stability", note="needs --against"),
    "planted": Check("facslens.stages.truth:check_planted", group="truth"),
    "factorial": Check("facslens.stages.truth:check_factorial", group="truth", restarts=True),
    "true_place": Check("facslens.stages.truth:check_true_place", group="truth"),
}


def choose_checks(only: str | None, against: bool = False) -> tuple[str, ...]:
    """Give the checks that a comma-separated list of names and groups names, in their order.

    Raises
    ------
    CallError
        If a name is not known.

    Examples
    --------
    >>> choose_checks("ablation,controls")
    ('untrained', 'rotated', 'pixels', 'gradients', 'probe', 'ablation')
    """
    if only is None:
        return tuple(
            name for name, c in CHECKS.items() if c.default or (against and name == "stability")
        )
    words = [part.strip() for part in only.split(",")]
    known = dict.fromkeys((*(c.group for c in CHECKS.values() if c.group), *CHECKS))
    for word in words:
        if word not in known:
            raise CallError(
                f"only names {word!r}, which is no check: expected some of {', '.join(known)}"
            )
    return tuple(name for name, check in CHECKS.items() if name in words or check.group in words)


def check_names() -> str:
    """Say which checks there are, for a help text.

    Examples
    --------
    >>> check_names()[-38:]
    'truth (planted, factorial, true_place)'
    """
    grouped: dict[str, list[str]] = {}
    for name, check in CHECKS.items():
        grouped.setdefault(check.group or name, []).append(name)
    return ", ".join(
        f"{word} ({', '.join(names)})"
        if word not in CHECKS
        else f"{word} ({CHECKS[word].note})"
        if CHECKS[word].note
        else word
        for word, names in grouped.items()
    )


def defaults() -> str:
    """Name the groups and checks that are made where none is named, for a help text."""
    return ", ".join(dict.fromkeys(c.group or name for name, c in CHECKS.items() if c.default))
