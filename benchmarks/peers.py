"""The network in the package beside others that run offline: the same faces, one at a time.

    python benchmarks/peers.py --data ferplus.zip --peers DIR [--rounds 20] [--split train]

Accuracy on the validation part of FER2013, and milliseconds a face; or on training faces, which
tells whether a network knew them, too. Every network runs in a process
of its own, with one thread and in its own environment under DIR, which README.md says how to make;
those that are not there are named and left out. What a network said of the faces is kept in
DIR/answers, so that it is asked once; times are taken anew, in turn, so that other work on the
machine hits all alike.
"""

import argparse
import hashlib
import json
import os
import platform
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from facslens.artifacts import atomic
from facslens.datasets.ferplus import copies, read_votes
from facslens.datasets.labels import FER2013
from facslens.datasets.votes import VOTES, majority
from facslens.preprocess import normalise
from facslens.preprocess.input import grey_contrast
from facslens.progress import shown
from facslens.training.intervals import Interval, wilson
from facslens.training.predictions import confusion, per_class

HERE = Path(__file__).parent / "peers"
OURS = "facslens, ONNX Runtime"
WARM_UP, TIMED = 10, 20  # faces of a block
ASKED = 100  # faces between two signs of progress
TRAINING = 3000  # faces that --split train draws


def commands(peers: Path) -> dict[str, list[str | Path]]:
    """Give the command of each network, but for the path of the faces."""
    ours, node = HERE / "ours.py", ["node", HERE / "tfjs.cjs", peers / "node"]
    return {
        OURS: [sys.executable, ours, "onnx", "fer2013"],
        "facslens, its FER+ head": [sys.executable, ours, "onnx", "ferplus"],
        "facslens, torch": [sys.executable, ours, "torch", "fer2013"],
        "fer": [peers / "fer" / "bin" / "python", HERE / "fer_tflite.py"],
        "face-api": [*node, "face-api"],
        "human": [*node, "human"],
    }


@dataclass(frozen=True)
class Peer:
    """A network in a process of its own, which waits for the numbers of faces to read."""

    name: str
    process: "subprocess.Popen[str]"
    about: dict[str, Any]

    @classmethod
    def start(cls, name: str, command: list[str | Path], log: Path) -> "Peer | None":
        """Start it, or give None where it says nothing, and its errors to a log."""
        environment = os.environ | {"OMP_NUM_THREADS": "1"}
        pipe = subprocess.PIPE
        try:
            with log.open("w") as errors:
                process = subprocess.Popen(
                    command, stdin=pipe, stdout=pipe, stderr=errors, text=True, env=environment
                )
        except OSError:  # no such environment
            return None
        assert process.stdout
        for line in process.stdout:
            if line.startswith("{"):  # exporters and loaders talk, too
                return cls(name, process, json.loads(line))
        process.wait()
        return None

    def ask(self, first: int, last: int) -> dict[str, list[Any]]:
        """Give ``probabilities`` and ``ms`` of the faces from first to before last."""
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(f"[{first}, {last}]\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"{self.name} ended while it read face {first} to {last}")
        return json.loads(line)

    def stop(self) -> None:
        """End it, by asking nothing more."""
        assert self.process.stdin
        self.process.stdin.close()
        self.process.wait()


def answers(peer: Peer, faces: np.ndarray, folder: Path) -> np.ndarray:
    """Give what a network says of all faces, from the folder if it has said it before."""
    known = json.dumps(peer.about, sort_keys=True).encode() + faces.tobytes()
    path = folder / f"{hashlib.sha256(known).hexdigest()[:16]}.json"
    if not path.is_file():
        said = []
        with shown(peer.name) as report:
            for first in range(0, len(faces), ASKED):
                said += peer.ask(first, min(first + ASKED, len(faces)))["probabilities"]
                report(len(said), len(faces), "")
        with atomic(path) as temporary:
            temporary.write_text(json.dumps(said))
    return np.asarray(json.loads(path.read_text()))


def latency(peers: list[Peer], rounds: int, faces: int) -> dict[str, np.ndarray]:
    """Give the median milliseconds a face of each round, the networks taking turns."""
    times: dict[str, list[float]] = {peer.name: [] for peer in peers}
    for number in range(rounds):
        first = number * (WARM_UP + TIMED) % (faces - WARM_UP - TIMED)
        turn = number % len(peers)
        for peer in peers[turn:] + peers[:turn]:
            peer.ask(first, first + WARM_UP)
            block = peer.ask(first + WARM_UP, first + WARM_UP + TIMED)
            times[peer.name].append(float(np.median(block["ms"])))
    return {name: np.array(values) for name, values in times.items()}


def row(peer: Peer, said: np.ndarray, rows: pd.DataFrame) -> dict[str, str]:
    """Give the cells of a network: what it is and how often it is right."""
    about = peer.about
    read = np.array(about["labels"], dtype=object)[said.argmax(axis=1)]
    own = pd.DataFrame({"true": rows["fer2013"], "predicted": read})
    names = sorted(set(FER2013) | set(read))  # one head knows an eighth expression
    f1 = per_class(confusion(own, names))["f1"].loc[list(FER2013)].to_numpy()
    clear = rows["majority"].isin(FER2013).to_numpy(dtype=bool)
    agrees = read[clear] == rows["majority"][clear].to_numpy(dtype=object)
    return {
        "network": peer.name,
        "version": f"{about['version']}, {about['licence']}",
        "runtime": about["runtime"],
        "parameters": f"{about['parameters']:,}",
        "file, MB": f"{about['bytes'] / 1e6:.2f}",
        "accuracy, %": percent(wilson(int((own["true"] == read).sum()), len(own))),
        "macro-F1": f"{f1.mean():.3f}",
        "FER+ accuracy, %": percent(wilson(int(agrees.sum()), len(agrees))),
    }


def percent(share: Interval) -> str:
    """Write a share with its interval."""
    return f"{100 * share.value:.1f} ({100 * share.low:.1f}–{100 * share.high:.1f})"


def markdown(lines: list[dict[str, str]]) -> str:
    """Write rows as a table."""
    head = list(lines[0])
    cells = [head, ["---"] * len(head), *([line[name] for name in head] for line in lines)]
    return "\n".join(f"| {' | '.join(line)} |" for line in cells)


def main() -> None:
    """Ask, time, and print one table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="FER+, a folder or its zip")
    parser.add_argument("--peers", type=Path, required=True, help="where their environments are")
    parser.add_argument("--rounds", type=int, default=20, help="blocks of 20 faces a network")
    parser.add_argument("--split", choices=("validation", "train"), default="validation")
    options = parser.parse_args()
    defects: list[Any] = []
    rows = read_votes(options.data, defects)
    if defects:
        raise SystemExit(defects[0].message)
    if options.split == "train":
        rows = rows[(rows["split"] == "train") & ~copies(rows)].sample(TRAINING, random_state=0)
    else:
        rows = rows[rows["split"] == "validation"]
    rows = rows.reset_index(drop=True)
    rows["majority"] = majority(rows[list(VOTES)].to_numpy(dtype=float))
    grey = normalise.read(list(rows["path"]), grey_contrast(48))[:, 0].numpy()
    faces = (255 * grey).round().astype(np.uint8)
    kept = options.peers / "answers"
    kept.mkdir(parents=True, exist_ok=True)
    peers: list[Peer] = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "faces.bytes"
        faces.tofile(path)
        for name, command in commands(options.peers).items():
            log = kept / f"{name}.log"
            peer = Peer.start(name, [*command, path], log)
            if peer is None:
                print(f"{name} does not run: see README.md, and {log}", file=sys.stderr)
                continue
            peers.append(peer)
        load = os.getloadavg()[0]
        lines = [row(peer, answers(peer, faces, kept), rows) for peer in peers]
        times = latency(peers, options.rounds, len(faces))
        for peer in peers:
            peer.stop()
    for line in lines:
        own = times[line["network"]]
        line["ms a face"] = f"{np.median(own):.2f}"
        if OURS in times:
            low, middle, high = np.quantile(own / times[OURS], [0.25, 0.5, 0.75])
            line["times the first"] = f"{middle:.2f} ({low:.2f}–{high:.2f})"
    clear = rows["majority"].isin(FER2013).sum()
    print(
        f"{len(rows)} {options.split} faces by FER2013's own labels, {clear} by FER+'s majority "
        f"without contempt; 95 % intervals of Wilson. Medians of {options.rounds} blocks of "
        f"{TIMED} faces, the quotients of each block with quartiles; one thread each; "
        f"{platform.machine()}, {os.cpu_count()} cores, load {load:.1f} at the start and "
        f"{os.getloadavg()[0]:.1f} at the end.\n"
    )
    print(markdown(lines))


if __name__ == "__main__":
    main()
