"""Any network with new random weights, as before a training."""

import copy
from collections.abc import Callable, Iterator
from typing import Any, Final

import torch
from torch import Tensor, nn

from facslens.errors import CallError
from facslens.models.reading.reading import read_alike

#: What a module calls the method that draws its weights.
_NAMES: Final = ("reset_parameters", "_reset_parameters")


def can_restart(network: nn.Module) -> bool:
    """Tell whether `restarted` can draw the weights of a network anew.

    It takes a module that knows how its own weights are drawn. A network that was read from a
    file of steps alone, such as an ONNX file, has none.
    """
    return any(_drawing(module) is not None for module in network.modules())


def restarted(network: nn.Module, seed: int) -> nn.Module:
    """Copy a network, and draw the weights of the copy from a seed.

    Parameters
    ----------
    network
        Any network; it stays as it is.
    seed
        Of all weights. The state of PyTorch's own generator is not changed.

    Returns
    -------
    torch.nn.Module
        In evaluation mode. Every module that has a method ``reset_parameters`` draws its weights
        as it did when it was made, and its running statistics are those of the beginning.
        Parameters that belong to no such module are permuted among their own entries, which keeps
        their distribution. Other buffers stay as they are. What was read of the steps of the
        network holds for the copy, too.

    Raises
    ------
    CallError
        If no module knows how to draw its weights, or the network cannot be copied.

    Examples
    --------
    >>> network = nn.Conv2d(1, 2, 3)
    >>> one, again = restarted(network, 1), restarted(network, 1)
    >>> torch.equal(one.weight, again.weight), torch.equal(one.weight, network.weight)
    (True, False)
    """
    if not can_restart(network):
        raise CallError(
            "the network has no module that knows how its weights are drawn, so that there is no "
            "untrained network to compare it with"
        )
    try:
        device = next((p.device for p in network.parameters()), torch.device("cpu"))
        copied = copy.deepcopy(network).cpu()  # where the same seed draws the same weights
    except RuntimeError as error:
        raise CallError(f"the network cannot be copied: {error}") from error
    before = [(parameter, parameter.data) for parameter in copied.parameters()]
    with torch.no_grad(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        for parameter, values in before:
            # numbers are drawn in the order of the memory, which is not the same for every format
            parameter.data = values.contiguous()
        _draw(copied)
        for parameter, values in before:
            parameter.data = torch.empty_like(values).copy_(parameter.data)
    read_alike(copied, network)  # which takes the same steps, so that none is traced again
    return copied.to(device).eval()


def _draw(network: nn.Module) -> None:
    drawn: set[Tensor] = set()
    for name, module in network.named_modules():
        if (draw := _drawing(module)) is not None:
            try:
                draw()
            except TypeError as error:
                raise CallError(
                    f"the weights of {name or 'the network'} cannot be drawn anew: {error}"
                ) from error
            drawn.update(_own(module))
        elif callable(forget := getattr(module, "reset_running_stats", None)):
            forget()
    for parameter in network.parameters():
        if parameter not in drawn:
            flat = parameter.data.flatten()
            parameter.data = flat[torch.randperm(len(flat))].reshape(parameter.shape)


def _drawing(module: nn.Module) -> Callable[[], Any] | None:
    """Give the method that draws a module's weights, if it has weights and such a method."""
    if next(_own(module), None) is None:
        return None
    found = (getattr(module, name, None) for name in _NAMES)
    return next((method for method in found if callable(method)), None)


def _own(module: nn.Module) -> Iterator[Tensor]:
    return module.parameters(recurse=False)
