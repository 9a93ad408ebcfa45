"""Set what a run observed on real faces beside what an experiment caused on drawn ones."""

import math
from collections.abc import Mapping

import numpy as np
import pandas as pd

from facslens.association.discovery.mapping import AU_TO_UNIT, view_of
from facslens.experiments.analysis import Findings
from facslens.experiments.control import Control
from facslens.experiments.convergence import converge, joint_units
from facslens.experiments.decision import decide, measure
from facslens.experiments.trials import Trials
from facslens.runs.record import RunRecord
from facslens.runs.selection import first_units
from facslens.stages.associate import confirmed

_KEY = ["layer", "au", "unit"]
_EFFECT = ["auroc_test", "auroc_test_low", "auroc_test_high", "status"]
_WON = ["wins", "n_wins", "n_people", "rival", "verdict"]


def convergence(
    record: RunRecord,
    findings: Findings,
    trials: Mapping[str, Trials],
    controls: Mapping[str, Mapping[str, Control]],
    seed: int = 0,
) -> pd.DataFrame:
    """Say for each layer and action unit whether it was observed, caused, or both by one unit.

    The joint unit is chosen by its ranks on the discovery people of the run and on the choosing
    people of the experiment, and then looked at once on the unseen people of each.

    Parameters
    ----------
    record
        A run whose stage ``associate`` is done.
    findings
        Of an experiment with the run's network.
    trials, controls
        By layer, what `findings` were made from.
    seed
        Of the experiment's resamples.

    Returns
    -------
    pandas.DataFrame
        See `facslens.experiments.convergence.converge`.

    Raises
    ------
    ArtifactError
        If the run lacks its association, or a file of it has changed.
    """
    joint = joint_units(real_ranks(record), findings.tuning)
    joint = joint.merge(_on_real(record, joint), on=_KEY, how="left")
    joint = joint.merge(_on_drawn(joint, trials, controls, seed), on=_KEY, how="left")
    first = first_units(record.mapping)[["layer", "au", *_EFFECT[:3]]]
    observed = record.verdicts[[*_KEY, "status"]].merge(first, on=["layer", "au"], how="left")
    plain = first_units(record.mapping, rule="distance")[_KEY]
    return converge(observed, plain, findings, joint)


def real_ranks(record: RunRecord) -> pd.DataFrame:
    """Rank the units of each layer and action unit as the run's discovery does, whatever their p.

    Returns
    -------
    pandas.DataFrame
        layer, au, unit, rank: the units whose AUROC in discovery is above ½, by z.
    """
    settings = record.settings
    ranked = record.association.mapping(settings.distance, alpha=math.inf, null=settings.null)
    return view_of(ranked, AU_TO_UNIT).dropna(subset=["unit"])[[*_KEY, "rank"]]


def _on_real(record: RunRecord, joint: pd.DataFrame) -> pd.DataFrame:
    """Confirm the joint units on the run's unseen people, as its own mapping was."""
    return confirmed(joint[_KEY], record.responses, record.confirmation, record.seed)[
        [*_KEY, *_EFFECT]
    ]


def _on_drawn(
    joint: pd.DataFrame,
    trials: Mapping[str, Trials],
    controls: Mapping[str, Mapping[str, Control]],
    seed: int,
) -> pd.DataFrame:
    """Decide about the joint units on the experiment's unseen people."""
    if joint.empty:
        return joint.reindex(columns=[*_KEY, *_WON])
    found = []
    for layer, rows in joint.groupby("layer", sort=False):
        own = trials[str(layer)]
        units = np.full(len(own.aus), -1)
        units[[own.aus.index(au) for au in rows["au"]]] = rows["unit"]
        decided = decide(own, measure(own, seed), controls[str(layer)], units, str(layer))
        found.append(decided.caused.dropna(subset=["unit"])[[*_KEY, *_WON]])
    return pd.concat(found, ignore_index=True)
