"""Drawn faces before judges that no tuning has seen: other people's networks, and gradients.

    python benchmarks/judges.py --peers DIR --ck48 PATH [--before OLD.zip]

The networks are those of peers.py; each reads the peaks of the natural drawn faces of seven
expressions. ``--before`` is the archive of drawn faces of an earlier version. Then a linear model
of histograms of gradients is fitted to the action units of CK+48 and read on drawn factorial
faces, and the other way round: AUROC by action unit, five-fold over people at home beside it.
"""

import argparse
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from peers import Peer, answers, commands

from facslens.association.distances.table import distances
from facslens.association.ridge import grouped_folds, ridge
from facslens.association.sample import make_sample
from facslens.controls.pixels import gradients
from facslens.datasets.base import Faces
from facslens.datasets.load import load
from facslens.datasets.synthetic import ARCHIVE
from facslens.preprocess import normalise
from facslens.preprocess.input import grey_contrast

PENALTY = (0.1,)
FOLDS = 5


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peers", type=Path, required=True, help="where their environments are")
    parser.add_argument("--ck48", type=Path, required=True)
    parser.add_argument("--before", type=Path, help="drawn faces of an earlier version")
    options = parser.parse_args()
    read_by_others(options.peers, {"before": options.before, "now": ARCHIVE})
    read_by_gradients(load(f"ck48:{options.ck48}"), load("synthetic,design=factorial"))


def read_by_others(peers: Path, archives: dict[str, Path | None]) -> None:
    """Print how many of the natural faces each network reads rightly."""
    for when, archive in archives.items():
        if archive is None:
            continue
        faces = load(f"table:{archive}/natural/faces.csv").table
        faces = faces[(faces["frame"] > 0) & (faces["expression"] != "contempt")]
        faces = faces.dropna(subset=["expression"])
        grey = normalise.read(list(faces["path"]), grey_contrast(48))[:, 0].numpy()
        true = faces["expression"].to_numpy(dtype=object)
        for name, command in commands(peers).items():
            if name.startswith("facslens, "):
                continue
            with tempfile.NamedTemporaryFile(suffix=".bytes") as file:
                levels = (255 * grey).round().astype(np.uint8)
                levels.tofile(file.name)
                kept = peers / "answers"
                kept.mkdir(exist_ok=True)
                peer = Peer.start(name, [*command, file.name], kept / f"{name}.log")
                if peer is None:
                    print(f"{name} does not run: see README.md", file=sys.stderr)
                    continue
                said = answers(peer, levels, kept)
                peer.stop()
            labels = np.array(peer.about["labels"], dtype=object)
            known = [i for i, label in enumerate(labels) if label in set(true)]
            read = labels[known][said[:, known].argmax(axis=1)]
            parts = [f"{e} {(read[true == e] == e).mean():.2f}" for e in sorted(set(true))]
            print(
                f"{when}: {name} reads {(read == true).mean():.3f} of {len(true)}: "
                f"{', '.join(parts)}"
            )


def read_by_gradients(real: Faces, drawn: Faces) -> None:
    """Print the AUROC of a linear model of gradients, by action unit, at home and away."""
    aus = [au for au in real.aus if au in drawn.aus]
    first, second = (sampled(faces, aus) for faces in (real, drawn))
    rows = []
    for column, au in enumerate(aus):
        row: dict[str, object] = {"au": au}
        for name, fitted, read in (("real", first, second), ("drawn", second, first)):
            here, there = fitted[1][:, column], read[1][:, column]
            row[f"{name}, at home"] = at_home(fitted, column)
            known = ~np.isnan(here)
            weights, level = ridge(fitted[0][known], here[known], PENALTY)
            row[f"fitted on {name}, read on the other"] = auroc(
                (read[0] @ weights + level)[:, 0], there
            )
        rows.append(row)
    table = pd.DataFrame(rows).set_index("au")
    print(table.round(2).to_string())
    print(table.mean().round(3).to_string())


def sampled(faces: Faces, aus: list[str]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Give standardised gradients, labels and people of the sequences' peaks."""
    faces = faces.where(~faces.neutral)
    sample = make_sample(
        gradients(faces, 48),
        faces.table[aus],
        sequence=faces.table["sequence"],
        subject=faces.table["subject"],
    )
    values = sample.responses
    values = (values - values.mean(axis=0)) / (values.std(axis=0) + 1e-9)
    return values, sample.labels.astype(float), np.asarray(sample.subject)


def at_home(faces: tuple[np.ndarray, np.ndarray, np.ndarray], column: int) -> float:
    """Give the AUROC on people whom the model was not fitted to."""
    values, labels, people = faces
    label = labels[:, column]
    fold = grouped_folds(pd.factorize(people)[0], FOLDS, 0)
    score = np.full(len(label), np.nan)
    for number in range(FOLDS):
        train = (fold != number) & ~np.isnan(label)
        weights, level = ridge(values[train], label[train], PENALTY)
        score[fold == number] = (values[fold == number] @ weights + level)[:, 0]
    return auroc(score, label)


def auroc(score: np.ndarray, label: np.ndarray) -> float:
    """Give the AUROC where the label is known."""
    known = ~np.isnan(label)
    return float(distances(score[known, None], label[known, None], "auroc")[0][0, 0])


if __name__ == "__main__":
    main()
