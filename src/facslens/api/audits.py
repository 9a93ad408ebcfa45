"""Audits: a network that was trained elsewhere, opened as it is."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from facslens.errors import CallError

if TYPE_CHECKING:
    from facslens.models.model import Model
    from facslens.runs.record import RunRecord


def audit(
    model: "Model | str | Path",
    data: str | None = None,
    out: str | Path | None = None,
    *,
    layer: str | Sequence[str] | None = None,
    units: str = "channels",
    people: int | None = None,
    stimuli: str | Path | None = None,
    untrained: int = 5,
    permutations: int = 1000,
    seed: int = 0,
    faces: bool = True,
    resume: bool = False,
) -> "RunRecord":
    """Find what the units of a network detect that was trained elsewhere; nothing is trained.

    Parameters
    ----------
    model
        A Model, the folder of a run or of a saved model, or ``compact``.
    data
        Coded faces, as `facslens.load_faces` takes them; None shows drawn faces only.
    out
        The folder of the audit; None makes one in ``runs``.
    layer
        A layer to look at, or several; None takes all, and of `units` that are directions the last.
    units
        ``channels``, a layer's own maps, or ``directions`` of it, of which `with_directions` says
        more.
    people
        How many people of the drawn faces; None takes all.
    stimuli
        A folder that ``facslens data stimuli`` made; None for the faces in the package.
    untrained
        How many untrained networks the network is compared with, where there can be any.
    permutations
        Of each permutation test.
    seed
        Of everything random.
    faces
        Whether the report shows faces of `data`.
    resume
        Whether to go on with the audit in `out`, with its own settings. The network is the same.

    Returns
    -------
    RunRecord
        As `facslens.load_run` gives it; the report is ``report/index.html`` in its folder.

    Raises
    ------
    CallError
        If the network, a layer, the dataset or a choice is not known, or the folder exists.
    ArtifactError
        If files are missing or damaged.
    """
    from facslens.models.model import Model
    from facslens.runs.record import RunRecord
    from facslens.runs.settings import Settings
    from facslens.runs.source import IN_PYTHON, Source
    from facslens.stages.audit import new_audit, old_audit
    from facslens.stages.order import run_all

    given = model if isinstance(model, Model) else None
    if resume:
        if out is None:
            raise CallError("out is missing: resume needs the folder of the audit")
        run = old_audit(Path(out), given)
    else:
        layers = [layer] if isinstance(layer, str) else None if layer is None else list(layer)
        run = new_audit(
            Source(IN_PYTHON if given else str(model)),
            Settings(
                layers=layers,
                units=units,
                permutations=permutations,
                stimuli=None if stimuli is None else str(stimuli),
                people=people,
                untrained=untrained,
                faces=faces,
            ),
            model=given,
            data=data,
            out=None if out is None else Path(out),
            seed=seed,
        )
    run_all(run)
    return RunRecord(run)
