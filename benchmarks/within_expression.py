"""What units tell of action units beyond the expression, tried in three ways.

    python benchmarks/within_expression.py RUN OTHER

RUN is a finished run on faces with FACS codes; OTHER one on other faces, whose network then reads
the faces of RUN without having seen them. Printed is, for the last layer: how many action units
have a unit that is accepted when labels move within one expression only, and the effect on unseen
people, over pairs of faces of equal expression: of single units; of all units jointly, by the
linear probe; of single units of the other network.
"""

import sys
from pathlib import Path

import numpy as np

from facslens.association.confirmation.bootstrap import RESAMPLES, interval, resample_subjects
from facslens.association.discovery.associate import associate
from facslens.association.distances.concordance import concordance, resampled_concordance
from facslens.association.sample import make_sample
from facslens.controls.champions import Champions, ComparisonDesign, Units, champions
from facslens.controls.probe import probe
from facslens.responses.recording import record_faces
from facslens.runs.record import RunRecord
from facslens.stages.checks import Choices, Subject

MIN_WITHIN = 10


def within(name: str, chosen: Champions, design: ComparisonDesign) -> None:
    """Print the effect within the expression of what was chosen for each action unit."""
    faces = design.confirmation
    table = faces.table
    aus = list(chosen.table["au"])
    sample = make_sample(
        np.zeros((len(faces), 1)),
        table[aus],
        sequence=table["sequence"],
        subject=table["subject"],
        strata=table["expression"],
    )
    above, asked, values = 0, 0, []
    for column, au in enumerate(aus):
        response, label = chosen.response[:, column], sample.labels[:, column]
        known = ~np.isnan(label)
        if np.isnan(response).any() or not known.any():
            continue
        rows = response[known], label[known], sample.strata[known]
        found = concordance(rows[0][:, None], rows[1][:, None], rows[2])
        if found.rarer[0] < MIN_WITHIN:
            continue
        _, subject = np.unique(sample.subject[known], return_inverse=True)
        weights, _ = resample_subjects(rows[1], subject, RESAMPLES, seed=0, strata=rows[2])
        low, high = interval(
            resampled_concordance(rows[0], rows[1], subject, weights, rows[2]), 0.95
        )
        asked, above = asked + 1, above + (low > 0.5)
        values.append(float(found.value[0, 0]))
        print(f"    {au} {values[-1]:.2f} ({low:.2f}-{high:.2f})")
    mean = np.mean(values) if values else float("nan")
    print(f"  {name}: {above} of {asked} above 1/2, mean {mean:.3f}")


def accepted(name: str, units: Units, design: ComparisonDesign) -> None:
    """Print how many action units have an accepted unit under either null."""
    table = design.discovery.table
    for strata in (None, table["expression"]):
        found = associate(
            units.discovery,
            table[list(design.discovery.aus)],
            sequence=table["sequence"],
            subject=table["subject"],
            strata=strata,
            distance=design.distance,
            permutations=design.permutations,
            seed=design.seed,
        ).table
        aus = found.loc[found["p_maxT"] < 0.05, "au"].nunique()
        print(f"  {name}, {found['null'].iloc[0]}: {aus} AUs accepted")


def main(own: Path, other: Path) -> None:
    """Print all of it."""
    subject = Subject(RunRecord.open(own), Choices())
    design = subject.design
    network = RunRecord.open(other).model
    layer = subject.layer
    parts = (design.discovery, design.confirmation)
    strange = Units(
        *(
            record_faces(network, faces, layers=[layer], exemplars=1).responses.response(layer)
            for faces in parts
        )
    )
    for name, units in (("own network", subject.units), ("other network", strange)):
        accepted(name, units, design)
        within(f"{name}, best unit", champions(units, design), design)
        within(f"{name}, all units jointly", probe(units, design), design)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
