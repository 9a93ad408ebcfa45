"""Train the network in the package, on FER+'s votes and FER2013's own labels at once.

Usage: python tools/train_compact.py ferplus.zip FIRST [--seed 0]
       python tools/train_compact.py ferplus.zip SECOND --after FIRST [--seed 0]

The second generation begins from the weights of the first, and half of what it is to say is
what the first said of the face. Goes on where it was stopped; the folder's log.csv has one line
an epoch and its compact.safetensors the weights of the epoch that read the validation part best.
"""

import argparse
import csv
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import numpy as np
import pandas as pd
import torch
from lightning.pytorch.callbacks import EMAWeightAveraging
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset

from facslens.artifacts import atomic
from facslens.datasets.ferplus import copies, read_votes
from facslens.datasets.labels import EXPRESSIONS, FER2013
from facslens.datasets.votes import VOTES, majority
from facslens.models.compact import CompactNetwork
from facslens.preprocess import normalise
from facslens.preprocess.augment import Augmentation, augment
from facslens.preprocess.input import grey_contrast
from facslens.training.callbacks import Checkpoint, is_readable
from facslens.training.module import EpochOrder

HEADS = [len(EXPRESSIONS), len(FER2013)]  # scores of each
SEED_OF_SECOND = 1000  # added, so that a second generation sees the faces in another order


@dataclass(frozen=True)
class Generation:
    """How long a network learns, at which sizes, and how fast."""

    phases: tuple[tuple[int, int], ...]  # side of the faces in pixels and epochs with it
    rate: float
    #: From the first of these epochs (from 0) the rate falls as if all were `phases`, before as
    #: if the second were to come.
    shortened: tuple[int, int] = (0, 0)

    @property
    def epochs(self) -> int:
        """Epochs in all."""
        return sum(epochs for _, epochs in self.phases)

    def side(self, epoch: int) -> int:
        """Give the side of the faces in an epoch (from 0)."""
        for side, epochs in self.phases:
            if epoch < epochs:
                return side
            epoch -= epochs
        return self.phases[-1][0]

    def factor(self, epoch: float) -> float:
        """Give the part of the rate at a time in epochs: a line up, half a cosine down."""
        change, planned = self.shortened
        done = epoch / (planned if epoch < change else self.epochs)
        return min(1, epoch / WARM_UP) * (1 + math.cos(math.pi * min(1, done))) / 2


#: Small faces first, for they are quick.
FIRST = Generation(((32, 28), (40, 20), (48, 12)), rate=0.1, shortened=(48, 70))
SECOND = Generation(((48, 44),), rate=0.05)
BATCH = 128
MOMENTUM, DECAY = 0.9, 5e-4
WARM_UP = 2  # epochs
AVERAGE, AVERAGE_FROM = 0.999, 400  # decay of the moving average of the weights; first step of it
SMOOTHING = 0.1  # of FER2013's own labels in the first generation
TAUGHT = 0.5  # share of the first generation's probabilities in what the second is to say
TEACHER_SIDES = (40, 48)  # the teacher looks at a face and its mirror image in each of these
#: Share of the faces of which a rectangle is hidden, and its largest sides by that of the face.
HIDDEN, HIDDEN_SIDE = 0.5, 0.5
AUGMENTATION = Augmentation(flip=0.5, rotation=12.0, scale=1.15, shift=0.06, gamma=0.4)


class Labelled(Dataset[tuple[Tensor, ...]]):
    """A part of FER+ in memory: faces, and for both labellings what is to be said and is true."""

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
        known = functional.one_hot(self.own, len(FER2013)).float()
        self.known = (1 - SMOOTHING) * known + SMOOTHING / len(FER2013)

    def __len__(self) -> int:
        return len(self.faces)

    def __getitems__(self, rows: list[int]) -> tuple[Tensor, ...]:
        """Give a whole batch at once."""
        return (
            self.faces[rows],
            self.votes[rows],
            self.known[rows],
            self.own[rows],
            self.majority[rows],
        )

    def learn_from(self, teacher: nn.Module) -> None:
        """Make a part of what is to be said what a network says of these faces."""
        said, known = probabilities(teacher, self.faces)
        weight = self.votes.sum(dim=1, keepdim=True)
        self.votes = (1 - TAUGHT) * self.votes + TAUGHT * weight * said
        hard = functional.one_hot(self.own, len(FER2013)).float()
        self.known = (1 - TAUGHT) * hard + TAUGHT * known


class TwoHeads(pl.LightningModule):
    """Fits the trunk and both heads."""

    def __init__(self, seed: int, steps_an_epoch: int, generation: Generation) -> None:
        super().__init__()
        torch.manual_seed(seed)
        self.generation = generation
        self.network = CompactNetwork(classes=sum(HEADS))
        self.network.to(memory_format=torch.channels_last)
        self.seed, self.steps_an_epoch = seed, steps_an_epoch
        self.rows: list[dict[str, float]] = []
        self.sums: dict[str, float] = {}

    def training_step(self, batch: list[Tensor], _index: int) -> Tensor:
        """Change, shrink and normalise the faces, and give the sum of both losses."""
        faces, votes, label, *_ = batch
        number = int(np.random.SeedSequence([self.seed, self.global_step]).generate_state(1)[0])
        torch.manual_seed(number)
        generator = torch.Generator().manual_seed(number)
        changed = augment(faces.float() / 255, AUGMENTATION, generator)
        read = hide(normalise.standardise(self._sized(changed)), generator)
        scores = self.network(read.contiguous(memory_format=torch.channels_last))
        said, known = scores.split(HEADS, dim=1)
        by_votes = -(votes * functional.log_softmax(said, dim=1)).sum(dim=1).mean()
        by_label = -(label * functional.log_softmax(known, dim=1)).sum(dim=1).mean()
        self._add(loss_ferplus=by_votes, loss_fer2013=by_label, steps=1)
        return by_votes + by_label

    def validation_step(self, batch: list[Tensor], _index: int) -> None:
        """Count what either head reads rightly."""
        faces, _votes, _known, own, clear = batch
        scores = self.network(normalise.standardise(self._sized(faces.float() / 255)))
        said, known = scores.split(HEADS, dim=1)
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
                "side": self.generation.side(self.current_epoch),
                "loss_ferplus": s["loss_ferplus"] / s["steps"],
                "loss_fer2013": s["loss_fer2013"] / s["steps"],
                "validation_ferplus": s["right_ferplus"] / s["clear"],
                "validation_fer2013": s["right_fer2013"] / s["faces"],
            }
        )
        self.sums = {}

    def _sized(self, faces: Tensor) -> Tensor:
        return sized(faces, self.generation.side(self.current_epoch))

    def _add(self, **values: float | Tensor) -> None:
        for name, value in values.items():
            self.sums[name] = self.sums.get(name, 0.0) + float(torch.as_tensor(value).detach())

    def configure_optimizers(self) -> Any:
        """Give SGD, its rate rising in a line and falling as a half cosine."""
        optimiser = torch.optim.SGD(
            self.parameters(),
            self.generation.rate,
            momentum=MOMENTUM,
            weight_decay=DECAY,
            nesterov=True,
        )
        schedule = torch.optim.lr_scheduler.LambdaLR(
            optimiser, lambda step: self.generation.factor((step + 1) / self.steps_an_epoch)
        )
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


def sized(faces: Tensor, side: int) -> Tensor:
    """Give faces with a side of so many pixels."""
    if side == faces.shape[-1]:
        return faces
    return functional.interpolate(
        faces, size=(side, side), mode="bilinear", antialias=True, align_corners=False
    )


@torch.no_grad()
def probabilities(teacher: nn.Module, faces: Tensor) -> tuple[Tensor, Tensor]:
    """Give what a network says of faces by either head, the mean over sizes and mirror images."""
    means = []
    for batch in faces.split(256):
        total = torch.zeros(len(batch), sum(HEADS))
        for side in TEACHER_SIDES:
            image = sized(batch.float() / 255, side)
            for look in (image, image.flip(3)):
                heads = torch.split(teacher(normalise.standardise(look)), HEADS, dim=1)
                total += torch.cat([scores.softmax(dim=1) for scores in heads], dim=1)
        means.append(total / (2 * len(TEACHER_SIDES)))
    said, known = torch.split(torch.cat(means), HEADS, dim=1)
    return said, known


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
    return (normalise.read([path], grey_contrast(48))[0] * 255).round().to(torch.uint8)[None]


def main() -> None:
    """Train, or go on."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--after", type=Path, help="folder of the first generation")
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
    generation = SECOND if options.after else FIRST
    seed = options.seed + (SEED_OF_SECOND if options.after else 0)
    loader = DataLoader(
        train,
        BATCH,
        sampler=EpochOrder(len(train), seed),
        drop_last=True,
        collate_fn=lambda batch: batch,
    )
    module = TwoHeads(seed, len(loader), generation)
    if options.after:
        module.network.load_state_dict(load_file(options.after / "compact.safetensors"))
        train.learn_from(module.network.eval())
        module.network.train()
    checkpoint = options.out / "latest.ckpt"
    trainer = pl.Trainer(
        accelerator="cpu",
        max_epochs=generation.epochs,
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
