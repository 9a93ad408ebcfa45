import pytest

from facslens.datasets.layouts import LAYOUTS
from facslens.datasets.load import load, read
from facslens.errors import CallError, DataError

LIST = """\
train_00001.jpg 5
train_00002.jpg 4
train_00003.jpg 1
test_0001.jpg 7
test_0002.jpg 2
"""
SHOWN = {
    "train_00001": ("sadness", "train"),
    "train_00002": ("happiness", "train"),
    "train_00003": ("surprise", "train"),
    "test_0001": ("neutral", "test"),
    "test_0002": ("fear", "test"),
}


@pytest.fixture
def root(tmp_path, write_image):
    (tmp_path / "EmoLabel").mkdir()
    (tmp_path / "EmoLabel" / "list_patition_label.txt").write_text(LIST)
    for number, name in enumerate(SHOWN):
        write_image(tmp_path / "Image" / "aligned" / f"{name}_aligned.jpg", number)
    return tmp_path


def relabel(root, text):
    (root / "EmoLabel" / "list_patition_label.txt").write_text(text)


def shown(faces, ending):
    table = faces.table.set_index("image")
    found = {image.split("/")[-1].removesuffix(ending): image for image in table.index}
    return {name: tuple(table.loc[image, ["expression", "split"]]) for name, image in found.items()}


def test_the_list_says_the_expression_and_the_name_the_part(root):
    faces = load(f"raf:{root}")
    assert shown(faces, "_aligned.jpg") == SHOWN
    assert faces.table["image"][0] == "Image/aligned/test_0001_aligned.jpg"
    assert faces.table["subject"].isna().all()
    assert faces.notes == ()


def test_the_list_may_lie_beside_the_images_or_above(root, tmp_path_factory):
    flat = tmp_path_factory.mktemp("flat")
    (root / "EmoLabel" / "list_patition_label.txt").rename(flat / "list_patition_label.txt")
    (root / "Image" / "aligned").rename(flat / "aligned")
    assert shown(load(f"raf:{flat}"), "_aligned.jpg") == SHOWN
    outer = tmp_path_factory.mktemp("outer")
    (outer / "basic" / "EmoLabel").mkdir(parents=True)
    (flat / "list_patition_label.txt").rename(outer / "basic/EmoLabel/list_patition_label.txt")
    (outer / "basic" / "Image").mkdir()
    (flat / "aligned").rename(outer / "basic" / "Image" / "aligned")
    assert shown(load(f"raf:{outer}"), "_aligned.jpg") == SHOWN


def test_original_photographs_can_be_asked_for(root, write_image):
    with pytest.raises(DataError, match=r"Image/original does not exist: expected a folder \(imag"):
        load(f"raf:{root},images=original")
    for name in SHOWN:
        write_image(root / "Image" / "original" / f"{name}.jpg")
    assert shown(load(f"raf:{root},images=original"), ".jpg") == SHOWN
    with pytest.raises(CallError, match="images is 'cropped': expected aligned"):
        load(f"raf:{root},images=cropped")


def test_folders_of_numbers_as_kaggle_has_them(tmp_path, write_image):
    numbers = {"sadness": 5, "happiness": 4, "surprise": 1, "neutral": 7, "fear": 2}
    for name, (expression, split) in SHOWN.items():
        write_image(tmp_path / "DATASET" / split / str(numbers[expression]) / f"{name}_aligned.jpg")
    (tmp_path / "train_labels.csv").write_text("image,label\n")
    faces = load(f"raf:{tmp_path}")
    assert shown(faces, "_aligned.jpg") == SHOWN
    assert faces.notes == (f"1 file that is not read lies below {tmp_path}, by ending: .csv (1×)",)


def test_the_compound_expressions_are_refused_and_none_of_them_read(root, tmp_path, write_image):
    relabel(root, LIST + "train_00004.jpg 11\n")
    reading = read(f"raf:{root}")
    assert reading.rows.empty
    with pytest.raises(DataError, match=r"labels above 7, such as 11: they are of RAF-DB's compou"):
        load(f"raf:{root}")
    for name in ("train/8/train_1_aligned.jpg", "train/1/train_2_aligned.jpg"):
        write_image(tmp_path / "folders" / name)
    with pytest.raises(DataError, match=r"folders has labels above 7, such as 8"):
        load(f"raf:{tmp_path / 'folders'}")


def test_what_is_wrong_is_one_line_a_cause(root):
    relabel(
        root,
        LIST.replace("test_0002.jpg 2", "test_0002.jpg 0")
        + "test_0009.jpg 1\ntest_0010.jpg 1\nface.jpg 1\ntest_0001.jpg 7\ntest_0003.jpg\n\n",
    )
    source = "EmoLabel/list_patition_label.txt"
    assert [d.message for d in read(f"raf:{root}").defects] == [
        f"line 9 of {source} names test_0001.jpg again: expected one line per image",
        f"line 10 of {source} is 'test_0003.jpg': expected the name of an image and a label",
        f"line 5 of {source}: the label of test_0002.jpg is '0': expected a number from 1 to 7",
        f"line 6 of {source}: test_0009.jpg has no image in Image/aligned; 1 more like it",
        f"line 8 of {source}: 'face.jpg' is no name such as train_00001.jpg",
    ]
    assert len(read(f"raf:{root}").rows) == 4


def test_images_that_the_list_does_not_name_are_counted(root, write_image):
    write_image(root / "Image" / "aligned" / "test_0077_aligned.jpg")
    assert load(f"raf:{root}").notes == (
        "images in Image/aligned that EmoLabel/list_patition_label.txt does not name: 1, "
        "test_0077_aligned.jpg",
    )


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("train/0/train_00001_aligned.jpg", "lies in '0': expected a folder named 1 to 7"),
        ("train/1/test_0001_aligned.jpg", "lies in train, and its name says test"),
        ("train/1/face.jpg", "expected a name such as train/4/train_00001_aligned.jpg, or list_"),
    ],
)
def test_a_wrong_folder_or_name_is_named(tmp_path, write_image, name, message):
    write_image(tmp_path / name)
    with pytest.raises(DataError, match=message):
        load(f"raf:{tmp_path}")


def test_the_makers_count_15339_faces():
    official = LAYOUTS["raf"].official
    assert official.images == 15339 == sum(official.expressions.values())
