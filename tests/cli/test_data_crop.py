"""``facslens data crop`` as a user meets it."""

import subprocess
import sys

import numpy as np
from PIL import Image
from typer.testing import CliRunner

from facslens.cli.data import app
from facslens.datasets.images import read_grey
from facslens.datasets.load import load


def photograph(path):
    face = Image.fromarray(read_grey(load("synthetic").table["path"].iloc[0]))
    canvas = Image.new("L", (320, 240), 120)
    canvas.paste(face.resize((180, 180), Image.Resampling.BICUBIC), (70, 30))
    path.parent.mkdir(parents=True, exist_ok=True)
    canvas.save(path)


def test_faces_are_cut_out_and_what_failed_is_told(tmp_path):
    photograph(tmp_path / "in" / "happy" / "a.png")
    (tmp_path / "in" / "happy" / "b.png").write_text("no image")
    called = ["crop", str(tmp_path / "in"), "--out", str(tmp_path / "out")]
    result = CliRunner().invoke(app, called)
    assert result.exit_code == 1
    assert "b.png is no image, whatever its name says" in result.output
    assert "2 photographs, 1 crops, 0 without a face, 1 failed" in result.output
    assert np.asarray(Image.open(tmp_path / "out" / "happy" / "a.png")).shape == (48, 48)


def test_where_nothing_failed_the_exit_code_is_0(tmp_path):
    photograph(tmp_path / "a.png")
    Image.new("L", (64, 64), 90).save(tmp_path / "b.png")
    names = [str(tmp_path / name) for name in ("a.png", "b.png")]
    chosen = ["--out", str(tmp_path / "out"), "--all", "--size", "96"]
    result = CliRunner().invoke(app, ["crop", *names, *chosen])
    assert result.exit_code == 0
    assert "b.png: no face was found" in result.output
    assert np.asarray(Image.open(tmp_path / "out" / "a_0.png")).shape == (96, 96)


def test_finding_and_cutting_out_faces_needs_no_torch():
    code = (
        "import sys, facslens.preprocess.crops as c; from facslens.preprocess.detect import "
        "make_detector; make_detector(); print([m for m in ('torch', 'cv2') if m in sys.modules])"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "[]"
