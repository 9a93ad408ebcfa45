"""`facslens verify --truth` on a run of drawn faces, which are nothing like the synthetic ones."""

import numpy as np
import pytest

import facslens as fl
from facslens.artifacts import read_table
from facslens.cli.main import main
from facslens.controls import champions, recovery
from facslens.datasets.synthetic import read_regions
from facslens.preprocess.fit import centres
from facslens.runs.folder import Run
from facslens.runs.record import RunRecord
from facslens.runs.settings import Settings
from facslens.stages import truth
from facslens.stages.order import run_stage
from facslens.training.recipe import Recipe


@pytest.fixture(scope="module")
def made(drawn_ck48, tmp_path_factory, request):
    settings = Settings(
        recipe=Recipe(epochs=2), permutations=49, distance="auroc", layers=["conv3"]
    )
    run = Run.create(
        tmp_path_factory.mktemp("runs") / "drawn",
        data=f"ck48:{drawn_ck48}",
        seed=0,
        settings=settings.entries(),
    )
    for stage in ("faces", "train", "record", "associate"):
        run_stage(run, stage)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            "sys.argv", ["facslens", "verify", str(run.folder), "--truth", "--seeds", "1"]
        )
        with pytest.raises(SystemExit) as end:
            main()
    assert end.value.code in (0, None)
    return run


def test_the_three_tables_are_written(made):
    planted = read_table(made / "verify" / "planted.csv")
    assert tuple(planted.columns) == recovery.COLUMNS
    assert planted["design"].value_counts().to_dict() == {"factorial": 16, "natural": 16}
    # 49 permutations resolve p no finer than 0.02: still enough for the plain cases
    assert planted.loc[planted["design"] == "factorial", "recovered"].mean() > 0.8
    factorial = read_table(made / "verify" / "factorial.csv")
    assert tuple(factorial.columns) == champions.COLUMNS
    assert set(factorial["au"]) == {"AU04", "AU12", "AU17", "AU25", "AU27"}
    # each of the 57 people of the factorial design has nine sequences
    assert ((factorial["n_test_present"] + factorial["n_test_absent"]) == 57 * 9).all()
    place = read_table(made / "verify" / "true_place.csv")
    assert tuple(place.columns) == truth.PLACE_COLUMNS


def test_the_places_are_shares_of_energy_over_shares_of_area(made):
    """Derived again for one mapped unit: one projection at a time, its energy summed by hand."""
    place = read_table(made / "verify" / "true_place.csv")
    per_au = place.groupby("au")["kind"].value_counts().unstack()
    assert (per_au["mapped"] == 1).all()
    assert (per_au["random"] == 5).all()
    row = place[place["kind"] == "mapped"].dropna(subset=["lift"]).iloc[0]
    record, faces = RunRecord(made), truth.peaks("factorial")
    regions = read_regions(None, design="factorial")
    response = fl.record(record.model, faces, row["layer"]).response(row["layer"])[:, row["unit"]]
    shown = np.flatnonzero(faces.table[row["au"]] == 1)
    best = shown[np.argsort(-response[shown], kind="stable")][: row["n_projections"]]
    shares = []
    for face in best:
        found = fl.project(record.model, faces, row["layer"], int(row["unit"]), int(face))
        energy, (top, left, bottom, right) = found.image[0, 0].astype(float) ** 2, found.window[0]
        region = regions.mask(faces.table["image"][face], row["au"], *centres(record.model.input))
        seen = region[top:bottom, left:right]
        shares.append((energy[region].sum() / energy.sum(), seen.mean()))
    energy, area = np.array(shares).T
    assert (row["energy"], row["area"]) == pytest.approx((energy.mean(), area.mean()), rel=1e-5)
    lifts = energy[area > 0] / area[area > 0]  # undefined where the region is not seen at all
    assert row["lift"] == pytest.approx(lifts.mean(), rel=1e-5)  # float32 projections


def test_the_peaks_are_peaks():
    for design in ("natural", "factorial"):
        faces = truth.peaks(design)
        assert faces.name == design
        assert (faces.table["frame"] > 0).all()
        assert np.nansum(faces.presence(), axis=1).mean() > 2
