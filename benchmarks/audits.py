"""Audit networks that nobody here has trained, and set what they do beside the packaged one.

    python benchmarks/audits.py --peers DIR [--faces 200]

The networks of `NETWORKS` are rebuilt in PyTorch from the weights in DIR/node, which README.md
says how to get, and compared with what the packages themselves answer to some drawn faces. Then
each goes through `facslens audit` whole, into DIR/audits; an audit that is there already is read.
Prints tables in Markdown: the rebuilding, the units, and what each action unit does to each
expression. Numbers of three networks in one cell are in the order of the columns before.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from peers import HERE, Peer, markdown

import facslens as fl
from facslens.action_units import PROTOTYPES
from facslens.datasets.stimuli import read_stimuli
from facslens.experiments.trials import FULL
from facslens.preprocess.input import Input
from facslens.preprocess.normalise import as_read, scaled, to_levels

OURS = "packaged"
#: Expressions that all three know.
SHARED = ["neutral", "anger", "disgust", "fear", "happiness", "sadness", "surprise"]
#: Points of probability from which an effect that no prototype has is named.
LEAST = 5


@dataclass(frozen=True)
class Rebuilt:
    """A network that a file beside peers.py rebuilds: the file, and what it reads and answers."""

    file: str
    input: str
    expressions: str


NETWORKS = {
    "face-api": Rebuilt(
        "face_api.py",
        "rgb112-bytes-mean122.782,117.001,104.298-std255,255,255",
        "neutral,happiness,sadness,anger,fear,disgust,surprise",
    ),
    "human": Rebuilt(
        "human.py",
        "grey64-black-1-white0.9998",
        "anger,disgust,fear,happiness,sadness,surprise,neutral",
    ),
}


def weights(name: str, peers: Path) -> Path:
    """Give the file of a network's weights, which is made where it is missing."""
    path = peers / "audits" / f"{name}.safetensors"
    if not path.is_file():
        subprocess.run(
            [sys.executable, HERE / NETWORKS[name].file, peers / "node", path], check=True
        )
    return path


def deviation(name: str, peers: Path, faces: int) -> str:
    """Say how far the rebuilt network's probabilities are from the package's own, at most."""
    rebuilt = NETWORKS[name]
    model = fl.open_network(
        f"{HERE / rebuilt.file}:build",
        weights=weights(name, peers),
        input=rebuilt.input,
        expressions=rebuilt.expressions.split(","),
    )
    side = model.input.height
    stimuli = read_stimuli()
    step = len(stimuli.table) // faces
    pictures = [stimuli.pixels(row, row + 1)[0] for row in range(0, step * faces, step)]
    grey = scaled(pictures, Input("grey", side, side))
    levels = (255 * grey[:, 0].numpy()).round().astype(np.uint8)
    with tempfile.NamedTemporaryFile(suffix=".bytes") as file:
        levels.tofile(file.name)
        command = ["node", HERE / "tfjs.cjs", peers / "node", name, file.name, str(side)]
        peer = Peer.start(name, command, peers / "audits" / f"{name}.log")
        if peer is None:
            return "not compared, for the package does not run here"
        assert ",".join(peer.about["labels"]) == rebuilt.expressions
        said = np.array(peer.ask(0, len(levels))["probabilities"])
        peer.stop()
    inputs = to_levels(levels).expand(-1, model.input.channels, -1, -1)
    with torch.inference_mode():
        own = model.network(as_read(inputs, model.input)).softmax(dim=1).numpy()
    return f"{np.abs(own - said).max():.1e}"


def audited(name: str, peers: Path) -> Path:
    """Give the folder of a network's audit, which is made where it is missing."""
    out = peers / "audits" / name
    if not (out / "report" / "index.html").is_file():
        command: list[str | Path] = [Path(sys.executable).with_name("facslens"), "audit"]
        if out.exists():
            command += ["--resume"]
        elif name == OURS:
            command += ["compact"]
        else:
            rebuilt = NETWORKS[name]
            command += [f"{HERE / rebuilt.file}:build", "--weights", weights(name, peers)]
            command += ["--input", rebuilt.input, "--expressions", rebuilt.expressions]
        subprocess.run([*command, "--out", out], check=True, stdout=sys.stderr)
    return out


def effects(audit: Path) -> pd.DataFrame:
    """Give what each action unit alone, at its highest grade, does to the expressions."""
    found = pd.read_csv(audit / "mechanism" / "effects.csv")
    return found[found["grade"] == FULL]


def changes(audit: Path, measure: str) -> pd.DataFrame:
    """Give one measure of `effects` by action unit and shared expression."""
    return effects(audit).pivot_table(measure, "au", "expression")[SHARED]


def summary(name: str, audit: Path, compared: str) -> dict[str, str]:
    """Give the line of a network: what it is, and how far it follows the prototypes."""
    about = json.loads((audit / "network.json").read_text())
    agreement = pd.read_csv(audit / "mechanism" / "agreement.csv").iloc[0]
    found = effects(audit)
    members = found[found["prototype"].eq(True)]  # missing where an expression has none
    people = about["people"]
    return {
        "network": name,
        "parameters": f"{about['parameters']:,}",
        "layers": str(len(about["layers"])),
        "people": f"{people['choosing']} + {people['measuring']}",
        "largest deviation": compared,
        "agreement with prototypes": f"{agreement['auroc']:.3f} "
        f"({agreement['auroc_low']:.3f} to {agreement['auroc_high']:.3f})",
        "members that do not raise their expression": f"{(members['logit_low'] <= 0).sum()} of "
        f"{len(members)}",
    }


def units(name: str, audit: Path) -> list[dict[str, str]]:
    """Give a line for the layer with most caused action units, and for the last."""
    overview = pd.read_csv(audit / "experiment" / "overview.csv")
    caused = pd.read_csv(audit / "experiment" / "caused.csv")
    own = overview[overview["candidates"] == "units"].set_index("layer")
    lines = []
    for layer in dict.fromkeys([own["n_caused"].idxmax(), own.index[-1]]):
        here = overview[overview["layer"] == layer].set_index("candidates")
        aus = caused[(caused["layer"] == layer) & (caused["verdict"] == "caused")]["au"]
        shown = ", ".join(aus) or "none"
        line = {"network": name, "layer": layer, "caused": f"{len(aus)}: {shown}"}
        line["mean AUROC"] = f"{here.loc['units', 'auroc']:.3f}"
        for control in ("pixels", "gradients", "untrained"):
            one = here.loc[control]
            line[control] = f"{one['auroc']:.3f}, {one['n_ahead']:.0f} / {one['n_behind']:.0f}"
        lines.append(line)
    return lines


def matrix(audits: dict[str, Path]) -> list[dict[str, str]]:
    """Give a line for each action unit: points of probability, members of prototypes in bold."""
    points = [100 * changes(audit, "probability") for audit in audits.values()]
    lines = []
    for au in points[0].index:
        line = {"AU": au}
        for expression in SHARED:
            cell = " ".join(f"{round(one.loc[au, expression])}" for one in points)
            cell = cell.replace("-", "−")
            member = au in PROTOTYPES.get(expression, ())
            line[expression] = f"**{cell}**" if member else cell
        lines.append(line)
    return lines


def likeness(audits: dict[str, Path]) -> list[dict[str, str]]:
    """Say how alike two networks' changes of scores are, centred over the shared expressions."""
    logits = {name: changes(audit, "logit") for name, audit in audits.items()}
    logits = {name: one.sub(one.mean(axis=1), axis=0) for name, one in logits.items()}
    lines = []
    for first, second in combinations(logits, 2):
        line = {"networks": f"{first} and {second}"}
        for said, left_out in (("all", []), ("without AU12", ["AU12"])):
            one, other = (
                pd.Series(logits[name].drop(left_out).to_numpy().ravel())
                for name in (first, second)
            )
            line[f"correlation, {said}"] = f"{one.corr(other):.2f}"
            line[f"of ranks, {said}"] = f"{one.corr(other, method='spearman'):.2f}"
        lines.append(line)
    return lines


def common(audits: dict[str, Path]) -> list[str]:
    """Say which effects leave 0 out on the same side in all networks."""
    found = {name: effects(audit).set_index(["au", "expression"]) for name, audit in audits.items()}
    known = next(iter(found.values()))
    shared = [pair for pair in known.index if pair[1] in SHARED]
    raised = {pair: [one.loc[pair, "logit_low"] > 0 for one in found.values()] for pair in shared}
    lowered = {pair: [one.loc[pair, "logit_high"] < 0 for one in found.values()] for pair in shared}
    members = [(au, name) for name in SHARED for au in PROTOTYPES.get(name, ())]
    others = [pair for pair in shared if pair not in members and pair[1] in PROTOTYPES]
    least = {p: min(100 * one.loc[p, "probability"] for one in found.values()) for p in others}
    lines = {
        "Members that raise it in all": [p for p in members if all(raised[p])],
        "Members that raise it in none": [p for p in members if not any(raised[p])],
        "Members that lower it in all": [p for p in members if all(lowered[p])],
        f"Others that raise it in all, by {LEAST} points or more": [
            p for p in others if all(raised[p]) and least[p] >= LEAST
        ],
    }
    opposite = [p for p in shared if any(raised[p]) and any(lowered[p])]
    return [
        f"Of {len(shared)} effects {sum(map(all, raised.values()))} raise and "
        f"{sum(map(all, lowered.values()))} lower the score in all; {len(opposite)} raise it in "
        f"one and lower it in another.",
        *(f"{said}: {', '.join(map(' '.join, pairs))}" for said, pairs in lines.items()),
    ]


def main() -> None:
    """Rebuild, audit, and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peers", type=Path, required=True, help="where their packages are")
    parser.add_argument("--faces", type=int, default=200, help="drawn faces to compare on")
    options = parser.parse_args()
    peers = options.peers.absolute()
    compared = {OURS: ""} | {name: deviation(name, peers, options.faces) for name in NETWORKS}
    audits = {name: audited(name, peers) for name in compared}
    print(markdown([summary(name, audits[name], compared[name]) for name in audits]), "\n")
    print(markdown([line for name in audits for line in units(name, audits[name])]), "\n")
    print(markdown(matrix(audits)), "\n")
    print(markdown(likeness(audits)), "\n")
    print("\n".join(common(audits)))


if __name__ == "__main__":
    main()
