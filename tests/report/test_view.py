"""The view model against the numbers that the fake run was written with."""

import math
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from facslens.artifacts import read_json, write_json
from facslens.report.exemplars import Box
from facslens.report.findings import Findings, build_findings
from facslens.report.html import open_page
from facslens.report.missing import Missing
from facslens.report.section import Page
from facslens.report.sections.answer import build_head
from facslens.report.sections.faces import build_data
from facslens.report.sections.heatmap import build_heatmaps
from facslens.report.sections.methods import build_methods
from facslens.report.sections.network import build_confusion
from facslens.report.sections.rule import build_comparison
from facslens.report.sections.training import build_training
from facslens.responses.store import Responses
from facslens.runs.folder import Run


@pytest.fixture(scope="module")
def page(full_run: Run) -> Page:
    return open_page(full_run)


@pytest.fixture(scope="module")
def findings(page: Page) -> Findings:
    assert isinstance(page.of(build_findings), Findings)
    return page.of(build_findings)


def test_headline_counts_the_confirmed_among_the_tested(page: Page) -> None:
    assert page.of(build_head).headline == (
        "2 of 5 action units have a detector among the 6 units of conv2 "
        "that holds on 4 subjects the network never saw."
    )


def test_key_numbers(page: Page) -> None:
    confirmed, mean, accuracy, subjects = page.of(build_head).numbers
    assert (confirmed.value, confirmed.of) == ("2", "of 5")
    assert "4 found in discovery" in confirmed.note
    assert "1 more too rare to test" in confirmed.note
    assert mean.value == f"{np.mean([0.973, 0.611, 0.912, 0.75]):.2f}"
    assert accuracy.value == "88\u202f%"  # 21 of 24
    assert subjects.value == "12"


def test_cards_hold_the_numbers_of_the_mapping(findings: Findings) -> None:
    card = next(c for c in findings.cards if c.au == "AU01")
    assert (card.layer, card.unit, card.status) == ("conv2", 2, "confirmed")
    assert (card.auroc, card.test.value, card.test.low, card.test.high) == (
        0.981,
        0.973,
        0.914,
        1.0,
    )
    assert (card.p_max, card.p_within, card.beyond_expression) == (0.001, 0.031, True)
    assert (card.n_present, card.n_absent) == (8, 16)
    assert (card.n_test_present, card.n_test_absent) == (4, 8)


def test_best_unit_is_the_accepted_one_of_largest_z(findings: Findings) -> None:
    card = next(c for c in findings.cards if c.au == "AU01")
    assert card.units_accepted == 2
    assert card.unit == 2  # z = 9; unit 3 has z = 4
    assert card.shared_with == ("AU20",)


def test_cards_go_from_the_surest_to_the_untested(findings: Findings) -> None:
    assert [(c.au, c.status) for c in findings.cards] == [
        ("AU01", "confirmed"),
        ("AU12", "confirmed"),
        ("AU06", "not confirmed"),
        ("AU20", "not enough data"),
        ("AU27", "not enough data"),
        ("AU17", "none"),
    ]


def test_an_untested_action_unit_says_why(findings: Findings) -> None:
    card = next(c for c in findings.cards if c.au == "AU27")
    assert card.unit is None
    assert card.reason == "1 sequence with it, needs 10"
    assert findings.tested_aus == 5


def test_other_layers_are_told(findings: Findings) -> None:
    card = next(c for c in findings.cards if c.au == "AU12")
    (other,) = card.others
    assert (other.layer, other.unit, other.test.value) == ("conv1", 1, 0.912)
    first, second = findings.layers
    assert (first.layer, first.units, first.live, first.accepted) == ("conv1", 5, 4, 1)
    assert (second.layer, second.accepted, second.confirmed) == ("conv2", 4, 2)


def test_histogram_has_one_value_a_sequence(full_run: Run, findings: Findings) -> None:
    card = next(c for c in findings.cards if c.au == "AU01")
    h = card.histogram
    assert h is not None
    sizes = (h.n_present, h.n_absent, h.n_present_test, h.n_absent_test)
    assert sizes == (8, 16, 4, 8)  # 8 and 4 subjects with three sequences of two images
    for group in (h.present, h.absent, h.present_test, h.absent_test):
        assert math.isclose(sum(group), 1)
    # its ends are those of the discovery subjects' means, one a sequence of two images
    table = pd.read_parquet(full_run / "faces.parquet")
    response = Responses.open(full_run / "responses.zarr").response("conv2")[:, 2]
    seen = (table["split"] != "test").to_numpy()
    means = pd.Series(response[seen]).groupby(table.loc[seen, "sequence"].to_numpy()).mean()
    assert len(means) == 24
    assert (h.low, h.high) == pytest.approx((means.min(), means.max()))
    assert h.high < response[seen].max()  # no single image's, which lies beyond
    # present answers 5 and more, absent below 1: they share no bin
    assert not any(p and a for p, a in zip(h.present, h.absent, strict=True))


def test_exemplars_are_the_first_six_with_their_window(findings: Findings) -> None:
    card = next(c for c in findings.cards if c.au == "AU01")
    assert [e.rank for e in card.exemplars] == [1, 2, 3, 4, 5, 6]
    box = card.exemplars[0].box
    assert box is not None
    assert (box.left, box.top, box.width, box.height) == pytest.approx(
        (25.0, 100 / 6, 100 * 32 / 48, 100 * 32 / 48)
    )
    # faces 6 and 36 of the table: 24 of each expression, two of each subject
    assert [(e.subject, e.split) for e in card.exemplars[::5]] == [
        ("S03", "train"),
        ("S06", "validation"),
    ]


def test_padding_of_a_crop_is_hidden(
    write_run: Callable[..., Run], noted: Callable[[Run], None]
) -> None:
    run = write_run()
    index = pd.read_csv(run / "projections" / "index.csv")
    index[["top", "left", "bottom", "right"]] = [-8, 20, 24, 52]
    index.to_csv(run / "projections" / "index.csv", index=False)
    noted(run)
    findings = open_page(run).of(build_findings)
    assert isinstance(findings, Findings)
    exemplar = findings.cards[0].exemplars[0]
    # 8 of 32 rows lie above the face of 48 pixels, 4 of 32 columns to its right
    hidden = exemplar.hidden
    assert (hidden.top, hidden.right, hidden.bottom, hidden.left) == (25.0, 12.5, 0.0, 0.0)
    assert exemplar.box is not None
    assert (exemplar.box.top, exemplar.box.height) == (0.0, 50.0)


def test_the_window_on_an_input_that_is_not_square_is_in_shares_of_its_own_sides(
    write_run: Callable[..., Run], noted: Callable[[Run], None]
) -> None:
    run = write_run()
    model = read_json(run / "model.json")
    del model["size"]
    write_json(run / "model.json", model | {"input": "rgb64x40-imagenet"})
    index = pd.read_csv(run / "projections" / "index.csv")
    index[["top", "left", "bottom", "right"]] = [-8, 20, 24, 52]
    index.to_csv(run / "projections" / "index.csv", index=False)
    noted(run)
    findings = open_page(run).of(build_findings)
    assert isinstance(findings, Findings)
    exemplar = findings.cards[0].exemplars[0]
    assert exemplar.box == Box(left=50.0, top=0.0, width=50.0, height=37.5)
    # 8 of 32 rows lie above the face, 12 of 32 columns right of its 40
    hidden = exemplar.hidden
    assert (hidden.top, hidden.right, hidden.bottom, hidden.left) == (25.0, 37.5, 0.0, 0.0)


def test_a_picture_outside_of_the_folder_is_not_taken(
    write_run: Callable[..., Run], noted: Callable[[Run], None]
) -> None:
    run = write_run()
    index = pd.read_csv(run / "projections" / "index.csv")
    index["whole"] = "../run.json"
    index.to_csv(run / "projections" / "index.csv", index=False)
    noted(run)
    findings = open_page(run).of(build_findings)
    assert isinstance(findings, Findings)
    shown = [e for c in findings.cards for e in c.exemplars]
    assert shown
    assert not any(e.whole for e in shown)


def test_heatmap_orders_units_by_the_action_unit_they_prefer(page: Page, full_run: Run) -> None:
    assert not isinstance(page.of(build_heatmaps), Missing)
    first, second = page.of(build_heatmaps)
    assert (first.layer, second.layer) == ("conv2", "conv1")
    assert second.left_out == 1  # the dead one
    table = pd.read_parquet(full_run / "association.parquet")
    table = table[(table["layer"] == "conv2") & (table["null"] == "free")]
    auroc = table[table["distance"] == "auroc"].pivot_table(
        index="unit", columns="au", values="value"
    )
    preferred = [first.aus.index(auroc.loc[u].idxmax()) for u in first.units]
    assert preferred == sorted(preferred)
    row, column = first.aus.index("AU12"), first.units.index(5)
    assert first.overview[row][column] == pytest.approx(0.933 - 0.5)
    assert set(first.detail_units) == {2, 3, 4, 5}
    cell = first.detail[first.aus.index("AU01")][first.detail_units.index(2)]
    assert (cell.auroc, cell.accepted, cell.best) == (0.981, True, True)
    second_best = first.detail[first.aus.index("AU01")][first.detail_units.index(3)]
    assert (second_best.accepted, second_best.best) == (True, False)


def test_comparison_tells_why_the_largest_distance_differs(page: Page) -> None:
    assert not isinstance(page.of(build_comparison), Missing)
    verdicts = {r.au: r.verdict for r in page.of(build_comparison).rows}
    assert verdicts == {
        "AU01": "same",
        "AU06": "suppressed",
        "AU12": "other",
        "AU17": "chance",
        "AU20": "same",
    }
    c = page.of(build_comparison)
    assert (c.same, c.suppressed, c.chance, c.other) == (2, 1, 1, 1)
    assert c.nulls == (0.21, 0.58)


def test_confusion_counts_the_test_faces(page: Page) -> None:
    assert not isinstance(page.of(build_confusion), Missing)
    c = page.of(build_confusion)
    assert c.expressions == ("anger", "happiness", "surprise")
    assert c.counts == ((5, 1, 2), (0, 8, 0), (0, 0, 8))
    assert (c.n, c.correct, c.subjects) == (24, 21, 4)
    assert c.accuracy == 21 / 24
    assert c.scores[0].recall == 5 / 8
    assert c.scores[2].precision == 8 / 10


def test_training_names_the_epoch_kept(page: Page) -> None:
    assert not isinstance(page.of(build_training), Missing)
    assert (page.of(build_training).best_epoch, page.of(build_training).epochs) == (2, 3)
    assert page.of(build_methods).validation_accuracy == pytest.approx(1 - 1.2 / 2 / 2)


def test_methods_say_what_a_sequence_counts_for(page: Page, write_run: Callable[..., Run]) -> None:
    assert page.of(build_methods).sequence_by == ""
    run = write_run()
    run.update(faces=run.info["faces"] | {"by": "mean"})
    said = open_page(run).of(build_methods).sequence_by
    assert said.startswith("Each sequence was taken as a whole: its responses were averaged over")


@pytest.mark.parametrize(
    ("training", "said"),
    [
        ({"pretrained": "compact-1"}, "the network compact-1 of facslens"),
        ({"seed": 0}, "a network trained before"),
    ],
)
def test_methods_say_what_the_training_began_from(
    page: Page,
    write_run: Callable[..., Run],
    training: dict[str, object],
    said: str,
    noted: Callable[[Run], None],
) -> None:
    assert page.of(build_methods).began is None
    run = write_run()
    model = read_json(run / "model.json")
    model["training"]["init"] = {"weights": "0" * 64, "training": training}
    write_json(run / "model.json", model)
    noted(run)
    assert open_page(run).of(build_methods).began == said


def test_data_counts_parts_and_action_units(page: Page) -> None:
    assert not isinstance(page.of(build_data), Missing)
    splits = {s.split: (s.images, s.subjects, s.sequences) for s in page.of(build_data).splits}
    assert splits == {"train": (36, 6, 18), "validation": (12, 2, 6), "test": (24, 4, 12)}
    assert not isinstance(page.of(build_data).coverage, Missing)
    row = next(r for r in page.of(build_data).coverage if r.au == "AU12")
    assert row.name == "lip corner puller"
    assert (row.n_test_present, row.subjects_test_present) == (4, 4)
    assert page.of(build_data).dropped[0].reason == "the file ends early"


@pytest.mark.parametrize(
    ("file", "build", "command"),
    [
        ("mapping.csv", build_findings, "associate"),
        ("association.parquet", build_heatmaps, "associate"),
        ("training.csv", build_training, "train"),
        ("predictions.parquet", build_confusion, "train"),
    ],
)
def test_a_missing_file_names_the_command_that_makes_it(
    write_run: Callable[..., Run],
    file: str,
    build: Callable[[Page], object],
    command: str,
    noted: Callable[[Run], None],
) -> None:
    run = write_run()
    (run / file).unlink()
    noted(run)
    missing = open_page(run).of(build)
    assert isinstance(missing, Missing)
    assert missing.command == f"facslens {command} {run.folder}"


def test_a_stage_that_is_not_done_any_more_is_named(write_run: Callable[..., Run]) -> None:
    run = write_run()
    run.outdate(["associate", "project"])
    assert open_page(run).of(build_head).stale == ("associate", "project")


def test_nothing_confirmed_is_said_as_plainly(
    write_run: Callable[..., Run], noted: Callable[[Run], None]
) -> None:
    run = write_run()
    mapping = pd.read_csv(run / "mapping.csv")
    mapping["status"] = mapping["status"].replace("confirmed", "not confirmed")
    mapping.to_csv(run / "mapping.csv", index=False)
    noted(run)
    head = open_page(run).of(build_head)
    assert head.headline.startswith("None of 5 action units has a detector")
    (detected,) = [line.sentence for line in head.summary if line.about == "Detected"]
    assert detected.startswith("None of 5 action units has a detector")
    assert "Or the expression?" not in [line.about for line in head.summary]


def test_a_run_with_run_json_alone_has_a_view(tmp_path: object, full_run: Run) -> None:
    run = Run.create(full_run.folder.parent / "bare", data="synthetic", seed=0)
    page = open_page(run)
    assert isinstance(page.of(build_findings), Missing)
    assert isinstance(page.of(build_data), Missing)
    assert page.of(build_head).numbers == ()
