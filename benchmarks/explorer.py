"""Time the explorer of a run of many units: the first view, scrolling, a unit's page.

    python -m benchmarks.explorer [--units 5000] [--repeats 5] [--json FILE]

A run is generated: three layers, 20 action units, 300 drawn faces, tables of random numbers in the
form that stages leave. Its explorer is written into a folder, given by a plain server on the
loopback, and opened in Chromium. First view: from the beginning of the navigation until the page
has been made. Scrolling: the longest time between two frames while the list is scrolled from one
end to the other in 240 steps, and how much of one is spent in the pages' scripts, for the rest
depends on what else the machine does.
"""

import argparse
import functools
import http.server
import os
import shutil
import statistics
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

from benchmarks.ratios import show
from facslens.action_units import ACTION_UNITS
from facslens.artifacts import sha256, write_json, write_table
from facslens.association.discovery.mapping import COLUMNS
from facslens.datasets.base import make_table
from facslens.explorer.site import Site, write_site
from facslens.responses.recorder import BatchResponses
from facslens.responses.writer import ResponseWriter
from facslens.runs.files import FILES
from facslens.runs.folder import Run

AUS = tuple(ACTION_UNITS)[:20]
FACES = 300


def generate(folder: Path, units: int) -> Run:
    """Write a run of so many units, of random numbers."""
    rng = np.random.default_rng(0)
    run = Run.create(folder / "run", data="generated", seed=0, settings={"distance": "kl"})
    layers = {"conv1": units // 5, "conv2": units // 3}
    layers["conv3"] = units - sum(layers.values())
    faces = _faces(folder / "images", rng)
    write_table(run / "faces.parquet", faces)
    write_json(
        run / "model.json",
        {"architecture": "paper", "size": 48, "expressions": ["anger", "happiness", "surprise"]},
    )
    write_table(
        run / "predictions.parquet",
        faces[["image", "split"]].assign(true="anger", predicted="anger"),
    )
    pairs = pd.DataFrame(
        [(layer, unit, au) for layer, n in layers.items() for unit in range(n) for au in AUS],
        columns=["layer", "unit", "au"],
    )
    value = rng.beta(6, 6, len(pairs))
    write_table(run / "effects.parquet", pairs.assign(auroc=value))
    live = pairs[["layer", "unit"]].drop_duplicates().assign(status="live")
    write_table(run / "units.csv", live)
    first = pairs.assign(auroc=value).sort_values("auroc").groupby(["layer", "au"]).tail(1)
    mapping = first.assign(
        view="au_to_unit", rule="tested", rank=1, status="confirmed", p_maxT=0.01, auroc_test=0.8
    )
    empty = {name: np.nan for name in COLUMNS if name not in mapping}
    write_table(run / "mapping.csv", mapping.assign(**empty))
    rows = [(au, 40, 200, True, "") for au in AUS]
    coverage = ["au", "n_present", "n_absent", "eligible", "reason"]
    write_table(run / "coverage.csv", pd.DataFrame(rows, columns=coverage))
    _responses(run, faces, layers, rng)
    experiment = pairs.assign(
        auroc=rng.beta(6, 6, len(pairs)), wins=rng.integers(0, 31, len(pairs)) / 30,
        size=rng.normal(0, 1, len(pairs)), change=rng.normal(0, 1, len(pairs)),
    )  # fmt: skip
    write_table(run / "experiment" / "tuning.parquet", experiment)
    stages = {
        stage: {
            "status": "done",
            "started": "2026-01-01T00:00:00+00:00",
            "seconds": 1.0,
            "settings": {},
            "files": {name: sha256(run / name) for name in names if (run / name).exists()},
        }
        for stage, names in FILES.items()
    }
    about = {"name": "generated", "images": FACES, "subjects": 60, "synthetic": True}
    run.update(stages=stages, faces=about)
    return run


def _faces(folder: Path, rng: np.random.Generator) -> pd.DataFrame:
    folder.mkdir()
    rows = []
    for number in range(FACES):
        path = folder / f"{number}.png"
        Image.fromarray(rng.integers(0, 256, (48, 48)).astype(np.uint8)).save(path)
        split = ("train", "validation", "test")[number // 5 % 3]
        row = {"image": path.name, "path": str(path), "subject": f"S{number // 5}", "split": split}
        row |= {"sequence": f"Q{number}", "frame": 1, "expression": "anger"}
        rows.append(row | {au: float(rng.random() < 0.2) for au in AUS})
    return make_table(pd.DataFrame(rows))


def _responses(
    run: Run, faces: pd.DataFrame, layers: dict[str, int], rng: np.random.Generator
) -> None:
    writer = ResponseWriter(run / "responses.zarr", list(faces["image"]))
    batch, tables = {}, []
    for layer, units in layers.items():
        response = rng.gamma(2, 1, (len(faces), units)).astype(np.float32)
        places = rng.integers(0, 12, (len(faces), units, 2)).astype(np.int16)
        batch[layer] = BatchResponses(response, places, (12, 12))
        best = np.argsort(-response, axis=0)[:6]
        rank, unit = np.indices(best.shape)
        tables.append(
            pd.DataFrame(
                {
                    "layer": layer,
                    "unit": unit.ravel(),
                    "rank": rank.ravel() + 1,
                    "image": faces["image"].to_numpy()[best.ravel()],
                    "response": response[best, unit].ravel(),
                    "row": places[best, unit, 0].ravel(),
                    "column": places[best, unit, 1].ravel(),
                }
            )
        )
    writer.add(batch)
    writer.close()
    write_table(run / "exemplars.parquet", pd.concat(tables))


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        """Say nothing."""


#: Scrolls over the whole list, and gives the times between frames and those of scripts in each, in
#: milliseconds.
FRAMES = """() => new Promise((done) => {
  const list = document.querySelector(".scroller"), times = [], scripts = [];
  const ask = window.requestAnimationFrame;
  window.requestAnimationFrame = (work) => ask((now) => {
    const start = performance.now();
    work(now);
    scripts.push(performance.now() - start);
  });
  let before = 0;
  const end = list.scrollHeight - list.clientHeight, step = end / 240;
  const next = (now) => {
    if (before) times.push(now - before);
    before = now;
    list.scrollTop += step;
    if (list.scrollTop < end - 1) requestAnimationFrame(next); else done([times, scripts]);
  };
  requestAnimationFrame(next);
})"""


def measure(address: str, repeats: int) -> dict[str, float]:
    """Open the explorer in a browser, some times anew, and give medians and the longest frame."""
    from playwright.sync_api import sync_playwright

    path = os.environ.get("FACSLENS_CHROMIUM") or shutil.which("chromium")
    found: dict[str, list[float]] = {}
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox", "--disable-gpu"]
        )
        for _ in range(repeats):
            for name, page_of in (
                ("first view", "#/"),
                ("list", "#/units"),
                ("unit", "#/unit/conv3/84"),
            ):
                page = chromium.new_page(viewport={"width": 1440, "height": 900})
                page.goto(f"{address}/index.html{page_of}")
                page.wait_for_selector('html[data-ready="1"]', state="attached")
                mark = "performance.getEntriesByName('made')[0].startTime"
                found.setdefault(f"{name}, s", []).append(page.evaluate(mark) / 1000)
                if name == "list":
                    page.wait_for_timeout(500)
                    frames, scripts = page.evaluate(FRAMES)
                    found.setdefault("longest frame, ms", []).append(max(frames))
                    found.setdefault("median frame, ms", []).append(statistics.median(frames))
                    found.setdefault("longest script in a frame, ms", []).append(max(scripts))
                page.close()
        chromium.close()
    return {name: statistics.median(values) for name, values in found.items()}


def main() -> None:
    """Generate, write, open and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--units", type=int, default=5000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--json", type=Path)
    choices = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        run = generate(Path(place), choices.units)
        start = time.perf_counter()
        site = Site.of(run.folder)
        write_site(site, Path(place) / "site")
        written = time.perf_counter() - start
        size = sum(p.stat().st_size for p in (Path(place) / "site").rglob("*") if p.is_file())
        handler = functools.partial(_Quiet, directory=str(Path(place) / "site"))
        with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            found = measure(f"http://127.0.0.1:{server.server_address[1]}", choices.repeats)
            server.shutdown()
    rows = {"written, s": written, "folder, MB": size / 1e6, **found}
    show([{"what": name, "median": value} for name, value in rows.items()], choices.json)


if __name__ == "__main__":
    main()
