"""The command line as a user meets it: exit codes, one sentence, nothing lost."""

import functools
import json
import shutil

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from facslens.cli import main as command
from facslens.errors import CallError
from facslens.models import model as models
from facslens.models.initial import digest
from facslens.runs.folder import Run
from facslens.stages import crossval as of_folds
from facslens.stages import order
from facslens.training import crossval
from facslens.training.recipe import FINE_TUNING

#: The stages of a run that trains its network, in order.
TRAINED = [name for name in order.STAGES if name != "open"]


@pytest.fixture
def run(finished_run, tmp_path):
    """A copy of the finished run, to be changed."""
    return shutil.copytree(finished_run, tmp_path / "run")


def test_a_run_leaves_every_file_and_finds_the_drawn_detectors(finished_run):
    stages = json.loads((finished_run / "run.json").read_text())["stages"]
    assert [(name, entry["status"]) for name, entry in stages.items()] == [
        (name, "done") for name in TRAINED
    ]
    mapping = pd.read_csv(finished_run / "mapping.csv")
    chosen = mapping[
        (mapping["view"] == "au_to_unit") & (mapping["rule"] == "tested") & (mapping["rank"] == 1)
    ]
    conv3 = chosen[chosen["layer"] == "conv3"].set_index("au")
    # mouth and brow are drawn for these; AU17 comes and goes without a trace in the picture
    assert {"AU12", "AU25", "AU27", "AU04"} <= set(conv3.index[conv3["unit"].notna()])
    assert conv3.loc["AU27", "auroc_test"] == 1.0
    assert "AU17" not in set(conv3.index[conv3["unit"].notna()])
    assert (finished_run / "report" / "index.html").is_file()
    index = pd.read_csv(finished_run / "projections" / "index.csv")
    for name in index["projection"]:
        assert (finished_run / "projections" / name).is_file()


def test_resume_after_a_stop_does_only_what_is_missing(facslens, run, monkeypatch):
    stages = Run(run).info["stages"]
    del stages["project"], stages["report"]
    Run(run).update(stages=stages)
    called = []
    kept = {
        name: lambda *run, name=name, stage=stage, **means: (
            called.append(name),
            stage(*run, **means),
        )
        for name, stage in order.STAGES.items()
    }
    monkeypatch.setattr(order, "STAGES", kept)
    code, out, _ = facslens("run", "--resume", "--out", run)
    assert (code, called) == (0, ["project", "report"])
    assert "report:" in out


def test_the_experiment_of_a_run_and_its_report(facslens, run, drawn_stimuli):
    shutil.rmtree(run / "experiment")
    code, out, err = facslens("experiment", run, "--stimuli", drawn_stimuli)
    assert code == 0, err
    assert "conv3: " in out
    assert "of 2 action units are caused" in out
    assert Run(run).info["stages"]["experiment"]["status"] == "done"
    assert Run(run).info["stages"]["report"]["status"] == "done"
    code, _, err = facslens("experiment", run, "--permutations", "9")
    assert (code, "--permutations needs --out DIR" in err) == (2, True)
    code, _, err = facslens("experiment", "compact")
    assert (code, "is no run: name a folder for the tables with --out DIR" in err) == (2, True)


def test_a_stage_alone_makes_the_later_ones_out_of_date(facslens, run):
    code, out, _ = facslens("associate", run, "--distance", "auroc", "--rank", "distance")
    assert code == 0
    assert "au_to_unit, distance" in out
    assert set(pd.read_csv(run / "mapping.csv")["distance"]) == {"auroc"}
    stages = json.loads((run / "run.json").read_text())["stages"]
    late = {"experiment", "mechanism", "project", "report"}
    assert {name: entry["status"] for name, entry in stages.items()} == {
        name: "outdated" if name in late else "done" for name in TRAINED
    }


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["data", "synth", "--out", "faces", "--subjects=0"], 2, "error: --subjects is 0"),
        (["data", "synth", "--out", "faces", "--size", "-5"], 2, "error: --size is -5"),
        (["data", "synth", "--out", "faces", "--design", "free"], 2, "error: --design is 'free'"),
        (["run", "--data", "nothing"], 2, "error: --data 'nothing' names no dataset layout"),
        (["data", "check", "nothing"], 2, "error: spec 'nothing' names no dataset layout"),
        (["data", "crop", ".", "--out", "x", "--size", "3"], 2, "error: --size is 3"),
        (["run", "--data", "ck49:somewhere"], 2, "names no dataset layout"),
        (["run", "--data", "ck48:nowhere"], 1, "nowhere"),
        (
            ["run", "--data", "ck48:nowhere", "--model", "vgg"],
            2,
            "--model is 'vgg': expected an architecture, paper or compact",
        ),
        (
            ["run", "--data", "ck48:nowhere", "--size", "50"],
            2,
            "error: --size is 50: the paper's network reads",
        ),
        (
            ["run", "--data", "ck48:nowhere", "--model", "compact", "--size", "31"],
            2,
            "32 pixels or",
        ),
        (
            ["run", "--data", "ck48:nowhere", "--init", "vgg"],
            2,
            "--init is 'vgg': expected a network in the package",
        ),
        (["crossval", "--data", "ck48:nowhere", "--init", "vgg"], 2, "--init is 'vgg': expected"),
        (["run", "--data", "ck48:nowhere", "--init", "."], 1, "model.json does not exist"),
        (["run", "--data", "ck48:nowhere", "--distance", "l2"], 2, "l2"),
        (["run", "--data", "ck48:nowhere", "--distance", "all"], 2, "distance 'all' is not known"),
        (["run", "--data", "ck48:nowhere", "--null", "none"], 2, "null 'none' is not known"),
        (["associate", "nowhere", "--rank", "z"], 2, "expected tested or distance"),
        (["run", "--data", "ck48:nowhere", "--rule", "lrp"], 2, "--rule is 'lrp'"),
        (["report", "nowhere"], 1, "nowhere is no run"),
        (["crossval", "--folds", "2"], 2, "--folds"),
        (["crossval", "--controls", "2"], 2, "--controls 2 compares action unit detectors"),
        (["frobnicate"], 2, "No such command"),
    ],
)
def test_a_wrong_call_gets_one_sentence_and_no_traceback(
    facslens, tmp_path, monkeypatch, arguments, code, sentence
):
    monkeypatch.chdir(tmp_path)
    found, _, err = facslens(*arguments)
    assert found == code
    assert sentence in err
    assert "Traceback" not in err


def test_an_existing_folder_is_not_written_over(facslens, run, drawn_ck48):
    before = (run / "run.json").read_bytes()
    code, _, err = facslens("run", "--data", f"ck48:{drawn_ck48}", "--out", run)
    assert code == 2
    assert "exists already" in err
    assert (run / "run.json").read_bytes() == before


def test_a_mistyped_path_does_not_use_up_the_folder(facslens, tmp_path, draw_ck48, monkeypatch):
    for name in TRAINED[1:]:
        monkeypatch.setitem(order.STAGES, name, lambda *_, **_means: None)
    out = tmp_path / "run"
    code, _, err = facslens("run", "--data", f"ck48:{tmp_path / 'fcaes'}", "--out", out)
    assert code == 1
    assert "fcaes does not exist" in err
    folder = draw_ck48(tmp_path / "faces", subjects=4)
    code, _, _ = facslens("run", "--data", f"ck48:{folder}", "--out", out)
    assert code == 0
    assert (out / "faces.parquet").is_file()


def test_a_run_of_another_format_is_refused(facslens, run):
    info = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text(json.dumps({**info, "format": 99}))
    code, _, err = facslens("record", run)
    assert code == 1
    assert "was written in format 99" in err


def test_a_broken_image_is_named_and_counted_and_the_run_goes_on(
    facslens, draw_ck48, tmp_path, monkeypatch
):
    folder = draw_ck48(tmp_path / "faces", subjects=4)
    broken = folder / "CK+48" / "happy" / "S001_002_00000001.png"
    broken.write_bytes(broken.read_bytes()[:100])
    for name in TRAINED[1:]:
        monkeypatch.setitem(order.STAGES, name, lambda *_, **_means: None)
    code, _, _ = facslens("run", "--data", f"ck48:{folder}", "--out", tmp_path / "run")
    assert code == 0
    info = json.loads((tmp_path / "run" / "run.json").read_text())["faces"]
    assert info["images"] == 4 * 3 * 2 - 1
    assert [d["image"] for d in info["dropped"]] == ["happy/S001_002_00000001.png"]

    code, out, _ = facslens("data", "check", f"ck48:{folder}")
    assert code == 1
    assert "S001_002_00000001.png" in out
    code, out, _ = facslens("data", "check", f"ck48:{folder}", "--json")
    assert json.loads(out)["ok"] is False


def test_crossval_prints_what_a_machine_reads(facslens, drawn_ck48, tmp_path):
    arguments = ("--folds", "3", "--epochs", "1", "--out", tmp_path / "cv")
    call = ("crossval", "--data", f"ck48:{drawn_ck48}", *arguments)
    code, out, err = facslens(*call, "--json")
    assert code == 0
    summary = json.loads(out)
    assert summary["accuracy_mean"] == pytest.approx(np.mean(summary["folds"]))
    assert summary["images"] == 144
    assert "fold 2: accuracy" in err
    code, out, _ = facslens(*call)  # the folds are there already
    assert code == 0
    assert f"mean of 3 folds {summary['accuracy_mean']:.4f}" in out
    assert "Confusion, all folds" in out


#: Takes faces whose labels were changed, and the responses to them.
MINE = ("--accept", "faces.parquet", "--accept", "responses.zarr")


def test_both_nulls_are_tested_and_the_verdicts_said(facslens, run):
    nulls = pd.read_csv(run / "nulls.csv").query("layer == 'conv3'")
    # In the drawn faces an expression says all of a face's AUs but AU17, which is the person's.
    assert nulls[["null", "permutations", "seed"]].to_numpy().tolist() == [
        ["free", 49, 0], ["within_expression", 49, 0],
    ]  # fmt: skip
    table = pd.read_parquet(run / "association.parquet")
    assert set(table["null"]) == {"free", "within_expression"}
    within = table[(table["null"] == "within_expression") & (table["au"] == "AU12")]
    assert within["p_maxT"].isna().all()  # untestable, and not 0
    assert within["value"].notna().all()
    mapping = pd.read_csv(run / "mapping.csv")
    best = mapping.query("view == 'au_to_unit' and rule == 'tested' and rank == 1")
    row = best[(best["layer"] == "conv3") & (best["au"] == "AU27")].iloc[0]
    assert row["f1_test"] > 0.9
    assert row["n_within"] == row["n_within_test"] == 0
    assert row["status_within"] == "not enough data"
    assert set(pd.read_csv(run / "confounds.csv")["au"]) == set(table["au"])
    code, out, _ = facslens("associate", run, "--null", "within_subject")
    assert code == 0
    assert "AU27, mouth stretch: detected by unit" in out
    assert "Still true within one expression? Not enough data (0 sequences, needs 10)." in out
    table = pd.read_parquet(run / "association.parquet")
    assert set(table["null"]) == {"free", "within_expression", "within_subject"}
    # AU17 never changes within a person, so no label of it can move there.
    person = table[(table["null"] == "within_subject") & (table["au"] == "AU17")]
    assert person["p"].isna().all()


def test_a_null_that_cannot_be_is_left_out_and_said(facslens, run):
    faces = pd.read_parquet(run / "faces.parquet")
    faces.drop(columns="AU17").to_parquet(run / "faces.parquet", index=False)
    code, _, err = facslens("associate", run)
    assert code == 1
    assert "faces.parquet is not what the stage faces left" in err
    code, out, _ = facslens("associate", run, *MINE)
    assert code == 0
    assert "AU27, mouth stretch: detected by unit" in out
    skipped = json.loads((run / "run.json").read_text())["stages"]["associate"]["skipped"]
    assert list(skipped) == ["within_expression"]
    assert "same in every row of each stratum" in skipped["within_expression"]
    assert set(pd.read_csv(run / "nulls.csv")["null"]) == {"free"}
    code, _, err = facslens("associate", run, "--null", "within_expression")
    assert code == 1
    assert "same in every row of each stratum" in err


def test_labels_that_are_unknown_for_some_images(facslens, run):
    faces = pd.read_parquet(run / "faces.parquet")
    aus = [c for c in faces.columns if c.startswith("AU")]
    lost = sorted(faces["sequence"].unique())[::9]
    faces.loc[faces["sequence"].isin(lost), aus] = np.nan
    faces.loc[faces["sequence"].isin(lost[:2]), "expression"] = None
    faces.to_parquet(run / "faces.parquet", index=False)
    code, out, _ = facslens("associate", run, *MINE)
    assert code == 0
    assert "AU27, mouth stretch: detected by unit" in out
    discovery = faces[faces["split"] != "test"].dropna(subset=["AU12"])
    nulls = pd.read_csv(run / "nulls.csv")
    assert nulls["sequences"][0] == discovery["sequence"].nunique()


@pytest.mark.slow
def test_crossval_with_action_units(facslens, drawn_ck48, tmp_path, monkeypatch):
    trained, own = [], crossval.fit

    def once(faces, **choices):
        """Train a fold once: the second training of it gives the same network."""
        for before, training in trained:
            if before.equals(faces.table):
                return training
        trained.append((faces.table, own(faces, **choices)))
        return trained[-1][1]

    monkeypatch.setattr(crossval, "fit", once)
    hasty = functools.partial(of_folds.associate, permutations=99)  # instead of 1,000
    monkeypatch.setattr(of_folds, "associate", hasty)
    out = tmp_path / "cv"
    call = ("crossval", "--data", f"ck48:{drawn_ck48}", "--folds", "3", "--epochs", "4", "--aus")
    code, text, err = facslens(*call, "--out", out)
    assert code == 0, err
    assert "Action units, pairs within a fold, pooled" in text
    table = pd.read_csv(out / "aus.csv").set_index("au")
    assert table.loc["AU27", "folds"] == 3
    assert table.loc["AU27", "subjects"] == 24
    assert table.loc["AU27", "status"] == "confirmed"
    assert table.loc["AU27", "status_within"] == "not enough data"
    code, text, _ = facslens(*call, "--out", out, "--json")
    assert code == 0
    assert json.loads(text)["codings"]["AU27"] == {"by": "FACS coders", "automatic": False}
    found = {row["au"]: row for row in json.loads(text)["aus"]}
    assert found["AU27"]["auroc"] == pytest.approx(table.loc["AU27", "auroc"])
    assert found["AU27"]["auroc_within"] is None
    assert "difference" not in found["AU27"]
    code, text, err = facslens(*call, "--controls", "2", "--out", out)
    assert code == 0, err  # another question: the folds are trained again
    more = pd.read_csv(out / "aus.csv").set_index("au")
    assert more.loc["AU27", "seeds"] == 2
    assert more.loc["AU27", "auroc"] == pytest.approx(table.loc["AU27", "auroc"])
    gap = more.loc["AU27", "auroc"] - more.loc["AU27", "auroc_untrained"]
    assert more.loc["AU27", "difference"] == pytest.approx(gap)
    better = int((more["status_untrained"] == "better").sum())
    assert f"ahead of 2 untrained networks: {better} of" in text


def test_data_list_explains_every_layout(facslens):
    code, out, _ = facslens("data", "list")
    assert code == 0
    for name in ("ck48:PATH", "ckplus:PATH", "folder:PATH", "table:PATH"):
        assert name in out
    lines = [line.strip() for line in out.splitlines()]
    assert "described by lucey2010: held against real files of a part of it" in lines
    assert (
        "described by lundqvist1998, https://www.kdef.se: read as described there, and not held "
        "against the real files"
    ) in lines
    assert (
        "the whole dataset, read without keys, has 213 images and 10 subjects (lyons1998)" in lines
    )


def test_an_unforeseen_error_is_one_sentence_too(facslens, monkeypatch):
    def fail():
        raise ZeroDivisionError("seven")

    monkeypatch.setattr(command, "app", fail)
    code, _, err = facslens("run")
    assert code == 1
    assert "ZeroDivisionError: seven (not foreseen" in err
    assert "Traceback" not in err


def test_a_huge_image_is_refused_from_its_header(facslens, draw_ck48, tmp_path):
    folder = draw_ck48(tmp_path / "faces", subjects=4)
    place = folder / "CK+48" / "happy" / "S001_002_00000002.png"
    Image.new("1", (20_000, 20_000)).save(place)
    code, out, _ = facslens("data", "check", f"ck48:{folder}")
    assert code == 1
    assert "S001_002_00000002.png" in out
    assert "more than 33 megapixels" in out


@pytest.fixture(scope="module")
def begun(tmp_path_factory):
    """A folder that holds a compact network, a stand-in for that of the package."""
    folder = tmp_path_factory.mktemp("begun") / "network"
    folder.mkdir()
    models.save(models.build("compact", ("happiness", "anger", "fear"), 48, seed=1), folder)
    return folder


def test_a_run_begins_from_another_and_keeps_its_architecture(
    facslens, begun, drawn_ck48, tmp_path, monkeypatch
):
    for name in TRAINED[2:]:
        monkeypatch.setitem(order.STAGES, name, lambda *_, **_means: None)
    out = tmp_path / "run"
    data = ("--data", f"ck48:{drawn_ck48}")
    code, _, err = facslens("run", *data, "--init", begun, "--model", "paper", "--out", out)
    assert code == 2
    assert f"--model is 'paper', but init is '{begun}', a network of the architecture 'com" in err
    assert not out.exists()
    choices = ("--init", begun, "--size", "32", "--epochs", "1")
    code, _, err = facslens("run", *data, *choices, "--out", out)
    assert code == 0, err
    settings = json.loads((out / "run.json").read_text())["settings"]
    assert (settings["model"], settings["init"]) == ("compact", str(begun))
    assert settings["recipe"]["epochs"] == 1
    described = json.loads((out / "model.json").read_text())
    assert described["architecture"] == "compact"
    assert described["expressions"] == ["anger", "happiness", "surprise"]
    assert described["training"]["init"]["weights"] == digest(models.load(begun))

    code, _, _ = facslens("train", out, "--init", out, "--epochs", "1")  # goes on from itself
    assert code == 0
    again = json.loads((out / "model.json").read_text())["training"]["init"]
    assert again["training"]["init"] == described["training"]["init"]


@pytest.mark.parametrize(
    "shown", ["few", pytest.param("those of the package", marks=pytest.mark.slow)]
)
def test_a_run_of_the_compact_network_goes_the_whole_way(
    facslens, draw_ck48, two_grades, tmp_path, shown
):
    faces, out = draw_ck48(tmp_path / "faces", subjects=24, frames=1), tmp_path / "run"
    choices = ("--model", "compact", "--size", "32", "--epochs", "2", "--permutations", "19")
    choices += ("--layer", "stem", "--layer", "block3b.conv2")  # thirteen take minutes
    if shown == "few":
        choices += ("--stimuli", two_grades)
    code, text, err = facslens("run", "--data", f"ck48:{faces}", *choices, "--out", out)
    assert code == 0, err
    assert "report:" in text
    table = pd.read_parquet(out / "association.parquet")
    units = pd.read_csv(out / "units.csv")
    assert units["layer"].value_counts().to_dict() == {"block3b.conv2": 176, "stem": 32}
    live = units[units["status"] == "live"].groupby("layer").size()
    pd.testing.assert_series_equal(
        table.groupby("layer")["unit"].nunique(), live, check_names=False
    )
    assert (out / "report" / "index.html").stat().st_size < 15e6


def test_crossval_begins_from_a_run(facslens, begun, drawn_ck48, tmp_path, monkeypatch):
    given = {}

    def stop(_faces, **choices):
        given.update(choices)
        raise CallError("stopped here")

    monkeypatch.setattr(crossval, "fit", stop)
    monkeypatch.chdir(tmp_path)
    code, _, err = facslens("crossval", "--data", f"ck48:{drawn_ck48}", "--init", begun)
    assert code == 2
    assert "stopped here" in err
    assert given["architecture"] == "compact"
    assert digest(given["init"]) == digest(models.load(begun))
    assert given["recipe"] == FINE_TUNING
    folder = tmp_path / "runs" / "crossval-ck48-compact-48-10-0-from-network"
    assert (folder / "crossval.json").is_file()


def test_a_runs_own_network_predicts_and_so_does_its_export(
    facslens, finished_run, drawn_ck48, tmp_path
):
    faces = sorted((drawn_ck48 / "CK+48" / "surprise").glob("*.png"))[:3]
    choices = ("--faces-are-cropped", "--json")
    code, text, err = facslens("predict", *faces, *choices, "--model", finished_run)
    assert code == 0, err
    rows = [json.loads(line) for line in text.splitlines()]
    assert [row["expression"] for row in rows] == ["surprise"] * 3
    assert all(row["AU27_fired"] for row in rows)
    file = tmp_path / "run.onnx"
    assert facslens("export", finished_run, "--onnx", file)[0] == 0
    _, text, _ = facslens("predict", *faces, *choices, "--model", file)
    for row, line in zip(rows, text.splitlines(), strict=True):
        other = json.loads(line)
        assert list(other) == list(row)
        assert other["AU27_unit"] == row["AU27_unit"]
        assert other["surprise"] == pytest.approx(row["surprise"], abs=1e-4)
        assert other["AU27_response"] == pytest.approx(row["AU27_response"], rel=1e-4)
