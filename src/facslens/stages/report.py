"""Write the report of a run."""

from facslens.progress import Report
from facslens.report.html import write_report
from facslens.runs.folder import Run


def run_report(run: Run, progress: Report) -> None:
    """Write ``report/index.html`` and the files that it shows."""
    # damage is found before the old report is given up; outdated checks are not shown at all
    verify = run.info["stages"].get("verify", {}).get("status")
    left_out = ("report", "verify") if verify == "outdated" else ("report",)
    run.check(*(stage for stage in run.files if stage not in left_out))
    with run.stage("report"):
        write_report(run)
        progress(1, 1, "")
