import dataclasses
import json

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from facslens.datasets.check import check
from facslens.datasets.images import read_grey
from facslens.datasets.load import load
from facslens.datasets.regions import Regions
from facslens.engines.local import Local
from facslens.errors import ArtifactError, CallError
from facslens.preprocess.fit import centres
from facslens.preprocess.input import grey_contrast
from facslens.synthesis import generate as module
from facslens.synthesis.actions import AUS
from facslens.synthesis.camera import Setting
from facslens.synthesis.folds import FOLDING, relief
from facslens.synthesis.generate import Order, draw_face, generate
from facslens.synthesis.paint import draw_paint
from facslens.synthesis.people import Person, Shot

PLAIN = Setting(
    yaw=0.0,
    pitch=0.0,
    roll=0.0,
    distance=0.9,
    width=2.1,
    shift=(0.0, 0.0),
    lamp=(0.4, -0.8, 0.45),
    ambient=0.45,
    exposure=1.1,
    contrast=1.0,
    warmth=1.0,
    background=((0.0, 0.0, 0.0),) * 4,
    blur=0.1,
    noise=0.0,
    quality=95,
    grain=0,
)


@pytest.fixture(scope="module")
def person():
    paint = draw_paint(0.7, 0.0, 0.2, np.random.default_rng(3))
    return Person(phenotype={}, paint=paint, habits={})


@pytest.fixture
def draw(studio, person, average):
    def drawn(intensity, setting=PLAIN):
        shot = Shot(0, 1, None, intensity, {}, setting)
        return draw_face(studio, person, average, shot, 64)

    return drawn


def both(au, value=1.0):
    return {au: (value, value)}


@pytest.mark.parametrize("au", AUS)
def test_an_action_unit_changes_the_picture_where_its_region_is(draw, au):
    before, _ = draw({})
    after, intensity = draw(both(au))
    change = np.abs(after.grey.astype(float) - before.grey.astype(float))
    region = after.regions[AUS.index(au)] | before.regions[AUS.index(au)]
    assert region.any()
    assert max(intensity[au]) > 0.2
    # AU25 and AU26 open a mouth whose inside belongs to no region, hence no more than twice.
    assert change[region].mean() > 2 * change[~region].mean()


def test_a_face_at_rest_shows_no_action_unit(draw):
    _, intensity = draw({})
    assert all(max(sides) == 0 for sides in intensity.values())


def test_left_is_the_subjects_left_and_lies_right_in_the_picture(draw):
    before, _ = draw({})
    after, intensity = draw({"AU12": (1.0, 0.0)})
    change = np.abs(after.grey.astype(float) - before.grey.astype(float))
    assert intensity["AU12"] == (1.0, 0.0)
    assert change[:, 32:].sum() > 2 * change[:, :32].sum()


def test_eyes_and_mouth_come_where_the_crop_puts_them(draw, person):
    upright, _ = draw({})
    eyes = upright.regions[AUS.index("AU43")]
    mouth = upright.regions[AUS.index("AU28")]
    rows = np.arange(64)[:, None] * np.ones(64)
    assert 64 * 0.28 < rows[eyes].mean() < 64 * 0.42
    assert 64 * 0.70 < rows[mouth].mean() < 64 * 0.86


@pytest.mark.parametrize("au", FOLDING)
def test_the_folds_of_one_side_leave_the_other_side_alone(au):
    x, z = (
        v.ravel().astype(np.float32)
        for v in np.meshgrid(np.linspace(-0.08, 0.08, 161), np.linspace(0.03, 0.2, 171))
    )
    rest, _ = relief(x, z, {}, 1.0)
    left, slope = relief(x, z, {au: (1.0, 0.0)}, 1.0)
    both, _ = relief(x, z, {au: (1.0, 1.0)}, 1.0)
    assert (left - rest)[x > 0.003].max() > 0.15
    assert np.abs(left - rest)[x < -0.003].max() == 0
    np.testing.assert_array_equal(left[x > 0.003], both[x > 0.003])
    # the floor of a fold lies deeper than its sides: across it the slope changes its sign
    deepest = np.argmax(left)
    near = np.hypot(x - x[deepest], z - z[deepest]) < 0.004
    strongest = np.abs(slope[near]).max(axis=0).argmax()
    assert slope[near, strongest].min() < 0 < slope[near, strongest].max()


def test_grey_is_what_every_reader_makes_of_the_colours(draw, tmp_path):
    picture, _ = draw({})
    Image.fromarray(picture.colour).save(tmp_path / "face.png")
    np.testing.assert_array_equal(read_grey(tmp_path / "face.png"), picture.grey)
    red, green, blue = picture.colour[24:40, 24:40].reshape(-1, 3).mean(axis=0)
    assert red > green > blue  # skin


def test_lighter_skin_changes_no_shape(person, studio, average):
    darker = dataclasses.replace(person, paint=dataclasses.replace(person.paint, skin=0.2))
    first, _ = draw_face(studio, darker, average, Shot(0, 0, None, {}, {}, PLAIN), 64)
    lighter = dataclasses.replace(person, paint=dataclasses.replace(person.paint, skin=0.7))
    second, _ = draw_face(studio, lighter, average, Shot(0, 0, None, {}, {}, PLAIN), 64)
    np.testing.assert_array_equal(first.regions, second.regions)
    assert second.grey[30:50, 24:40].mean() > first.grey[30:50, 24:40].mean() + 10


def test_turning_the_head_moves_the_eyes_against_the_mouth(draw):
    # The crop follows the mouth. The eyes lie further back: when the face turns to our right,
    # they come to lie further left.
    eyes = AUS.index("AU43")
    columns = np.ones((64, 1)) * np.arange(64)
    places = [
        columns[draw({}, dataclasses.replace(PLAIN, yaw=yaw))[0].regions[eyes]].mean()
        for yaw in (-15.0, 0.0, 15.0)
    ]
    # About 2.4 pixels each by pictures four times as fine; here the lids are a few pixels.
    assert places[0] > places[1] + 0.75
    assert places[1] > places[2] + 0.75


def test_the_lamp_lights_its_side(draw):
    side = [
        draw({}, dataclasses.replace(PLAIN, lamp=(x, -0.5, 0.0)))[0].grey for x in (-0.86, 0.86)
    ]
    left, right = (levels[20:50, 14:50].astype(float) for levels in side)
    assert left[:, :18].mean() > left[:, 18:].mean() + 20
    assert right[:, 18:].mean() > right[:, :18].mean() + 20


@pytest.fixture(scope="module")
def folder(studio, tmp_path_factory):
    target = tmp_path_factory.mktemp("synth") / "faces"
    generate(Order(2, seed=5), target)
    return target


def test_a_generated_folder_is_a_whole_dataset(folder):
    found = check(f"synthetic:{folder}")
    assert {d.kind for d in found.defects if d.level == "error"} <= {"few subjects", "split"}
    faces = load(f"table:{folder / 'faces.csv'}")
    assert len(faces) == 2 * 7 * 3
    assert faces.aus == AUS
    assert faces.table["subject"].nunique() == 2
    rest = faces.table[faces.table["frame"] == 0]
    assert set(rest["expression"]) == {"neutral"}
    assert rest[list(AUS)].to_numpy().sum() == 0
    assert faces.expressions[1:] == tuple(sorted(set(faces.table["expression"]) - {"neutral"}))


def test_presence_is_intensity_from_grade_a_on(folder):
    table = load(f"synthetic:{folder}").table
    for au in AUS:
        np.testing.assert_array_equal(table[au] == 1, table[f"{au}_intensity"] >= 1)
    sides = pd.read_csv(folder / "sides.csv")
    larger = sides[["AU12_left", "AU12_right"]].max(axis=1)
    np.testing.assert_allclose(pd.read_csv(folder / "faces.csv")["AU12_intensity"], larger)


def test_the_same_seed_gives_the_same_bytes_and_another_one_others(folder, tmp_path):
    generate(Order(2, seed=5), tmp_path / "again")
    generate(Order(1, seed=6), tmp_path / "other")
    for file in [*sorted(folder.rglob("*.png")), folder / "faces.csv", folder / "regions.npz"]:
        name = file.relative_to(folder)
        assert file.read_bytes() == (tmp_path / "again" / name).read_bytes(), name
    name = "images/N000/N000_0_1.png"
    assert (tmp_path / "other" / name).read_bytes() != (folder / name).read_bytes()


def test_an_interrupted_generation_goes_on(folder, tmp_path, monkeypatch):
    target = tmp_path / "faces"

    def stop(done, total, note):
        if done == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        generate(Order(2, seed=5), target, progress=stop)
    assert not (target / "faces.csv").exists()
    drawn = []
    real = module.draw_subject
    monkeypatch.setattr(module, "draw_subject", lambda *a: drawn.append(a[-1]) or real(*a))
    generate(Order(2, seed=5), target)
    assert drawn == [1]  # the first person is kept
    assert (target / "faces.csv").read_bytes() == (folder / "faces.csv").read_bytes()


def test_colour_is_the_same_face(folder, tmp_path):
    generate(Order(1, seed=5, colour=True), tmp_path / "faces")
    for file in (tmp_path / "faces").rglob("*.png"):
        with Image.open(file) as image:
            assert image.mode == "RGB"
        name = file.relative_to(tmp_path / "faces")
        np.testing.assert_array_equal(read_grey(file), read_grey(folder / name))


@pytest.mark.slow
def test_more_processes_make_the_same_faces(folder, tmp_path):
    generate(Order(2, seed=5), tmp_path / "faces", engine=Local(2))
    for file in sorted(folder.rglob("*.png")):
        assert file.read_bytes() == (tmp_path / "faces" / file.relative_to(folder)).read_bytes()


@pytest.mark.parametrize(
    ("order", "message"),
    [
        ({"subjects": 0}, "^subjects is 0: expected at least 1"),
        ({"subjects": 1, "size": -3}, "^size is -3: expected 16 to 512 pixels"),
        (
            {"subjects": 1, "design": "free"},
            "design is 'free': expected natural, factorial or a .json file",
        ),
        ({"subjects": 1, "format": "gif"}, "^format is 'gif': expected png or webp"),
        ({"subjects": 1, "seed": -1}, "^seed is -1"),
    ],
)
def test_an_impossible_order_is_one_sentence(order, message):
    with pytest.raises(CallError, match=message):
        Order(**order)


def test_nothing_else_in_the_folder_is_touched(studio, tmp_path):
    (tmp_path / "letter.txt").write_text("mine")
    with pytest.raises(CallError, match="is not empty: choose a new folder"):
        generate(Order(1), tmp_path)
    other = tmp_path / "other"
    other.mkdir()
    (other / "synthetic.json").write_text(json.dumps({"subjects": 3}))
    with pytest.raises(CallError, match="holds faces made with other settings"):
        generate(Order(1), other)


def test_a_changed_design_file_is_another_order(studio, tmp_path):
    file = tmp_path / "smiles.json"
    file.write_text(json.dumps({"expressions": {"happiness": {"AU12": 1}}}))
    generate(Order(1, str(file)), tmp_path / "faces")
    file.write_text(json.dumps({"expressions": {"happiness": {"AU12": 1, "AU06": 1}}}))
    with pytest.raises(CallError, match="holds faces made with other settings"):
        generate(Order(1, str(file)), tmp_path / "faces")


def test_a_folder_that_cannot_be_written_is_one_sentence(studio, tmp_path):
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(ArtifactError, match="cannot be written"):
        generate(Order(1), tmp_path / "file" / "faces")


def test_regions_come_back_as_they_were(rng):
    masks = rng.random((3, 2, 64, 64)).round().astype(bool)
    masks = np.kron(masks[:, :, ::2, ::2], np.ones((1, 1, 2, 2))).astype(bool)
    regions = Regions.of(["a", "b", "c"], ["AU01", "AU12"], masks)
    np.testing.assert_array_equal(
        regions.mask("b", "AU12", *centres(grey_contrast(64))), masks[1, 1]
    )
    third = np.repeat(np.repeat(masks[1, 1, ::2, ::2], 3, 0), 3, 1)
    np.testing.assert_array_equal(regions.mask("b", "AU12", *centres(grey_contrast(96))), third)
    with pytest.raises(CallError, match="the image 'd' has no true regions"):
        regions.mask("d", "AU12", *centres(grey_contrast(64)))
    with pytest.raises(CallError, match="AU09 has no true region"):
        regions.mask("a", "AU09", *centres(grey_contrast(64)))


def test_what_is_written_lossily_is_close(folder, tmp_path):
    generate(Order(1, seed=5, format="webp"), tmp_path / "faces")
    for file in (tmp_path / "faces").rglob("*.webp"):
        exact = folder / file.relative_to(tmp_path / "faces").with_suffix(".png")
        gap = read_grey(file).astype(float) - read_grey(exact).astype(float)
        assert np.sqrt((gap**2).mean()) < 6  # grey levels; WebP at quality 90
