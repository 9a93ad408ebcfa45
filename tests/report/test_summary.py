"""The run in ten lines: every sentence against the tables that it was made of."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from facslens.names import listed
from facslens.report.html import open_page
from facslens.report.summary import build_summary
from facslens.runs.folder import Run


def lines(run: Run) -> dict[str, str]:
    return {line.about: line.sentence for line in open_page(run).of(build_summary)}


def test_a_complete_run_without_an_experiment_has_nine_lines(full_run: Run) -> None:
    assert list(lines(full_run)) == [
        "Asked", "Faces", "Network", "Accuracy", "Detected", "Or the expression?", "Controls",
        "Not proved", "Missing",
    ]  # fmt: skip


def test_what_was_asked_and_of_whom(full_run: Run) -> None:
    said = lines(full_run)
    assert said["Asked"] == (
        "Which feature maps of a network that was only taught to read facial expressions have "
        "become detectors of facial action units?"
    )
    faces = pd.read_parquet(full_run / "faces.parquet")
    people = faces.groupby("split")["subject"].nunique()
    assert said["Faces"] == (
        f"{len(faces)} faces of {faces['subject'].nunique()} people (drawn, drawn by a program): "
        f"{people['train']} to train on, {people['validation']} to choose the epoch on and "
        f"{people['test']} unseen, to confirm on. Nobody is in two parts."
    )


def test_the_network_and_what_it_reads(full_run: Run) -> None:
    said = lines(full_run)
    assert said["Network"] == (
        "The network of the paper, of 1\u202f333\u202f995 parameters, learned 3 expressions in 3 "
        "epochs; epoch 2 was kept."
    )
    told = pd.read_parquet(full_run / "predictions.parquet").query("split == 'test'")
    right = (told["true"] == told["predicted"]).mean()
    common = told["true"].value_counts(normalize=True).max()
    assert said["Accuracy"] == (
        f"It names the expression correctly for {100 * right:.0f}\u202f% of {len(told)} faces of 4 "
        f"unseen people; always naming the commonest gives {100 * common:.0f}\u202f%."
    )


def test_which_action_units_are_detected_and_what_the_expression_leaves(full_run: Run) -> None:
    said, mapping = lines(full_run), pd.read_csv(full_run / "mapping.csv")
    first = mapping.query("rule == 'tested' and layer == 'conv2' and not rank > 1")
    confirmed = list(first.query("status == 'confirmed'")["au"])
    assert said["Detected"] == (
        f"{len(confirmed)} of {len(first)} action units have a detector among the 6 units of "
        f"conv2 that holds on 4 subjects the network never saw: {listed(confirmed)}. The mean "
        f"AUROC of all 4 units chosen is {first['auroc_test'].mean():.2f}; ½ is chance."
    )
    # within expression, AU01 has max-T p 0.031 and AU12 0.3
    assert said["Or the expression?"] == (
        "With labels permuted only among faces of one expression, 1 of the 2 still passes the "
        "test; the other may only follow the expression."
    )


def test_what_controls_say_and_pictures_cannot_prove(full_run: Run) -> None:
    said = lines(full_run)
    controls = pd.read_csv(full_run / "verify" / "controls.csv").query("control == 'untrained'")
    better = list(controls.query("status == 'better'")["au"])
    assert said["Controls"] == (
        f"On the same unseen people, the network detects {len(better)} of "
        f"{controls['status'].ne('none').sum()} action units better than untrained networks do: "
        f"{listed(better)}."
    )
    sanity = pd.read_csv(full_run / "verify" / "sanity.csv").query("rule == 'deconvnet'")
    assert f"correlate by {sanity['rank_correlation'].iloc[-1]:.2f}" in said["Not proved"]
    assert said["Not proved"].endswith("an expression label is an appearance.")


def test_what_is_missing_is_counted_by_command(full_run: Run) -> None:
    # no experiment, no mechanism's effects, chain and layers, no other seeds, no truth
    assert lines(full_run)["Missing"] == (
        "1 part of this page waits for facslens experiment, 4 parts of this page wait for "
        "facslens mechanism and 2 parts of this page wait for facslens verify. Each says so in "
        "its place."
    )


@pytest.mark.parametrize(
    ("file", "gone"),
    [
        ("model.json", {"Network"}),
        ("predictions.parquet", {"Accuracy"}),
        ("mapping.csv", {"Detected", "Or the expression?"}),
        ("verify/controls.csv", {"Controls"}),
    ],
)
def test_a_line_is_left_out_where_its_stage_has_not_run(
    write_run: Callable[..., Run], noted: Callable[[Run], None], file: str, gone: set[str]
) -> None:
    run = write_run()
    before = set(lines(run))
    (run / file).unlink()
    noted(run)
    assert before - set(lines(run)) == gone


def test_a_bare_run_says_that_all_is_missing(tmp_path: Path) -> None:
    run = Run.create(tmp_path / "bare", data="synthetic", seed=0)
    said = lines(run)
    assert list(said) == ["Asked", "Not proved", "Missing"]
    assert "facslens train" in said["Missing"]
