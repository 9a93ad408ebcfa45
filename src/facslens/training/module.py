"""The Lightning module, and the faces in the order in which it sees them."""

import math
from collections.abc import Iterator
from typing import Final, cast

import lightning.pytorch as pl
import numpy as np
import torch
from lightning.pytorch.utilities.types import OptimizerLRScheduler
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import Dataset, Sampler

from facslens.datasets.base import Faces
from facslens.preprocess import ahead, augment, normalise
from facslens.preprocess.input import Input
from facslens.training.machines import place
from facslens.training.recipe import Recipe

#: Steps over which the learning rate rises to its largest value, but at most a sixth of all:
#: a faster rise leaves many units dead, that is, without a response to any face.
WARM_UP = 100

#: Images (image, 1, row, column) and classes (image,), as the loader stacks them.
Batch = list[Tensor]


#: Bytes of decoded faces that a training keeps: all of FER2013, and a bound for larger data.
KEPT: Final = 1 << 28


class LabelledFaces(Dataset[tuple[Tensor, int]]):
    """Faces with the number of their class, each read when it is first needed.

    Decoded faces are kept in memory, as many as `KEPT` has room for; the others are read again in
    each epoch.

    Parameters
    ----------
    faces
        Faces that all have a class.
    classes
        The classes, in the order of the network's scores.
    into
        What the network reads.
    label
        The column of the faces' table that holds the class.
    """

    def __init__(
        self, faces: Faces, classes: tuple[str, ...], into: Input, label: str = "expression"
    ) -> None:
        self.paths = list(faces.table["path"])
        self.classes = [classes.index(name) for name in faces.table[label]]
        self.into = into
        self.kept: dict[int, np.ndarray] = {}
        self.most = KEPT // math.prod(into.shape)

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        picture = self.kept.get(index)
        if picture is None:
            picture = ahead.pictures([self.paths[index]], self.into)
            if len(self.kept) < self.most:
                self.kept[index] = picture
        return normalise.to_levels(picture)[0], self.classes[index]


class EpochOrder(Sampler[int]):
    """A new random order in each epoch, which depends only on the seed and the epoch.

    So a resumed training takes the faces in the same order as an uninterrupted one. Lightning
    calls `set_epoch` at the start of every epoch. Of several processes that train together, each
    takes its share of every batch; so that all have equally many, the first faces of an epoch may
    come once more at its end.

    Parameters
    ----------
    count
        Faces.
    seed
        Of the order.
    processes
        How many processes train together.
    """

    def __init__(self, count: int, seed: int, processes: int = 1) -> None:
        self.count, self.seed, self.epoch, self.processes = count, seed, 0, processes

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch that the next iteration belongs to."""
        self.epoch = epoch

    def __len__(self) -> int:
        return -(-self.count // self.processes)

    def __iter__(self) -> Iterator[int]:
        order = np.random.default_rng([self.seed, self.epoch]).permutation(self.count)
        order = np.resize(order, len(self) * self.processes)
        yield from order[place()[0] :: self.processes].tolist()


class ExpressionModule(pl.LightningModule):
    """Fits a network to the classes of faces.

    Parameters
    ----------
    network
        As `facslens.models.model.Model` holds it.
    recipe
        The hyperparameters.
    steps
        Steps of the whole training, on which the learning rate depends.
    seed
        Augmentation and dropout of a step depend on it, on the step's number and on the process.
    """

    def __init__(self, network: nn.Module, recipe: Recipe, steps: int, seed: int) -> None:
        super().__init__()
        self.network = network
        self.recipe = recipe
        self.steps = steps
        self.seed = seed

    def training_step(self, batch: Batch, _index: int) -> dict[str, Tensor]:
        """Augment, normalise, and give the loss."""
        images, classes = batch
        words = [self.seed, self.global_step, *([rank] if (rank := place()[0]) else [])]
        number = int(np.random.SeedSequence(words).generate_state(1)[0])
        torch.manual_seed(number)
        by_number = torch.Generator().manual_seed(number)
        changed = augment.augment(images.cpu(), self.recipe.augmentation, by_number)
        scores = self._scores(changed.to(self.device))
        loss = functional.cross_entropy(
            scores, classes, label_smoothing=self.recipe.label_smoothing
        )
        return {"loss": loss, **_sums(scores.detach(), classes)}

    def validation_step(self, batch: Batch, _index: int) -> dict[str, Tensor]:
        """Give the sums from which loss and accuracy are computed."""
        images, classes = batch
        return _sums(self._scores(images), classes)

    def _scores(self, images: Tensor) -> Tensor:
        faces = normalise.standardise(images).contiguous(memory_format=torch.channels_last)
        return cast(Tensor, self.network(faces))

    def configure_optimizers(self) -> OptimizerLRScheduler:
        """Use AdamW; its rate rises linearly (see `WARM_UP`) and then falls as a half cosine."""
        optimiser = torch.optim.AdamW(
            self.network.parameters(),
            lr=self.recipe.learning_rate,
            weight_decay=self.recipe.weight_decay,
        )

        warm_up = max(1, min(WARM_UP, self.steps // 6))

        def factor(step: int) -> float:
            rise = min(1.0, (step + 1) / warm_up)
            return rise * (1 + math.cos(math.pi * min(1.0, step / self.steps))) / 2

        schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, factor)
        return {
            "optimizer": optimiser,
            "lr_scheduler": {"scheduler": schedule, "interval": "step"},
        }


def _sums(scores: Tensor, classes: Tensor) -> dict[str, Tensor]:
    return {
        "entropy": functional.cross_entropy(scores, classes, reduction="sum").detach(),
        "right": (scores.argmax(dim=1) == classes).sum(),
        "count": torch.tensor(len(classes)),
    }
