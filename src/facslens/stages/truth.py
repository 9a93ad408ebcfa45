"""Checks on synthetic faces, whose action units and regions are known."""

import dataclasses
from functools import lru_cache
from typing import Final

import numpy as np
import pandas as pd

from facslens.controls.champions import Champions, Units, champions, compare_champions
from facslens.controls.planted import Planted
from facslens.controls.recovery import recovery_table
from facslens.datasets.base import Faces
from facslens.datasets.synthetic import read_regions, read_synthetic
from facslens.models.model import Model
from facslens.preprocess.fit import centres
from facslens.preprocess.input import grey_contrast
from facslens.progress import Report
from facslens.projection.deconvnet import project_units
from facslens.projection.localisation import energy_lift
from facslens.responses.recording import Recording, record_faces
from facslens.stages.checks import Subject
from facslens.stages.directions import untrained_alike

#: The faces that the planted filters were fitted on.
_PLANTED: Final = grey_contrast(48)
#: Projections of a unit: the faces with its action unit that it responds to most.
_PICTURES: Final = 10
#: Random units to compare each mapped one with.
_RANDOM: Final = 5

#: Columns of `check_true_place`, in order.
PLACE_COLUMNS: Final = (
    "layer", "au", "kind", "unit", "rule", "n_projections", "n_silent", "energy", "area", "lift",
)  # fmt: skip


@lru_cache(maxsize=2)
def peaks(design: str) -> Faces:
    """Give the peak faces of the package, named after their design."""
    faces = dataclasses.replace(read_synthetic(None, design=design).faces(), name=design)
    return faces.where((faces.table["frame"] > 0).to_numpy(dtype=bool))


def check_planted(subject: Subject, progress: Report) -> pd.DataFrame:
    """Test whether the mapping finds planted filters, in both designs.

    In the natural design action units occur together, as in expressions; in the factorial one
    they are independent. Action units that are confused only in the natural design are confused
    because they occur together, as they do in any natural data.
    """
    planted = Planted.read()
    tables = []
    seeds = subject.choices.seeds
    natural = peaks("natural")
    one = (natural.table["frame"] == 1).to_numpy(dtype=bool)  # of a sequence, as in the other
    parts = {"factorial": peaks("factorial"), "natural": natural.where(one)}
    images = {design: subject.images(faces, _PLANTED) for design, faces in parts.items()}
    for number in range(seeds):
        for design, faces in parts.items():
            table = recovery_table(
                planted,
                faces,
                images[design],
                seed=subject.seed + number,
                distance=subject.record.settings.distance,
                permutations=subject.record.settings.permutations,
            )
            tables.append(table)
        progress(number + 1, seeds, "")
    return pd.concat(tables, ignore_index=True)


def check_factorial(subject: Subject, progress: Report) -> pd.DataFrame:
    """Confirm the mapping on factorial faces, where no expression can explain it.

    Units are chosen on the run's discovery subjects and measured on the factorial faces of the
    package; units of untrained networks are chosen and measured in the same way.
    """
    faces = peaks("factorial")
    aus = [au for au in subject.design.discovery.aus if au in faces.aus]
    compared = dataclasses.replace(
        subject.design,
        discovery=_only(subject.design.discovery, aus),
        confirmation=_only(faces, aus),
    )

    def judged(model: Model, discovery: np.ndarray) -> Champions:
        responses = _recorded(subject, model, faces).responses.response(subject.layer)
        return champions(Units(discovery, responses), compared)

    trained = judged(subject.model, subject.units.discovery)
    others = []
    for number in range(subject.choices.seeds):
        model = untrained_alike(
            subject.model, subject.seed + 1 + number, subject.record.settings.drawn()
        )
        found = _recorded(subject, model, compared.discovery).responses
        others.append(judged(model, found.response(subject.layer)))
        progress(number + 1, subject.choices.seeds, "")
    return compare_champions(trained, others, compared, control="untrained", layer=subject.layer)


def check_true_place(subject: Subject, progress: Report) -> pd.DataFrame:
    """Measure how much of a projection lies in the true region of each single face.

    Every mapped unit is projected for factorial faces that show its action unit; random live units
    of its layer are projected for those of the same faces that they respond to most.
    """
    faces = peaks("factorial")
    regions = read_regions(None, design="factorial")
    places = centres(subject.model.input)
    recorded = _recorded(subject, subject.model, faces).responses
    responses, locations = recorded.response(subject.layer), recorded.location(subject.layer)
    live = np.flatnonzero(np.ptp(responses, axis=0) > 0)
    rng = np.random.default_rng(subject.seed)
    mapped = {au: units[0] for au, units in subject.mapped.items() if units and au in faces.aus}
    rows = []
    for done, (au, own) in enumerate(mapped.items()):
        shown = np.flatnonzero(faces.table[au].to_numpy() == 1)
        others = rng.choice(live[live != own], size=min(_RANDOM, len(live) - 1), replace=False)
        for kind, unit in [("mapped", own), *(("random", int(other)) for other in others)]:
            best = shown[np.argsort(-responses[shown, unit], kind="stable")][:_PICTURES]
            mask = np.zeros(len(faces), dtype=bool)
            mask[best] = True
            best = np.flatnonzero(mask)
            found = project_units(
                subject.model.network,
                subject.images(faces.where(mask)),
                subject.layer,
                np.full(len(best), unit),
                locations[best, unit],
                rule=subject.record.settings.rule,
            )
            lifts = [
                energy_lift(image, window, regions.mask(name, au, *places))
                for image, window, name, silent in zip(
                    found.image, found.window, faces.table["image"][best], found.silent, strict=True
                )
                if not silent
            ]
            row = {"layer": subject.layer, "au": au, "kind": kind, "unit": unit}
            row |= {"rule": subject.record.settings.rule, "n_projections": len(best)}
            row |= {"n_silent": int(found.silent.sum())}
            for name in ("energy", "area", "lift"):
                values = np.array([getattr(one, name) for one in lifts], dtype=float)
                defined = values[~np.isnan(values)]
                row[name] = float(defined.mean()) if len(defined) else float("nan")
            rows.append(row)
        progress(done + 1, len(mapped), au)
    return pd.DataFrame(rows, columns=list(PLACE_COLUMNS))


def _only(faces: Faces, aus: list[str]) -> Faces:
    """Keep the action units named, and forget intensities."""
    others = [c for c in faces.table.columns if c.startswith("AU") and c not in aus]
    return dataclasses.replace(faces, table=faces.table.drop(columns=others))


def _recorded(subject: Subject, model: Model, faces: Faces) -> Recording:
    return record_faces(model, faces, layers=[subject.layer], exemplars=1)
