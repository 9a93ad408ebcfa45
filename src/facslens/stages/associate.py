"""Test which units detect which action units, and confirm the mapping on other people."""

from dataclasses import dataclass

import pandas as pd

from facslens.artifacts import write_table
from facslens.association.confirmation.confirm import confirm
from facslens.association.confirmation.from_neutral import contrast_table
from facslens.association.confirmation.partial import partial_effects
from facslens.association.discovery.associate import associate
from facslens.association.discovery.confounds import confound_table
from facslens.association.discovery.mapping import RANKS
from facslens.association.discovery.result import Association, concatenate
from facslens.association.sample import au_codes
from facslens.association.verdicts import verdict_table
from facslens.datasets.base import Faces, is_neutral
from facslens.datasets.frames import check_sequences
from facslens.engines.engine import Engine
from facslens.errors import DataError, LabelsFixedError
from facslens.progress import Report
from facslens.responses.store import Responses, StoredColumns
from facslens.runs.folder import Run
from facslens.runs.parts import FacesOfPart, confirmation
from facslens.runs.record import RunRecord
from facslens.runs.selection import first_units, of_rule
from facslens.runs.settings import NULLS, Settings
from facslens.runs.tables import TABLES


@dataclass(frozen=True)
class Discovery:
    """The association on the discovery subjects, and the nulls that could not be tested.

    Parameters
    ----------
    association
        For all layers and nulls.
    skipped
        Null and reason, where labels cannot be permuted: there are too few faces, or one per
        expression.
    """

    association: Association
    skipped: dict[str, str]


def run_associate(run: Run, progress: Report, engine: Engine | None = None) -> None:
    """Write the association, its coverage and confounds, the mapping and the verdicts.

    The `engine` lets units be tested elsewhere; None tests them here.
    """
    record = RunRecord(run)
    faces, responses, settings = record.faces, record.responses, record.settings
    with run.stage("associate") as underway:
        if not faces.aus:
            raise DataError(
                f"{faces.name} has no action unit labels: add them, for example with aus=FILE"
            )
        check_sequences(faces)
        found = discover(responses, record.discovery, settings, record.seed, progress, engine)
        association = found.association
        mapping = pd.concat(
            [
                association.mapping(settings.distance, rule, null=settings.null).assign(rule=rule)
                for rule in RANKS
            ],
            ignore_index=True,
        )
        mapping = confirmed(mapping, responses, record.confirmation, record.seed)
        chosen = record.discovery.sampled(responses)
        judged = record.confirmation.sampled(responses)
        mapping = partial_effects(mapping, chosen, judged, seed=record.seed)
        sample = chosen.sample(responses.layers[0])
        confounds = confound_table(sample.labels, au_codes(chosen.labels), sample.subject)
        verdicts = pd.concat(
            [
                verdict_table(of_rule(mapping), association.coverage, confounds, layer)
                for layer in responses.layers
            ],
            ignore_index=True,
        )
        underway.note(skipped=found.skipped)
        tables = {
            **{TABLES[name]: table for name, table in association.tables().items()},
            "confounds.csv": confounds,
            "mapping.csv": mapping,
            "verdicts.csv": verdicts,
            "contrast.csv": from_neutral(mapping, responses, faces, record.seed),
        }
        for name, table in tables.items():
            write_table(run / name, table)


def from_neutral(
    mapping: pd.DataFrame, responses: Responses, faces: Faces, seed: int
) -> pd.DataFrame:
    """Measure each action unit's first unit from neutral to peak, on the test subjects."""
    part = confirmation(faces, neutral=True)
    table = faces.table[part.rows]  # a sequence keeps its neutral frames here
    return contrast_table(
        first_units(mapping).dropna(subset=["unit"])[["layer", "au", "unit"]],
        part.responses(responses),
        table,
        is_neutral(table),
        seed=seed,
    )


def discover(
    responses: Responses,
    part: FacesOfPart,
    settings: Settings,
    seed: int,
    progress: Report,
    engine: Engine | None = None,
) -> Discovery:
    """Associate every layer on the discovery subjects, with all distances and nulls.

    A null under which no label can be permuted is skipped, unless it decides the mapping.
    """
    nulls = tuple(dict.fromkeys((*NULLS, settings.null)))
    results: list[Association] = []
    skipped: dict[str, str] = {}
    for number, layer in enumerate(responses.layers):
        answers = StoredColumns(responses, layer, part.rows)
        for null in nulls:
            try:
                found = associate(
                    answers,
                    part.labels(),
                    sequence=part.faces.table["sequence"],
                    subject=part.subject,
                    strata=part.strata if null == "within_expression" else None,
                    within_subject=null == "within_subject",
                    distance="all",
                    permutations=settings.permutations,
                    seed=seed,
                    layer=layer,
                    engine=engine,
                )
            except LabelsFixedError as error:
                if null == settings.null:
                    raise
                skipped[null] = str(error)
            else:
                results.append(found)
        progress(number + 1, len(responses.layers), layer)
    return Discovery(concatenate(results), skipped)


def confirmed(
    mapping: pd.DataFrame, responses: Responses, part: FacesOfPart, seed: int
) -> pd.DataFrame:
    """Measure the mapping on the test subjects."""
    table = part.faces.table
    return confirm(
        mapping,
        part.responses(responses),
        part.labels(),
        sequence=table["sequence"],
        subject=table["subject"],
        strata=part.strata,
        seed=seed,
    )
