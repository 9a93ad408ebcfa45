"""``--units directions`` as a user meets it."""

import shutil
import sys

import numpy as np
import pandas as pd
import pytest

import facslens as fl
from facslens.artifacts import read_json, read_table
from facslens.cli.experiment import _into
from facslens.cli.main import main
from facslens.errors import CallError
from facslens.models import model as models
from facslens.runs.folder import Run
from facslens.stages.means import Means

KINDS = ["conv3:random", "conv3:principal", "conv3:nonnegative", "conv3:probe"]


def run(*arguments, code=0):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["facslens", *map(str, arguments)])
        with pytest.raises(SystemExit) as stop:
            main()
    assert (stop.value.code or 0) == code


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    folder = tmp_path_factory.mktemp("networks") / "paper"
    models.save(models.build("paper", ("anger", "happiness", "surprise"), 48, seed=0), folder)
    return folder


@pytest.fixture(scope="module")
def audit(network, two_grades, drawn_ck48, tmp_path_factory):
    """An audit with faces, whose units are directions of the last layer."""
    folder = tmp_path_factory.mktemp("audits") / "run"
    quick = ["--untrained", 1, "--permutations", 19, "--stimuli", two_grades]
    data = ["--data", f"ck48:{drawn_ck48}"]
    run("audit", network, "--units", "directions", "--out", folder, *quick, *data)
    return folder


def test_every_stage_looks_at_directions(audit):
    record = fl.load_run(audit)
    assert list(record.layers) == KINDS
    assert record.responses.response("conv3:probe").shape == (len(record.faces), 2)
    assert set(record.association.table["layer"]) == set(KINDS)
    caused = read_table(audit / "experiment" / "caused.csv")
    assert list(caused["layer"].unique()) == KINDS
    index = pd.read_csv(audit / "projections" / "index.csv")
    assert set(index["layer"]) <= set(KINDS)
    assert len(index)
    probe = read_table(audit / "directions.csv").query("kind == 'probe'")
    assert list(probe["name"]) == ["AU01", "AU12"]
    layers = read_table(audit / "layers.csv").set_index("layer")
    assert list(layers.index[layers["looked_at"]]) == KINDS
    assert set(layers.loc[KINDS, "kind"]) == {"directions"}


def test_the_network_is_read_again_with_the_directions_that_were_kept(audit):
    record = fl.load_run(audit)
    again = fl.record(record.model, record.faces).response("conv3:probe")
    np.testing.assert_allclose(again, record.responses.response("conv3:probe"), rtol=1e-5)
    settings = read_json(audit / "run.json")["settings"]
    assert settings["units"] == "directions"


def test_changed_directions_are_noticed(audit, tmp_path, capsys):
    copied = shutil.copytree(audit, tmp_path / "run")
    file = copied / "directions.safetensors"
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    run("record", copied, code=1)
    assert "directions.safetensors" in capsys.readouterr().err
    assert Run(copied).info["stages"]["record"]["status"] == "done"


def test_a_finished_audit_is_verified_by_directions(audit, tmp_path):
    copied = shutil.copytree(audit, tmp_path / "run")
    checks = "untrained,rotated,ablation,place"
    run("verify", copied, "--only", checks, "--seeds", 1, "--sets", 5)
    controls = read_table(copied / "verify" / "controls.csv")
    assert set(controls["control"]) == {"untrained", "rotated"}
    assert set(controls["layer"]) == {"conv3:probe"}


def test_the_report_says_what_a_direction_is(audit):
    page = (audit / "report" / "index.html").read_text(encoding="utf-8")
    assert "conv3:probe" in page
    assert "conv3:probe <b>unit 0</b>, the direction <b>AU01</b>" in page
    assert "at every place of a layer, one weighted sum of all its maps" in page


def test_an_experiment_alone(network, drawn_stimuli, tmp_path, capsys):
    chosen = ["--layer", "conv2", "--untrained", 1, "--permutations", 19]
    arguments = ["experiment", network, "--stimuli", drawn_stimuli, *chosen]
    run(*arguments, "--units", "directions", "--out", tmp_path / "out")
    found = read_table(tmp_path / "out" / "overview.csv")
    units = found[found["candidates"] == "units"]
    assert list(units["layer"]) == [name.replace("conv3", "conv2") for name in KINDS]
    assert "conv2:probe: " in capsys.readouterr().out


def test_networks_along_a_training_are_compared_by_channels(audit, tmp_path, capsys):
    out = tmp_path / "out"
    run("experiment", audit, "--units", "directions", "--checkpoints", "--out", out, code=2)
    assert "is an audit, whose network was trained elsewhere" in capsys.readouterr().err
    with pytest.raises(CallError, match="--checkpoints compares channels along the training"):
        _into(out, "compact", None, "directions", {}, False, fl.load_run(audit), Means())
    assert not out.exists()


def test_other_units_are_refused(network, tmp_path, capsys):
    out = tmp_path / "out"
    for command in ("audit", "experiment"):
        run(command, network, "--units", "neurons", "--out", out, code=2)
        assert "units is 'neurons': expected channels or directions" in capsys.readouterr().err
        assert not out.exists()
