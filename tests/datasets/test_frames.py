"""Frames in order: a sequence counts once, by its peak or as a whole, and no test is by frame."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import facslens as fl
from facslens.association.sample import make_sample
from facslens.datasets.base import Faces, make_table
from facslens.datasets.check import check
from facslens.datasets.frames import by_sequence, check_sequences
from facslens.datasets.load import load
from facslens.errors import CallError, DataError
from facslens.runs.parts import expression_strata
from facslens.stages.crossval import check_aus

NAN = np.nan


def table(**columns):
    """Frames 1, 2, … of one sequence, of one subject, where nothing else is said."""
    many = len(next(iter(columns.values())))
    names = [f"{number:02d}.png" for number in range(1, many + 1)]
    rows = {
        "image": names,
        "path": names,
        "subject": "a",
        "sequence": "v",
        "frame": range(1, many + 1),
    }
    return make_table(pd.DataFrame(rows | columns))


def kept(rows, way):
    return [int(frame) for frame in by_sequence(rows, way, "x")[0]["frame"]]


def notes(rows, way):
    return [defect.message for defect in by_sequence(rows, way, "x")[1]]


def test_the_peak_is_the_apex_whatever_the_intensities_say():
    rows = table(
        phase=["onset", "apex", "apex", None], AU12=[1.0, 1, 1, 1], AU12_intensity=[1.0, 2, 2, 5]
    )
    assert kept(rows, "peak") == [2]
    assert notes(rows, "peak") == [
        "the peak is taken of 1 sequence, in 1 by a frame coded as apex: 1 of 4 frames are kept "
        "(by=peak, as asked)"
    ]


def test_without_an_apex_the_peak_has_the_largest_sum_of_intensities():
    rows = table(AU06_intensity=[0.0, 2, 2, 2, 3, NAN], AU12_intensity=[0.0, 3, 3, 3, 1, 4])
    assert kept(rows, "peak") == [3]


def test_where_only_presence_is_known_the_peak_has_the_most_action_units():
    assert kept(table(AU06=[0.0, 1, 1, 0], AU12=[0.0, 1, 0, NAN]), "peak") == [2]
    # nothing shows: every frame is as good as any other, and one is taken all the same
    assert kept(table(AU06=[0.0, 0, 0], AU12=[0.0, 0, 0]), "peak") == [2]


def test_of_several_kinds_of_peaks_the_middle_of_the_most_frequent_is_taken():
    # frames 1 and 4 show one unit, 2 and 3 and 5 another: most of the tied frames agree on AU12
    rows = table(AU06=[1.0, 0, 0, 1, 0], AU12=[0.0, 1, 1, 0, 1])
    assert kept(rows, "peak") == [3]
    # two and two: those that begin first
    assert kept(table(AU06=[0.0, 1, 1, 0], AU12=[1.0, 0, 0, 1]), "peak") == [1]
    shown = table(AU12=[1.0, 1, 1], expression=["anger", "fear", "fear"])
    assert kept(shown, "peak") == [2]


def test_each_sequence_is_judged_by_its_own_scale():
    rows = table(
        sequence=["v", "v", "w", "w", "u", "u"],
        phase=["apex", None, None, None, None, None],
        AU12=[0.0, 1, 1, 0, NAN, NAN],
    )
    assert kept(rows, "peak") == [1, 3, 5, 6]
    assert notes(rows, "peak")[1] == (
        "nothing tells the peak of 1 sequence (u): all frames are kept (by=peak, as asked)"
    )


def test_neutral_frames_and_faces_of_no_sequence_stay():
    rows = table(
        sequence=["v", "v", "v", "v", None],
        expression=["neutral", "anger", "anger", "anger", "anger"],
        phase=[None, "neutral", None, None, None],
        AU04=[0.0, 0, 0, 1, 0],
    )
    assert kept(rows, "peak") == [1, 2, 4, 5]
    whole = by_sequence(rows, "mean", "x")[0]
    assert whole["AU04"].tolist() == [0, 0, 1, 1, 0]


def test_as_a_whole_once_is_present_and_absent_needs_every_frame():
    rows = table(
        AU01=[0.0, 1, 0, NAN],
        AU02=[0.0, 0, 0, NAN],
        AU04=[0.0, NAN, 0, NAN],
        AU06=[1.0, NAN, NAN, NAN],
        AU12_intensity=[0.0, 4, 2, NAN],
    )
    whole, defects = by_sequence(rows, "mean", "x")
    assert whole["frame"].tolist() == [1, 2, 3]  # nobody coded the last one
    values = whole[["AU01", "AU02", "AU04", "AU06", "AU12_intensity"]].to_numpy()
    np.testing.assert_array_equal(values, np.float32([[1, 0, NAN, 1, 4]] * 3))
    assert [defect.message.split(" (")[0] for defect in defects] == [
        "1 sequence taken as a whole, and an action unit as present in all frames of one that "
        "shows it in any: 8 values of 3 frames are changed",
        "1 of 4 frames that nobody coded are left out",
    ]


@st.composite
def coded(draw):
    """Frames of three sequences, in which two action units come and go."""
    many = draw(st.integers(2, 12))
    values = st.sampled_from([0.0, 1.0, NAN])
    column = st.lists(values, min_size=many, max_size=many)
    return table(
        sequence=draw(st.lists(st.sampled_from("uvw"), min_size=many, max_size=many)),
        AU06=draw(column),
        AU12=draw(column),
    )


@settings(max_examples=15)
@given(coded(), st.sampled_from(["peak", "mean"]), st.randoms(use_true_random=False))
def test_the_order_of_rows_and_frames_without_a_code_change_nothing(rows, way, random):
    found = by_sequence(rows, way, "x")[0]
    order = random.sample(range(len(rows)), len(rows))
    shuffled = by_sequence(make_table(rows.iloc[order]), way, "x")[0]
    pd.testing.assert_frame_equal(found, shuffled)
    # afterwards a sequence has one label for each action unit, which an association can take
    check_sequences(Faces(found, "x"))
    labels = found[["AU06", "AU12"]]
    sample = make_sample(np.zeros((len(found), 1)), labels, sequence=found["sequence"])
    assert len(sample.labels) == rows["sequence"].nunique()
    known = rows.groupby("sequence")[["AU06", "AU12"]].transform("count").sum(axis=1) > 0
    bare = rows[known]
    bare = bare.assign(image="zz" + bare["image"], AU06=NAN, AU12=NAN, frame=99)
    more = by_sequence(make_table(pd.concat([rows, bare])), way, "x")[0]
    pd.testing.assert_frame_equal(more, found)


def test_what_varies_is_refused_before_anything_is_tested():
    varying = Faces(table(sequence=["v", "v", "w"], AU06=[0.0, 0, 1], AU12=[0.0, 1, 1]), "x")
    match = (
        "x has action units that come and go within 1 of its 2 sequences, such as AU12 in v: the "
        "frames of one video are no independent observations, so say what a sequence counts for, "
        "by=peak or by=mean"
    )
    with pytest.raises(DataError, match=match):
        check_sequences(varying)
    with pytest.raises(DataError, match="AU12 in v"):
        check_aus(varying)
    # neutral frames do not count, and labels that are known in some frames only do not vary
    rest = table(expression=["neutral", "anger", "anger"], AU12=[0.0, 1, NAN])
    check_sequences(Faces(rest, "x"))
    with pytest.raises(CallError, match="frames of one video are no independent observations"):
        make_sample(np.zeros((2, 1)), np.array([[0.0], [1]]), sequence=["v", "v"])


def test_frames_of_no_sequence_are_refused():
    loose = table(sequence=[None] * 3, subject=["a", "a", "b"], AU12=[0.0, 1, 1])
    match = "x has 3 faces with a frame number and no sequence, up to 2 of one subject"
    with pytest.raises(DataError, match=match):
        check_sequences(Faces(loose, "x"))
    # one frame of each person is an observation of its own, and so is a face without a number
    check_sequences(Faces(loose[1:].reset_index(drop=True), "x"))
    check_sequences(Faces(loose.assign(frame=pd.array([None] * 3, "Int64")), "x"))


def test_a_sequence_of_several_expressions_is_a_stratum_of_its_own():
    rows = table(
        sequence=["v", "v", "w", "u", None],
        expression=["anger", "fear", "anger", None, "anger"],
    )
    assert expression_strata(Faces(rows, "x")).tolist() == [
        "several, v", "several, v", "anger", "unknown, u", "anger",
    ]  # fmt: skip


@pytest.fixture
def video(tmp_path, write_image):
    """Four frames of each of two videos, with what a coder wrote of them."""
    lines = ["path,expression,subject,video,frame,AU12,OnsetFrame,ApexFrame,Offset Frame,bout"]
    for name, apex in (("v", 2), ("w", 3)):
        for frame in range(1, 5):
            write_image(tmp_path / name / f"{frame}.png")
            coded = int(frame in (2, 3))
            bout = "" if frame == 1 else f"b{frame // 3}"
            lines.append(
                f"{name}/{frame}.png,happy,s{name},{name},{frame},{coded},2,{apex},3,{bout}"
            )
    file = tmp_path / "codes.csv"
    file.write_text("\n".join(lines))
    return file


def test_a_table_tells_phases_by_its_onset_apex_and_offset_frames(video):
    faces = load(f"table:{video}")
    assert faces.table["phase"].fillna("-").tolist() == [
        "-", "apex", "offset", "-",
        "-", "onset", "apex", "-",
    ]  # fmt: skip
    peak = load(f"table:{video},by=peak")
    assert peak.table["image"].tolist() == ["v/2.png", "w/3.png"]
    assert peak.by == "peak"
    assert faces.by is None
    with pytest.raises(DataError, match="come and go within 2 of its 2 sequences"):
        check_sequences(faces)
    assert "phase" not in load(f"table:{video},phase=none").table.columns


def test_bounds_that_make_no_sense_are_told(video):
    text = video.read_text()
    video.write_text(text.replace(",2,2,3,", ",4,2,3,").replace(",2,3,3,", ",/,-1,3,"))
    found = {
        d.level: d.message
        for d in check(f"table:{video}").defects
        if "Frame" in d.message or "order" in d.message
    }
    assert found["error"] == (
        "row 2 of codes.csv: onset 4, apex 2 and offset 3 are out of order: the phases of 4 rows "
        "are unknown"
    )
    assert found["warning"] == (
        "ApexFrame of codes.csv is no number of a frame in 4 rows, and unknown there: -1 (4×)"
    )
    video.write_text(text.replace(",frame,", ",number,"))
    message = "codes.csv has a column 'ApexFrame' and none of frame numbers: the phases of its"
    assert any(message in note for note in load(f"table:{video}").notes)


def test_a_column_of_phases(video):
    text = video.read_text().replace("bout", "phase").replace("b0", "Apex").replace("b1", "")
    video.write_text(text)
    assert load(f"table:{video}").table["phase"].dropna().tolist() == ["apex", "apex"]
    video.write_text(text.replace("Apex", "peak"))
    with pytest.raises(
        DataError, match="'peak' is no phase: expected neutral, onset, apex, offset"
    ):
        load(f"table:{video}")


def test_episodes_count_by_themselves(video):
    faces = load(f"table:{video},episode=bout,by=mean")
    assert faces.table["sequence"].tolist() == [
        "v, b0",
        "v, b1",
        "v, b1",
        "w, b0",
        "w, b1",
        "w, b1",
    ]
    assert faces.presence().ravel().tolist() == [1] * 6
    assert "2 of 8 rows of codes.csv are in no episode: left out" in faces.notes
    check_sequences(faces)


def test_what_a_sequence_counts_for_is_asked_by_name(video):
    with pytest.raises(CallError, match="by is 'all': expected what a sequence counts for"):
        load(f"table:{video},by=all")
    found = [d.message for d in check(f"table:{video},by=peak").defects]
    assert any("2 of 8 frames are kept (by=peak, as asked)" in message for message in found)


def test_existing_results_stay(drawn_ck48):
    """Equal labels within each sequence: as a whole the faces are as they were."""
    plain = fl.load_faces(f"ck48:{drawn_ck48}")
    asked = fl.load_faces(f"ck48:{drawn_ck48},by=mean")
    assert asked.digest() == plain.digest()
    pd.testing.assert_frame_equal(asked.table, plain.table)
    assert "phase" not in plain.table.columns
    assert set(fl.load_faces(f"ck48:{drawn_ck48},by=peak").table["sequence"].value_counts()) == {1}
