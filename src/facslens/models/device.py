"""On which device a network computes: the processor, or an accelerator."""

from typing import Final

import torch

from facslens.errors import CallError
from facslens.models.model import Model
from facslens.models.reading.any_reading import ReadsItself

#: What may be chosen; ``auto`` takes an accelerator where PyTorch sees one.
DEVICES: Final = ("auto", "cpu", "cuda", "mps")
#: How far what an accelerator computes may lie from what the processor does, as a share of the
#: largest value: sums of float32 in another order.
TOLERANCE: Final = 1e-4


def choose_device(name: str) -> torch.device:
    """Find a device by name.

    Graphics processors of NVIDIA are told to compute with whole float32 numbers: left to themselves
    they round what they multiply to 10 bits (TF32), and results would differ from a processor's by
    far more than `TOLERANCE`.

    Raises
    ------
    CallError
        If there is no such device, or PyTorch does not see it.

    Examples
    --------
    >>> choose_device("cpu")
    device(type='cpu')
    """
    if name not in DEVICES:
        raise CallError(f"device is {name!r}: expected {', '.join(DEVICES)}")
    seen = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if name == "auto":
        name = next((one for one, is_there in seen.items() if is_there), "cpu")
    elif not seen.get(name, True):
        raise CallError(f"device is {name!r}: PyTorch sees none on this machine")
    if name == "cuda":
        torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False
    return torch.device(name)


def on_device(model: Model, name: str) -> Model:
    """Move the network of a model to a device; one that PyTorch does not run stays where it is.

    Raises
    ------
    CallError
        As `choose_device` does.
    """
    device = choose_device(name)
    if not isinstance(model.network, ReadsItself):
        model.network.to(device)
    return model
