"""Train the network in the package, on FER+'s votes and FER2013's own labels at once.

Usage: python tools/train_compact.py ferplus.zip OUT [--seed 0]

Goes on where it was stopped; OUT/log.csv has one line an epoch and OUT/compact.safetensors the
weights of the epoch that read the validation part best. It took 110 minutes on two cores
that did other work, too.
"""

import argparse
import csv
import math
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import numpy as np
import pandas as pd
import torch
from lightning.pytorch.callbacks import EMAWeightAveraging
from safetensors.torch import save_file
from torch import Tensor
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset

from facslens.artifacts import atomic
from facslens.datasets.base import EXPRESSIONS
from facslens.datasets.ferplus import FER2013, VOTES, copies, majority, read_votes
from facslens.models.compact import CompactNetwork
from facslens.preprocess import normalise
from facslens.preprocess.augment import Augmentation, augment
from facslens.training.callbacks import Checkpoint, is_readable
from facslens.training.module import EpochOrder

#: Side of the faces in pixels and epochs with it: small faces first, for they are quick.
PHASES = ((32, 28), (40, 20), (48, 12))
EPOCHS = sum(epochs for _, epochs in PHASES)
#: The rate falls as if 70 epochs were to come; from this epoch (from 0) as if 60 were.
SHORTENED, LONG = 48, 70
BATCH = 128
RATE, MOMENTUM, DECAY = 0.1, 0.9, 5e-4
WARM_UP = 2  # epochs
AVERAGE, AVERAGE_FROM = 0.999, 400  # decay of the moving average of the weights; first step of it
SMOOTHING = 0.1  # of FER2013's own labels
#: Share of the faces of which a rectangle is hidden, and its largest sides by that of the face.
HIDDEN, HIDDEN_SIDE = 0.5, 0.5
AUGMENTATION = Augmentation(flip=0.5, rotation=12.0, scale=1.15, shift=0.06, gamma=0.4)


class Labelled(Dataset[tuple[Tensor, Tensor, Tensor]]):
    """A part of FER+ in memory: faces, the votes for each expression, FER2013's label."""

    def __init__(self, rows: pd.DataFrame) -> None:
        self.faces = torch.cat([_bytes(path) for path in rows["path"]])
        votes = rows[list(VOTES)].to_numpy(dtype=np.float32)
        self.majority = torch.tensor(
            [EXPRESSIONS.index(e) if isinstance(e, str) else -1 for e in majority(votes)]
        )
        columns = [VOTES.index(expression) for expression in EXPRESSIONS]
        # Votes for "unknown" and "not a face" make a face count for less.
        self.votes = torch.from_numpy(votes[:, columns] / votes.sum(axis=1, keepdims=True))
        self.own = torch.tensor([FER2013.index(e) for e in rows["fer2013"]])

    def __len__(self) -> int:
        return len(self.faces)

    def __getitems__(self, rows: list[int]) -> tuple[Tensor, ...]:
        """Give a whole batch at once."""
        return self.faces[rows], self.votes[rows], self.own[rows], self.majority[rows]


class TwoHeads(pl.LightningModule):
    """Fits the trunk and both heads."""

    def __init__(self, seed: int, steps_an_epoch: int) -> None:
        super().__init__()
        torch.manual_seed(seed)
        self.network = CompactNetwork(classes=len(EXPRESSIONS) + len(FER2013))
        self.network.to(memory_format=torch.channels_last)
        self.seed, self.steps_an_epoch = seed, steps_an_epoch
        self.rows: list[dict[str, float]] = []
        self.sums: dict[str, float] = {}

    def training_step(self, batch: list[Tensor], _index: int) -> Tensor:
        """Change, shrink and normalise the faces, and give the sum of both losses."""
        faces, votes, own, _ = batch
        number = int(np.random.SeedSequence([self.seed, self.global_step]).generate_state(1)[0])
        torch.manual_seed(number)
        generator = torch.Generator().manual_seed(number)
        changed = augment(faces.float() / 255, AUGMENTATION, generator)
        read = hide(normalise.standardise(self._sized(changed)), generator)
        scores = self.network(read.contiguous(memory_format=torch.channels_last))
        said, known = scores.split([len(EXPRESSIONS), len(FER2013)], dim=1)
        by_votes = -(votes * functional.log_softmax(said, dim=1)).sum(dim=1).mean()
        by_label = functional.cross_entropy(known, own, label_smoothing=SMOOTHING)
        self._add(loss_ferplus=by_votes, loss_fer2013=by_label, steps=1)
        return by_votes + by_label

    def validation_step(self, batch: list[Tensor], _index: int) -> None:
        """Count what either head reads rightly."""
        faces, _votes, own, clear = batch
        scores = self.network(normalise.standardise(self._sized(faces.float() / 255)))
        said, known = scores.split([len(EXPRESSIONS), len(FER2013)], dim=1)
        self._add(
            right_ferplus=(said.argmax(dim=1) == clear).sum(),
            clear=(clear >= 0).sum(),
            right_fer2013=(known.argmax(dim=1) == own).sum(),
            faces=len(faces),
        )

    def note(self) -> None:
        """Make the sums of an epoch a line of the log."""
        s = self.sums
        self.rows.append(
            {
                "epoch": self.current_epoch + 1,
                "side": side_of(self.current_epoch),
                "loss_ferplus": s["loss_ferplus"] / s["steps"],
                "loss_fer2013": s["loss_fer2013"] / s["steps"],
                "validation_ferplus": s["right_ferplus"] / s["clear"],
                "validation_fer2013": s["right_fer2013"] / s["faces"],
            }
        )
        self.sums = {}

    def _sized(self, faces: Tensor) -> Tensor:
        side = side_of(self.current_epoch)
        if side == faces.shape[-1]:
            return faces
        return functional.interpolate(
            faces, size=(side, side), mode="bilinear", antialias=True, align_corners=False
        )

    def _add(self, **values: float | Tensor) -> None:
        for name, value in values.items():
            self.sums[name] = self.sums.get(name, 0.0) + float(torch.as_tensor(value).detach())

    def configure_optimizers(self) -> Any:
        """Give SGD, its rate rising in a line and falling as a half cosine."""
        optimiser = torch.optim.SGD(
            self.parameters(), RATE, momentum=MOMENTUM, weight_decay=DECAY, nesterov=True
        )
        warm_up = WARM_UP * self.steps_an_epoch

        def factor(step: int) -> float:
            epoch = step / self.steps_an_epoch
            done = epoch / (LONG if epoch < SHORTENED else EPOCHS)
            return min(1, (step + 1) / warm_up) * (1 + math.cos(math.pi * min(1, done))) / 2

        schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, factor)
        return {"optimizer": optimiser, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Keep the log."""
        checkpoint["rows"] = self.rows

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Take up the log."""
        self.rows = checkpoint["rows"]


class Log(pl.Callback):
    """Writes the log, and the weights of the best epoch, after every epoch."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def on_validation_epoch_end(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        """Write what the epoch left."""
        assert isinstance(module, TwoHeads)
        module.note()
        with atomic(self.folder / "log.csv") as temporary, temporary.open("w") as file:
            writer = csv.DictWriter(file, list(module.rows[0]))
            writer.writeheader()
            writer.writerows(
                {k: v if isinstance(v, int) else f"{v:.5f}" for k, v in row.items()}
                for row in module.rows
            )
        scores = [row["validation_ferplus"] + row["validation_fer2013"] for row in module.rows]
        print(module.rows[-1], flush=True)
        names = ["latest"] + (["compact"] if scores[-1] == max(scores) else [])
        for name in names:
            with atomic(self.folder / f"{name}.safetensors") as temporary:
                weights = module.network.state_dict()
                save_file({k: v.contiguous() for k, v in weights.items()}, temporary)


def side_of(epoch: int) -> int:
    """Give the side of the faces in an epoch (from 0)."""
    for side, epochs in PHASES:
        if epoch < epochs:
            return side
        epoch -= epochs
    return PHASES[-1][0]


def hide(images: Tensor, generator: torch.Generator) -> Tensor:
    """Set a rectangle of some of the faces to 0, the mean (random erasing, Zhong et al. 2020)."""
    count, side = len(images), images.shape[-1]
    height, width = (torch.rand(2, count, generator=generator) * HIDDEN_SIDE * side).unbind()
    top, left = (torch.rand(2, count, generator=generator) * side).unbind()
    chosen = torch.rand(count, generator=generator) < HIDDEN
    place = torch.arange(side)
    down = (place >= top[:, None] - height[:, None] / 2) & (
        place < top[:, None] + height[:, None] / 2
    )
    across = (place >= left[:, None] - width[:, None] / 2) & (
        place < left[:, None] + width[:, None] / 2
    )
    hidden = chosen[:, None, None] & down[:, :, None] & across[:, None, :]
    return images.masked_fill(hidden[:, None], 0.0)


def _bytes(path: str) -> Tensor:
    return (normalise.read([path], 48)[0] * 255).round().to(torch.uint8)[None]


def main() -> None:
    """Train, or go on."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    defects: list[Any] = []
    rows = read_votes(options.data, defects)
    if defects:
        raise SystemExit(defects[0].message)
    rows = rows[~copies(rows)]
    train = Labelled(rows[rows["split"] == "train"])
    validation = Labelled(rows[rows["split"] == "validation"])
    print(f"{len(train)} faces train, {len(validation)} validate", flush=True)
    loader = DataLoader(
        train,
        BATCH,
        sampler=EpochOrder(len(train), options.seed),
        drop_last=True,
        collate_fn=lambda batch: batch,
    )
    module = TwoHeads(options.seed, len(loader))
    checkpoint = options.out / "latest.ckpt"
    trainer = pl.Trainer(
        accelerator="cpu",
        max_epochs=EPOCHS,
        callbacks=[
            Log(options.out),  # before the averaging puts the weights of the steps back
            EMAWeightAveraging(decay=AVERAGE, update_starting_at_step=AVERAGE_FROM),
            Checkpoint(checkpoint),
        ],
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        default_root_dir=options.out,
    )
    trainer.fit(
        module,
        loader,
        DataLoader(validation, 256, collate_fn=lambda batch: batch),
        ckpt_path=checkpoint if is_readable(checkpoint) else None,
        weights_only=True,
    )


if __name__ == "__main__":
    main()
