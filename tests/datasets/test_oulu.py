import pytest

from facslens.datasets.layouts import LAYOUTS
from facslens.datasets.load import load
from facslens.errors import CallError, DataError


@pytest.fixture
def root(tmp_path, write_image):
    """P001 angry in six frames and surprised in two; P080 sad in the dark, in near infrared."""
    numbers = iter(range(100))
    for place, frames in (
        ("VL/Strong/P001/Anger", 6),
        ("VL/Strong/P001/Surprise", 2),
        ("VL/Weak/P001/Anger", 3),
        ("NI/Dark/P080/Sadness", 4),
    ):
        for frame in range(frames):
            write_image(tmp_path / "OriginalImg" / place / f"{frame:03d}.jpeg", next(numbers))
    return tmp_path


def rows(faces):
    columns = ["image", "subject", "sequence", "frame", "expression"]
    return [tuple(row) for row in faces.table[columns].itertuples(index=False)]


def test_a_sequence_begins_neutral_and_ends_with_its_expression(root):
    anger, surprise = "VL/Strong/P001/Anger", "VL/Strong/P001/Surprise"
    assert rows(load(f"oulu:{root}")) == [
        (f"OriginalImg/{anger}/000.jpeg", "P001", "P001_VL_Strong_Anger", 0, "neutral"),
        (f"OriginalImg/{anger}/003.jpeg", "P001", "P001_VL_Strong_Anger", 3, "anger"),
        (f"OriginalImg/{anger}/004.jpeg", "P001", "P001_VL_Strong_Anger", 4, "anger"),
        (f"OriginalImg/{anger}/005.jpeg", "P001", "P001_VL_Strong_Anger", 5, "anger"),
        (f"OriginalImg/{surprise}/000.jpeg", "P001", "P001_VL_Strong_Surprise", 0, "neutral"),
        (f"OriginalImg/{surprise}/001.jpeg", "P001", "P001_VL_Strong_Surprise", 1, "surprise"),
    ]


def test_other_cameras_and_lights_are_counted_and_can_be_asked_for(root):
    assert load(f"oulu:{root}").notes == (
        "images of another camera or light are left out (camera=, light=): NI/Dark (4×), "
        "VL/Weak (3×)",
    )
    dark = load(f"oulu:{root},camera=NI,light=Dark,peak=1")
    assert [row[2:] for row in rows(dark)] == [
        ("P080_NI_Dark_Sadness", 0, "neutral"),
        ("P080_NI_Dark_Sadness", 3, "sadness"),
    ]
    every = load(f"oulu:{root},camera=all,light=all")
    assert (every.table["sequence"].nunique(), every.notes) == (4, ())


@pytest.mark.parametrize("place", ["OriginalImg/VL", "OriginalImg/VL/Strong"])
def test_the_folder_may_be_named_further_down(root, place):
    inner, outer = load(f"oulu:{root / place}"), load(f"oulu:{root}")
    columns = ["path", "subject", "sequence", "frame", "expression"]
    assert inner.table[columns].equals(outer.table[columns])


def test_the_cropped_frames_are_read_and_never_mixed_with_the_originals(root, write_image):
    cropped = "PreProcess_Img/VL_Acropped/Strong/P001/Anger"
    for frame in range(5):
        write_image(root / cropped / f"{frame:03d}.jpeg")
    faces = load(f"oulu:{root / 'PreProcess_Img'}")
    assert faces.table["frame"].tolist() == [0, 2, 3, 4]
    match = (
        r"the frame 0 of P001/VL/Strong/Anger occurs twice: as OriginalImg/.*000.jpeg and as "
        r"PreProcess_Img/.*000.jpeg: point at one of the folders; 4 more like it$"
    )
    with pytest.raises(DataError, match=match):
        load(f"oulu:{root}")


def test_other_folders_are_one_line_with_a_count(root, write_image):
    for name in ("VL/Strong/P001/Bored/000.jpeg", "VL/Strong/P001/Anger/last.jpeg"):
        write_image(root / "OriginalImg" / name)
    match = r"last.jpeg: expected a name such as VL/Strong/P001/Anger/000.jpeg; 1 more like it$"
    with pytest.raises(DataError, match=match):
        load(f"oulu:{root}")


def test_a_camera_that_is_none_is_refused(root):
    with pytest.raises(CallError, match=r"camera is 'VIS': expected VL for visible light"):
        load(f"oulu:{root},camera=VIS")


def test_the_makers_count_480_sequences_of_80_people_in_each_light():
    official = LAYOUTS["oulu"].official
    assert official.sequences == 80 * 6
    assert official.images == 480 * 4 == sum(official.expressions.values())
