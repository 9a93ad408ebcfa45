"""Measure the network in the package on the validation part of FER2013, and write its card.

Usage: python tools/card_compact.py ferplus.zip [--trained SECOND]

The figures go into compact.json beside the weights, under ``evaluation``; what else stands there
stays. CARD.md is made from that file alone. With SECOND, what tools/train_compact.py left, the
weights in the package are held against those of full precision. Takes a minute or two on one
thread.
"""

import argparse
import hashlib
import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import jinja2
import numpy as np
import pandas as pd
import torch
from safetensors.torch import load as read_tensors
from torch import Tensor

from facslens.artifacts import atomic
from facslens.datasets.ferplus import copies, read_votes
from facslens.datasets.votes import VOTES, majority
from facslens.models.card import FOLDER, read_card, read_checked
from facslens.models.compact import CompactNetwork
from facslens.preprocess import normalise
from facslens.preprocess.input import grey_contrast
from facslens.training.intervals import f1_intervals, wilson, with_intervals
from facslens.training.predictions import confusion
from facslens.training.reliability import reliability

COMMANDS = (
    "python tools/train_compact.py ferplus.zip FIRST --seed 0",
    "python tools/train_compact.py ferplus.zip SECOND --after FIRST --seed 0",
)
TEMPLATE = Path(__file__).with_name("card_compact.md.jinja")
BATCH = 128
THIRDS = ("lowest third", "middle third", "highest third")
MISTAKES = 8  # the most frequent ones that the card names
SHOWN = 10  # faces of an expression from which on its mistakes are named


def probabilities(
    weights: dict[str, Tensor], heads: dict[str, list[str]], faces: Tensor
) -> dict[str, np.ndarray]:
    """Give what each head says of the faces, grey levels in [0, 1]."""
    network = CompactNetwork(sum(map(len, heads.values())))
    network.load_state_dict({name: value.float() for name, value in weights.items()})
    network.eval()
    with torch.inference_mode():
        scores = torch.cat([network(normalise.standardise(b)) for b in faces.split(BATCH)])
    parts = scores.split([len(names) for names in heads.values()], dim=1)
    return {
        head: torch.softmax(part, dim=1).numpy() for head, part in zip(heads, parts, strict=True)
    }


def thirds(values: np.ndarray) -> list[tuple[str, np.ndarray]]:
    """Part the faces at the 33rd and 67th percentile of a property."""
    place = np.searchsorted(np.quantile(values, [1 / 3, 2 / 3]), values)
    return [(name, place == number) for number, name in enumerate(THIRDS)]


def properties(faces: Tensor, rows: pd.DataFrame) -> dict[str, list[tuple[str, np.ndarray]]]:
    """Give the parts of the faces, by what can be measured of a picture and of its votes."""
    levels = faces[:, 0].numpy()
    read = normalise.standardise(faces)[:, 0].numpy()
    edges = np.abs(np.diff(levels, axis=1)).mean(axis=(1, 2))
    votes = rows[list(VOTES)].to_numpy(dtype=float)
    agreed = votes[:, :8].max(axis=1) / votes.sum(axis=1)
    doubt = votes[:, [VOTES.index("unknown"), VOTES.index("NF")]].sum(axis=1)
    return {
        "brightness (mean grey level)": thirds(levels.mean(axis=(1, 2))),
        "contrast (standard deviation of grey levels)": thirds(levels.std(axis=(1, 2))),
        "sharpness (mean difference of neighbouring rows)": thirds(edges),
        "difference from the mirror image (turned or half-lit faces)": thirds(
            np.abs(read - read[:, :, ::-1]).mean(axis=(1, 2))
        ),
        "agreement of the raters (largest share of votes)": [
            ("below 0.6", agreed < 0.6),
            ("0.6 to below 0.8", (agreed >= 0.6) & (agreed < 0.8)),
            ("0.8 to below 1", (agreed >= 0.8) & (agreed < 1)),
            ("all the same", agreed == 1),
        ],
        "votes for 'unknown' or 'not a face'": [("none", doubt == 0), ("some", doubt > 0)],
    }


def measure_head(
    said: np.ndarray,
    names: Sequence[str],
    true: pd.Series,
    parts: dict[str, list[tuple[str, np.ndarray]]],
) -> dict[str, Any]:
    """Give all figures of one head on the faces that have a label."""
    known = true.notna().to_numpy(dtype=bool)
    column = np.array([names.index(name) if name else -1 for name in true.fillna("")])
    right = said.argmax(axis=1) == column
    read = pd.DataFrame({"true": true, "predicted": np.array(names)[said.argmax(axis=1)]})
    counts = confusion(read, names)
    trust = reliability(said[known], column[known])
    strata = {
        title: [
            {"part": name, "count": int((inside & known).sum())}
            | asdict(wilson(int(right[inside & known].sum()), int((inside & known).sum())))
            for name, inside in groups
        ]
        for title, groups in parts.items()
    }
    return {
        "faces": int(known.sum()),
        "accuracy": asdict(wilson(int(right[known].sum()), int(known.sum()))),
        "macro_f1": asdict(f1_intervals(counts).macro),
        "classes": with_intervals(counts).to_dict(orient="index"),
        "confusion": counts.to_numpy().tolist(),
        "mistakes": list(mistakes(counts)),
        "reliability": {
            "ece": trust.ece,
            "brier": trust.brier,
            "confidence": trust.confidence,
            "table": trust.table[trust.table["count"] > 0].to_dict(orient="records"),
        },
        "parts": strata,
    }


def mistakes(counts: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """Give the most frequent ways to be wrong, by the share of the faces of an expression."""
    matrix, names = counts.to_numpy(dtype=np.int64), list(counts.index)
    shown = matrix.sum(axis=1)
    shares = np.where(shown >= SHOWN, 1 / np.maximum(shown, 1), 0)[:, None] * matrix
    np.fill_diagonal(shares, 0)
    for place in np.argsort(-shares, axis=None, kind="stable")[:MISTAKES]:
        true, predicted = divmod(int(place), len(names))
        yield {
            "true": names[true],
            "predicted": names[predicted],
            "shown": int(shown[true]),
        } | asdict(wilson(int(matrix[true, predicted]), int(shown[true])))


def compare_storage(
    packed: dict[str, np.ndarray],
    full: dict[str, np.ndarray],
    true: dict[str, pd.Series],
    heads: dict[str, list[str]],
) -> dict[str, Any]:
    """Hold what the packed weights say against what those of full precision say."""
    found = {}
    for head, names in heads.items():
        known = true[head].notna().to_numpy(dtype=bool)
        labels = true[head][known].to_numpy(dtype=object)
        said = {
            kind: np.array(names, dtype=object)[p[head].argmax(axis=1)]
            for kind, p in (("packed", packed), ("full", full))
        }
        found[head] = {
            "accuracy": float((said["packed"][known] == labels).mean()),
            "accuracy_full": float((said["full"][known] == labels).mean()),
            "changed": int((said["packed"] != said["full"]).sum()),
            "faces": len(known),
            "largest_difference": float(np.abs(packed[head] - full[head]).max()),
        }
    return found


def measure(data: Path, trained: Path | None, card: dict[str, Any]) -> dict[str, Any]:
    """Read the faces and give everything that the card says of them."""
    defects: list[Any] = []
    every = read_votes(data, defects)
    if defects:
        raise SystemExit(defects[0].message)
    twice = copies(every)
    train = (every["split"] == "train").to_numpy(dtype=bool)
    rows = every[every["split"] == "validation"].reset_index(drop=True)
    faces = normalise.read(list(rows["path"]), grey_contrast(card["size"]))
    heads: dict[str, list[str]] = card["labels"]
    true = {
        "ferplus": majority(rows[list(VOTES)].to_numpy(dtype=float)),
        "fer2013": rows["fer2013"],
    }
    weights = read_tensors(read_checked("compact.safetensors"))
    said = probabilities(weights, heads, faces)
    mirrored = probabilities(weights, heads, faces.flip(-1))
    changed = {
        head: int((said[head].argmax(axis=1) != mirrored[head].argmax(axis=1)).sum())
        for head in heads
    }
    parts = properties(faces, rows)
    evaluation = {
        "weights": hashlib.sha256((FOLDER / "compact.safetensors").read_bytes()).hexdigest(),
        "parameters": sum(t.numel() for n, t in weights.items() if _is_learned(n)),
        "faces": len(rows),
        "training_faces": int((train & ~twice).sum()),
        "copies_left_out": int((train & twice).sum()),
        "labellings_agree": asdict(
            wilson(int((true["ferplus"] == rows["fer2013"]).fillna(False).sum()), len(rows))
        ),
        "heads": {h: measure_head(said[h], heads[h], true[h], parts) for h in heads},
        "mirror": {head: asdict(wilson(count, len(rows))) for head, count in changed.items()},
    }
    if trained is not None:
        full = read_tensors((trained / "compact.safetensors").read_bytes())
        if any(not torch.equal(full[n].to(value.dtype), value) for n, value in weights.items()):
            raise SystemExit(f"{trained} does not hold what was packed: pack it again")
        evaluation["storage"] = compare_storage(
            said, probabilities(full, heads, faces), true, heads
        )
    return evaluation


def _is_learned(name: str) -> bool:
    return not name.endswith(("running_mean", "running_var", "num_batches_tracked"))


def plain(value: Any) -> Any:
    """Give what JSON can hold: an undefined number is null."""
    if isinstance(value, dict):
        return {key: plain(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [plain(entry) for entry in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        return round(value, 6) if math.isfinite(value) else None
    return value


def share(entry: dict[str, Any], name: str = "", digits: int = 3) -> str:
    """Write a figure with its interval, or that there is none."""
    keys = (name, f"{name}_low", f"{name}_high") if name else ("value", "low", "high")
    value, low, high = (entry[key] for key in keys)
    if value is None:
        return "–"
    bounds = "" if low is None else f" ({low:.{digits}f}–{high:.{digits}f})"
    return f"{value:.{digits}f}{bounds}"


def render(card: dict[str, Any]) -> str:
    """Make the card's text from its figures."""
    environment = jinja2.Environment(
        undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True, autoescape=False
    )
    environment.filters |= {"share": share}
    log = pd.DataFrame(card["log"])
    lengths = log.groupby("generation", sort=False)["side"].value_counts(sort=False)
    phases = [
        ", then ".join(f"{n} epochs at {side} pixels" for side, n in part.droplevel(0).items())
        for _, part in lengths.groupby("generation")
    ]
    last = log[log["generation"] == log["generation"].max()]
    sums = last["validation_ferplus"].astype(float) + last["validation_fer2013"].astype(float)
    return environment.from_string(TEMPLATE.read_text(encoding="utf-8")).render(
        card=card,
        found=card["evaluation"],
        chosen=last.loc[sums.idxmax(), "epoch"],
        epochs=len(last),
        phases=phases,
    )


def main() -> None:
    """Measure, merge, render."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, help="FER+, a folder or its zip")
    parser.add_argument("--trained", type=Path, help="what tools/train_compact.py left")
    options = parser.parse_args()
    card = read_card()
    card["recipe"] = {"commands": COMMANDS}
    card["evaluation"] = plain(measure(options.data, options.trained, card))
    with atomic(FOLDER / "compact.json") as temporary:
        temporary.write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")
    with atomic(FOLDER / "CARD.md") as temporary:
        temporary.write_text(render(card), encoding="utf-8")
    for head, figures in card["evaluation"]["heads"].items():
        print(f"{head}: accuracy {share(figures['accuracy'])} of {figures['faces']}")


if __name__ == "__main__":
    main()
