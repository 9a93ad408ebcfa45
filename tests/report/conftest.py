"""A small, complete run with known numbers, written by hand; its faces are drawn here."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from facslens.artifacts import sha256, write_json, write_table
from facslens.association.verdicts import Cause, Effect, verdict_table
from facslens.datasets.base import make_table
from facslens.experiments.analysis import OVERVIEW
from facslens.experiments.decision import CAUSED, DOSE, PEOPLE, RIVALS
from facslens.experiments.interactions import INTERACTIONS, LESS, UNKNOWN
from facslens.experiments.mediation import COLUMNS
from facslens.experiments.sequences import SEQUENCES
from facslens.experiments.words import WORDS
from facslens.responses.recorder import BatchResponses
from facslens.responses.writer import ResponseWriter
from facslens.runs.files import FILES
from facslens.runs.folder import Run

LAYERS = {"conv1": 4, "conv2": 6}
EXPRESSIONS = ("anger", "happiness", "surprise")
SIZE = 48

# au, unit, auroc, p_maxT, auroc_test, low, high, status: of conv2, the layer in focus
TESTED: tuple[tuple[Any, ...], ...] = (
    ("AU01", 2, 0.981, 0.001, 0.973, 0.914, 1.0, "confirmed"),
    ("AU06", 4, 0.842, 0.012, 0.611, 0.443, 0.782, "not confirmed"),
    ("AU12", 5, 0.933, 0.001, 0.912, 0.801, 0.988, "confirmed"),
    ("AU17", None, None, None, None, None, None, "none"),
    ("AU20", 2, 0.884, 0.004, 0.75, None, None, "not enough data"),
)
# au, unit, auroc, p_maxT, kl, null mean: the largest distance
PLAIN: tuple[tuple[Any, ...], ...] = (
    ("AU01", 2, 0.981, 0.001, 1.84, 0.21),
    ("AU06", 0, 0.124, 1.0, 1.55, 0.33),
    ("AU12", 3, 0.902, 0.002, 1.71, 0.25),
    ("AU17", 1, 0.553, 0.41, 0.62, 0.58),
    ("AU20", 2, 0.884, 0.004, 1.42, 0.4),
)


def draw_face(rng: np.random.Generator, smile: float, brows: float, size: int = SIZE) -> np.ndarray:
    """A face of a few strokes, uint8: an oval, brows, eyes, a mouth that bends."""
    y, x = np.mgrid[0:size, 0:size] / size
    face = np.where(((x - 0.5) / 0.4) ** 2 + ((y - 0.5) / 0.48) ** 2 < 1, 190.0, 60.0)
    for side in (0.34, 0.66):
        face[(x - side) ** 2 + (y - 0.42) ** 2 < 0.0022] = 40
        face[(abs(x - side) < 0.1) & (abs(y - 0.31 + 0.06 * brows) < 0.018)] = 50
    mouth = 0.72 - 0.5 * smile * ((x - 0.5) ** 2 - 0.02)
    face[(abs(x - 0.5) < 0.19) & (abs(y - mouth) < 0.025)] = 70
    return (face + rng.normal(0, 6, face.shape)).clip(0, 255).astype(np.uint8)


def make_run(folder: Path, *, name: str = "drawn", synthetic: bool = True) -> Run:
    """Write every file of a run."""
    rng = np.random.default_rng(7)
    run = Run.create(folder / "run", data="synthetic:n=72", seed=3, settings={"distance": "kl"})
    faces = _faces(folder / "images")
    write_table(run / "faces.parquet", faces)
    _info(run, name, synthetic, faces)
    _model(run)
    _predictions(run, faces)
    _responses(run, faces, rng)
    _association(run, rng)
    _mapping(run)
    _checks(run)
    _verdicts(run)
    _projections(run, faces, rng)
    note_files(run)
    return run


def note_files(run: Run) -> None:
    """Note in ``run.json`` the files that are there, as their stages would have."""
    stages = run.info["stages"]
    for stage, names in FILES.items():
        if stage == "verify":
            names = tuple(f"verify/{path.name}" for path in (run / "verify").glob("*.csv"))
        there = {name: sha256(run / name) for name in names if (run / name).exists()}
        if stage in stages:
            stages[stage]["files"] = there
    run.update(stages=stages)


def _faces(folder: Path) -> pd.DataFrame:
    rows = []
    for subject in range(12):
        split = "train" if subject < 6 else "validation" if subject < 8 else "test"
        for number, expression in enumerate(EXPRESSIONS):
            for frame in (1, 2):
                image = f"{expression}/S{subject:02d}_{number}_{frame}.png"
                rows.append(
                    {
                        "image": image,
                        "path": str(folder / image),
                        "subject": f"S{subject:02d}",
                        "sequence": f"S{subject:02d}_{number}",
                        "frame": frame,
                        "expression": expression,
                        "split": split,
                        "AU01": float(expression == "surprise"),
                        "AU06": float(expression == "happiness"),
                        "AU12": float(expression == "happiness"),
                        "AU17": float(expression == "anger"),
                        "AU20": float(subject % 2 == 0),
                        "AU27": float(subject == 0 and expression == "surprise"),
                    }
                )
    return make_table(pd.DataFrame(rows))


def _info(run: Run, name: str, synthetic: bool, faces: pd.DataFrame) -> None:
    stages = {
        "faces": 1.5,
        "train": 75.0,
        "record": 2.5,
        "associate": 31.0,
        "project": 4.0,
        "verify": 80.0,
    }
    run.update(
        faces={
            "name": name,
            "images": len(faces),
            "subjects": 12,
            "sequences": 36,
            "digest": "0123abcd",
            "dropped": [{"image": "broken.png", "reason": "the file ends early"}],
            "synthetic": synthetic,
        },
        settings={"distance": "kl", "permutations": 1000, "recipe": {"epochs": 3}},
        stages={
            stage: {
                "status": "done",
                "started": "2025-01-02T03:04:05+00:00",
                "seconds": seconds,
                "settings": {},
                "files": {},
            }
            for stage, seconds in stages.items()
        },
    )


def _model(run: Run) -> None:
    write_json(
        run / "model.json",
        {
            "architecture": "paper",
            "size": SIZE,
            "expressions": list(EXPRESSIONS),
            "parameters": 1333995,
            "training": {"seed": 3, "epochs": 3, "best_epoch": 2, "validation_loss": 0.4},
        },
    )
    rows = [
        (epoch, split, loss / epoch, 1 - loss / epoch / 2)
        for epoch in (1, 2, 3)
        for split, loss in (("train", 1.1), ("validation", 1.2))
    ]
    table = pd.DataFrame(rows, columns=["epoch", "split", "loss", "accuracy"])
    write_table(run / "training.csv", table)


def _predictions(run: Run, faces: pd.DataFrame) -> None:
    """24 test faces, of which two angry ones are read as surprise and one as happiness."""
    predicted = faces["expression"].astype(object).copy()
    angry = faces.index[(faces["split"] == "test") & (faces["expression"] == "anger")]
    predicted[angry[:2]] = "surprise"
    predicted[angry[2]] = "happiness"
    table = faces[["image", "split"]].assign(true=faces["expression"], predicted=predicted)
    for expression in EXPRESSIONS:
        table[expression] = np.where(predicted == expression, 0.8, 0.1)
    write_table(run / "predictions.parquet", table)


def _responses(run: Run, faces: pd.DataFrame, rng: np.random.Generator) -> None:
    """Unit 2 of conv2 answers 5 and more where AU01 is present, below 1 elsewhere."""
    writer = ResponseWriter(run / "responses.zarr", list(faces["image"]))
    batch = {}
    for layer, units in LAYERS.items():
        response = rng.uniform(0, 1, (len(faces), units)).astype(np.float32)
        if layer == "conv2":
            response[:, 2] += 5 * faces["AU01"].to_numpy(np.float32)
        place = np.zeros((len(faces), units, 2), np.int16)
        batch[layer] = BatchResponses(response, place, (12, 12))
    writer.add(batch)
    writer.close()


def _association(run: Run, rng: np.random.Generator) -> None:
    """Unit 5 of conv1 is dead; conv2's known pairs stand in the table of AUROC."""
    rows, aus = [], [row[0] for row in TESTED]
    known = {(row[1], row[0]): row[2] for row in TESTED if row[1] is not None}
    for layer, units in LAYERS.items():
        for unit in range(units):
            for au in aus:
                auroc = round(float(rng.uniform(0.2, 0.6)), 3)
                if layer == "conv2":
                    auroc = known.get((unit, au), auroc)
                for null, shift in (("free", 0.0), ("within_expression", 0.03)):
                    for distance, value in (("kl", 2 * abs(auroc - 0.5) + 0.2), ("auroc", auroc)):
                        p = 0.001 if auroc > 0.8 else 0.6
                        rows.append(
                            {"layer": layer, "unit": unit, "au": au, "null": null}
                            | {"distance": distance, "n_present": 8, "n_absent": 16}
                            | {"value": value, "null_mean": 0.3, "null_sd": 0.1}
                            | {"z": (value - 0.3) / 0.1, "p": p, "p_maxT_au": p}
                            | {"p_maxT": min(1.0, p + shift), "q": p}
                        )
    table = pd.DataFrame(rows)
    table.loc[(table["au"] == "AU12") & (table["null"] == "within_expression"), "p_maxT"] = 0.3
    write_table(run / "association.parquet", table)
    units = [(layer, u, "live") for layer, n in LAYERS.items() for u in range(n)]
    units.append(("conv1", 4, "dead"))
    write_table(run / "units.csv", pd.DataFrame(units, columns=["layer", "unit", "status"]))
    counts = {"n_present": 8, "n_absent": 16, "subjects_present": 8, "subjects_absent": 8}
    coverage = [{"au": au, "name": ""} | counts | {"eligible": True, "reason": ""} for au in aus]
    rare = {"eligible": False, "reason": "1 sequence with it, needs 10"}
    coverage.append({"au": "AU27", "name": ""} | counts | rare)
    write_table(run / "coverage.csv", pd.DataFrame(coverage))


def _mapping(run: Run) -> None:
    rows = []
    for au, unit, auroc, p, test, low, high, status in TESTED:
        more = {"auroc": auroc, "p_maxT": p, "value": 1.4, "null_mean": 0.2, "z": 9.0}
        more |= {"auroc_test": test, "auroc_test_low": low, "auroc_test_high": high}
        more |= {"n_present": 8, "n_absent": 16, "n_test_present": 4, "n_test_absent": 8}
        within = {"auroc_within_test": 0.61, "auroc_within_test_low": 0.42}
        within |= {"auroc_within_test_high": 0.79, "n_within_test": 12}
        within |= {"status_within": "not confirmed"}
        more |= within if au == "AU12" else {"n_within_test": 3}
        more |= {"partial_test": 0.31, "partial_test_low": 0.1, "partial_test_high": 0.5}
        if unit is None:
            more = {}
        rows.append(
            {"view": "au_to_unit", "rule": "tested", "rank": 1 if more else None, "au": au}
            | {"layer": "conv2", "unit": unit, "distance": "kl", "status": status}
            | more
        )
        none = {"unit": None, "auroc_test": None, "status": "none"}
        rows.insert(0, {**rows[-1], "layer": "conv1", **(none if au != "AU12" else {"unit": 1})})
    second = {"unit": 3, "rank": 2, "z": 4.0, "auroc": 0.81, "auroc_test": 0.7}
    rows.append({**next(r for r in rows if r["au"] == "AU01" and r["layer"] == "conv2"), **second})
    for au, unit, auroc, p, value, null_mean in PLAIN:
        rows.append(
            {"view": "au_to_unit", "rule": "distance", "rank": 1, "layer": "conv2", "unit": unit}
            | {"au": au, "distance": "kl", "value": value, "null_mean": null_mean, "p_maxT": p}
            | {"auroc": auroc, "n_present": 8, "n_absent": 16, "status": "not confirmed"}
        )
    write_table(run / "mapping.csv", pd.DataFrame(rows))


def _checks(run: Run) -> None:
    """What `facslens verify` leaves, and the confounds: AU06 equals AU12 here."""
    nothing = {"n_differ": None, "explained": 0.1, "inseparable": ""}
    confounds = [
        {"au": au, "closest": "AU20", "phi": 0.3} | nothing for au in ("AU01", "AU17", "AU20")
    ]
    for au, other in (("AU06", "AU12"), ("AU12", "AU06")):
        same = {"n_differ": 0, "explained": 1.0, "inseparable": other}
        confounds.append({"au": au, "closest": other, "phi": 1.0} | same)
    write_table(run / "confounds.csv", pd.DataFrame(confounds))
    (run / "verify").mkdir()
    write_table(run / "verify" / "controls.csv", pd.DataFrame(_controls()))
    rows = []
    # AU20 is shown as often in every expression, so that the first of them is its own
    for au, units, expression, fall, p, related, share, q, q_accuracy in (
        ("AU01", "2", "surprise", -0.9, 0.01, "surprise", 1.0, 0.03, 0.06),
        ("AU12", "5", "happiness", -0.2, 0.04, "happiness", 1.0, 0.06, 0.12),
        ("AU17", "", "anger", None, None, "anger", 1.0, None, None),
        ("AU20", "2", "surprise", -0.9, 0.5, "anger", 0.5, 1.0, 1.0),
    ):  # fmt: skip
        for action in ("ablate", "keep"):
            for mode in ("zero", "mean"):
                for shown in EXPRESSIONS:
                    own = shown == expression
                    rows.append(
                        {"layer": "conv2", "au": au, "units": units, "n_units": len(units)}
                        | {"action": action, "mode": mode, "expression": shown, "n_faces": 8}
                        | {"score_change": fall if own else 0.0, "score_null_mean": -0.1}
                        | {"score_null_sd": 0.1, "p_score": p if own else 1.0, "accuracy": 0.75}
                        | {"accuracy_change": -0.125 if own else 0.0, "accuracy_null_mean": 0.0}
                        | {"accuracy_null_sd": 0.0, "p_accuracy": 2 * p if own and p else 1.0}
                        | {"n_sets": 99, "status": "tested" if units else "no unit"}
                        | {"related": shown == related, "share": share}
                        | {"q_score": q if shown == related else None}
                        | {"q_accuracy": q_accuracy if shown == related else None}
                    )
    write_table(run / "verify" / "ablation.csv", pd.DataFrame(rows))
    place = [
        {"au": "AU01", "unit": 2, "n_projections": 8, "n_unseen": 8, "density": 0.0}
        | {"p_density": 1.0, "n_located": 8, "location": 0.0, "p_location": 1.0},
        {"au": "AU12", "unit": 5, "n_projections": 8, "n_unseen": 0, "density": 5.25, "lift": 2.5}
        | {"p_density": 0.125, "n_located": 8, "location": 0.75, "p_location": 0.25},
        {"au": "all", "n_projections": 16, "n_unseen": 8, "density": 2.6, "p_density": 0.2},
    ]
    same = {"layer": "conv2", "rule": "deconvnet", "status": "tested"}
    same |= {"n_silent": 0, "density_others": 2.4, "location_others": 0.1}
    write_table(run / "verify" / "place.csv", pd.DataFrame([same | row for row in place]))
    steps = ("nothing", "conv2", "conv1")
    rows = [
        {"layer": "conv2", "rule": rule, "randomised": step, "n_layers": k, "n": 24}
        | {"n_silent": 4 * k, "n_undefined": 0, "ssim": left**k, "rank_correlation": left**k}
        | {"ssim_edges": 0.1, "rank_correlation_edges": 1.0 if rule == "edges" else 0.2}
        for rule, left in (("deconvnet", 0.7), ("guided", 0.9), ("gradient", 0.5), ("edges", 1.0))
        for k, step in enumerate(steps)
    ]
    write_table(run / "verify" / "sanity.csv", pd.DataFrame(rows))


def _verdicts(run: Run) -> None:
    """What `facslens associate` says, and beside it what `facslens verify` adds in conv2."""
    mapping, coverage, confounds = (
        pd.read_csv(run / name) for name in ("mapping.csv", "coverage.csv", "confounds.csv")
    )
    tested = mapping[mapping["rule"] == "tested"]
    more = {
        "control": {"AU01": Effect(0.273, 0.101, 0.4), "AU12": Effect(0.062, -0.05, 0.2)},
        "cause": {
            "AU01": Cause("surprise", 1, -0.9, -0.1, 0.03, 0.125),
            "AU12": Cause("happiness", 1, -0.2, -0.1, 0.06, 0.125),
        },
    }
    for folder, of_focus in (("", {}), ("verify/", more)):
        table = [
            verdict_table(tested, coverage, confounds, "conv1"),
            verdict_table(tested, coverage, confounds, "conv2", **of_focus),
        ]
        write_table(run / f"{folder}verdicts.csv", pd.concat(table))


def _controls() -> list[dict[str, Any]]:
    """AU01 and AU12 beside an untrained network and a probe; AU17 has no unit at all."""
    rows = []
    for control, au, other, gap, low, high, status in (
        ("untrained", "AU01", 0.7, 0.273, 0.101, 0.4, "better"),
        ("untrained", "AU12", 0.85, 0.062, -0.05, 0.2, "not better"),
        ("untrained", "AU17", None, None, None, None, "none"),
        ("probe", "AU01", 0.99, -0.017, -0.05, 0.01, "not better"),
        ("probe", "AU12", 0.998, -0.086, -0.2, -0.01, "worse"),
        ("probe", "AU17", None, None, None, None, "none"),
    ):  # fmt: skip
        unit = {"AU01": 2, "AU12": 5}.get(au)
        test = {"AU01": 0.973, "AU12": 0.912}.get(au)
        rows.append(
            {"control": control, "layer": "conv2", "au": au, "unit": unit}
            | {"accepted": None if unit is None else au == "AU01", "auroc_test": test}
            | {"seeds": 5 if control == "untrained" else 1, "control_auroc_test": other}
            | {"difference": gap, "difference_low": low, "difference_high": high}
            | {"status": status}
        )
    return rows


def _projections(run: Run, faces: pd.DataFrame, rng: np.random.Generator) -> None:
    folder = run / "projections"
    folder.mkdir()
    rows = []
    for unit in (2, 4, 5):
        for rank in range(1, 8):
            whole = draw_face(rng, smile=float(unit - 3), brows=rank / 7)
            stem = f"conv2-{unit}-{rank}"
            names = {kind: f"{stem}-{kind}.png" for kind in ("whole", "face", "projection")}
            edges = np.abs(np.gradient(whole.astype(float))[0])
            projection = np.clip(128 + 2 * edges - edges.mean(), 0, 255).astype(np.uint8)
            Image.fromarray(whole).save(folder / names["whole"])
            Image.fromarray(whole[8:40, 12:44]).save(folder / names["face"])
            Image.fromarray(projection[8:40, 12:44]).save(folder / names["projection"])
            rows.append(
                {"layer": "conv2", "unit": unit, "rank": rank, "image": faces["image"][rank * 6]}
                | {"rule": "deconvnet", "response": 8.0 - rank}
                | {"top": 8, "left": 12, "bottom": 40, "right": 44}
                | names
            )
    write_table(folder / "index.csv", pd.DataFrame(rows))


#: au, expression, effect, units that carry half, of random ones.
CHAIN = (
    ("AU12", "happiness", 4.0, 2, 5),
    ("AU06", "happiness", 1.0, 1, 1),
    ("AU12", "sadness", -2.0, 1, None),
    ("AU26", "surprise", 2.0, None, None),
)
_SHARES = [column for column in COLUMNS["curves"] if "removed" in column or "restored" in column]


def make_chain(run: Run, effects: Sequence[tuple[Any, ...]] = CHAIN, *, own: bool = True) -> None:
    """Write the tables of a mediation in one layer."""
    rows, curves, carriers, detectors = [], [], [], []
    for au, expression, effect, half, half_random in effects:
        key = {"layer": "conv3", "au": au, "expression": expression, "n_people": 30}
        around = 0.75 if half is None else 0.0
        ends = {"effect": effect, "effect_low": effect - 0.5, "effect_high": effect + 0.5}
        halves = {"half_removed": half, "half_random_removed": half_random}
        rows.append(
            key | ends | halves | {"n_units": 8, "round": around, "largest": 0.4, "largest_unit": 3}
        )
        for k, share in ((0, 0.0), (1, 0.4), (2, 0.6), (8, 1.0)):
            curves.append(
                key | dict.fromkeys(_SHARES, share) | {"k": k, "random_removed": share / 2}
            )
        for rank, (unit, removed) in enumerate(((3, 0.36), (5, 0.16), (6, 0.01)), start=1):
            carriers.append(
                key | {"rank": rank, "unit": unit, "attribution": removed, "removed": removed,
                       "half": rank <= (half or 0), "row": 0.75, "column": 0.25 * rank}
            )  # fmt: skip
        if own and au == "AU12":
            shares = dict.fromkeys(_SHARES, 0.12) | {"random_removed": 0.03}
            detectors.append(
                key
                | shares
                | {"units": "3 6", "shown_as": "caused", "n_units": 2, "effect": effect}
            )
    realised = {"layer": "conv3", "n_aus": 4, "n_people": 30, "share": 0.12, "share_low": 0.11}
    realised |= {"share_high": 0.13, "random": 0.03, "difference": 0.09, "n_ahead": 3}
    realised |= {"difference_low": 0.07, "difference_high": 0.1}
    for name, table in (
        ("mediation", rows), ("curves", curves), ("carriers", carriers), ("detectors", detectors),
        ("realised", [realised] if own else []),
    ):  # fmt: skip
        made = pd.DataFrame(table, columns=list(COLUMNS[name]))
        write_table(run / "mechanism" / f"{name}.csv", made)
    stages = run.info["stages"]
    run.update(stages={**stages, "mechanism": {**stages["project"], "files": {}}})
    run.accept(["mechanism"])


AUS = ("AU01", "AU06", "AU12")
#: au, unit, verdict, rival, change under AU01, AU06 and AU12.
ROWS = (
    ("AU01", 2, "caused", "AU06", (4.0, 1.0, -2.0)),
    ("AU06", None, "silent", "", ()),
    ("AU12", 5, "rival", "AU06", (0.0, 3.0, 1.5)),
)


def make_experiment(run: Run) -> None:
    """Write the tables of an experiment and of what action units do to the expressions."""
    folder = run / "experiment"
    folder.mkdir()
    caused, rivals, dose, people = [], [], [], []
    for au, unit, verdict, rival, changes in ROWS:
        row = {"layer": "conv2", "au": au, "unit": unit, "verdict": verdict}
        if unit is not None:
            own = changes[AUS.index(au)]
            row |= {"n_wins": 9, "n_people": 12, "rival": rival, "change": own, "n_rising": 11}
            row |= {"n_dose": 12, "smallest_grade": "C" if verdict == "caused" else "", "n_aus": 2}
            row |= {"auroc": 0.81, "auroc_low": 0.7, "auroc_high": 0.9, "behind": "", "ahead": True}
            for other, change in zip(AUS, changes, strict=True):
                if other != au:
                    rivals.append(
                        {"layer": "conv2", "au": au, "unit": unit, "other": other, "rival": True,
                         "change": own, "change_other": change}
                    )  # fmt: skip
            for grade, share in (("C", 0.5), ("E", 1.0)):
                line = {"layer": "conv2", "au": au, "unit": unit, "grade": grade}
                dose.append(line | {"change": own * share, "noise": 0.25})
                for person, times in (("P001", 0.5), ("P003", 1.5)):
                    people.append(line | {"person": person, "change": own * share * times})
        caused.append(row)
    for name, rows, columns in (
        ("caused", caused, CAUSED), ("rivals", rivals, RIVALS), ("dose", dose, DOSE),
        ("people", people, PEOPLE),
    ):  # fmt: skip
        write_table(folder / f"{name}.csv", pd.DataFrame(rows, columns=list(columns)))
    controls = [("AU01", "pixels", 0.6, 0.1), ("AU01", "rotated", 0.8, -0.1)]
    columns = ["au", "control", "auroc", "low"]
    write_table(
        folder / "controls.csv", pd.DataFrame(controls, columns=columns).assign(layer="conv2")
    )
    overview = [
        ("conv2", "units", 1, 0.81, 0.7, 3, 1, None, None),
        ("conv2", "pixels", 1, 0.6, 0.4, 3, None, 2, 0),
    ]
    write_table(folder / "overview.csv", pd.DataFrame(overview, columns=list(OVERVIEW)))
    place = pd.DataFrame(
        {"layer": "conv2", "au": ["AU01", "all"], "n": [12, 2], "n_share": [9, 1],
         "share_low": [None, 0.0], "share_high": [None, 2.025]}
    )  # fmt: skip
    write_table(folder / "place.csv", place)
    both = [
        ("AU01", "both by one unit", False, "AU01: both."),
        ("AU06", "neither", None, "AU06: none."),
        ("AU12", "observed", True, "AU12: seen only."),
    ]  # fmt: skip
    columns = ["au", "verdict", "contradicted", "sentence"]
    table = pd.DataFrame(both, columns=columns).assign(layer="conv2")
    write_table(folder / "convergence.csv", table.astype({"contradicted": "boolean"}))
    cells = [
        ("AU01", "happiness", -0.25, -1.0, -2.0, 0.0, False, False),
        ("AU01", "surprise", 0.5, 2.0, 1.0, 3.0, True, False),
        ("AU12", "happiness", 0.25, 1.5, 1.0, 2.0, True, False),
        ("AU12", "surprise", 0.0, 0.0, -0.5, 0.5, True, True),
    ]
    columns = ["au", "expression", "probability", *("logit", "logit_low", "logit_high")]
    table = pd.DataFrame(cells, columns=[*columns, "prototype", "differs"])
    # the intervals of the probability hold 0 where those of the logit do
    table["probability_low"] = table["probability"].where(table["logit_low"] > 0, -0.4)
    table["probability_high"] = table["probability"].where(table["logit_high"] < 0, 0.6)
    further = run / "mechanism"
    write_beside(further)
    write_table(further / "effects.csv", table.assign(grade="E", n_people=20))
    columns = ["auroc", "auroc_low", "auroc_high"]
    write_table(further / "agreement.csv", pd.DataFrame([(0.75, 0.6, 0.9)], columns=columns))
    Image.new("L", (288, 96), 90).save(folder / "AU01.png")
    stages = run.info["stages"]
    run.update(
        stages={
            **stages,
            "experiment": {**stages["project"], "files": {}},
            "mechanism": {**stages["project"], "files": {}},
        }
    )
    run.update(settings={**run.info["settings"], "experiment": True})
    run.accept(["experiment", "mechanism"])


def write_beside(folder: Path) -> None:
    """What stands beside the effects: action units together, in coded sequences, in words."""
    both = [
        ("happiness", 1.0, 1.5, -0.5, -0.75, -0.25, LESS),
        ("surprise", 0.25, 0.0, 0.25, -0.5, 1.0, UNKNOWN),
    ]
    ends = ["", "_low", "_high"]
    columns = ["expression", "together", "sum_alone", *(f"beyond{end}" for end in ends), "more"]
    table = pd.DataFrame(both, columns=columns).assign(aus="AU06 AU12", n_people=10)
    for end in ends:
        table[f"interaction{end}"] = table[f"beyond{end}"]
    table = table.reindex(columns=list(INTERACTIONS))
    write_table(folder / "interactions.csv", table)
    nan = float("nan")
    rows = [
        ("AU12", "happiness", 1.0, 0.5, 1.5, 0.8, True),
        ("AU12", "surprise", -1.0, -1.5, -0.5, 0.8, False),
        ("AU17", "happiness", 1.0, 0.5, 1.5, nan, None),
        ("AU17", "surprise", 0.0, -0.5, 0.5, nan, None),
    ]
    columns = ["au", "expression", *(f"partial{end}" for end in ends), "drawn", "same"]
    counts = {"n_subjects": 8, "n_present": 6, "n_absent": 9, "ridge": 1.0, "n_undefined": 0}
    table = pd.DataFrame(rows, columns=columns).assign(**counts).reindex(columns=list(SEQUENCES))
    write_table(folder / "sequences.csv", table.astype({"same": "boolean"}))
    told = [("surprise", "strongest", "One."), ("surprise", "further", "Two.")]
    write_table(folder / "words.csv", pd.DataFrame(told, columns=list(WORDS)))


@pytest.fixture(autouse=True)
def _without_figures(undrawn: None) -> None:
    """Leave out the figures for papers."""


@pytest.fixture
def write_run(tmp_path: Path) -> Callable[..., Run]:
    """Write a complete run; keywords: name, synthetic."""
    return lambda **entries: make_run(tmp_path, **entries)


@pytest.fixture(scope="session")
def write_chain() -> Callable[..., None]:
    """Add the tables of a mediation to a run; keywords: effects, own."""
    return make_chain


@pytest.fixture(scope="session")
def write_experiment() -> Callable[[Run], None]:
    """Add the tables of an experiment to a run."""
    return make_experiment


@pytest.fixture(scope="session")
def whole_run() -> Callable[[Path], Run]:
    """Write a run with everything: experiment, effects and chain, too."""

    def write(folder: Path) -> Run:
        run = make_run(folder)
        make_experiment(run)
        make_chain(run)
        return run

    return write


@pytest.fixture(scope="session")
def full_run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A complete run that no test may change."""
    return make_run(tmp_path_factory.mktemp("report"))


@pytest.fixture(scope="session")
def noted() -> Callable[[Run], None]:
    """What notes in ``run.json`` the files that a test has changed, added or removed."""
    return note_files
