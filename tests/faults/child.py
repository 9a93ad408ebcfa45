"""Calls of the command, one after the other, in a process that may be killed.

`conftest.py` runs this file in a fork of a process that has everything imported already, so a
call costs what it does and no start. `job` is what it is given: the calls, the folder they begin
in, the file that takes a line a call, and whether a copy of what is printed is kept.
"""

import contextlib
import io
import json
import os
import resource
import sys
import time
import warnings
from pathlib import Path

import torch

from facslens.cli.main import main

job: dict


def peak() -> float:
    """Tell the most memory, in GB, that this process has held since the last `forget`."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) / 1e6
    return float("nan")


def forget() -> None:
    """Begin to measure the peak anew."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def answer(arguments: list[str]) -> dict:
    """Call the command once."""
    out, err = io.StringIO(), io.StringIO()
    sys.argv = ["facslens", *arguments]
    forget()
    start, spent = time.perf_counter(), time.process_time()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main()
            code = 0
        except SystemExit as stop:
            code = stop.code if isinstance(stop.code, int) else int(stop.code is not None)
    return {
        "code": code,
        "out": out.getvalue(),
        "err": err.getvalue(),
        "seconds": time.perf_counter() - start,
        "cpu": time.process_time() - spent,
        "peak": peak(),
    }


# a flood of warnings is no failure, and no sentence either
warnings.simplefilter("ignore")
torch.set_num_threads(1)
# what reads without an end ends here, and not with the machine
resource.setrlimit(resource.RLIMIT_AS, (7 << 30, 7 << 30))
os.chdir(job["folder"])  # noqa: F821
with Path(job["answers"]).open("a", encoding="utf-8", errors="surrogateescape") as answers:  # noqa: F821
    for arguments in job["calls"]:  # noqa: F821
        answers.write(json.dumps(answer(arguments)) + "\n")
        answers.flush()
