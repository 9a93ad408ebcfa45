"""Callbacks of a training: record the history, keep the best weights, write checkpoints."""

import copy
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import pandas as pd
import torch
from torch import Tensor, nn

from facslens.artifacts import atomic
from facslens.progress import Report
from facslens.training.machines import total
from facslens.training.module import ExpressionModule


class Journal(pl.Callback):
    """Records loss and accuracy of every epoch, and keeps the weights of the best one.

    The best epoch is the one with the lowest loss on the validation part: it holds about ten
    people, so that accuracy changes in steps of several per cent, and the loss does not.

    Parameters
    ----------
    epochs
        Epochs of the whole training.
    patience
        Epochs without a better validation after which training stops, or None.
    progress
        Called after every epoch.
    """

    def __init__(self, epochs: int, patience: int | None, progress: Report) -> None:
        self.epochs = epochs
        self.patience = patience
        self.progress = progress
        self.rows: list[dict[str, Any]] = []
        self.best: dict[str, Any] = {"epoch": 0, "loss": float("inf"), "weights": None}
        self._sums: dict[str, list[dict[str, Tensor]]] = {"train": [], "validation": []}

    @property
    def history(self) -> pd.DataFrame:
        """Columns epoch (from 1), split, loss (nats, without smoothing), accuracy."""
        return pd.DataFrame(self.rows, columns=["epoch", "split", "loss", "accuracy"])

    def on_train_batch_end(
        self, trainer: pl.Trainer, module: pl.LightningModule, outputs: Any, *_: Any
    ) -> None:
        """Add the step's loss and hits to those of the epoch."""
        self._sums["train"].append({k: v.detach() for k, v in outputs.items() if k != "loss"})

    def on_validation_batch_end(
        self, trainer: pl.Trainer, module: pl.LightningModule, outputs: Any, *_: Any
    ) -> None:
        """Add the batch's loss and hits to those of the epoch."""
        self._sums["validation"].append(outputs)

    def on_validation_epoch_end(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        """Record the epoch, and keep the weights if they are the best so far."""
        epoch = trainer.current_epoch + 1
        assert isinstance(module, ExpressionModule)
        for split, sums in self._sums.items():
            names = ("count", "entropy", "right")
            own = [sum(float(s[name]) for s in sums) for name in names]
            # of several processes each validates all faces
            count, *whole = total(own, module.device)
            entropy, right = (value / count for value in whole)
            self.rows.append({"epoch": epoch, "split": split, "loss": entropy, "accuracy": right})
            sums.clear()
        loss = self.rows[-1]["loss"]
        if loss < self.best["loss"]:
            weights = copy.deepcopy(module.network.state_dict())
            self.best = {"epoch": epoch, "loss": loss, "weights": weights}
        elif self.patience is not None and epoch - self.best["epoch"] >= self.patience:
            trainer.should_stop = True
        note = f"loss {loss:.3f}, accuracy {self.rows[-1]['accuracy']:.3f} on validation"
        self.progress(self.epochs if trainer.should_stop else epoch, self.epochs, note)

    def state_dict(self) -> dict[str, Any]:
        """Give the state that a resumed training needs."""
        return {"rows": self.rows, "best": self.best}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore the state of a checkpoint."""
        self.rows, self.best = list(state_dict["rows"]), dict(state_dict["best"])


class Snapshots(pl.Callback):
    """Keeps the averaged weights of some epochs, whether or not they are the best.

    They are part of the state that a resumed training goes on from, so that it ends with the same
    ones.

    Parameters
    ----------
    epochs
        Numbers of finished epochs; 0 is the network as it is now.
    network
        The network before the training.
    """

    def __init__(self, epochs: Sequence[int], network: nn.Module) -> None:
        self.epochs = tuple(epochs)
        self.weights: dict[int, dict[str, Tensor]] = {}
        self._keep(0, network)

    def on_validation_epoch_end(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        """Keep the weights that were validated, if they are asked for."""
        assert isinstance(module, ExpressionModule)
        self._keep(trainer.current_epoch + 1, module.network)

    def _keep(self, epoch: int, network: nn.Module) -> None:
        if epoch in self.epochs:
            weights = {name: value.cpu() for name, value in network.state_dict().items()}
            self.weights[epoch] = copy.deepcopy(weights)

    def state_dict(self) -> dict[str, Any]:
        """Give the weights kept so far."""
        return {"weights": self.weights}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore those of a checkpoint."""
        self.weights = dict(state_dict["weights"])


class Checkpoint(pl.Callback):
    """Writes the whole state after every epoch: a killed training loses at most one epoch."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def on_train_epoch_end(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        """Replace the saved state by that of this epoch."""
        if not trainer.is_global_zero:
            trainer.save_checkpoint(self.path)  # takes part, and writes nothing
            return
        with atomic(self.path) as temporary:
            trainer.save_checkpoint(temporary)


def is_readable(path: Path) -> bool:
    """Tell whether training can resume from a file: it holds tensors and plain values only."""
    try:
        torch.load(path, map_location="cpu", weights_only=True)
    except Exception:  # noqa: BLE001 - whatever is wrong with it, training starts anew
        return False
    return True
