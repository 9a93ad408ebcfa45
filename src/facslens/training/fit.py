"""Train a network on the training part, and choose the epoch on the validation part."""

import contextlib
import dataclasses
import json
import logging
import math
import tempfile
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, cast

import lightning.pytorch as pl
import pandas as pd
import torch
from lightning.pytorch.callbacks import EMAWeightAveraging
from torch import Tensor, nn
from torch.utils.data import DataLoader

from facslens.datasets.base import Faces
from facslens.errors import CallError, FacslensError
from facslens.models.device import choose_device
from facslens.models.initial import digest, initial
from facslens.models.model import Model
from facslens.progress import Report, silent
from facslens.training.callbacks import Checkpoint, Journal, Snapshots, is_readable
from facslens.training.checkpoints import check_checkpoints
from facslens.training.lesson import Lesson, expressions
from facslens.training.machines import Machines
from facslens.training.module import EpochOrder, ExpressionModule, LabelledFaces
from facslens.training.recipe import Recipe, recipe_for
from facslens.training.unseen import contents, digest_of, has_seen

#: What Lightning calls devices.
_ACCELERATORS: Final = {"cpu": "cpu", "cuda": "gpu", "mps": "mps"}
#: Faces in a batch where no gradients are needed.
VALIDATION_BATCH = 128


@dataclass(frozen=True)
class Training:
    """A trained model and the history of its training.

    Parameters
    ----------
    model
        With the weights of the best epoch.
    history
        Columns epoch, split, loss, accuracy.
    checkpoints
        The weights after each of the epochs that were to be kept; a training that stops early has
        none of the later ones.
    """

    model: Model
    history: pd.DataFrame
    checkpoints: Mapping[int, Mapping[str, Tensor]] = field(default_factory=dict)

    @property
    def accuracy(self) -> float:
        """Accuracy in the best epoch, on the faces that chose it."""
        table = self.history
        best = table["epoch"] == self.model.training["best_epoch"]
        return float(table.loc[best & (table["split"] == "validation"), "accuracy"].iloc[0])


def fit(
    faces: Faces,
    *,
    architecture: str = "paper",
    size: int = 48,
    seed: int = 0,
    recipe: Recipe | None = None,
    init: Model | None = None,
    lesson: Lesson | None = None,
    checkpoints: Sequence[int] = (),
    folder: Path | None = None,
    machines: Machines | None = None,
    device: str = "auto",
    progress: Report = silent,
) -> Training:
    """Train a network to tell the expressions apart, or what another lesson names.

    Parameters
    ----------
    faces
        With a split column; faces without an expression are left out.
    architecture
        A name from `facslens.models.model.ARCHITECTURES`.
    size
        Side of the network's input in pixels.
    seed
        Of the weights, the order, the augmentation and the dropout.
    recipe
        The hyperparameters; None takes those of `recipe_for`.
    init
        A model of the same architecture to begin from (see `facslens.models.initial.initial`);
        None draws all weights from the seed.
    lesson
        Which of the faces are learned, and as what; None takes the expressions of the training
        part.
    checkpoints
        Numbers of finished epochs whose networks are kept, too; 0 is the one before the training.
    folder
        Where the checkpoint of the latest epoch is written, from which a killed training resumes;
        it is removed at the end. None writes none.
    machines
        The processes that train together; None is this one alone.
    device
        Where they compute, one of `facslens.models.device.DEVICES`.
    progress
        Called after every epoch.

    Returns
    -------
    Training
        The same whether or not the training was interrupted, on the CPU of one machine
        with one number of threads.

    Raises
    ------
    NotEnoughDataError
        If the training part has fewer than two expressions, or the validation part is empty.
    CallError
        If `init` is of another architecture, or was trained on the same faces with another split,
        and thus on people who are held out here; if the training has not so many epochs as
        `checkpoints` asks for; if a batch cannot be divided between the processes.
    FacslensError
        If training diverges.
    """
    recipe = recipe or recipe_for(init is not None)
    lesson = lesson or expressions(faces)
    train, validation = lesson.train, lesson.validation
    machines = machines or Machines()
    batch = min(recipe.batch_size, len(train))
    share = machines.share(batch)
    if not machines.started:
        again = {
            "faces": faces,
            "architecture": architecture,
            "size": size,
            "seed": seed,
            "recipe": recipe,
            "init": init,
            "lesson": lesson,
            "checkpoints": checkpoints,
            "folder": folder,
            "machines": machines,
            "device": device,
        }
        return machines.start(fit, again, progress)
    content = contents(faces)
    begun = None
    if init is not None:
        known = faces.table[faces.table["expression"].notna()]
        held = known["image"][known["split"] != "train"]
        if has_seen(init.training, faces, list(held)):
            raise CallError(
                "init was trained on the same faces with another split, and thus on people who are "
                "held out here: begin from another model, or from none"
            )
        begun = {"weights": digest(init), "training": dict(init.training)}
    model = initial(architecture, lesson.classes, size, seed, init)
    order = EpochOrder(len(train), seed, machines.processes)
    recipe = recipe.settled(len(train))
    epochs = cast(int, recipe.epochs)
    check_checkpoints(checkpoints, epochs)
    steps = epochs * math.ceil(len(train) / batch)
    module = ExpressionModule(_teaching(model.network, init is not None), recipe, steps, seed)
    taught = (lesson.classes, model.input, lesson.label)
    journal = Journal(epochs, recipe.patience, progress)
    snapshots = Snapshots(checkpoints, model.network)
    with contextlib.ExitStack() as stack:
        stack.enter_context(_quiet())
        stack.enter_context(torch.random.fork_rng())
        kept = folder or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        identity = (
            content,
            (lesson.label, list(train.table["image"])),
            architecture,
            size,
            seed,
            json.dumps(dataclasses.asdict(recipe)),
            begun and begun["weights"],
            sorted(checkpoints),
        )
        checkpoint = kept / f"training-{digest_of(identity)[:12]}.ckpt"
        average = EMAWeightAveraging(decay=recipe.average)
        trainer = pl.Trainer(
            accelerator=_ACCELERATORS[choose_device(device).type],
            devices=machines.devices,
            num_nodes=machines.nodes,
            strategy=machines.strategy,
            use_distributed_sampler=False,
            max_epochs=epochs,
            callbacks=[journal, snapshots, average, *([Checkpoint(checkpoint)] if folder else [])],
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            num_sanity_val_steps=0,
            default_root_dir=kept,
        )
        trainer.fit(
            module,
            DataLoader(LabelledFaces(train, *taught), share, sampler=order),
            DataLoader(LabelledFaces(validation, *taught), VALIDATION_BATCH),
            ckpt_path=checkpoint if is_readable(checkpoint) else None,
            weights_only=True,
        )
        if machines.first:
            checkpoint.unlink(missing_ok=True)
    if journal.best["weights"] is None:
        raise FacslensError("training diverged: the validation loss was not finite in any epoch")
    model.network.load_state_dict(journal.best["weights"])
    model.network.cpu().eval()
    record = {
        "seed": seed,
        "epochs": int(journal.history["epoch"].max()),
        "best_epoch": journal.best["epoch"],
        "validation_loss": journal.best["loss"],
        "recipe": dataclasses.asdict(recipe),
        **content,
        "init": begun,
    }
    trained = dataclasses.replace(model, training=record)
    return Training(trained, journal.history, snapshots.weights)


def _teaching(network: nn.Module, begun: bool) -> nn.Module:
    """Let dropout act, and batch normalisation follow the faces, which Lightning leaves as it is.

    Batch normalisation that comes with weights keeps its statistics: the few faces of a fine-tuning
    are not what they were measured on.
    """
    network.train()
    if begun:
        for part in network.modules():
            if isinstance(part, nn.modules.batchnorm._BatchNorm):
                part.eval()
    return network


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep Lightning from talking of devices and of workers that a small folder needs not."""
    loggers = [logging.getLogger(f"lightning.{part}") for part in ("pytorch", "fabric")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", category=UserWarning, module=r"lightning\..*")
            warnings.filterwarnings("ignore", category=FutureWarning, module=r"lightning\..*")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
