"""The epochs after which a training keeps its network."""

import re
from collections.abc import Sequence

from facslens.errors import CallError

#: Keeps no network but that of the best epoch.
NONE = "none"


def parse_checkpoints(text: str) -> list[int] | None:
    """Read the epochs that a call names, in rising order.

    Parameters
    ----------
    text
        Numbers of finished epochs, separated by commas; 0 is the network before the training.
        `NONE` for none at all.

    Raises
    ------
    CallError
        If it is anything else, or names an epoch twice.

    Examples
    --------
    >>> parse_checkpoints("0,4,1"), parse_checkpoints("none")
    ([0, 1, 4], None)
    """
    if text.strip() == NONE:
        return None
    parts = [part.strip() for part in text.split(",")]
    if not all(re.fullmatch("[0-9]{1,6}", part) for part in parts):
        raise CallError(
            f"checkpoints is {text!r}: expected numbers of finished epochs, separated by commas, "
            f"such as 0,1,2,4, or {NONE}"
        )
    epochs = sorted(int(part) for part in parts)
    check_checkpoints(epochs)
    return epochs


def check_checkpoints(epochs: Sequence[int], whole: int | None = None) -> None:
    """Check the epochs after which a training keeps its network.

    Parameters
    ----------
    epochs
        Numbers of finished epochs.
    whole
        Epochs of the training, where they are known.

    Raises
    ------
    CallError
        If an epoch is named twice, is below 0, or comes after the last one.
    """
    for epoch in epochs:
        if epochs.count(epoch) > 1:
            raise CallError(f"checkpoints names the epoch {epoch} twice: expected once")
        if epoch < 0:
            raise CallError(f"checkpoints names the epoch {epoch}: expected 0 or more")
        if whole is not None and epoch > whole:
            raise CallError(
                f"checkpoints names the epoch {epoch}, but the training has {whole} epochs: "
                f"expected at most {whole}"
            )
