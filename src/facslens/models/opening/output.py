"""Which part of what a network gives is its answer, and what its numbers are."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import torch
from torch import Tensor

from facslens.errors import CallError
from facslens.models.opening.class_names import DIMENSIONS
from facslens.names import listed

#: Deviation of a sum of probabilities from 1, at most.
_ROUNDING: Final = 1e-4
#: Operations whose results are not bounded: numbers that lie in [0, 1] do so by chance.
_UNBOUNDED: Final = frozenset({"linear", "addmm", "mm", "matmul", "conv2d", "convolution"})


@dataclasses.dataclass(frozen=True)
class Numbers:
    """What the numbers of an answer are.

    Parameters
    ----------
    label
        In words, for messages and help texts.
    scale
        How chances follow from the scores, one of `facslens.models.scale.SCALES`.
    scores
        Makes scores of the numbers.
    """

    label: str
    scale: str
    scores: Callable[[Tensor], Tensor]


def _same(numbers: Tensor) -> Tensor:
    return numbers


def _log(numbers: Tensor) -> Tensor:
    """Give the logarithm; a probability that is rounded to 0 counts as the least number above."""
    return numbers.clamp(min=torch.finfo(numbers.dtype).tiny).log()


def _logit(numbers: Tensor) -> Tensor:
    """Give the log odds; a chance that is rounded to 1 counts as the largest number below."""
    info = torch.finfo(numbers.dtype)
    inside = numbers.clamp(info.tiny, 1 - info.eps / 2)
    return inside.log() - torch.log1p(-inside)


#: Every kind of numbers, by its name.
KINDS: Final[dict[str, Numbers]] = {
    "logits": Numbers("scores before a softmax", "softmax", _same),
    "probabilities": Numbers("probabilities that sum to 1", "softmax", _log),
    "independent": Numbers("scores before a logistic function each", "logistic", _same),
    "chances": Numbers("chances from 0 to 1 that need not sum to 1", "logistic", _logit),
    "regression": Numbers("numbers such as valence and arousal", "none", _same),
}


@dataclasses.dataclass(frozen=True)
class Output:
    """What of a network's answer is read, and as what.

    Parameters
    ----------
    part
        The key, attribute or number of the tensor; further ones inside it behind dots; empty where
        the network gives one tensor.
    numbers
        One of `KINDS`.
    notes
        What was found out and not said, one sentence each.
    """

    part: str
    numbers: str
    notes: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The name by which a call can say it."""
        return f"{self.part}:{self.numbers}" if self.part else self.numbers

    @property
    def plain(self) -> bool:
        """Whether the network's own answer is the tensor of scores."""
        return not self.part and KINDS[self.numbers].scores is _same

    def scores(self, answer: Any) -> Tensor:
        """Make the scores (image, class) of what the network gives."""
        return KINDS[self.numbers].scores(parts_of(answer)[self.part])


def parts_of(answer: Any) -> dict[str, Tensor]:
    """Name the tensors in what a network gives.

    Examples
    --------
    >>> list(parts_of({"head": (torch.zeros(2), torch.ones(2)), "note": None}))
    ['head.0', 'head.1']
    """
    return dict(_parts(answer, ""))


def _parts(answer: Any, name: str) -> list[tuple[str, Tensor]]:
    if isinstance(answer, Tensor):
        return [(name, answer)]
    inside: Mapping[Any, Any] = {}
    if isinstance(answer, Mapping):
        inside = answer
    elif dataclasses.is_dataclass(answer):
        inside = {f.name: getattr(answer, f.name) for f in dataclasses.fields(answer)}
    elif isinstance(answer, tuple | list):
        names = getattr(answer, "_fields", range(len(answer)))  # of a named tuple
        inside = dict(zip(names, answer, strict=True))
    before = f"{name}." if name else ""
    return [pair for key, one in inside.items() for pair in _parts(one, f"{before}{key}")]


def find_output(
    answer: Any, said: str | None, names: Sequence[str], last: Callable[[str], str]
) -> Output:
    """Find the part of a network's answer that scores its classes.

    Parameters
    ----------
    answer
        What the network gives for some different pictures.
    said
        What a call says: the name of a part, one of `KINDS`, or both with a colon between; None
        for nothing.
    names
        Of the classes, in order.
    last
        Names the operation that makes a part.

    Raises
    ------
    CallError
        If there is no such part, if it does not have one number a class, or if it is not certain
        which part it is, or what its numbers are.
    """
    parts = parts_of(answer)
    if not parts:
        raise CallError(
            f"network gives {_what(answer)}: expected a tensor of scores (image, class), or a "
            f"mapping, tuple or dataclass with one"
        )
    part, numbers = _said(said, parts)
    if part is None:
        part = _only(parts, names)
    tensor = parts[part]
    count = _width(tensor)
    if count is None:
        raise CallError(
            f"network gives {_shown(tensor)}{f' as {part!r}' if part else ''}: expected scores "
            f"(image, class)"
        )
    if count != len(names):
        raise CallError(
            f"expressions has {len(names)} names ({listed(names)}), but the network gives {count} "
            f"numbers for a picture{f' as {part!r}' if part else ''}: expected one name each"
        )
    if not tensor.isfinite().all():
        raise CallError("network answers NaN or infinity: its weights hold such numbers")
    if numbers is not None:
        _check(tensor, numbers)
        return _enough(Output(part, numbers), names)
    return _enough(_guessed(part, tensor, names, last), names)


def _said(said: str | None, parts: Mapping[str, Tensor]) -> tuple[str | None, str | None]:
    """Read what a call says; a word that is both a part and a kind of numbers names both."""
    if said is None:
        return None, None
    part, colon, numbers = said.rpartition(":")
    if not colon:
        part, numbers = (said if said in parts else "", said if said in KINDS else "")
    if (colon and (part not in parts or numbers not in KINDS)) or not (part or numbers):
        own = [name for name in parts if name]
        raise CallError(
            f"output is {said!r}: expected {'a part of the answer, ' if own else ''}"
            f"{listed(own, 'or') + ', or ' if own else ''}what its numbers are, "
            f"{listed(list(KINDS), 'or')}{', or both with a colon between' if own else ''}"
        )
    return part or None, numbers or None


def _only(parts: Mapping[str, Tensor], names: Sequence[str]) -> str:
    """Give the only part that has one number a class."""
    if len(parts) == 1:
        return next(iter(parts))
    fitting = [name for name, tensor in parts.items() if _width(tensor) == len(names)]
    if len(fitting) == 1:
        return fitting[0]
    shown = ", ".join(f"{name} of shape {_shape(parts[name])}" for name in fitting or parts)
    raise CallError(
        f"network gives {len(parts)} tensors, of which {len(fitting) or 'none'} "
        f"{'has' if not fitting else 'have'} one number for each of {len(names)} expressions: say "
        f"output, one of {shown}"
    )


def _guessed(part: str, tensor: Tensor, names: Sequence[str], last: Callable[[str], str]) -> Output:
    if set(names) <= set(DIMENSIONS):
        said = "By their names the network's numbers are no scores of classes."
        return Output(part, "regression", (said,))
    if _are_probabilities(tensor):
        said = (
            "The network answers with numbers that are not negative and sum to 1: they are taken "
            "for probabilities, and their logarithms for scores."
        )
        return Output(part, "probabilities", (said,))
    if bool(((tensor >= 0) & (tensor <= 1)).all()) and last(part) not in _UNBOUNDED:
        raise CallError(
            f"network answers with numbers from 0 to 1 that do not sum to 1: say output, "
            f"{listed(['chances', 'logits'], 'or')}"
        )
    return Output(part, "logits")


def _check(tensor: Tensor, numbers: str) -> None:
    """Refuse numbers that are not what a call says."""
    low, high = float(tensor.min()), float(tensor.max())
    if numbers == "probabilities" and not _are_probabilities(tensor):
        raise CallError(
            f"output says probabilities, but the network's numbers, from {low:.3g} to {high:.3g}, "
            f"are negative or do not sum to 1"
        )
    if numbers == "chances" and (low < 0 or high > 1):
        raise CallError(
            f"output says chances, but the network's numbers go from {low:.3g} to {high:.3g}"
        )


def _enough(found: Output, names: Sequence[str]) -> Output:
    if KINDS[found.numbers].scale == "softmax" and len(names) < 2:
        raise CallError(f"expressions is {list(names)}: expected two expressions or more")
    return found


def _are_probabilities(tensor: Tensor) -> bool:
    sums = tensor.sum(dim=1)
    return bool((tensor >= 0).all() and ((sums - 1).abs() <= _ROUNDING).all())


def _width(tensor: Tensor) -> int | None:
    """Give the number of classes of scores (image, class); None for other tensors."""
    return int(tensor.shape[1]) if tensor.ndim == 2 and tensor.is_floating_point() else None


def _shape(tensor: Tensor) -> str:
    return f"(image{''.join(f', {n}' for n in tensor.shape[1:])})" if tensor.ndim else "()"


def _shown(tensor: Tensor) -> str:
    kind = "" if tensor.is_floating_point() else f"{str(tensor.dtype).removeprefix('torch.')} "
    return f"a {kind}tensor of shape {_shape(tensor)}"


def _what(answer: Any) -> str:
    return "nothing" if answer is None else f"a {type(answer).__name__}"
