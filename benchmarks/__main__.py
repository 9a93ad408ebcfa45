"""Run the benchmarks, all of them or those that are named, each in a process of its own.

    python benchmarks [--list] [--json-dir DIR] [NAME …]

Those of speed print a table of ratios, taken side by side, and leave it as DIR/NAME.json, too. One
that needs what is not there is left out, and the reason said. The exit code is 1 where one failed.
"""

import argparse
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Benchmark:
    """A module of this folder with a main of its own.

    Parameters
    ----------
    line
        What it measures.
    arguments
        What its main is given; ``{data}`` is the folder of real faces.
    json
        Whether its main takes ``--json FILE``.
    needs
        What has to be in the folder of real faces; empty for nothing.
    by_hand
        Why it is not run from here; empty where it is.
    """

    line: str
    arguments: tuple[str, ...] = ()
    json: bool = True
    needs: str = ""
    by_hand: str = ""


_PEERS: Final = "needs packages of other people, which benchmarks/README.md says how to get"
_RUN: Final = "needs a finished run on real faces"

BENCHMARKS: Final[dict[str, Benchmark]] = {
    "projection": Benchmark("projecting a unit, beside captum"),
    "association": Benchmark("distances and their nulls, beside loops over SciPy"),
    "recording": Benchmark("recording every unit, beside a bare forward pass"),
    "streaming": Benchmark("memory of recording and association as faces grow"),
    "engines": Benchmark("recording with Ray's workers, beside one process"),
    "opening": Benchmark("reading and recording ResNet-18, beside a bare forward pass"),
    "training": Benchmark("what a face takes in training, and what would change it"),
    "start": Benchmark("the start of commands, beside the imports that they cannot do without"),
    "prediction": Benchmark(
        "a face, a photograph and the command, beside bare imports",
        ("{data}/ck48/CK+48/happy/S011_006_00000012.png",),
        needs="ck48/CK+48/happy/S011_006_00000012.png",
    ),
    "server": Benchmark("the server under load and attack, and the live page with a camera"),
    "synthetic": Benchmark("drawing faces with two processes, beside one"),
    "experiment": Benchmark("how often the experiment finds what is not there", ("level",), False),
    "analysis": Benchmark("the experiment's analysis of 4,800 units, by parts"),
    "explorer": Benchmark("the explorer of 5,000 units: first view, longest frame, a unit's page"),
    "nulls": Benchmark("the level of the tests where labels mean nothing", json=False),
    "frames": Benchmark("false findings by what counts as an observation in videos", json=False),
    "faces": Benchmark(
        "finding and cutting out faces", ("{data}/ferplus.zip",), False, needs="ferplus.zip"
    ),
    "repeats": Benchmark(
        "near duplicates: the evidence, the search, and data check of FER+",
        ("{data}/ferplus.zip", "{data}/ck48"),
        needs="ferplus.zip",
    ),
    "forming": Benchmark(
        "when detectors arise", json=False, by_hand="trains for hours, into a folder of its own"
    ),
    "directions": Benchmark("directions beside channels", json=False, by_hand=_RUN),
    "transfer": Benchmark("from drawn to real faces and back", json=False, by_hand=_RUN),
    "within_expression": Benchmark("beyond the expression", json=False, by_hand=_RUN),
    "audits": Benchmark("audits of other people's networks", json=False, by_hand=_PEERS),
    "judges": Benchmark("drawn faces before other judges", json=False, by_hand=_PEERS),
    "peers": Benchmark("the packaged network beside others", json=False, by_hand=_PEERS),
    "repositories": Benchmark("networks of public repositories", json=False, by_hand=_PEERS),
}


def lacks(benchmark: Benchmark, data: Path | None) -> str:
    """Say why a benchmark cannot be run here; empty where it can."""
    if benchmark.by_hand or not benchmark.needs:
        return benchmark.by_hand
    if data is None:
        return "needs real faces: set FACSLENS_DATA to a folder that holds them"
    return "" if (data / benchmark.needs).exists() else f"needs {benchmark.needs} in FACSLENS_DATA"


def run(
    table: Mapping[str, Benchmark], names: Sequence[str], data: Path | None, folder: Path | None
) -> list[str]:
    """Run some benchmarks one after another; name those that failed.

    Parameters
    ----------
    table, names
        The benchmarks that there are, and which of them to run.
    data
        The folder of real faces, if there is one.
    folder
        Takes a JSON file from each benchmark that writes one; None for none.
    """
    failed = []
    paths = [str(ROOT), str(ROOT / "src"), os.environ.get("PYTHONPATH", "")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}
    for name in names:
        benchmark = table[name]
        print(f"\n{name}: {benchmark.line}", flush=True)
        if reason := lacks(benchmark, data):
            print(f"left out: {reason}", flush=True)
            continue
        call = [sys.executable, "-m", f"benchmarks.{name}"]
        call += [part.format(data=data) for part in benchmark.arguments]
        if folder is not None and benchmark.json:
            folder.mkdir(parents=True, exist_ok=True)
            call += ["--json", str((folder / f"{name}.json").absolute())]
        if code := subprocess.run(call, env=environment, check=False).returncode:
            print(f"{name} failed: exit code {code}", flush=True)
            failed.append(name)
    return failed


def main(
    arguments: Sequence[str] | None = None, table: Mapping[str, Benchmark] = BENCHMARKS
) -> int:
    """Run or list them; give the exit code."""
    parser = argparse.ArgumentParser(prog="python benchmarks", description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="which to run [default: all]")
    parser.add_argument("--list", action="store_true", help="list them, a line each")
    parser.add_argument("--json-dir", type=Path, metavar="DIR", help="where JSON files go")
    choices = parser.parse_args(arguments)
    if unknown := [name for name in choices.names if name not in table]:
        parser.error(f"no benchmark {unknown[0]!r}: expected some of {', '.join(table)}")
    place = os.environ.get("FACSLENS_DATA")
    data = Path(place).absolute() if place else None
    names = choices.names or list(table)
    if choices.list:
        for name in names:
            reason = lacks(table[name], data)
            print(f"{name:<18} {table[name].line}{f' ({reason})' if reason else ''}")
        return 0
    failed = run(table, names, data, choices.json_dir)
    if failed:
        print(f"\nfailed: {', '.join(failed)}")
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
