"""`facslens verify` on a run of drawn faces: its tables, and that it goes on where it was."""

import dataclasses
import shutil
import sys

import numpy as np
import pandas as pd
import pytest

from facslens.artifacts import read_table, write_table
from facslens.cli.main import main
from facslens.controls import champions as champion
from facslens.errors import ArtifactError, CallError
from facslens.projection import place, sanity
from facslens.report.html import write_report
from facslens.runs.files import FILES
from facslens.runs.folder import Run
from facslens.runs.settings import Settings
from facslens.stages.check_table import CHECKS, Check, check_names, choose_checks
from facslens.stages.checks import Choices
from facslens.stages.order import STAGES, run_stage
from facslens.stages.verify import verify
from facslens.training.recipe import Recipe

#: What stands between the faces and the checks.
FILES_OF_MAPPING = [f for stage in ("faces", "train", "record", "associate") for f in FILES[stage]]
CHEAP = Choices(seeds=2, sets=5, epochs=1)
#: All that runs by default, but for the 4,608 pixels.
FAST = "untrained,rotated,gradients,probe,ablation,place,sanity"
CONTROLS = [name for name in choose_checks("controls") if name != "pixels"]


@pytest.fixture(scope="module")
def made(drawn_ck48, tmp_path_factory):
    """A run of few epochs, as far as its mapping, and its first verification."""
    settings = Settings(
        recipe=Recipe(epochs=4), permutations=49, distance="auroc", layers=["conv2", "conv3"]
    )
    run = Run.create(
        tmp_path_factory.mktemp("runs") / "drawn",
        data=f"ck48:{drawn_ck48}",
        seed=0,
        settings=settings.entries(),
    )
    for stage in ("faces", "train", "record", "associate"):
        run_stage(run, stage)
    verify(run, FAST, CHEAP)
    return run


@pytest.fixture
def run(made, tmp_path):
    """A copy of it, to be changed."""
    return Run.open(shutil.copytree(made.folder, tmp_path / "run"))


def test_the_controls_say_what_was_learned(made) -> None:
    table = read_table(made / "verify" / "controls.csv")
    assert tuple(table.columns) == champion.COLUMNS
    assert table["control"].unique().tolist() == CONTROLS
    assert (table.groupby("control")["au"].nunique() == 5).all()
    assert set(table["layer"]) == {"conv3"}
    mouth = table[table["au"] == "AU27"].set_index("control")
    mapping = read_table(made / "mapping.csv").query(
        "view == 'au_to_unit' and rule == 'tested' and layer == 'conv3' and rank == 1"
    )
    first = mapping.set_index("au").loc["AU27"]
    assert set(mouth["unit"]) == {first["unit"]}
    np.testing.assert_allclose(mouth["auroc_test"], first["auroc_test"])
    # a mouth drawn wide open is plain to see without any network
    assert mouth.loc["gradients", "control_auroc_test"] == 1
    assert mouth.loc["untrained", "seeds"] == 2


def test_the_other_tables(made) -> None:
    ablation = read_table(made / "verify" / "ablation.csv")
    assert len(ablation) == 5 * 2 * 2 * 3  # AUs, actions, modes, expressions
    assert set(ablation["status"]) <= {"tested", "no unit", "no like units"}
    assert {"tested", "no unit"} <= set(ablation["status"])  # AU17 leaves no trace
    own = ablation[ablation["related"] & (ablation["status"] == "tested")]
    assert own["q_score"].notna().all()
    assert (own["q_score"] >= own["p_score"]).all()
    where = read_table(made / "verify" / "place.csv")
    assert tuple(where.columns) == place.COLUMNS
    assert where["au"].tolist() == ["AU04", "AU12", "AU17", "AU25", "AU27", "all"]
    assert where.set_index("au").loc["AU17", "status"] == "no unit"
    table = read_table(made / "verify" / "sanity.csv")
    assert tuple(table.columns) == sanity.COLUMNS
    assert set(table["randomised"]) == {"nothing", "conv3", "conv2", "conv1"}
    entry = made.info["stages"]["verify"]
    assert entry["status"] == "done"
    assert entry["settings"]["seeds"] == 2


def test_the_verdicts_have_what_the_checks_add(made) -> None:
    before, after = read_table(made / "verdicts.csv"), read_table(made / "verify" / "verdicts.csv")
    same = ["layer", "au", "unit", "status", "found", "within", "beyond", "inseparable"]
    pd.testing.assert_frame_equal(after[same], before[same])
    assert before["learned"].isna().all()
    confirmed = after["status"] == "confirmed"
    checked = after["layer"] == "conv3"
    assert (confirmed & checked).any()
    assert (after["learned"].notna() == (confirmed & checked)).all()
    assert after.loc[confirmed & checked, "used"].str.startswith("Does the network use it?").all()
    assert (after["verdict"] == before["verdict"]).tolist() == (~(confirmed & checked)).tolist()


def test_it_goes_on_where_it_was(run, monkeypatch) -> None:
    (run / "verify" / "place.csv").unlink()
    called, table = [], read_table(run / "verify" / "controls.csv")
    ablation = read_table(run / "verify" / "ablation.csv")

    def made(check, subject, progress):
        called.append(next(name for name, one in CHECKS.items() if one is check))
        return ablation if called[-1] == "ablation" else table

    monkeypatch.setattr(Check, "make", made)
    verify(run, choices=CHEAP)
    assert called == ["pixels", "place"]
    verify(run, choices=CHEAP)
    assert called == ["pixels", "place"]
    verify(run, "sanity,ablation", CHEAP)
    assert called == ["pixels", "place", "ablation", "sanity"]
    (run / "verify" / "sanity.csv").write_text("changed")  # nobody accepted it
    verify(run, choices=CHEAP)
    assert called == ["pixels", "place", "ablation", "sanity", "sanity"]
    (run / "verify" / "place.csv").unlink()
    called.clear()
    verify(run, "sanity", CHEAP)
    assert called == ["place", "sanity"]


def test_a_lost_table_is_made_again_as_it_was_made(run) -> None:
    file = run / "verify" / "ablation.csv"
    before = file.read_bytes()
    file.write_text("changed")
    verify(run, "place", dataclasses.replace(CHEAP, sets=7))
    assert file.read_bytes() == before
    done = run.info["stages"]["verify"]["done"]
    assert (done["place"]["sets"], done["ablation"]["sets"]) == (7, 5)


def check_patience(who, subject, progress):
    """A check as somebody else might write it."""
    return pd.DataFrame({"who": [who], "faces": [len(subject.record.faces)], "p": [0.25]})


def test_a_check_from_outside_is_one_entry(run, monkeypatch) -> None:
    monkeypatch.setitem(
        CHECKS,
        "patience",
        Check(f"{__name__}:check_patience", ("Job",), group="virtues", note="a virtue"),
    )
    assert check_names().endswith("virtues (patience)")
    assert choose_checks("virtues") == ("patience",)
    assert "patience" not in choose_checks(None)
    verify(run, "patience", CHEAP)
    table = read_table(run / "verify" / "patience.csv")
    assert table.to_dict("records") == [
        {"who": "Job", "faces": len(read_table(run / "faces.parquet")), "p": 0.25}
    ]
    page = write_report(run).read_text(encoding="utf-8")
    shown = page[page.index('<section id="check-patience">') :]
    assert "<h2>Check: patience</h2>" in shown
    assert "<td>Job</td>" in shown
    assert (run / "report" / "data" / "patience.csv").is_file()


def test_a_control_takes_its_own_rows_place(run) -> None:
    before = read_table(run / "verify" / "controls.csv")
    verify(run, "probe", CHEAP)
    pd.testing.assert_frame_equal(read_table(run / "verify" / "controls.csv"), before)


def test_shuffled_labels_are_trained_on_only_when_named(run) -> None:
    assert "shuffled" not in choose_checks(None)
    verify(run, "shuffled", CHEAP)
    table = read_table(run / "verify" / "controls.csv")
    assert table["control"].unique().tolist() == ["untrained", "shuffled", *CONTROLS[1:]]


def test_another_mapping_outdates_all_tables(run) -> None:
    mapping = read_table(run / "mapping.csv")
    write_table(run / "mapping.csv", mapping.iloc[:-1])
    with pytest.raises(ArtifactError, match=r"mapping.csv is not what the stage associate left"):
        verify(run, "probe", CHEAP)
    run.accept(["mapping.csv"])
    assert run.info["stages"]["verify"]["status"] == "outdated"
    assert (run / "verify" / "controls.csv").exists()
    verify(run, "probe", CHEAP)
    assert not (run / "verify" / "ablation.csv").exists()
    assert set(read_table(run / "verify" / "controls.csv")["control"]) == {"probe"}


def test_nobody_held_out_and_nothing_mapped(run) -> None:
    """Rows that say so in every table, and no crash."""
    faces = read_table(run / "faces.parquet")
    faces["split"] = faces["split"].replace("test", "train")
    write_table(run / "faces.parquet", faces)
    mapping = read_table(run / "mapping.csv")
    write_table(run / "mapping.csv", mapping.assign(unit=np.nan))
    run.accept(FILES_OF_MAPPING)
    verify(run, "probe,ablation,place,sanity", CHEAP)
    controls = read_table(run / "verify" / "controls.csv")
    assert set(controls["status"]) == {"not enough data"}
    assert controls["auroc_test"].isna().all()
    ablation = read_table(run / "verify" / "ablation.csv")
    assert set(ablation["status"]) == {"no faces"}
    assert (ablation["n_faces"] == 0).all()
    where = read_table(run / "verify" / "place.csv").set_index("au")
    assert where.loc["all", "status"] == "not enough data"
    assert set(where["status"]) == {"no unit", "not enough data"}
    assert len(read_table(run / "verify" / "sanity.csv")) == 0
    page = write_report(run).read_text(encoding="utf-8")
    assert "No mapped unit responds to an unseen face." in page
    assert "No action unit has units that can be ablated" in page


def test_stability_against_another_run(run, made) -> None:
    verify(run, "stability", dataclasses.replace(CHEAP, against=(made.folder,)))
    table = read_table(run / "verify" / "stability.csv").set_index("au")
    assert table.loc["AU27", "returned_unit"] == 1  # it is the same run
    assert table.loc["AU27", "correlation"] == pytest.approx(1)
    assert table.loc["AU17", "pairs"] == 0


@pytest.mark.slow
def test_a_report_that_exists_is_made_again(run, monkeypatch, capsys) -> None:
    call = ["facslens", "verify", str(run.folder), "--only", "probe"]
    monkeypatch.setattr(sys, "argv", call)
    shutil.rmtree(run / "verify")
    with pytest.raises(SystemExit):
        main()
    assert "report:" not in capsys.readouterr().out  # there was none
    run_stage(run, "report")
    (run / "report" / "index.html").write_text("")
    with pytest.raises(SystemExit):
        main()
    assert "report:" in capsys.readouterr().out
    assert "linear, on all units together" in (run / "report" / "index.html").read_text()
    assert run.is_done("report")
    assert run.is_done("verify")


def test_errors(run, monkeypatch, capsys) -> None:
    with pytest.raises(
        CallError, match="only names 'abblation', which is no check: expected some of controls"
    ):
        verify(run, "abblation", CHEAP)
    with pytest.raises(CallError, match="layer 'conv9' was not recorded: there are conv2"):
        verify(run, choices=dataclasses.replace(CHEAP, layer="conv9"))
    with pytest.raises(CallError, match="against names no run"):
        verify(run, "stability", CHEAP)
    with pytest.raises(CallError, match="seeds is 0: needs at least 1"):
        verify(run, choices=dataclasses.replace(CHEAP, seeds=0))
    (run / "mapping.csv").unlink()
    with pytest.raises(ArtifactError, match=r"missing .*: make it again with `facslens associate"):
        verify(run, choices=CHEAP)
    monkeypatch.setattr(sys, "argv", ["facslens", "verify", str(run.folder), "--only", "z"])
    with pytest.raises(SystemExit) as stop:
        main()
    assert stop.value.code in (1, 2)
    assert "Traceback" not in capsys.readouterr().err
    assert "verify" not in STAGES  # the main job does not wait for it
