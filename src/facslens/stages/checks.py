"""The checks of a finished run, each a function from the run to one table."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from facslens.artifacts import read_table
from facslens.association.discovery.result import Association
from facslens.association.replication.stability import stability
from facslens.causal.ablation import ablation_table
from facslens.causal.replace import rest_of
from facslens.controls.baselines import shuffled, untrained
from facslens.controls.champions import (
    Champions,
    ComparisonDesign,
    Units,
    champions,
    compare_champions,
)
from facslens.controls.pixels import gradients, pixels
from facslens.controls.probe import probe
from facslens.controls.rotated import rotated
from facslens.datasets.base import Faces
from facslens.datasets.splits import CONFIRMATION, DISCOVERY
from facslens.errors import CallError
from facslens.models import model as models
from facslens.preprocess import normalise
from facslens.progress import Report
from facslens.projection.place import place_table
from facslens.projection.sanity import COLUMNS as SANITY_COLUMNS
from facslens.projection.sanity import randomisation_table
from facslens.responses.recording import record_faces
from facslens.responses.store import Responses
from facslens.runs.folder import Run
from facslens.runs.settings import Settings
from facslens.stages.faces import read_faces
from facslens.training.recipe import Recipe

#: Projections of each mapped unit that the weight randomisation compares.
_PICTURES: Final = 3


@dataclass(frozen=True)
class Choices:
    """What a verification may be told.

    Parameters
    ----------
    layer
        The layer to check; None takes the last one recorded.
    seeds
        Untrained networks, and rotations.
    sets
        Random sets of units that an ablation is compared with.
    epochs
        Of the training on shuffled labels; None takes the run's own.
    against
        Runs of the same training with other seeds.
    """

    layer: str | None = None
    seeds: int = 5
    sets: int = 200
    epochs: int | None = None
    against: tuple[Path, ...] = ()


@dataclass(frozen=True)
class Subject:
    """The finished run that is checked, and how."""

    run: Run
    choices: Choices

    @cached_property
    def settings(self) -> Settings:
        """What the run was asked to do."""
        return Settings.of(self.run)

    @cached_property
    def model(self) -> models.Model:
        """Its trained network."""
        self.run.need("model.safetensors", "train")
        return models.load(self.run.folder)

    @cached_property
    def faces(self) -> Faces:
        """All of its faces."""
        return read_faces(self.run)

    @cached_property
    def responses(self) -> Responses:
        """What its units answered to them."""
        return Responses.open(self.run.need("responses.zarr", "record"))

    @cached_property
    def layer(self) -> str:
        """The layer to check."""
        layers = self.responses.layers
        if self.choices.layer is None:
            return layers[-1]
        if self.choices.layer not in layers:
            raise CallError(
                f"--layer {self.choices.layer!r} was not recorded: there are {', '.join(layers)}"
            )
        return self.choices.layer

    @cached_property
    def design(self) -> ComparisonDesign:
        """The faces and the rule by which the mapping was made."""
        return ComparisonDesign(
            self.faces.where(self.rows(DISCOVERY)),
            self.faces.where(self.rows(CONFIRMATION)),
            self.settings.distance,
            self.settings.permutations,
            self.run.info["seed"],
        )

    @cached_property
    def trained(self) -> Champions:
        """The best units of the trained network."""
        return champions(self.units, self.design)

    @cached_property
    def units(self) -> Units:
        """The trained network's responses."""
        values = self.responses.response(self.layer)
        return Units(values[self.rows(DISCOVERY)], values[self.rows(CONFIRMATION)])

    @cached_property
    def mapped(self) -> dict[str, list[int]]:
        """Every action unit with its accepted units, best first."""
        mapping = read_table(self.run.need("mapping.csv", "associate"))
        chosen = mapping[
            (mapping["view"] == "au_to_unit")
            & (mapping["rule"] == "tested")
            & (mapping["layer"] == self.layer)
        ].dropna(subset=["unit"])
        ranked = chosen.sort_values("rank")
        return {
            au: [int(u) for u in ranked.loc[ranked["au"] == au, "unit"]] for au in self.faces.aus
        }

    def rows(self, splits: tuple[str, ...]) -> Bool[np.ndarray, " image"]:
        """Give the rows of the faces in some splits; neutral ones only where asked for."""
        table = self.faces.table
        chosen = table["split"].isin(splits).to_numpy(dtype=bool)
        if self.settings.neutral:
            return chosen
        return chosen & (table["expression"].fillna("") != "neutral").to_numpy(dtype=bool)

    def images(self, faces: Faces, size: int | None = None) -> Float[Tensor, "image 1 row column"]:
        """Give faces as the network reads them, or one of another size."""
        size = size or self.model.size
        parts = list(normalise.batches(list(faces.table["path"]), size, 64))
        return torch.cat(parts) if parts else torch.zeros(0, 1, size, size)

    def record(self, model: models.Model) -> Units:
        """Record another network on the same faces."""
        parts = []
        for faces in (self.design.discovery, self.design.confirmation):
            if len(faces) == 0:
                units = self.responses.response(self.layer).shape[1]
                parts.append(np.zeros((0, units), dtype=np.float32))
                continue
            recording = record_faces(model, faces, layers=[self.layer], exemplars=1)
            parts.append(recording.responses.response(self.layer))
        return Units(*parts)


def check_control(name: str, subject: Subject, progress: Report) -> pd.DataFrame:
    """Compare the trained network's best units with a control's."""
    others = []
    total = subject.choices.seeds if name in ("untrained", "rotated") else 1
    for number in range(total):
        # not the run's own seed, which is that of the weights that its training began with
        others.append(_control(name, subject, subject.run.info["seed"] + 1 + number))
        progress(number + 1, total, name)
    return compare_champions(
        subject.trained, others, subject.design, control=name, layer=subject.layer
    )


def _control(name: str, subject: Subject, seed: int) -> Champions:
    design = subject.design
    parts = (design.discovery, design.confirmation)
    size = subject.model.size
    if name == "probe":
        return probe(subject.units, design)
    if name == "pixels":
        units = Units(*(pixels(faces, size) for faces in parts))
    elif name == "gradients":
        units = Units(*(gradients(faces, size) for faces in parts))
    elif name == "rotated":
        live = np.flatnonzero(np.ptp(subject.units.discovery, axis=0) > 0)
        if len(live) == 0:
            return subject.trained  # without any unit there is no choice in either
        units = Units(*(rotated(subject.model, f, subject.layer, live, seed) for f in parts))
    elif name == "shuffled":
        recipe: Recipe = subject.settings.recipe.changed(epochs=subject.choices.epochs)
        model = shuffled(
            subject.faces, subject.model, recipe, seed, init=subject.settings.begin()
        ).model
        units = subject.record(model)
    else:
        units = subject.record(untrained(subject.model, seed))
    return champions(units, design)


def check_ablation(subject: Subject, progress: Report) -> pd.DataFrame:
    """Ablate the mapped units, and keep only them, on the held-out faces."""
    held_out = subject.faces.part(*CONFIRMATION)
    names = list(subject.model.expressions)
    true = held_out.table["expression"].map(lambda e: names.index(e) if e in names else -1)
    discovery = subject.images(subject.design.discovery)
    # no held-out face leaves nothing to measure: any face makes the rows, unknown to all
    faces = subject.images(held_out) if len(held_out) else discovery[:1]
    codes = true.fillna(-1).to_numpy(dtype=np.int64) if len(held_out) else np.array([-1])
    return ablation_table(
        rest_of(subject.model.network, subject.layer, faces, discovery),
        codes,
        names,
        subject.mapped,
        subject.units.discovery.mean(axis=0, dtype=np.float64),
        layer=subject.layer,
        sets=subject.choices.sets,
        seed=subject.run.info["seed"],
        progress=progress,
    )


def check_place(subject: Subject, progress: Report) -> pd.DataFrame:
    """Look whether the mapped units' projections and locations lie where the AU shows."""
    rows = subject.rows(CONFIRMATION)
    table = place_table(
        subject.model.network,
        subject.images(subject.design.confirmation),
        subject.design.confirmation.presence(list(subject.mapped)),
        subject.responses.response(subject.layer)[rows],
        subject.responses.location(subject.layer)[rows],
        {au: units[0] if units else None for au, units in subject.mapped.items()},
        layer=subject.layer,
        rule=subject.settings.rule,
    )
    progress(1, 1, "")
    return table


def check_sanity(subject: Subject, progress: Report) -> pd.DataFrame:
    """Randomise the weights below the mapped units' projections, layer by layer."""
    rows = np.flatnonzero(subject.rows(CONFIRMATION))
    response = subject.responses.response(subject.layer)
    pairs = [
        (row, unit)
        for unit in dict.fromkeys(units[0] for units in subject.mapped.values() if units)
        for row in rows[np.argsort(-response[rows, unit], kind="stable")][:_PICTURES]
        if response[row, unit] > 0
    ]
    if not pairs:
        progress(1, 1, "no mapped unit answers a held-out face")
        return pd.DataFrame(columns=list(SANITY_COLUMNS))
    chosen, units = np.array([row for row, _ in pairs]), np.array([unit for _, unit in pairs])
    unique, place = np.unique(chosen, return_inverse=True)
    mask = np.zeros(len(subject.faces), dtype=bool)
    mask[unique] = True
    images = subject.images(subject.faces.where(mask))[torch.from_numpy(place)]
    return randomisation_table(
        subject.model.network,
        images,
        subject.layer,
        units,
        subject.responses.location(subject.layer)[chosen, units],
        progress=progress,
    )


def check_stability(subject: Subject, progress: Report) -> pd.DataFrame:
    """Count which mappings return in other runs of the same training."""
    if not subject.choices.against:
        raise CallError("--against names no run: stability needs one more run, or several")
    runs = [subject.run, *(Run.open(folder) for folder in subject.choices.against)]
    found = stability(
        [read_association(run) for run in runs], subject.layer, distance=subject.settings.distance
    )
    progress(1, 1, "")
    return found.aus.assign(layer=subject.layer, chance=found.chance)


def read_association(run: Run) -> Association:
    """Read back what a run's stage ``associate`` left."""
    table = read_table(run.need("association.parquet", "associate"))
    free = table[table["null"] == "free"]
    key = ["layer", "unit", "au"]
    effects = free[free["distance"].isin(["auroc", "auprc", "pearson"])].pivot(  # noqa: PD010
        index=key, columns="distance", values="value"
    )
    return Association(
        table=table,
        effects=effects.reset_index().rename_axis(columns=None),
        coverage=read_table(run.need("coverage.csv", "associate")),
        units=read_table(run.need("units.csv", "associate")),
        nulls=pd.DataFrame(run.info["nulls"]),
    )


Check = Callable[[Subject, Report], pd.DataFrame]

#: Controls; their rows stand in one table.
CONTROLS: Final[Sequence[str]] = ("untrained", "rotated", "pixels", "gradients", "probe")
#: Trains, so that it is made only where it is named.
SHUFFLED: Final = "shuffled"
#: Name of every check and what does it.
CHECKS: Final[dict[str, Check]] = {
    **{name: partial(check_control, name) for name in (*CONTROLS, SHUFFLED)},
    "ablation": check_ablation,
    "place": check_place,
    "sanity": check_sanity,
    "stability": check_stability,
}
