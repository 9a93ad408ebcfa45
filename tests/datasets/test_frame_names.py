"""Names of pictures made from the numbers of frames."""

import pandas as pd
import pytest

from facslens.datasets.frame_names import frame_names, parse_frames
from facslens.datasets.load import read
from facslens.errors import CallError


def test_a_number_is_shifted_and_filled():
    cells = pd.Series(["7", "12.0", "x", None, "1.5", "0"])
    names = frame_names("a/{frame:04d}-{frame-1}-{row:02}.jpg", cells)
    assert names[:2].tolist() == ["a/0007-6-01.jpg", "a/0012-11-02.jpg"]
    assert names[2:].isna().all()  # the last, because there is no frame -1


@pytest.mark.parametrize("text", ["frame.jpg", "{}", "{frame.real}", "{frame!r}", "{frame}{x}"])
def test_a_pattern_that_is_none_is_refused(text):
    with pytest.raises(ValueError, match=r".+"):
        parse_frames(text)
    with pytest.raises(CallError, match=r"frames is .*: expected names the picture of every row"):
        read(f"table:x.csv,frames={text}")


def test_a_table_without_frames_can_count_its_rows(tmp_path):
    (tmp_path / "t.csv").write_text("AU12,subject\n1,a\n")
    reading = read(f"table:{tmp_path / 't.csv'},expression=none,frames={{frame}}.png")
    assert [d.message for d in reading.defects] == [
        f"{tmp_path / 't.csv'} lacks the column for the frame, which frames={{frame}}.png asks "
        "for: name it with frame=COLUMN, or count the rows with {row}"
    ]
