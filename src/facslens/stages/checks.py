"""The checks of a finished run, each a function from the run to one table."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor

from facslens.artifacts import Json
from facslens.association.replication.stability import stability
from facslens.causal.ablation import ablation_table
from facslens.causal.replace import rest_of
from facslens.controls.baselines import shuffled
from facslens.controls.champions import (
    Champions,
    ComparisonDesign,
    Units,
    champions,
    compare_champions,
)
from facslens.controls.pixels import gradients, pixels, plain_input
from facslens.controls.probe import probe
from facslens.controls.rotated import rotated
from facslens.controls.table import CONTROLS
from facslens.datasets.base import Faces
from facslens.datasets.splits import CONFIRMATION
from facslens.errors import CallError
from facslens.models.model import Model
from facslens.preprocess import normalise
from facslens.preprocess.fit import centres
from facslens.preprocess.input import Input
from facslens.progress import Report
from facslens.projection.place import place_table
from facslens.projection.regions import region_mask
from facslens.projection.sanity import COLUMNS as SANITY_COLUMNS
from facslens.projection.sanity import randomisation_table
from facslens.responses.recording import record_faces
from facslens.runs.record import RunRecord
from facslens.stages.causes import corrected
from facslens.stages.directions import untrained_alike
from facslens.training.recipe import Recipe

#: Projections of each mapped unit that the weight randomisation compares.
_PICTURES: Final = 3


@dataclass(frozen=True)
class Choices:
    """The settings of a verification.

    Parameters
    ----------
    layer
        The layer to check; None is the last one recorded.
    seeds
        Number of untrained networks, and of rotations.
    sets
        Number of random unit sets that each ablation is compared with.
    epochs
        Epochs of the training on shuffled labels; None is those of the run.
    against
        Runs of the same training with other seeds, to compare the mapping with.
    """

    layer: str | None = None
    seeds: int = 5
    sets: int = 200
    epochs: int | None = None
    against: tuple[Path, ...] = ()

    @classmethod
    def of(cls, entries: Json) -> "Choices":
        """Read them from ``run.json``."""
        return cls(**entries | {"against": tuple(map(Path, entries["against"]))})


@dataclass(frozen=True)
class Subject:
    """The finished run that is checked, and the settings of the checks."""

    record: RunRecord
    choices: Choices

    @cached_property
    def layer(self) -> str:
        """The layer to check."""
        layers = self.record.responses.layers
        if self.choices.layer is None:
            return layers[-1]
        if self.choices.layer not in layers:
            raise CallError(
                f"layer {self.choices.layer!r} was not recorded: there are {', '.join(layers)}"
            )
        return self.choices.layer

    @property
    def model(self) -> Model:
        """The run's trained network."""
        return self.record.model

    @property
    def seed(self) -> int:
        """The run's seed."""
        return self.record.seed

    @cached_property
    def design(self) -> ComparisonDesign:
        """The faces, and the settings with which the mapping was made."""
        return ComparisonDesign(
            self.record.discovery.faces,
            self.record.confirmation.faces,
            self.record.settings.distance,
            self.record.settings.permutations,
            self.seed,
        )

    @cached_property
    def trained(self) -> Champions:
        """The best units of the trained network."""
        return champions(self.units, self.design)

    @cached_property
    def units(self) -> Units:
        """The trained network's responses."""
        values = self.record.responses.response(self.layer)
        return Units(values[self.record.discovery.rows], values[self.record.confirmation.rows])

    @cached_property
    def mapped(self) -> dict[str, list[int]]:
        """Every action unit with its accepted units, best first."""
        return self.record.accepted(self.layer)

    def images(
        self, faces: Faces, into: Input | None = None
    ) -> Float[Tensor, "image channel row column"]:
        """Give faces as the network reads them, or another one would."""
        into = into or self.model.input
        parts = list(normalise.batches(list(faces.table["path"]), into, 64))
        return torch.cat(parts) if parts else torch.zeros(0, *into.shape)

    def answers(self, model: Model) -> Units:
        """Record the responses of another network to the same faces."""
        parts = []
        for faces in (self.design.discovery, self.design.confirmation):
            if len(faces) == 0:
                units = self.record.responses.response(self.layer).shape[1]
                parts.append(np.zeros((0, units), dtype=np.float32))
                continue
            recording = record_faces(model, faces, layers=[self.layer], exemplars=1)
            parts.append(recording.responses.response(self.layer))
        return Units(*parts)


def check_control(name: str, subject: Subject, progress: Report) -> pd.DataFrame:
    """Compare the trained network's best units with a control's."""
    others = []
    total = subject.choices.seeds if CONTROLS[name].seeds else 1
    for number in range(total):
        # not the run's own seed, which is that of the weights that its training began with
        others.append(_control(name, subject, subject.seed + 1 + number))
        progress(number + 1, total, name)
    return compare_champions(
        subject.trained, others, subject.design, control=name, layer=subject.layer
    )


def _control(name: str, subject: Subject, seed: int) -> Champions:
    design = subject.design
    parts = (design.discovery, design.confirmation)
    plain = plain_input(subject.model.input)
    if name == "probe":
        return probe(subject.units, design)
    if name == "pixels":
        units = Units(*(pixels(faces, plain) for faces in parts))
    elif name == "gradients":
        units = Units(*(gradients(faces, plain) for faces in parts))
    elif name == "rotated":
        live = np.flatnonzero(np.ptp(subject.units.discovery, axis=0) > 0)
        if len(live) == 0:
            return subject.trained  # without any unit there is no choice in either
        units = Units(*(rotated(subject.model, f, subject.layer, live, seed) for f in parts))
    elif name == "shuffled":
        recipe: Recipe = subject.record.settings.recipe.changed(epochs=subject.choices.epochs)
        model = shuffled(
            subject.record.faces, subject.model, recipe, seed, init=subject.record.settings.begin()
        ).model
        units = subject.answers(model)
    else:
        stimuli = subject.record.settings.drawn()
        units = subject.answers(untrained_alike(subject.model, seed, stimuli))
    return champions(units, design)


def check_ablation(subject: Subject, progress: Report) -> pd.DataFrame:
    """Ablate the mapped units, and keep only them, on the held-out faces."""
    held_out = subject.record.faces.part(*CONFIRMATION)
    names = list(subject.model.expressions)
    true = held_out.table["expression"].map(lambda e: names.index(e) if e in names else -1)
    discovery = subject.images(subject.design.discovery)
    # no held-out face leaves nothing to measure: any face makes the rows, unknown to all
    faces = subject.images(held_out) if len(held_out) else discovery[:1]
    codes = true.fillna(-1).to_numpy(dtype=np.int64) if len(held_out) else np.array([-1])
    table = ablation_table(
        rest_of(subject.model.network, subject.layer, faces, discovery),
        codes,
        names,
        subject.mapped,
        subject.units.discovery.mean(axis=0, dtype=np.float64),
        layer=subject.layer,
        sets=subject.choices.sets,
        seed=subject.seed,
        progress=progress,
    )
    return corrected(table, subject.record.faces)


def check_place(subject: Subject, progress: Report) -> pd.DataFrame:
    """Measure whether projections and locations of mapped units lie in the AU's region."""
    rows = subject.record.confirmation.rows
    table = place_table(
        subject.model.network,
        subject.images(subject.design.confirmation),
        subject.design.confirmation.presence(list(subject.mapped)),
        subject.record.responses.response(subject.layer)[rows],
        subject.record.responses.location(subject.layer)[rows],
        {au: units[0] if units else None for au, units in subject.mapped.items()},
        layer=subject.layer,
        rule=subject.record.settings.rule,
        seed=subject.record.seed,
        masks=lambda au: region_mask(au, *centres(subject.model.input)),
    )
    progress(1, 1, "")
    return table


def check_sanity(subject: Subject, progress: Report) -> pd.DataFrame:
    """Randomise the weights below the mapped units' projections, layer by layer."""
    rows = np.flatnonzero(subject.record.confirmation.rows)
    response = subject.record.responses.response(subject.layer)
    pairs = [
        (row, unit)
        for unit in dict.fromkeys(units[0] for units in subject.mapped.values() if units)
        for row in rows[np.argsort(-response[rows, unit], kind="stable")][:_PICTURES]
        if response[row, unit] > 0
    ]
    if not pairs:
        progress(1, 1, "no mapped unit responds to a held-out face")
        return pd.DataFrame(columns=list(SANITY_COLUMNS))
    chosen, units = np.array([row for row, _ in pairs]), np.array([unit for _, unit in pairs])
    unique, place = np.unique(chosen, return_inverse=True)
    mask = np.zeros(len(subject.record.faces), dtype=bool)
    mask[unique] = True
    images = subject.images(subject.record.faces.where(mask))[torch.from_numpy(place)]
    return randomisation_table(
        subject.model.network,
        images,
        subject.layer,
        units,
        subject.record.responses.location(subject.layer)[chosen, units],
        seed=subject.record.seed,
        progress=progress,
    )


def check_stability(subject: Subject, progress: Report) -> pd.DataFrame:
    """Count which mappings are found again in other runs of the same training."""
    if not subject.choices.against:
        raise CallError("against names no run: stability needs at least one other run")
    records = [subject.record, *map(RunRecord.open, subject.choices.against)]
    distance = subject.record.settings.distance
    associations = [record.association for record in records]
    found = stability(associations, subject.layer, distance=distance)
    progress(1, 1, "")
    return found.aus.assign(layer=subject.layer, chance=found.chance)
