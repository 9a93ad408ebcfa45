import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from facslens.datasets.coded import (
    INTENSITY,
    PRESENCE,
    Lines,
    frame_codes,
    frame_images,
    graded,
    read_lines,
    units_in,
    with_codes,
)

NAN = np.nan


def lines(*cells):
    return Lines("t.txt", list(range(1, len(cells) + 1)), [list(line) for line in cells])


def frame(codes):
    return codes.reset_index().to_numpy(dtype=float)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le"])
@pytest.mark.parametrize("text", ["1,0\n\n 2, 5 \n", "1 0\n\n2   5\n", "1\t0\n\n2\t 5\n"])
def test_lines_are_numbered_as_in_the_file_and_cells_bare(tmp_path, text, encoding):
    (tmp_path / "t.txt").write_bytes(text.encode(encoding))
    found = []
    read = read_lines(tmp_path / "t.txt", "t.txt", found)
    assert (read.places, read.cells) == ([1, 3], [["1", "0"], ["2", "5"]])
    assert found == []


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"1,\xff\n", r"t.txt cannot be read: its line 1 is in another encoding \(byte 0xFF\)"),
        (b"PK\x03\x04", "t.txt cannot be read: it is an Excel workbook or another zip archive"),
        (b" \n", "t.txt is empty: what it should say is taken as unknown"),
    ],
)
def test_a_file_without_lines_is_named(tmp_path, content, message):
    (tmp_path / "t.txt").write_bytes(content)
    found = []
    assert read_lines(tmp_path / "t.txt", "t.txt", found).cells == []
    (one,) = found
    with pytest.raises(ValueError, match=message):
        raise ValueError(one.defect.message)


def test_a_sign_and_an_empty_cell_are_unknown_and_nothing_else_is():
    found = []
    codes = frame_codes(
        lines(["4", "0", "9"], ["2", "1", ""], ["3", "9", "1"]),
        ["AU01", "AU12"],
        PRESENCE,
        found,
        9.0,
    )
    np.testing.assert_array_equal(frame(codes), [[4, 0, NAN], [2, 1, NAN], [3, NAN, 1]])
    assert found == []
    assert codes.dtypes.unique().tolist() == [np.float32]


@given(st.lists(st.one_of(st.integers(-3, 12).map(str), st.text("0159.-e,x ", max_size=4))))
def test_no_value_is_invented(cells):
    found = []
    codes = frame_codes(
        lines(*([str(i), cell] for i, cell in enumerate(cells))), ["AU12"], INTENSITY, found
    )
    known = codes["AU12"].dropna()
    assert all(float(cells[i]) == value and value in range(6) for i, value in known.items())
    unknown = len(cells) - len(known)
    assert unknown == len(found) + sum(not cell for cell in cells)


def test_a_frame_has_one_image_and_one_line(tmp_path):
    found = []
    files = [tmp_path / "a" / "1.png", tmp_path / "b" / "1.png"]
    images = frame_images([("S1", "v", 1, file) for file in files], tmp_path, found)
    assert images.drop(columns="path").to_numpy().tolist() == [["a/1.png", "S1", "v", 1]]
    codes = frame_codes(lines(["1", "0"], ["1", "1"]), ["AU12"], PRESENCE, found)
    assert frame(codes).tolist() == [[1, 0]]
    assert [one.defect.kind for one in found] == ["duplicate name", "labels disagree"]


def test_images_meet_the_codes_of_their_sequence_alone(tmp_path):
    files = {("v", 1): "1.png", ("v", 2): "2.png", ("w", 1): "3.png"}
    images = frame_images(
        [("", sequence, at, tmp_path / name) for (sequence, at), name in files.items()],
        tmp_path,
        [],
    )
    codes = {
        "v": pd.DataFrame({"AU01": [1.0, 0.0]}, index=pd.Index([2, 3], name="frame")),
        "w": pd.DataFrame({"AU02": [NAN, 1.0]}, index=pd.Index([1, 2], name="frame")),
    }
    defects = []
    rows = with_codes(images, codes, tmp_path, defects)
    assert rows[["image", "sequence", "frame"]].to_numpy().tolist() == [
        ["2.png", "v", 2],
        ["3.png", "w", 1],
    ]
    assert units_in(rows) == ["AU01"]  # AU02 is known of no image
    assert [defect.message for defect in defects] == [
        "2 of 4 coded frames have no image: v (1×), w (1×)",
        "1 of 3 images have no code, left out: v (1×)",
    ]
    assert with_codes(images, {}, tmp_path, defects).empty


def test_a_grade_that_is_unknown_makes_no_presence():
    both = graded(pd.DataFrame({"AU12": [NAN, 0.0, 1.0]}), 1)
    np.testing.assert_array_equal(both, [[NAN, NAN], [0, 0], [1, 1]])
