"""Make the report of a run."""

from facslens.artifacts import Run
from facslens.progress import Report
from facslens.report.html import write_report


def run_report(run: Run, progress: Report) -> None:
    """Write ``report/index.html`` and what it shows."""
    with run.stage("report", "report"):
        write_report(run)
        progress(1, 1, "")
