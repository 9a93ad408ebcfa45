"""`facslens predict` and `export` as a user meets them, with the weights of the package."""

import dataclasses
import io
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import facslens as fl
from facslens.datasets.ferplus import read_ferplus
from facslens.datasets.images import read_grey
from facslens.datasets.labels import EXPRESSIONS
from facslens.errors import ArtifactError, CallError
from facslens.models.card import FOLDER, read_checked
from facslens.models.pretrained import load_pretrained
from facslens.names import printable
from facslens.prediction import sources, with_onnx


@pytest.fixture(scope="session")
def happy_faces(data_folder):
    """Ten real faces that most raters saw happy, in memory."""
    archive = data_folder / "ferplus.zip"
    if not archive.is_file():
        pytest.skip(f"no {archive}")
    table = read_ferplus(archive).faces().part("validation").table
    paths = table["path"][table["expression"] == "happiness"].iloc[:10]
    return [read_grey(path) for path in paths]


@pytest.fixture
def crops(tmp_path):
    """Four drawn crops of noise: what they show is nothing, but the numbers are numbers."""
    rng = np.random.default_rng(5)
    folder = tmp_path / "crops"
    folder.mkdir()
    for number in range(4):
        levels = rng.integers(0, 256, (48, 48), dtype=np.uint8)
        Image.fromarray(levels).save(folder / f"{number}.png")
    return folder


def photograph(faces, path):
    """Put faces of 150 pixels into one photograph."""
    canvas = Image.new("RGB", (40 + 190 * len(faces), 260), (70, 90, 110))
    for number, face in enumerate(faces):
        canvas.paste(Image.fromarray(face).resize((150, 150)), (40 + 190 * number, 55))
    canvas.save(path)
    return path


def test_both_runtimes_and_single_files_give_the_same_numbers(facslens, crops):
    code, out, _ = facslens("predict", crops, "--faces-are-cropped", "--runtime", "onnx")
    together = pd.read_csv(io.StringIO(out))
    assert code == 0
    assert len(together) == 4
    _, out, _ = facslens("predict", crops, "--faces-are-cropped", "--runtime", "torch")
    np.testing.assert_allclose(
        pd.read_csv(io.StringIO(out))[list(EXPRESSIONS)], together[list(EXPRESSIONS)], atol=1e-4
    )
    np.testing.assert_allclose(together[list(EXPRESSIONS)].sum(axis=1), 1, atol=1e-5)
    for number in range(4):
        _, out, _ = facslens("predict", crops / f"{number}.png", "--faces-are-cropped")
        alone = pd.read_csv(io.StringIO(out)).select_dtypes("number").iloc[0]
        # to 1e-5, and the six digits that are written
        for name, value in alone.items():
            assert value == pytest.approx(
                together[name].iloc[number], rel=1e-5, abs=1e-5, nan_ok=True
            ), name


def test_what_is_neither_picture_nor_video_is_counted(facslens, crops):
    (crops / "notes.txt").write_text("")
    (crops / "more.txt").write_text("")
    code, out, err = facslens("predict", crops, "--faces-are-cropped")
    words = f"2 files that are not read lie below {crops}, by ending: .txt (2×)"
    assert (code, len(out.splitlines()), err.splitlines()[0]) == (0, 5, words)
    with pytest.warns(UserWarning, match=r"^2 files that are not read .*: \.txt \(2×\)$"):
        assert len(fl.predict(crops, detector=None)) == 4


def test_the_other_head_and_forms_and_names_from_standard_input(facslens, crops, tmp_path):
    names = "\n".join(str(crops / f"{number}.png") for number in range(2))
    choices = ["-", "--faces-are-cropped", "--labels", "fer2013", "--json"]
    code, out, _ = facslens("predict", *choices, stdin=names)
    rows = [json.loads(line) for line in out.splitlines()]
    assert code == 0
    assert [Path(row["input"]).name for row in rows] == ["0.png", "1.png"]
    assert "contempt" not in rows[0]
    assert sum(rows[0][e] for e in EXPRESSIONS if e != "contempt") == pytest.approx(1, abs=1e-4)
    out_file = tmp_path / "rows.parquet"
    assert facslens("predict", crops, "--faces-are-cropped", "--out", out_file)[0] == 0
    assert len(pd.read_parquet(out_file)) == 4


@pytest.fixture
def stopped_at(monkeypatch, facslens):
    """Call predict in batches of two, and stop it before it reads the picture of a name."""
    monkeypatch.setattr("facslens.cli.predict.BATCH", 2)

    def call(name, *arguments):
        def stop(entry, every):
            if entry.name == name:
                raise KeyboardInterrupt
            return sources.pictures(entry, every)

        with monkeypatch.context() as patch:
            patch.setattr("facslens.prediction.pieces.pictures", stop)
            return facslens("predict", *arguments, "--faces-are-cropped", "--workers", 1)

    return call


def test_a_stopped_prediction_goes_on_and_gives_the_same_file(
    facslens, crops, tmp_path, stopped_at
):
    command = ["predict", crops, "--faces-are-cropped", "--out"]
    whole, out = tmp_path / "whole.csv", tmp_path / "rows.csv"
    for number in range(4, 8):
        shutil.copy(crops / f"{number - 4}.png", crops / f"{number}.png")
    assert facslens(*command, whole)[0] == 0
    code, _, err = stopped_at("7.png", crops, "--out", out)
    assert code == 1
    assert err.splitlines()[-1] == f"stopped; the same command goes on from {out}.part"
    assert not out.exists()
    code, _, err = facslens(*command, out)
    assert code == 0
    # the workers were one picture ahead, and the last whole batch may lack faces of its last one
    assert f"goes on after 2 rows of {out}.part" in err
    assert out.read_text() == whole.read_text()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["crops", "rows.csv", "whole.csv"]


@pytest.mark.parametrize(("piece", "ends"), [(64, {0, 2}), (3, {0, 2, 5})])
def test_the_network_reads_the_same_faces_together_after_a_stop(
    facslens, crops, tmp_path, monkeypatch, stopped_at, piece, ends
):
    """A network may round otherwise in another batch: here by much, so that it would be seen."""

    def read_onnx(*arguments):
        network = with_onnx.read_onnx(*arguments)

        def read(faces):
            answers = network.read(faces)
            return answers._replace(probabilities=answers.probabilities * faces[0].mean())

        return dataclasses.replace(network, read=read)

    monkeypatch.setattr("facslens.stages.open_network.read_onnx", read_onnx)
    monkeypatch.setattr("facslens.prediction.pieces.PIECE", piece)
    for number in range(4, 8):
        shutil.copy(crops / f"{number - 4}.png", crops / f"{number}.png")
    command = ["predict", crops, "--faces-are-cropped", "--out"]
    facslens(*command, tmp_path / "whole.csv")
    out, batches = tmp_path / "rows.csv", set()
    for number in range(2, 8):
        stopped_at(f"{number}.png", crops, "--out", out)
        _, _, err = facslens(*command, out)
        batches.add(int(err.split(" rows of ")[0].split()[-1]) if " rows of " in err else 0)
        assert out.read_text() == (tmp_path / "whole.csv").read_text(), number
    assert batches == ends


def test_a_part_of_other_inputs_is_begun_anew(facslens, crops, tmp_path, stopped_at):
    first, second = crops / "a", crops / "b"
    for folder, order in ((first, "01230123"), (second, "32103210")):
        folder.mkdir()
        for number, source in enumerate(order):
            shutil.copy(crops / f"{source}.png", folder / f"{number}.png")
    out, whole = tmp_path / "rows.csv", tmp_path / "whole.csv"
    stopped_at("7.png", first, "--out", out)
    code, _, err = facslens("predict", second, "--faces-are-cropped", "--out", out)
    assert (code, "goes on" in err) == (0, False)
    facslens("predict", second, "--faces-are-cropped", "--out", whole)
    assert out.read_text() == whole.read_text()
    assert set(pd.read_csv(out)["input"]) == {str(second / f"{k}.png") for k in range(8)}


@pytest.mark.parametrize("kind", ["another size", "another time", "one more", "one less"])
def test_a_picture_that_changed_in_between_is_read_again(
    facslens, crops, tmp_path, stopped_at, kind
):
    for number in range(4, 8):
        shutil.copy(crops / f"{number - 4}.png", crops / f"{number}.png")
    command = ["predict", crops, "--faces-are-cropped", "--out"]
    out, whole = tmp_path / "rows.csv", tmp_path / "whole.csv"
    stopped_at("7.png", crops, "--out", out)
    replaced = crops / "0.png"
    if kind == "another size":
        Image.new("L", (48, 48), 90).save(replaced)
    elif kind == "another time":
        state = replaced.stat()
        replaced.write_bytes(replaced.read_bytes()[::-1])
        os.utime(replaced, ns=(state.st_atime_ns, state.st_mtime_ns + 1_000_000))
    elif kind == "one more":
        shutil.copy(crops / "0.png", crops / "00.png")
    else:
        replaced.unlink()
    _, _, err = facslens(*command, out)
    assert "goes on" not in err
    facslens(*command, whole)
    assert out.read_text() == whole.read_text()


def test_two_predictions_to_one_file_are_not_made_together(facslens, crops, tmp_path):
    out = tmp_path / "rows.csv"
    holding = (
        "import sys; from pathlib import Path; from facslens.artifacts import locked\n"
        "with locked(Path(sys.argv[1]), what='it'): print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", holding, str(out)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as other:  # fmt: skip
        assert other.stdout.readline() == "held\n"
        code, _, err = facslens("predict", crops, "--faces-are-cropped", "--out", out)
        assert code == 1
        assert f"the file {out} is being written by another process (process {other.pid} on" in err
        other.communicate("")
    assert facslens("predict", crops, "--faces-are-cropped", "--out", out)[0] == 0
    assert len(pd.read_csv(out)) == 4
    assert sorted(path.name for path in tmp_path.iterdir()) == ["crops", "rows.csv"]


@pytest.mark.parametrize("ignored", [False, True])
def test_a_camera_is_read_until_it_is_interrupted(facslens, tmp_path, monkeypatch, ignored):
    """FFmpeg's own test picture stands for a camera; a job in the background ignores Ctrl-C."""
    monkeypatch.setattr(sources, "_device", lambda name: ("testsrc=size=64x48:rate=25", "lavfi"))
    frames = sources.pictures

    def interrupted(entry, every):
        for picture in frames(entry, every):
            if picture.frame == 5:
                signal.raise_signal(signal.SIGINT)
            yield picture

    monkeypatch.setattr("facslens.prediction.pieces.pictures", interrupted)
    handler = signal.SIG_IGN if ignored else signal.default_int_handler
    before = signal.signal(signal.SIGINT, handler)
    try:
        for _ in range(2):  # the second does not take the first one's frames for its own
            out = tmp_path / "rows.csv"
            code, _, err = facslens("predict", "camera:0", "--faces-are-cropped", "--out", out)
            assert code == 0, err
            rows = pd.read_csv(out)
            assert list(rows["frame"]) == [0, 1, 2, 3, 4]
            assert set(rows["input"]) == {"camera:0"}
            assert rows["expression"].notna().all()
        assert signal.getsignal(signal.SIGINT) is handler
    finally:
        signal.signal(signal.SIGINT, before)


def test_drawings_among_the_pictures_are_no_pictures(facslens, crops):
    for name in ("2.png", "3.png"):  # a drawing takes a second
        (crops / name).unlink()
    command = ["predict", crops, "--faces-are-cropped", "--overlay", crops / "drawn", "--json"]
    first, second = (facslens(*command) for _ in range(2))
    assert first == second
    assert len(first[1].splitlines()) == 2
    assert len(list((crops / "drawn").iterdir())) == 2


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_list_as_other_programs_write_it(crops, encoding):
    (crops / "0.png").rename(crops / "é.png")
    (crops / "1.png").rename(crops / "'1.png'")
    lines = [f'"{crops}/é.png"', "'1.png'", "", f"'{crops}/2.png'", "https://example.org/3.png"]
    code = "from facslens.cli.main import main; main()"
    run = subprocess.run(
        [sys.executable, "-c", code, "predict", "-", "--faces-are-cropped", "--json"],
        input="\r\n".join(lines).encode(encoding), capture_output=True, cwd=crops,
    )  # fmt: skip
    rows = [json.loads(line) for line in run.stdout.splitlines()]
    assert [Path(row["input"]).name for row in rows] == ["é.png", "'1.png'", "2.png", "3.png"]
    assert [row["problem"] for row in rows] == [None] * 3 + [
        "https://example.org/3.png is an address, and nothing is fetched: save what is there, and "
        "name it"
    ]


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such names")
def test_standard_input_may_list_names_that_are_no_text(crops):
    (crops / "0.png").rename(crops / "\udcff.png")
    code = "from facslens.cli.main import main; main()"
    run = subprocess.run(
        [sys.executable, "-c", code, "predict", "-", "--faces-are-cropped", "--json"],
        input=bytes(crops) + b"/\xff.png\n", capture_output=True,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    assert json.loads(run.stdout)["problem"] is None


def test_a_stop_without_a_file_is_one_word(crops, stopped_at):
    code, out, err = stopped_at("3.png", crops)
    assert (code, err.splitlines()[-1]) == (1, "stopped")
    assert out.startswith("input,frame,time,face,")


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such names")
def test_names_that_a_terminal_would_obey_are_shown_and_harm_nothing(facslens, crops, monkeypatch):
    for number, name in enumerate(["=cmd.png", "a\x1b[2J.png", "b\udcff.png", "c\nd.png"]):
        (crops / f"{number}.png").rename(crops / name)
    for form in ([], ["--json"]):
        code, out, err = facslens("predict", crops, "--faces-are-cropped", *form)
        assert code == 0, err
        assert "\x1b" not in out
        assert len(out.splitlines()) == 5 - len(form)
        out.encode()
    monkeypatch.chdir(crops)
    code, out, _ = facslens("predict", "=cmd.png", "--faces-are-cropped")
    assert (code, pd.read_csv(io.StringIO(out))["input"].item()) == (0, "'=cmd.png")
    code, _, err = facslens("predict", crops, "--out", "d\udcff\x1b/a.csv", "--faces-are-cropped")
    assert code == 0
    assert err.splitlines()[-1] == "predictions: " + printable("d\udcff\x1b/a.csv")
    code, _, err = facslens("predict", crops, "--out", "d\udcff\x1b/a.xls")
    assert (code, "\x1b" in err) == (2, False)


def test_from_python_a_camera_is_refused_for_it_has_no_end():
    with pytest.raises(CallError, match="camera:0 has no end: read it with facslens predict"):
        fl.predict(["a.png", "camera:0"])


def test_a_batch_of_nonsense_costs_a_row_each_and_the_exit_code(facslens, crops, tmp_path):
    folder = tmp_path / "batch"
    shutil.copytree(crops, folder)
    (folder / "text.jpg").write_text("no picture")
    Image.new("L", (20000, 20000)).save(folder / "bomb.png")
    (folder / "film.mp4").write_bytes(b"\0" * 100)
    (folder / "empty.png").write_bytes(b"")
    code, out, err = facslens("predict", folder, tmp_path / "gone.png", "--faces-are-cropped")
    rows = pd.read_csv(io.StringIO(out)).set_index("input")
    bad = rows["problem"].dropna()
    assert code == 1
    assert "5 of 9 could not be read: see the column problem" in err
    assert len(rows) == 9
    assert sorted(Path(name).name for name in bad.index) == [
        "bomb.png", "empty.png", "film.mp4", "gone.png", "text.jpg"
    ]  # fmt: skip
    assert all("\n" not in sentence for sentence in bad)
    assert rows["expression"].notna().sum() == 4


def test_calls_that_are_wrong_exit_with_two_and_one_sentence(facslens, crops, tmp_path):
    for arguments, message in [
        (
            ["--model", "vgg"],
            "--model is 'vgg': expected a network in the package (compact), the fol",
        ),
        (["--labels", "mine"], "--labels is 'mine': expected one of ferplus, fer2013"),
        (["--runtime", "tpu"], "--runtime is 'tpu': expected one of auto, torch, onnx"),
        (["--out", tmp_path / "a.xlsx"], "expected .csv, .jsonl or .parquet"),
        (["--json", "--out", tmp_path / "a.csv"], "--json writes to standard output"),
        (["--detector", "eagle"], "eagle"),
        (["--engine", "spark"], "--engine is 'spark': expected local or ray"),
        (["--address", "auto"], "--address is that of a Ray cluster: it needs --engine ray"),
        (["--engine", "ray", "--workers", "2"], "--workers is for this machine alone"),
        (["--engine", "ray", "--overlay", tmp_path], "--overlay is for this machine alone"),
        (["--engine", "ray", "camera:0"], "a camera is for this machine alone: it needs --engine"),
    ]:
        code, out, err = facslens("predict", crops, *arguments)
        assert (code, out) == (2, ""), arguments
        assert message in " ".join(err.split())


def test_an_argument_is_named_as_the_option_only_where_it_was_given_as_one(facslens, tmp_path):
    code, _, err = facslens("export", "vgg", "--onnx", tmp_path / "a.onnx", "--labels=fer2013")
    assert (code, err.startswith("error: --labels is 'fer2013', but only")) == (2, True)
    code, _, err = facslens("export", "vgg", "--onnx", tmp_path / "a.onnx")
    assert (code, err.startswith("error: model is 'vgg': expected a network")) == (2, True)


def test_weights_with_a_changed_byte_are_refused(facslens, crops, tmp_path, monkeypatch):
    copy = shutil.copytree(FOLDER, tmp_path / "weights")
    for name in ("compact.onnx", "compact.safetensors"):
        content = bytearray((copy / name).read_bytes())
        content[len(content) // 2] ^= 1
        (copy / name).write_bytes(content)
    monkeypatch.setattr(
        "facslens.stages.open_network.read_checked", lambda file: read_checked(file, copy)
    )
    code, out, err = facslens("predict", crops, "--faces-are-cropped", "--runtime", "onnx")
    assert (code, out) == (1, "")
    assert "compact.onnx is not the file that was published (its SHA-256 differs)" in err
    with pytest.raises(ArtifactError, match=r"compact\.safetensors is not the file that was pub"):
        load_pretrained(folder=copy)


def test_an_onnx_file_of_another_network_and_one_that_is_none(facslens, crops, tmp_path):
    import onnx

    graph = onnx.helper.make_graph(
        [onnx.helper.make_node("Relu", ["x"], ["y"])],
        "other",
        [onnx.helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [1])],
        [onnx.helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, [1])],
    )
    opset = [onnx.helper.make_opsetid("", 17)]
    onnx.save(onnx.helper.make_model(graph, opset_imports=opset, ir_version=8), tmp_path / "o.onnx")
    (tmp_path / "text.onnx").write_text("no model")
    for name, message in [
        ("o.onnx", "is an ONNX file of another network: expected one that `facslens export` wrote"),
        ("text.onnx", "is no readable ONNX model"),
        ("gone.onnx", "cannot be read: No such file or directory"),
    ]:
        code, out, err = facslens("predict", crops, "--model", tmp_path / name)
        assert (code, out) == (1, "")
        assert message in err


def test_an_exported_network_predicts_as_the_packaged_one(facslens, crops, tmp_path):
    file = tmp_path / "compact.onnx"
    assert facslens("export", "compact", "--onnx", file)[0] == 0
    _, ours, _ = facslens("predict", crops, "--faces-are-cropped")
    code, other, _ = facslens("predict", crops, "--faces-are-cropped", "--model", file)
    assert code == 0
    ours, other = pd.read_csv(io.StringIO(ours)), pd.read_csv(io.StringIO(other))
    assert list(ours) == list(other)
    numbers = ours.select_dtypes("number").columns
    np.testing.assert_allclose(other[numbers], ours[numbers], atol=1e-4, rtol=1e-4)


def test_real_faces_in_a_photograph_are_found_and_read(facslens, happy_faces, tmp_path):
    path = photograph(happy_faces[:4], tmp_path / "group.png")
    code, out, err = facslens("predict", path, "--overlay", tmp_path / "drawn")
    assert code == 0, err
    rows = pd.read_csv(io.StringIO(out))
    assert len(rows) >= 3
    # the faces stand 190 pixels apart, and are 150 wide
    middle = rows["FaceRectX"] + rows["FaceRectWidth"] / 2
    place = ((middle - 115) / 190).round()
    assert place.is_unique
    assert (middle - 115 - 190 * place).abs().max() < 30
    assert (rows["expression"] == "happiness").mean() >= 0.75
    with Image.open(tmp_path / "drawn" / "group.png") as drawn:
        assert drawn.width > 720


def test_a_picture_without_a_face_says_so(facslens, tmp_path):
    Image.new("RGB", (300, 200), (40, 80, 40)).save(tmp_path / "meadow.png")
    code, out, _ = facslens("predict", tmp_path / "meadow.png")
    (row,) = pd.read_csv(io.StringIO(out)).to_dict("records")
    assert code == 0
    assert row["note"] == "no face found"
    assert np.isnan(row["face"])
