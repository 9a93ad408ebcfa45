"""The stage that reads the faces: what it keeps of them in ``run.json``."""

import json

import numpy as np
from PIL import Image

from facslens.datasets.coding import Coding
from facslens.progress import silent
from facslens.runs.folder import Run
from facslens.runs.record import RunRecord
from facslens.stages.faces import run_faces


def test_who_coded_the_faces_is_kept_with_the_run(tmp_path):
    rows = ["image,expression,subject,split,success,AU12_r,AU06_c"]
    for number, split in enumerate(("train", "validation", "test")):
        for expression in ("happy", "sad"):
            name = f"{expression}{number}.png"
            pixels = np.random.default_rng([len(rows)]).integers(0, 256, (12, 12), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / name)
            rows.append(f"{name},{expression},{number},{split},1,2.5,1")
    (tmp_path / "t.csv").write_text("\n".join(rows))
    run = Run.create(tmp_path / "run", data=f"table:{tmp_path / 't.csv'},present=2", seed=0)
    run_faces(run, silent)
    assert json.loads((tmp_path / "run" / "run.json").read_text())["faces"]["codings"]["AU12"] == {
        "by": "OpenFace 2", "automatic": True, "rule": "present from an intensity of 2 on",
    }  # fmt: skip
    faces = RunRecord(run).faces
    assert faces.codings["AU06"] == Coding("OpenFace 2", automatic=True)
    assert faces.table["AU12"].tolist() == [1] * 6
