"""Hold facslens against the oracle: architectures, unusual maps and steps, spellings.

    python -m benchmarks.oracle.compare [--only NAME,…] [--full] [--out FILE.json]

Of every convolution of every network three units' responses, places and projections under every
rule, in float64. `FACSLENS_SPELLINGS` names a file of further spellings. ``--full`` takes the
true widths and images of 224 pixels.
"""

import argparse
import json
import os
import sys
import warnings
from collections.abc import Callable, Iterator
from dataclasses import asdict
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from benchmarks.oracle.architectures.table import ARCHITECTURES, prepare
from benchmarks.oracle.between import BETWEEN
from benchmarks.oracle.judge import Answer, Product, RefusedError, Row, Subject, judge
from benchmarks.oracle.maps import CASES
from benchmarks.oracle.spelling import Spelling, load_spellings
from benchmarks.oracle.spellings import SPELLINGS
from facslens.errors import FacslensError
from facslens.models.reading.reading import read_network
from facslens.models.reading.trace import shape_of
from facslens.projection.deconvnet import project_units

OUTCOMES = ("exact", "refused", "wrong", "missing", "crashed")


def layers(network: nn.Module, images: Tensor) -> list[str]:
    """Name the layers that facslens opens."""
    try:
        return list(read_network(network, shape_of(images)).layers)
    except FacslensError as refusal:
        raise RefusedError(str(refusal)) from refusal


def project(network: nn.Module, images: Tensor, layer: str, units: list[int], rule: str) -> Answer:
    """Project with facslens."""
    try:
        found = project_units(network, images, layer, np.array(units), rule=rule)
    except FacslensError as refusal:
        raise RefusedError(str(refusal)) from refusal
    place = torch.from_numpy(found.location.astype(np.int64))
    return Answer(torch.from_numpy(found.response), place, torch.from_numpy(found.image))


FACSLENS = Product(layers, project)


def subjects(full: bool) -> Iterator[Subject]:
    """Give every network with its right answers."""
    for name, (build, describe) in ARCHITECTURES.items():
        ready = partial(_prepared, build, full)
        yield Subject("architectures", name, ready, {"": describe}, 224 if full else 64)
    for group, cases in {"maps": CASES, "steps between": BETWEEN}.items():
        for name, case in cases.items():
            yield Subject(group, name, case.network, {"": case.describe}, 16)
    groups: dict[str, dict[str, Spelling]] = {"spellings": SPELLINGS}
    if path := os.environ.get("FACSLENS_SPELLINGS"):
        groups["spellings of others"] = load_spellings(Path(path))
    else:
        print("no further spellings: FACSLENS_SPELLINGS names no file", file=sys.stderr)
    for group, spellings in groups.items():
        for name, spelling in spellings.items():
            yield Subject(group, name, spelling.network, spelling.descriptions(), 16)


def _prepared(build: Callable[[bool], nn.Module], full: bool) -> nn.Module:
    return prepare(build(full), seed=0)


def table(rows: list[Row], by: list[str]) -> pd.DataFrame:
    """Count what became of the layers, and give the worst errors of those that answered."""
    frame = pd.DataFrame([asdict(row) for row in rows])
    grouped = frame.groupby(by, sort=False)
    counts = {name: grouped["outcome"].agg(lambda o, n=name: (o == n).sum()) for name in OUTCOMES}
    worst = {f"worst {kind}": grouped[f"{kind}_error"].max() for kind in ("map", "picture")}
    answers = grouped["answer"].agg(lambda a: ", ".join(sorted(set(a) - {""})))
    return pd.DataFrame({"cases": grouped.size(), **counts, **worst, "answer": answers})


def show(rows: list[Row]) -> None:
    """Print a table of each group, and every sentence once."""
    for group in dict.fromkeys(row.group for row in rows):
        part = [row for row in rows if row.group == group]
        by = ["name", "rule"] if group == "architectures" else ["name"]
        print(f"\n{group}\n")
        print(table(part, by).to_string(float_format=lambda x: f"{x:.1e}", na_rep=""))
        said = {(row.name, row.outcome, row.said[:300]) for row in part if row.said}
        for name, outcome, sentence in sorted(said):
            print(f"{name}: {outcome}: {sentence}")


def main() -> None:
    """Print the tables and write every row."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", help="names of networks or groups, separated by commas")
    parser.add_argument("--full", action="store_true", help="true widths, 224 pixels")
    parser.add_argument("--out", type=Path, help="a JSON file for every row")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    only = set(options.only.split(",")) if options.only else None
    rows: list[Row] = []
    further: dict[str, list[str]] = {}
    for subject in subjects(options.full):
        if only is None or only & {subject.name, subject.group}:
            print(f"{subject.group}: {subject.name}", file=sys.stderr, flush=True)
            found, more = judge(subject, FACSLENS)
            rows += found
            further |= {subject.name: more} if more else {}
    show(rows)
    for name, more in further.items():
        print(f"{name}: layers that the oracle does not know: {', '.join(more)}")
    if options.out:
        text = json.dumps({"rows": [asdict(row) for row in rows], "further": further}, indent=1)
        options.out.write_text(text + "\n")


if __name__ == "__main__":
    main()
