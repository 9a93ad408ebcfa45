import dataclasses
import itertools
import shutil

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from facslens.artifacts import read_json, read_table
from facslens.cli.main import main
from facslens.datasets import stimuli as reading
from facslens.datasets.images import read_grey
from facslens.datasets.stimuli import read_stimuli
from facslens.engines.local import Local
from facslens.errors import ArtifactError, CallError
from facslens.synthesis import sheet
from facslens.synthesis import stimuli as module
from facslens.synthesis.actions import AUS, EXCLUDED, SIDED, full
from facslens.synthesis.generate import draw_face
from facslens.synthesis.pairs import (
    GRADES,
    PROTOTYPES,
    TWINS,
    draw_model,
    draw_settings,
    long,
    short,
    twin,
    twins,
)
from facslens.synthesis.people import Shot
from facslens.synthesis.stimuli import StimulusOrder, draw_stimuli

#: Small faces, for a face costs as much as it has pixels.
ORDER = StimulusOrder(2, size=32, seed=3)


@pytest.fixture(scope="module")
def folder(studio, tmp_path_factory):
    target = tmp_path_factory.mktemp("stimuli") / "faces"
    draw_stimuli(ORDER, target)
    return target


@pytest.fixture
def few(studio, monkeypatch):
    """Draw the first three faces of each person alone; gives the people in the order of drawing."""
    drawn, real = [], module.draw_person_stimuli

    def first(order, number):
        drawn.append(number)
        return itertools.islice(real(order, number), 3)

    monkeypatch.setattr(module, "draw_person_stimuli", first)
    return drawn


@pytest.fixture(scope="module")
def table(folder):
    return read_table(folder / "stimuli.csv", {"grade": "str", "side": "str", "group": "str"})


def digest(folder):
    return reading.digest(read_stimuli(folder))


@pytest.fixture(scope="module")
def people(studio):
    return [draw_model(9, number) for number in range(3)]


def test_each_person_has_every_action_unit_in_two_settings(table):
    per_setting = table.groupby(["person", "setting"])
    assert list(per_setting.groups) == [("P000", 0), ("P000", 1), ("P001", 0), ("P001", 1)]
    for _, rows in per_setting:
        alone = rows[rows["kind"] == "alone"]
        assert sorted(zip(alone["aus"], alone["grade"], strict=True)) == sorted(
            itertools.product(AUS, ("C", "E"))
        )
        assert rows["kind"].value_counts()[["rest", "again"]].tolist() == [1, 1]
    assert table.groupby("person")["half"].unique().map(list).tolist() == [
        ["choosing"], ["measuring"],
    ]  # fmt: skip


def test_only_what_the_action_unit_reaches_changes(studio, people):
    """Derived again from the mesh: far from every moved vertex, fold and shadow, no bit differs."""
    room, shares = studio.head, []
    for person, setting in zip(people[:2], draw_settings(9, 0, 2), strict=True):
        rest = room.rest(person.phenotype)
        before, _ = draw_face(studio, person, rest, Shot(0, 0, None, {}, {}, setting), 64)
        for au in AUS:
            shot = Shot(0, 0, None, {au: (1.0, 1.0)}, {}, setting)
            after, _ = draw_face(studio, person, rest, shot, 64)
            changed = (before.colour != after.colour).any(axis=2)
            assert changed.any(), au
            reach = studio.reach(room.moved(rest, full(au)), rest, {au: (1.0, 1.0)}, setting, 64)
            assert not (changed & ~reach).any(), au
            shares.append(reach.mean())
    # a bound that forbids something: a large shadow or jaw may move, but seldom
    assert np.median(shares) < 0.75
    assert np.mean(np.array(shares) > 0.95) < 0.05


def test_the_second_rest_has_other_noise_and_a_slight_shake(people):
    setting = draw_settings(9, 0, 1)[0]
    made = {stimulus.name: stimulus for stimulus in short(people[0], setting)}
    again = made["again"].setting
    assert again.grain != setting.grain
    assert 0 < abs(again.yaw - setting.yaw) < 4
    assert 0 < abs(again.shift[0] - setting.shift[0]) < 0.011
    assert dataclasses.replace(
        again,
        yaw=setting.yaw, pitch=setting.pitch, roll=setting.roll, width=setting.width,
        shift=setting.shift, grain=setting.grain,
    ) == setting  # fmt: skip
    assert {s.setting for s in made.values() if s.name != "again"} == {setting}


def test_settings_differ_as_crops_do(people):
    drawn = [one for number in range(200) for one in draw_settings(4, number, 2)]
    for name, limit in (("yaw", 20), ("pitch", 10), ("roll", 8)):
        values = np.abs([getattr(setting, name) for setting in drawn])
        assert 0.9 * limit < values.max() <= limit
    assert np.abs([setting.shift for setting in drawn]).max() <= 0.05
    widths = np.array([setting.width for setting in drawn])
    assert widths.max() / widths.min() > 1.2
    assert {setting.quality for setting in drawn} == {0}


def test_the_long_design_has_all_grades_sides_prototypes_and_pairs(people):
    made = list(long(people[0], draw_settings(9, 0, 1)[0]))
    names = [stimulus.name for stimulus in made]
    assert len(set(names)) == len(names)
    kinds = pd.Series([stimulus.kind for stimulus in made]).value_counts()
    assert kinds["alone"] == len(AUS) * len(GRADES)
    assert kinds["side"] == 2 * len(SIDED)
    assert kinds["together"] == len(PROTOTYPES)
    assert kinds["without"] == sum(len(aus) for aus in PROTOTYPES.values() if len(aus) > 1)
    drawn = [stimulus.aus for stimulus in made if stimulus.grade == "D"]
    assert {("AU06", "AU12"), ("AU01", "AU02", "AU05")} <= set(drawn)  # without a third, a fourth
    pairs = [stimulus.aus for stimulus in made if stimulus.kind == "pair"]
    assert pairs == [("AU01", "AU02"), ("AU01", "AU05"), ("AU02", "AU05"), ("AU04", "AU07")]
    one = next(stimulus for stimulus in made if stimulus.name == "AU12-E-left")
    assert one.intensity == {"AU12": (1.0, 0.0)}
    lacking = next(s for s in made if s.name == "happiness-without-AU12")
    assert lacking.intensity == {"AU06": (0.8, 0.8), "AU25": (0.8, 0.8)}


def test_twins_are_the_same_person_at_rest_and_under_each_action_unit(people):
    made = list(twins(people[0], draw_settings(9, 0, 1)[0]))
    assert len(made) == len(TWINS) * (1 + len(AUS))
    assert [stimulus.group for stimulus in made if not stimulus.aus] == list(TWINS)
    for stimulus in made:
        assert (stimulus.kind, stimulus.end) == ("twin", twin(people[0], stimulus.group)[1])
        assert stimulus.intensity == dict.fromkeys(stimulus.aus, (1.0, 1.0))


def test_the_mixed_design_is_long_for_every_third_person_with_twins_to_measure():
    order = StimulusOrder(12, design="mixed")
    person, setting = draw_model(0, 0), draw_settings(0, 0, 1)[0]
    count = {make: len(list(make(person, setting))) for make in (short, long, twins)}
    for number in range(6):
        drawn = pd.Series([i for i, _ in module.draw_person_stimuli(order, number)]).value_counts()
        first = count[long if number in (0, 3) else short] + count[twins] * (number % 2)
        assert drawn.to_dict() == {0: first, 1: count[short]}
    whole = [1 for _ in module.draw_person_stimuli(StimulusOrder(1, design="long"), 0)]
    assert len(whole) == 2 * (count[long] + count[twins])
    assert [module.half_of(number) for number in (0, 3, 6, 9)] == ["choosing", "measuring"] * 2


@pytest.mark.parametrize("group", TWINS)
def test_a_twin_differs_in_its_group_alone(studio, people, group):
    for person in people:
        other, end = twin(person, group)
        values = [p.paint.skin if group == "skin" else p.phenotype[group] for p in (person, other)]
        assert end == TWINS[group][int(values[1] > values[0])]
        same = np.array_equal(studio.head.rest(person.phenotype), studio.head.rest(other.phenotype))
        assert same == (group == "skin")  # sex and age change the geometry
        changed = {k for k, v in other.phenotype.items() if v != person.phenotype[k]}
        assert changed == (set() if group == "skin" else {group})
        assert (other.paint.skin != person.paint.skin) == (group == "skin")
        assert dataclasses.replace(other.paint, skin=person.paint.skin) is not None


def test_any_number_of_processes_makes_the_same_set(folder, tmp_path):
    draw_stimuli(ORDER, tmp_path / "faces", engine=Local(2))
    assert digest(tmp_path / "faces") == digest(folder)
    assert read_json(folder / "stimuli.json")["sha256"] == digest(folder)
    assert len(digest(folder)) == 64


def test_another_seed_makes_another_set(few, tmp_path):
    found = set()
    for name, seed in (("one", 3), ("again", 3), ("other", 4)):
        draw_stimuli(StimulusOrder(1, size=16, seed=seed), tmp_path / name)
        found.add(digest(tmp_path / name))
    assert len(found) == 2
    assert digest(tmp_path / "one") == digest(tmp_path / "again")


def test_a_changed_byte_changes_the_digest(folder, tmp_path):
    shutil.copytree(folder, tmp_path / "faces")
    before = digest(tmp_path / "faces")
    file = tmp_path / "faces" / "images" / "P000" / "0" / "AU12-E.png"
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    with pytest.raises(ArtifactError, match=r"AU12-E\.png is broken"):
        draw_stimuli(ORDER, tmp_path / "faces")
    levels = read_grey(file.with_name("AU12-C.png"))
    Image.fromarray(levels).save(file)  # a sound file, but another picture
    assert digest(tmp_path / "faces") != before
    with pytest.raises(ArtifactError, match="changed since they were drawn"):
        draw_stimuli(ORDER, tmp_path / "faces")


def test_what_is_drawn_is_what_the_table_says(folder, table):
    rest = table[table["kind"] == "rest"].iloc[0]
    assert not any(rest[f"{au}_intensity"] for au in AUS)
    own = table[(table["person"] == rest["person"]) & (table["setting"] == 0)]
    for au in ("AU01", "AU12", "AU20"):
        row = own[own["name"] == f"{au}-C"].iloc[0]
        assert row[f"{au}_intensity"] == 3.0
        change = read_grey(folder / row["path"]) != read_grey(folder / rest["path"])
        assert 0.01 < change.mean() < 0.7


def test_an_interrupted_drawing_goes_on(few, tmp_path):
    draw_stimuli(ORDER, tmp_path / "whole")
    assert few == [0, 1]
    target = tmp_path / "faces"

    def stop(done, total, note):
        if done == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        draw_stimuli(ORDER, target, progress=stop)
    assert not (target / "stimuli.csv").exists()
    draw_stimuli(ORDER, target)
    assert few == [0, 1, 0, 1]  # nobody was drawn again
    assert digest(target) == digest(tmp_path / "whole")


@pytest.mark.parametrize(
    ("order", "message"),
    [
        ({"people": 0}, "^people is 0: expected at least 1"),
        ({"people": 1, "size": 513}, "^size is 513: expected 16 to 512 pixels"),
        ({"people": 1, "design": "wide"}, "^design is 'wide': expected short, long, mixed"),
        ({"people": 1, "seed": -1}, "^seed is -1"),
    ],
)
def test_an_impossible_order_is_one_sentence(order, message):
    with pytest.raises(CallError, match=message):
        StimulusOrder(**order)


def test_a_folder_of_another_order_is_left_alone(folder):
    before = digest(folder)
    with pytest.raises(CallError, match="holds stimuli made with other settings"):
        draw_stimuli(dataclasses.replace(ORDER, seed=8), folder)
    assert digest(folder) == before


def test_overlaps_are_listed_with_what_is_shared(folder):
    found = read_table(folder / "overlaps.csv", {"shapes": "str"}).set_index(["au", "other"])
    assert len(found) == len(AUS) * (len(AUS) - 1) // 2
    for pair, shape in (
        (("AU06", "AU07"), "eyeSquint"),
        (("AU07", "AU43"), "eyeBlink"),
        (("AU04", "AU09"), "browDown"),
        (("AU18", "AU23"), "mouthPucker"),
        (("AU26", "AU27"), "jawOpen"),
    ):
        assert shape in found.loc[pair, "shapes"].split(), pair
    assert found["one_opening"].sum() == 3
    assert found.loc[("AU26", "AU27"), "alike"] > 0.99  # one shape, more of it
    assert abs(found.loc[("AU01", "AU27"), "alike"]) < 0.01  # brows and jaw
    assert found.loc[("AU12", "AU15"), "excluded"]


def test_prototypes_that_no_drawn_face_can_show_are_listed(folder):
    found = read_table(folder / "undrawable.csv")
    assert set(found["expression"]) == {"anger", "fear", "sadness"}
    for row in found.itertuples():
        aus = row.aus.split()
        pairs = {frozenset(pair) for pair in itertools.combinations(aus, 2)}
        assert "AU11" in aus or pairs & EXCLUDED, row.aus
    reasons = found.set_index("aus")["reason"]
    assert reasons["AU01 AU04 AU11"] == "the head has no shape for AU11"
    assert reasons["AU04 AU05 AU07 AU23 AU25"] == "one face cannot show AU23 and AU25"


def command(*arguments):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.argv", ["facslens", "data", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            main()
    assert end.value.code in (0, None)


def test_the_sheet_shows_every_action_unit_from_rest_to_grade_e(
    studio, tmp_path, capsys, monkeypatch
):
    tile, label, gap, head = 32, 190, 8, 34  # as sheet.py lays them out, but for small faces
    monkeypatch.setattr(sheet, "_TILE", tile)
    file = tmp_path / "sheet.png"
    command("stimuli", "--sheet", "--out", file)
    assert f"contact sheet: {file}" in capsys.readouterr().out
    with Image.open(file) as image:
        pixels = np.asarray(image.convert("RGB")).astype(int)
    rows = -(-len(AUS) // 2)
    for number, au in enumerate(AUS):
        column, row = divmod(number, rows)
        top = head + row * (tile + gap)
        left = gap + column * (label + 6 * tile + gap) + label
        faces = [
            pixels[top : top + tile, left + k * tile : left + (k + 1) * tile] for k in range(6)
        ]
        change = [np.abs(face - faces[0]).mean() for face in faces]
        assert change[5] > 0.3, au
        assert change[5] > change[2] > 0, au


def test_the_commands_draw_stimuli_and_faces_in_colour(studio, tmp_path, capsys):
    for arguments, name in (
        (["stimuli", "--people", "1", "--size", "16"], "faces"),
        (["synth", "--subjects", "1", "--size", "32", "--colour"], "colour"),
    ):
        out = tmp_path / name
        command(*arguments, "--out", out)
        assert str(out) in capsys.readouterr().out
    with Image.open(tmp_path / "faces" / "images" / "P000" / "1" / "AU12-E.png") as image:
        assert (image.mode, image.size) == ("L", (16, 16))
    with Image.open(tmp_path / "colour" / "images" / "N000" / "N000_0_1.png") as image:
        assert (image.mode, image.size) == ("RGB", (32, 32))
