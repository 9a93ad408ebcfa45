"""Which stages a run consists of."""

from typing import Final

from facslens.runs.folder import Run
from facslens.runs.record import RunRecord
from facslens.runs.settings import Settings

#: Stages that need faces, and those of them that need action units of these.
_WITH_FACES: Final = ("faces", "record", "associate", "project")
_WITH_ACTION_UNITS: Final = ("associate", "project")
_EXPERIMENT: Final = ("experiment", "mechanism")


def planned(run: Run) -> tuple[str, ...]:
    """Name the stages that a run is to have, in their order.

    An audit opens its network where a run trains it. Without faces it has no stage that reads them;
    where its faces turn out to have no action unit labels, none that needs these.
    """
    settings, record = Settings.of(run), RunRecord(run, outdated=True)
    left_out: tuple[str, ...] = () if settings.experiment else _EXPERIMENT
    if run.is_audit:
        if not run.info["data"]:
            left_out += _WITH_FACES
        elif record.has("faces.parquet") and not record.faces.aus:
            left_out += _WITH_ACTION_UNITS
    return tuple(stage for stage in run.files if stage not in (*left_out, "verify"))
