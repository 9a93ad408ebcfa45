"""The explorer's data say what the run's tables say, and its pictures show what they are of."""

import base64
import io
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from facslens.datasets.stimuli import read_stimuli
from facslens.errors import ArtifactError, CallError
from facslens.experiments.faces import needed
from facslens.explorer import projected, units
from facslens.explorer.explored import Explored
from facslens.explorer.site import Site, write_site
from facslens.preprocess import normalise
from facslens.projection.deconvnet import project_units
from facslens.projection.windows import brightest, crop, to_grey
from facslens.report.histograms import histogram_of
from facslens.report.tables import RunTables
from facslens.runs.answers import Answered
from facslens.runs.folder import Run
from facslens.runs.record import RunRecord
from facslens.runs.selection import mapped_units


@pytest.fixture(scope="module")
def record(run: Path) -> RunRecord:
    return RunRecord.open(run)


def cell_of(content: bytes, cell: int, columns: int, size: tuple[int, int]) -> np.ndarray:
    """Cut a picture of a width and height out of a sheet, as levels of one channel."""
    whole = np.asarray(Image.open(io.BytesIO(content)).convert("L")).astype(float)
    wide, high = size
    top, left = cell // columns * high, cell % columns * wide
    return whole[top : top + high, left : left + wide]


def index_of(table: pd.DataFrame, person: str, name: str) -> int:
    """Find a drawn face of a person in the first setting."""
    own = (table["person"] == person) & (table["setting"] == 0) & (table["name"] == name)
    return int(np.flatnonzero(own)[0])


def test_every_unit_has_the_action_unit_of_its_largest_auroc(read: Any, record: RunRecord) -> None:
    shown = read("site")
    effects = record.table("effects.parquet").dropna(subset=["auroc"])
    best = effects.loc[effects.groupby(["layer", "unit"])["auroc"].idxmax()]
    names = [one["au"] for one in shown["aus"]]
    offset = 0
    seen = 0
    for layer in shown["layers"]:
        own = best[best["layer"] == layer["name"]].set_index("unit")
        for unit, row in own.iterrows():
            place = offset + int(str(unit))
            assert shown["units"]["auroc"][place] == round(1000 * row["auroc"])
            chosen = names[shown["units"]["observed"][place]]
            found = effects[(effects["layer"] == layer["name"]) & (effects["unit"] == unit)]
            # of equal ones either may stand first
            assert found.set_index("au")["auroc"][chosen] == row["auroc"]
            seen += 1
        offset += layer["units"]
    assert seen == len(best) > 100


def test_an_action_unit_has_every_number_of_the_experiment(read: Any, record: RunRecord) -> None:
    tuning = record.table("experiment/tuning.parquet")
    own = tuning[(tuning["au"] == "AU12") & (tuning["layer"] == "conv3")].sort_values("unit")
    assert read("au/AU12")["coded"] == "coded by FACS coders"
    shown = read("au/AU12")["layers"][1]
    for column in ("auroc", "wins"):
        assert shown[column] == np.rint(1000 * own[column]).astype(int).tolist()
    caused = record.table("experiment/caused.csv").set_index(["layer", "au"])
    row = caused.loc[("conv3", "AU12")]
    found = next(
        d
        for d in read("site")["detectors"]
        if (d["layer"], read("site")["aus"][d["au"]]["au"]) == (1, "AU12")
    )
    assert (found["c_unit"], found["c_verdict"]) == (row["unit"], row["verdict"])
    assert found["c_auroc"] == pytest.approx(row["auroc"], abs=5e-4)


def test_histograms_are_those_of_the_report(read: Any, run: Path) -> None:
    tables = RunTables(Run.open(run))
    unit = int(tables.record.units.query("layer == 'conv3' and status == 'live'")["unit"].iloc[3])
    shown = read(f"unit/1-{unit - unit % 64}")["units"][unit % 64]["histogram"]
    expected = histogram_of(tables, "conv3", unit, "AU12")
    assert expected is not None
    for counts, shares, n in zip(
        shown["AU12"],
        (expected.present, expected.absent, expected.present_test, expected.absent_test),
        (expected.n_present, expected.n_absent, expected.n_present_test, expected.n_absent_test),
        strict=True,
    ):
        assert sum(counts) == n > 0
        np.testing.assert_allclose(np.array(counts) / n, shares)


def test_exemplars_show_their_face_and_the_place(site: Site, read: Any, record: RunRecord) -> None:
    first = record.exemplars.query("layer == 'conv3' and rank == 1").iloc[0]
    unit = int(first["unit"])
    shown = read(f"unit/1-{unit - unit % 64}")["units"][unit % 64]["exemplars"][0]
    assert shown["image"] == first["image"]
    assert shown["response"] == pytest.approx(first["response"], rel=1e-3)
    field = record.model.reading.field("conv3")
    assert tuple(shown["box"]) == field.rectangle(first["row"], first["column"])
    path = record.faces.table.set_index("image").loc[first["image"], "path"]
    face = normalise.read([path], record.model.input)[0, 0].numpy() * 255
    sheet = site.read(f"faces/{shown['face'] // 256 * 256}.webp")
    found = cell_of(sheet, shown["face"] % 256, 16, (48, 48))
    # the sheet is compressed with loss: some levels on noise, while another face differs by 15
    assert np.abs(found - face).mean() < 6
    thumb = cell_of(site.read("thumbs/1-0.jpg"), unit, 16, (32, 32))
    part = crop(face / 255, tuple(shown["box"]), fill=0.5)
    expected = Image.fromarray(np.rint(part * 255).astype(np.uint8)).resize((32, 32), 1)
    assert np.abs(thumb - np.asarray(expected, float)).mean() < 6


def test_projections_under_three_rules_are_those_of_the_projector(
    site: Site, read: Any, record: RunRecord
) -> None:
    own = record.exemplars.query("layer == 'conv3'")
    unit = int(own["unit"].iloc[0])
    own = own[(own["unit"] == unit) & (own["rank"] <= 6)].sort_values("rank")
    first = unit - unit % 64
    block = read(f"projected/1-{first}")
    cells = block["units"][unit % 64]
    assert list(cells) == ["deconvnet", "guided", "gradient"]
    paths = record.faces.table.set_index("image").loc[own["image"], "path"]
    images = normalise.as_read(normalise.read(list(paths), record.model.input), record.model.input)
    field = record.model.reading.field("conv3")
    for rule, numbers in cells.items():
        found = project_units(
            record.model.network,
            images,
            "conv3",
            np.full(len(own), unit),
            own[["row", "column"]].to_numpy(),
            rule=rule,
        ).image[:, 0]
        cut = [
            crop(image, field.rectangle(row, column))
            for image, row, column in zip(found, own["row"], own["column"], strict=True)
        ]
        grey = [to_grey(one, brightest(np.stack(cut))).astype(float) for one in cut]
        for number, expected in zip(numbers, grey, strict=True):
            wide, high = block["size"]
            shown = cell_of(site.read(f"projections/1-{first}.webp"), number, 16, (wide, high))
            assert shown.shape == expected.shape
            assert np.corrcoef(shown.ravel(), expected.ravel())[0, 1] > 0.9


def test_a_table_in_which_some_rows_have_no_unit_is_read(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = pd.DataFrame(
        {
            "layer": "conv3", "au": "AU12", "expression": "happiness", "unit": [3.0, np.nan],
            "rank": [1.0, np.nan], "attribution": 0.5, "removed": 0.25, "half": True,
        }
    )  # fmt: skip
    explored = Explored.open(run)
    monkeypatch.setattr(Explored, "mechanism", lambda _, name: table if "carr" in name else None)
    own = units.block(explored, "conv3", 0)["units"]
    assert own[3]["carries"] == [["AU12", "happiness", 1.0, 0.5, 0.25, True]]
    assert own[4]["carries"] == []


@pytest.fixture
def named(run: Path) -> Site:
    """The explorer with the name of each file as its content."""
    found = Site.of(run)
    found._files.update({name: name.encode for name in found.names()})
    return found


def test_what_is_read_ahead_is_what_is_asked_for_next(run: Path, named: Site) -> None:
    named.read_ahead()
    made = list(named._made)
    assert made[:3] == ["data/site.js", "data/play/0.js", "play/0.webp"]
    first = RunRecord.open(run).mapping.query("layer == 'conv3' and unit == unit").iloc[0]
    block = f"1-{int(first['unit']) // 64 * 64}"
    own = [name for name in made if block in name]
    assert own == [
        f"data/unit/{block}.js", f"data/projected/{block}.js", f"projections/{block}.webp"
    ]  # fmt: skip
    assert named.read(own[0]) == own[0].encode()


def test_reading_ahead_is_bounded_and_ends(named: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("facslens.explorer.site.KEPT", 2)
        named.read_ahead()
        assert list(named._made) == ["data/site.js"]
    with monkeypatch.context() as patch:
        patch.setattr("facslens.explorer.site.AHEAD", -1.0)
        named.read_ahead()
        assert list(named._made) == ["data/site.js"]
    named.turns.end()
    named.read_ahead()
    assert list(named._made) == ["data/site.js"]
    assert named.read("data/play/0.js") == b"data/play/0.js"  # requests go on


def test_where_all_would_take_too_long_mapped_units_alone_are_projected(
    run: Path, record: RunRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(projected, "SECONDS", 0.0)
    mapped = mapped_units(record.mapping)
    expected = set(mapped.loc[mapped["layer"] == "conv3", "unit"])
    found = projected.Projector(Site.of(run).explored).of("conv3", 0, 256)
    assert set(found.cells) == expected
    assert 0 < len(expected) < 20


def test_without_its_network_a_run_has_the_projections_that_it_kept(
    run: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "run"
    shutil.copytree(run, copy)
    (copy / "model.safetensors").unlink()
    explored = Site.of(copy).explored
    assert explored.model is None
    found = projected.Projector(explored).of("conv3", 0, 256)
    index = pd.read_csv(copy / "projections" / "index.csv").query("layer == 'conv3' and rank <= 6")
    assert sum(len(own["deconvnet"]) for own in found.cells.values()) == len(index) > 0
    first = index.iloc[0]
    kept = np.asarray(Image.open(copy / "projections" / first["projection"]).convert("L"))
    place = found.cells[first["unit"]]["deconvnet"][first["rank"] - 1]
    np.testing.assert_array_equal(found.pictures[place], kept)


def test_answers_to_other_faces_are_not_played(run: Path, tmp_path: Path) -> None:
    copy = tmp_path / "run"
    shutil.copytree(run, copy)
    opened = Run.open(copy)
    stages = opened.info["stages"]
    stages["experiment"]["settings"]["stimuli"] = "0" * 64
    opened.update(stages=stages)
    assert Answered.of(RunRecord.open(run)) is not None
    assert Answered.of(RunRecord.open(copy)) is None
    assert not [name for name in Site.of(copy).names() if name.startswith("play/")]


def test_what_is_played_was_drawn_and_answered(
    site: Site, read: Any, run: Path, stimuli: Path
) -> None:
    play = read("site")["play"]
    assert play["people"] == ["P001", "P003", "P005", "P007", "P009"]  # the measuring half
    answers = read("play/1")
    assert [state["name"] for state in answers["states"]][:3] == ["rest", "AU01-C", "AU01-E"]
    assert len(answers["states"]) == 1 + 2 * 2
    faces = read_stimuli(stimuli)
    table = faces.table[needed(faces)].reset_index(drop=True)
    name = answers["states"][4]["name"]
    row = index_of(table, "P003", name)
    with np.load(run / "experiment" / "answers.npz") as stored:
        responses, logits = stored["responses/conv3"][row], stored["logits"][row]
    packed = answers["responses"]["1"]
    low, high = np.array(packed["low"]), np.array(packed["high"])
    whole = np.frombuffer(base64.b64decode(packed["text"]), "<u2").reshape(-1, len(low))
    # four digits of the ends of the range, and 65535 steps between
    np.testing.assert_allclose(
        low + (high - low) * whole[4] / 65535, responses, atol=1e-3 * high.max()
    )
    np.testing.assert_allclose(
        answers["scores"][4], logits - logits.mean(), atol=1e-3 * np.abs(logits).max()
    )
    chances = np.exp(logits) / np.exp(logits).sum()
    np.testing.assert_allclose(answers["chances"][4], 1000 * chances, atol=0.6)
    of_set = index_of(faces.table, "P003", name)
    drawn = faces.pixels(of_set, of_set + 1)[0]
    shown = cell_of(site.read("play/1.webp"), 4, answers["columns"], (48, 48))
    assert np.abs(shown - drawn).mean() < 8  # of noise, compressed with loss


def test_a_unit_is_its_own_partner_in_the_same_run(read: Any) -> None:
    shown = read("site")["against"]
    assert [one["name"] for one in shown] == ["small run"]
    assert read("against/0-1") == read("profile/1")


def test_without_faces_nothing_shows_or_names_them(
    run: Path, record: RunRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(projected, "SECONDS", 0.0)  # project mapped units alone, which is quick
    site = Site.of(run, no_faces=True)
    names = site.names()
    assert not [name for name in names if name.startswith(("faces/", "thumbs/"))]
    every = b"".join(site.read(name) for name in names if name.startswith("data/"))
    table = record.faces.table
    assert not [image for image in table["image"] if image.encode() in every]
    assert not [person for person in table["subject"].unique() if f'"{person}"'.encode() in every]
    assert b'"P001"' in every  # drawn people of the package may be named


def test_files_are_made_once_and_none_else_are_given(site: Site) -> None:
    names = site.names()
    assert "index.html" in names
    assert "data/site.js" in names
    assert all("\\" not in name and not name.startswith("/") for name in names)
    assert site.read("data/site.js") is site.read("data/site.js")
    for name in ("../run.json", "run.json", "data/../index.html", ""):
        with pytest.raises(KeyError):
            site.read(name)


def test_the_folder_holds_every_file_and_nothing_else(site: Site, folder: Path) -> None:
    written = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert written == set(site.names())
    assert (folder / "data" / "site.js").read_bytes() == site.read("data/site.js")


def test_a_site_replaces_a_site_and_nothing_else(site: Site, tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.mkdir()
    (own / "thesis.txt").write_text("mine")
    with pytest.raises(CallError, match="holds other things than an explorer: name a new folder"):
        write_site(site, own)
    assert (own / "thesis.txt").read_text() == "mine"
    small = Site(site.explored)
    small._files.update({n: site._files[n] for n in ("index.html", "data/site.js")})
    for _ in range(2):
        assert write_site(small, tmp_path / "site").read_bytes() == site.read("index.html")


def test_a_changed_table_is_no_explorer(run: Path, tmp_path: Path) -> None:
    copy = tmp_path / "run"
    shutil.copytree(run, copy)
    table = pd.read_csv(copy / "mapping.csv")
    table["auroc"] = 1.0
    table.to_csv(copy / "mapping.csv", index=False)
    with pytest.raises(ArtifactError, match=r"mapping\.csv is not what the stage associate left"):
        Site.of(copy).read("data/site.js")


def test_a_run_with_nothing_in_it_is_refused(tmp_path: Path) -> None:
    run = Run.create(tmp_path / "run", data="synthetic", seed=0)
    with pytest.raises(CallError, match="holds nothing to explore: run `facslens associate`"):
        Site.of(run.folder)


def test_pages_hold_no_inline_script_and_no_outside_address(site: Site) -> None:
    page = site.read("index.html").decode()
    assert "default-src 'none'; script-src 'self' file:" in page
    assert " style=" not in page
    assert "<script>" not in page
    for name in site.names():
        if name.endswith((".html", ".css", ".js")) and not name.startswith("data/"):
            text = site.read(name).decode().replace("http://www.w3.org/2000/svg", "")
            assert "://" not in text, name
            assert "eval(" not in text, name
            assert "innerHTML" not in text, name
