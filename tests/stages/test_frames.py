"""Frames in order, in a run: it stops before the training, and says what a sequence counts for."""

import pytest

from facslens.errors import DataError
from facslens.progress import silent
from facslens.runs.folder import Run
from facslens.runs.record import RunRecord
from facslens.runs.settings import Settings
from facslens.stages.faces import run_faces
from facslens.stages.order import run_all


@pytest.fixture
def made(drawn_ck48, tmp_path):
    """Make a run on drawn faces: the first frame of each sequence shows nothing yet."""
    lines = ["path,expression,subject,sequence,frame,AU12"]
    for file in sorted((drawn_ck48 / "CK+48").rglob("*.png")):
        subject, take, frame = file.stem.split("_")
        shown = int(file.parent.name == "happy" and int(frame) % 2 == 0)
        lines.append(f"{file},{file.parent.name},{subject},{subject}_{take},{int(frame)},{shown}")
    table = tmp_path / "codes.csv"
    table.write_text("\n".join(lines))

    def run(keys):
        settings = Settings(permutations=9).entries()
        data = f"table:{table}{keys}"
        return Run.create(tmp_path / f"run{keys}", data=data, seed=0, settings=settings)

    return run


def test_a_run_stops_before_its_training(made):
    run = made("")
    with pytest.raises(DataError, match="codes has action units that come and go within 24 of its"):
        run_all(run)
    assert run.is_done("faces")
    assert not run.is_done("train")
    assert "by" not in run.info["faces"]


def test_a_run_notes_what_a_sequence_counts_for(made):
    run = made(",by=peak")
    run_faces(run, silent)
    assert run.info["faces"]["by"] == "peak"
    assert run.info["faces"]["notes"][0] == (
        "the peak is taken of 72 sequences, in 72 by the most action units: 72 of 144 frames are "
        "kept (by=peak, as asked)"
    )
    table = RunRecord(run).faces.table
    assert table["sequence"].is_unique
    assert (table.loc[table["expression"] == "happiness", "AU12"] == 1).all()
