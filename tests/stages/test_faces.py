"""The stage that reads the faces: what it keeps of them in ``run.json``."""

import json

import numpy as np
import pytest
from PIL import Image

from facslens.datasets.coding import Coding
from facslens.progress import silent
from facslens.runs.folder import Run
from facslens.runs.record import RunRecord
from facslens.stages.faces import run_faces


@pytest.fixture
def table(tmp_path):
    """A happy and a sad face of three people, one a part, as OpenFace 2 tells of them."""
    rows = ["image,expression,subject,split,success,AU12_r,AU06_c"]
    for number, split in enumerate(("train", "validation", "test")):
        for expression in ("happy", "sad"):
            name = f"{expression}{number}.png"
            pixels = np.random.default_rng([len(rows)]).integers(0, 256, (12, 12), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / name)
            rows.append(f"{name},{expression},{number},{split},1,2.5,1")
    (tmp_path / "t.csv").write_text("\n".join(rows))
    return f"table:{tmp_path / 't.csv'},present=2"


def test_every_broken_image_is_left_out_whatever_the_line_that_tells_of_them(tmp_path, table):
    for name in ("happy0", "sad0", "sad1"):
        (tmp_path / f"{name}.png").write_bytes(b"no picture")
    run = Run.create(tmp_path / "run", data=table, seed=0)
    run_faces(run, silent)
    dropped = run.info["faces"]["dropped"]
    assert [entry["image"] for entry in dropped] == ["happy0.png", "sad0.png", "sad1.png"]
    assert dropped[1]["reason"].startswith(f"{tmp_path / 'sad0.png'} is no image")
    assert RunRecord(run).faces.table["image"].tolist() == ["happy1.png", "happy2.png", "sad2.png"]


def test_who_coded_the_faces_is_kept_with_the_run(tmp_path, table):
    run = Run.create(tmp_path / "run", data=table, seed=0)
    run_faces(run, silent)
    assert json.loads((tmp_path / "run" / "run.json").read_text())["faces"]["codings"]["AU12"] == {
        "by": "OpenFace 2", "automatic": True, "rule": "present from an intensity of 2 on",
    }  # fmt: skip
    faces = RunRecord(run).faces
    assert faces.codings["AU06"] == Coding("OpenFace 2", automatic=True)
    assert faces.table["AU12"].tolist() == [1] * 6
