"""A projection rule is one entry of one table: commands, pictures, checks and report follow."""

import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from facslens.artifacts import read_table
from facslens.errors import ArtifactError, CallError
from facslens.projection.rules import RULES, Rule
from facslens.report.html import write_report
from facslens.runs.folder import Run
from facslens.runs.settings import Settings
from facslens.stages.checks import Choices
from facslens.stages.order import run_stage
from facslens.stages.project import COLUMNS
from facslens.stages.verify import verify
from facslens.training.recipe import Recipe

MINE = Rule("rectifier-blind", lambda R, _fires: R)


@pytest.fixture(scope="module")
def made(drawn_ck48, tmp_path_factory) -> Run:
    """A run of one epoch whose settings name a rule that the table got from outside."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(RULES, "mine", MINE)
        settings = Settings(
            recipe=Recipe(epochs=1),
            permutations=49,
            distance="auroc",
            layers=["conv3"],
            exemplars=4,
            rule="mine",
        )
        settings.check()
        run = Run.create(
            tmp_path_factory.mktemp("rule") / "run",
            data=f"ck48:{drawn_ck48}",
            seed=0,
            settings=settings.entries(),
        )
        for stage in ("faces", "train", "record", "associate", "project"):
            run_stage(run, stage)
        verify(run, "sanity,place", Choices(seeds=1, sets=2))
    return run


def test_a_rule_that_is_in_no_table_is_refused() -> None:
    with pytest.raises(CallError, match="rule is 'mine': expected one of deconvnet"):
        Settings(rule="mine").check()


def test_the_pictures_are_made_by_it(made: Run) -> None:
    index = read_table(made / "projections" / "index.csv")
    assert tuple(index.columns) == COLUMNS
    assert set(index["rule"]) == {"mine"}
    for kind in ("projection", "face", "whole"):
        assert all((made / "projections" / name).is_file() for name in index[kind])


def test_the_report_shows_its_pictures_under_its_name(
    made: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(RULES, "mine", MINE)
    index = write_report(made)
    page = index.read_text(encoding="utf-8")
    mapping = read_table(made / "mapping.csv").query("view == 'au_to_unit' and rule == 'tested'")
    chosen = mapping.loc[mapping["rank"] == 1, "unit"].dropna().astype(int)
    assert len(chosen)
    pictures = {path.name for path in (index.parent / "pictures").iterdir()}
    for unit in chosen:
        assert f"conv3-{unit}-1-projection.png" in pictures
        assert f"pictures/conv3-{unit}-1-projection.png" in page
    assert "the response projected back to pixels (mine)" in page
    assert "by the rectifier-blind rule" in page
    # the sanity check has a line for it, told from the others by its place among the rules
    assert '<span class="mark line line-4"></span>mine' in page
    assert page.count('<path class="curve line-4"') == 2


def test_pictures_of_a_rule_that_is_gone_are_still_shown(made: Run) -> None:
    assert "mine" not in RULES
    index = write_report(made)
    assert any((index.parent / "pictures").iterdir())
    assert "by the mine rule" in index.read_text(encoding="utf-8")


def test_pictures_that_are_gone_are_missed(made: Run, tmp_path: Path) -> None:
    run = Run.open(shutil.copytree(made.folder, tmp_path / "run"))
    next((run / "projections").glob("*-projection.png")).unlink()
    with pytest.raises(ArtifactError, match="projections is not what the stage project left"):
        write_report(run)


def test_the_sanity_check_compares_it(made: Run) -> None:
    table = read_table(made / "verify" / "sanity.csv")
    assert set(table["rule"]) == {"deconvnet", "guided", "gradient", "mine", "edges"}
    of_mine = table[(table["rule"] == "mine") & (table["randomised"] == "nothing")]
    pd.testing.assert_series_equal(
        of_mine["ssim"], pd.Series([1.0], of_mine.index, name="ssim"), rtol=1e-12
    )
    assert set(read_table(made / "verify" / "place.csv")["rule"]) == {"mine"}


@pytest.mark.parametrize("command", ["run", "project"])
def test_the_help_names_it(command: str) -> None:
    code = (
        "import sys\n"
        "from facslens.projection.rules import RULES, Rule\n"
        "RULES['mine'] = Rule('my own', lambda R, fires: R)\n"
        "from facslens.cli.main import main\n"
        f"sys.argv = ['facslens', {command!r}, '--help']\n"
        "main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True,
        env={"COLUMNS": "200", "PYTHONPATH": ":".join(sys.path), "PATH": ""},
    )  # fmt: skip
    assert "deconvnet, guided, gradient or mine" in " ".join(done.stdout.split())
