import dataclasses
import json
import shutil

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from facslens.datasets import stimuli as module
from facslens.datasets.regions import Regions
from facslens.datasets.stimuli import HALVES, Stimuli, digest, packed, read_stimuli
from facslens.errors import ArtifactError, CallError
from facslens.synthesis.actions import AUS, SIDED
from facslens.synthesis.pairs import PROTOTYPES, TWINS


@pytest.fixture(scope="module")
def bundled():
    return read_stimuli()


def write_set(folder, *, colour=False):
    """A folder like those of the command: two people, one setting, three images each."""
    rng = np.random.default_rng(4)
    rows = []
    for person in ("P000", "P001"):
        rest = rng.integers(0, 256, (16, 16, 3) if colour else (16, 16), dtype=np.uint8)
        for name, kind in (("rest", "rest"), ("AU12-C", "alone"), ("AU12-E", "alone")):
            levels = rest.copy()
            if kind != "rest":
                levels[8:12] += np.uint8(40 if name.endswith("E") else 200)
            path = f"images/{person}/0/{name}.png"
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(levels).save(folder / path)
            half = HALVES[person == "P001"]
            au, grade = ("", "") if kind == "rest" else ("AU12", name[-1])
            rows.append((path, person, 0, half, name, kind, au, grade, "", "", "", 0.0))
    table = pd.DataFrame(rows, columns=[*module.COLUMNS, "AU12_intensity"])
    table.to_csv(folder / "stimuli.csv", index=False)
    masks = np.zeros((len(table), 1, 16, 16), dtype=bool)
    Regions.of(list(table["path"]), ["AU12"], masks).write(folder / "regions.npz")
    (folder / "overlaps.csv").write_text("au,other,shapes\nAU06,AU12,\n")
    (folder / "undrawable.csv").write_text("expression,aus,reason\n")
    unsealed = Stimuli(folder, module.read_rows(folder), 16, colour, "")
    note = {"size": 16, "colour": colour, "sha256": digest(unsealed)}
    (folder / "stimuli.json").write_text(json.dumps(note))
    return folder


def test_the_package_brings_stimuli(bundled):
    table = bundled.table
    assert (bundled.size, bundled.colour, bundled.aus) == (64, False, AUS)
    assert table["person"].nunique() == 60
    blocks = table.groupby(["person", "setting"])
    assert len(blocks) == 120
    for _, rows in blocks:
        assert rows["kind"].iloc[0] == "rest"
        assert rows["name"].is_unique
        alone = rows[(rows["kind"] == "alone") & rows["grade"].isin(["C", "E"])]
        assert alone["aus"].value_counts().to_dict() == dict.fromkeys(AUS, 2)
    whole = table[table["kind"] == "twin"].groupby(["person", "setting"]).size()
    assert len(whole) == 30
    assert set(whole) == {len(TWINS) * (1 + len(AUS))}
    twins = table[table["kind"] == "twin"]
    ends = twins.groupby("group")["end"].agg(set).to_dict()
    assert ends == {group: set(names) for group, names in TWINS.items()}
    assert set(whole.index.get_level_values("setting")) == {0}
    halves = table.groupby("person")["half"].first()
    assert table.groupby("person")["half"].nunique().max() == 1
    assert halves.value_counts().to_dict() == dict.fromkeys(HALVES, 30)
    assert set(halves[whole.index.get_level_values("person")]) == {"measuring"}
    sides = table[table["kind"] == "side"]
    assert len(sides) == 20 * 2 * len(SIDED)
    together = table[table["kind"] == "together"]
    assert set(together["name"]) == set(PROTOTYPES)


def test_it_is_small_and_whole(bundled):
    assert module.ARCHIVE.stat().st_size <= 10_000_000
    bundled.check()


def test_only_part_of_a_face_differs_from_rest(bundled):
    (person, setting), first, after = bundled.blocks[5]
    pixels = bundled.pixels(first, after)
    rows = bundled.table.iloc[first:after]
    assert set(rows["person"]) == {person}
    assert set(rows["setting"]) == {setting}
    alone = (rows["kind"] == "alone").to_numpy()
    share = (pixels[alone] != pixels[0]).mean(axis=(1, 2))
    assert share.min() > 0.005
    assert np.median(share) < 0.5


def test_some_people_are_the_first_of_both_halves(bundled):
    some = bundled.of_people(11)
    halves = some.table.drop_duplicates("person").set_index("person")["half"]
    assert halves.value_counts().to_dict() == {HALVES[0]: 5, HALVES[1]: 6}
    every = bundled.table.drop_duplicates("person").set_index("person")["half"]
    for half, count in zip(HALVES, (5, 6), strict=True):
        assert list(halves.index[halves == half]) == list(every.index[every == half][:count])
    for (key, first, after), (wanted, start, stop) in zip(
        some.blocks[-2:],
        [b for b in bundled.blocks if b[0][0] in halves.index][-2:],
        strict=True,
    ):
        assert key == wanted
        np.testing.assert_array_equal(some.pixels(first, after), bundled.pixels(start, stop))
    assert some.sha256 == bundled.of_people(11).sha256
    assert len({some.sha256, bundled.sha256, bundled.of_people(12).sha256}) == 3
    assert bundled.of_people(60) is bundled


@pytest.mark.parametrize("count", [-1, 0, 1, 61, 100])
def test_as_many_people_as_there_are_not_are_refused(bundled, count):
    with pytest.raises(CallError, match=f"people is {count}: expected 2 to 60, as many as are"):
        bundled.of_people(count)


def test_some_people_are_checked_with_all_others(tmp_path, draw_stimuli):
    some = read_stimuli(draw_stimuli(tmp_path / "set", grades=("C", "E")), people=4)
    some.check()
    file = next((tmp_path / "set" / "images" / "P009").rglob("rest.png"))
    Image.fromarray(255 - np.asarray(Image.open(file))).save(file)
    with pytest.raises(ArtifactError, match="changed since they were drawn"):
        some.check()


def test_an_archive_gives_back_what_was_packed(tmp_path):
    for colour in (False, True):
        folder = write_set(tmp_path / str(colour) / "set", colour=colour)
        images = read_stimuli(folder).pixels(0, 3)
        shutil.rmtree(folder / "images" / "P000")
        (folder / "pixels").mkdir()
        (folder / "pixels" / "P000-0.xz").write_bytes(packed(images))
        again = read_stimuli(folder)
        np.testing.assert_array_equal(again.pixels(0, 3), images)
        again.check()  # its SHA-256 is of the pixels, however they are stored


def test_rows_are_read_across_blocks(tmp_path):
    stimuli = read_stimuli(write_set(tmp_path / "set"))
    whole = stimuli.pixels(0, 6)
    assert whole.shape == (6, 16, 16)
    np.testing.assert_array_equal(stimuli.pixels(2, 5), whole[2:5])
    assert [block[1:] for block in stimuli.blocks] == [(0, 3), (3, 6)]
    with Image.open(stimuli.root / "images/P001/0/AU12-C.png") as image:
        np.testing.assert_array_equal(whole[4], np.asarray(image))


@pytest.mark.parametrize("name", ["stimuli.csv", "overlaps.csv", "images/P001/0/AU12-E.png"])
def test_a_changed_byte_is_found(tmp_path, name):
    folder = write_set(tmp_path / "set")
    file = folder / name
    if file.suffix == ".png":
        levels = np.asarray(Image.open(file)).copy()
        levels[3, 3] ^= 1
        Image.fromarray(levels).save(file)
    else:
        file.write_text(file.read_text().replace("AU12", "AU13", 1))
    with pytest.raises(ArtifactError, match="changed since they were drawn"):
        read_stimuli(folder).check()


@pytest.mark.parametrize(
    ("break_it", "message"),
    [
        (lambda f: (f / "stimuli.csv").unlink(), "its drawing was not finished"),
        (lambda f: shutil.rmtree(f), "there is no stimuli.csv"),
        (lambda f: (f / "stimuli.json").write_text("{}"), "does not describe finished stimuli"),
        (lambda f: (f / "stimuli.json").write_text("["), "does not describe finished stimuli"),
        (lambda f: (f / "stimuli.csv").write_text("path\nx\n"), "lacks the column person"),
        (
            lambda f: (f / "stimuli.csv").write_text(
                (f / "stimuli.csv").read_text().replace(",0,choosing", ",zero,choosing")
            ),
            "is no readable table",
        ),
    ],
)
def test_what_is_no_set_of_stimuli_is_one_sentence(tmp_path, break_it, message):
    folder = write_set(tmp_path / "set")
    break_it(folder)
    with pytest.raises(ArtifactError, match=message):
        read_stimuli(folder)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"no xz", "holds no pixels"),
        (packed(np.zeros((2, 16, 16), np.uint8)), "512 levels: expected 768"),
    ],
)
def test_damaged_pixels_are_refused(tmp_path, content, message):
    folder = write_set(tmp_path / "set")
    (folder / "pixels").mkdir()
    (folder / "pixels" / "P000-0.xz").write_bytes(content)
    with pytest.raises(ArtifactError, match=message):
        read_stimuli(folder).pixels(0, 1)


def test_a_lost_image_is_named(tmp_path):
    folder = write_set(tmp_path / "set")
    (folder / "images/P000/0/rest.png").unlink()
    with pytest.raises(ArtifactError, match=r"rest\.png does not exist"):
        read_stimuli(folder).pixels(0, 1)
    Image.fromarray(np.zeros((8, 8), np.uint8)).save(folder / "images/P000/0/rest.png")
    with pytest.raises(ArtifactError, match=r"rest\.png is of 8×8 pixels: .* are of 16×16"):
        read_stimuli(folder).pixels(0, 1)


def test_only_the_switched_action_units_count(tmp_path):
    stimuli = read_stimuli(write_set(tmp_path / "set"))
    assert stimuli.aus == ("AU12",)
    assert dataclasses.replace(stimuli, table=stimuli.table.iloc[:1]).aus == ()
