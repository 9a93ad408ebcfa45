"""A finished run has one owner: what was written reads back equal, and nothing else is read."""

import shutil

import numpy as np
import pandas as pd
import pytest
import zarr

from facslens import artifacts
from facslens.datasets.base import Faces
from facslens.errors import ArtifactError
from facslens.responses.store import BatchResponses, Responses
from facslens.responses.writer import ResponseWriter
from facslens.runs.folder import Run
from facslens.runs.record import RunRecord
from facslens.runs.settings import Settings
from facslens.stages import associate, faces, record, train, verify
from facslens.stages.checks import Choices
from facslens.stages.order import run_stage
from facslens.training.recipe import Recipe

STAGES = ("faces", "train", "record", "associate", "project")


@pytest.fixture(scope="module")
def written(drawn_ck48, tmp_path_factory):
    """A finished run, and the tables that its stages wrote."""
    tables = {}
    settings = Settings(
        recipe=Recipe(epochs=2), permutations=29, distance="auroc", layers=["conv3"]
    )
    folder = tmp_path_factory.mktemp("runs") / "drawn"
    run = Run.create(folder, data=f"ck48:{drawn_ck48}", seed=0, settings=settings.entries())

    def write(path, table):
        tables[path.relative_to(folder).as_posix()] = table.reset_index(drop=True)
        artifacts.write_table(path, table)

    with pytest.MonkeyPatch.context() as patch:
        for module in (faces, train, record, associate, verify):
            patch.setattr(module, "write_table", write)
        for stage in STAGES:
            run_stage(run, stage)
        verify.verify(run, "untrained,ablation,place,sanity", Choices(seeds=1, sets=3))
    return run, tables


@pytest.fixture
def run(written, tmp_path):
    """A copy of it, to be changed."""
    return Run.open(shutil.copytree(written[0].folder, tmp_path / "run"))


def test_every_table_reads_back_equal(written) -> None:
    run, tables = written
    assert len(tables) == 18
    for name, table in tables.items():
        pd.testing.assert_frame_equal(plain(RunRecord(run).table(name)), plain(table))


def plain(table: pd.DataFrame) -> pd.DataFrame:
    """Give texts the type that pandas reads them with: a file does not tell `string` from `str`."""
    texts = table.select_dtypes("string").columns
    return table.assign(
        **{c: pd.Series(table[c].to_numpy(dtype=object, na_value=np.nan)) for c in texts}
    )


def test_the_association_reads_back_whole(written) -> None:
    run, tables = written
    found = RunRecord(run).association
    assert {"threshold", "f1", "auroc_within"} <= set(found.effects.columns)
    again = found.mapping("auroc", "tested")
    tested = tables["mapping.csv"].query("rule == 'tested'")
    pd.testing.assert_frame_equal(plain(again), plain(tested[list(again.columns)]))


def test_a_run_shows_its_mapping_verdicts_and_stages_in_a_notebook(written) -> None:
    record = RunRecord(written[0])
    html = record._repr_html_()
    assert "<td>associate</td>" in html
    assert "AU27, mouth stretch: " in html
    assert f'<div class="title">Run {record.run.folder.name}</div>' in html
    first = record.mapping.query("rule == 'tested' and view == 'au_to_unit' and rank == 1")
    row = first.dropna(subset=["auroc_test_low"]).iloc[0]
    assert f"{row['auroc_test']:.2f} ({row['auroc_test_low']:.2f}–" in html
    assert str(record.run.folder.parent) not in html  # no place on somebody's disk


def test_what_is_not_done_is_named_and_hostile_names_are_only_words(run) -> None:
    run.update(faces=run.info["faces"] | {"name": "</div><script>alert(1)</script>"})
    run.outdate(["associate"])
    html = RunRecord(run)._repr_html_()
    assert "Not done, or out of date: associate" in html
    assert "<script" not in html
    assert "&lt;script&gt;alert(1)" in html


def swap(run: Run) -> None:
    """Write the responses again, the rows in another order."""
    old = Responses.open(run / "responses.zarr")
    rows = np.roll(np.arange(len(old.images)), 7)
    kept = {
        layer: (old.response(layer)[rows], old.location(layer)[rows], old.shape(layer))
        for layer in old.layers
    }
    names = list(old.images[rows])
    shutil.rmtree(run / "responses.zarr")
    writer = ResponseWriter(run / "responses.zarr", names)
    writer.add({layer: BatchResponses(*found) for layer, found in kept.items()})
    writer.close()


def test_rows_in_another_order_are_refused_or_aligned_by_name(run) -> None:
    before = RunRecord(run).responses.response("conv3")
    swap(run)
    with pytest.raises(ArtifactError, match=r"responses.zarr is not what the stage record left"):
        _ = RunRecord(run).responses
    run.accept(["responses.zarr"])
    found = RunRecord(run)
    assert found.responses.images.tolist() == found.faces.table["image"].tolist()
    np.testing.assert_array_equal(found.responses.response("conv3"), before)


def test_a_face_that_was_not_recorded_is_named(run) -> None:
    table = RunRecord(run).faces.table
    more = table.assign(image=table["image"].replace(table["image"][0], "new.png"))
    artifacts.write_table(run / "faces.parquet", Faces(more, "more").table)
    run.accept(["faces.parquet", "responses.zarr"])
    stages = run.info["stages"]
    stages["record"]["status"] = "done"
    run.update(stages=stages)
    with pytest.raises(ArtifactError, match=r"hold no face 'new.png': record the units again"):
        _ = RunRecord(run).responses


def test_a_shard_that_is_missing_or_changed_is_refused(run) -> None:
    chunk = run / "responses.zarr" / "conv3" / "response" / "c" / "0" / "0"
    content = chunk.read_bytes()
    middle = len(content) // 2
    chunk.write_bytes(content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :])
    responses = Responses.open(run / "responses.zarr")
    with pytest.raises(ArtifactError, match=r"the responses of 'conv3' in .* are damaged"):
        responses.response("conv3")
    chunk.unlink()
    with pytest.raises(ArtifactError, match=r"conv3/response lacks 1 of its 1 shards"):
        Responses.open(run / "responses.zarr")


def test_a_chunk_of_zeros_is_written_too(tmp_path) -> None:
    writer = ResponseWriter(tmp_path / "dead.zarr", ["a", "b"])
    silent = np.zeros((2, 3), np.float32)
    writer.add({"conv1": BatchResponses(silent, np.full((2, 3, 2), -1, np.int16), (4, 4))})
    writer.close()
    assert zarr.open_group(tmp_path / "dead.zarr")["conv1/response"].nchunks_initialized == 1
    assert not Responses.open(tmp_path / "dead.zarr").response("conv1").any()


def test_nobody_else_opens_a_runs_files(request) -> None:
    """`"neutral"` and `"au_to_unit"` are compared in one place each."""
    source = request.config.rootpath / "src" / "facslens"
    for word, own in (("neutral", "datasets/base.py"), ("au_to_unit", "discovery/mapping.py")):
        for file in source.rglob("*.py"):
            compared = [f'{sign} "{word}"' in file.read_text("utf-8") for sign in ("==", "!=")]
            if file.as_posix().endswith(own):
                continue
            assert not any(compared), f"{file} compares with {word!r}"


def test_a_table_that_somebody_wrote_has_to_have_its_columns_and_known_units(run) -> None:
    mapping = pd.read_csv(run / "mapping.csv")
    mapping.drop(columns="au").to_csv(run / "mapping.csv", index=False)
    run.accept(["mapping.csv"])
    with pytest.raises(ArtifactError, match=r"mapping.csv lacks the column 'au'"):
        _ = RunRecord(run).mapping
    mapping.assign(unit=9999).to_csv(run / "mapping.csv", index=False)
    run.accept(["mapping.csv"])
    with pytest.raises(ArtifactError, match=r"names unit 9999 of conv3, which units.csv does not"):
        _ = RunRecord(run).mapping
