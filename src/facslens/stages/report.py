"""Write the report of a run."""

from facslens.progress import Report
from facslens.report.html import write_report
from facslens.runs.folder import Run


def run_report(run: Run, progress: Report) -> None:
    """Write ``report/index.html`` and the files that it shows."""
    with run.stage("report"):
        write_report(run)
        progress(1, 1, "")
