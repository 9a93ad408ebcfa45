"""Events from ELAN and BORIS, laid over the frames of videos."""

import numpy as np
import pytest

from facslens.datasets.coding import PEOPLE
from facslens.datasets.events import read_events
from facslens.datasets.load import load, read
from facslens.errors import CallError, DataError

NAN = np.nan

#: As BORIS exports "aggregated events": columns of its own test files.
AGGREGATED = """\
Observation id\tMedia file name\tSubject\tBehavior\tModifiers\tBehavior type\tStart (s)\tStop (s)
one\tclips/v.mp4\tAnna\tAU12\tC\tSTATE\t0.2\t0.5
one\tclips/v.mp4\tAnna\tAU6\tleft\tSTATE\t0.300\t0.4
one\tclips/v.mp4\tNo focal subject\ttalks\t\tSTATE\t0\t2
one\tclips/v.mp4\tAnna\tapex\t\tPOINT\t0.3\t0.3
one\tclips/v.mp4\tAnna\tAU 4\t\tSTATE\t0.7\t0.8
"""


@pytest.fixture
def frames(tmp_path, write_image):
    """Ten frames of each of two videos, ten a second; give a reader of events on them."""
    lines = ["path,expression,subject,video,frame,time"]
    for name in "vw":
        for frame in range(10):
            write_image(tmp_path / name / f"{frame}.png")
            lines.append(f"{name}/{frame}.png,,s{name},{name},{frame},{frame / 10}")
    (tmp_path / "frames.csv").write_text("\n".join(lines))

    def spec(text, keys=""):
        (tmp_path / "events.txt").write_text(text)
        return f"table:{tmp_path / 'frames.csv'},events={tmp_path / 'events.txt'}{keys}"

    return spec


def shown(spec, column, sequence="v"):
    table = load(spec).table
    return table.loc[table["sequence"] == sequence, column].astype(object).tolist()


def same(found, expected):
    np.testing.assert_array_equal(np.float64(found), np.float64(expected))


def test_boris_events_are_present_from_start_to_before_stop(frames):
    spec = frames(AGGREGATED)
    # the coding covers 0.2 s, where its first action unit begins, to before 0.8 s
    same(shown(spec, "AU12"), [NAN, NAN, 1, 1, 1, 0, 0, 0, NAN, NAN])
    same(shown(spec, "AU12_intensity"), [NAN, NAN, 3, 3, 3, 0, 0, 0, NAN, NAN])
    same(shown(spec, "AU04"), [NAN, NAN, 0, 0, 0, 0, 0, 1, NAN, NAN])
    # coded on one side of the face
    same(shown(spec, "AU06"), [NAN, NAN, 0, NAN, 0, 0, 0, 0, NAN, NAN])
    same(shown(spec, "AU12", "w"), [NAN] * 10)
    faces = load(spec)
    assert faces.table["phase"].dropna().tolist() == ["apex"]
    assert faces.table.loc[faces.table["phase"] == "apex", "image"].tolist() == ["v/3.png"]
    assert faces.codings == dict.fromkeys(("AU04", "AU06", "AU12", "AU12_intensity"), PEOPLE)
    assert "events.txt has events that name no action unit, ignored: talks (1×)" in faces.notes
    assert any("no event of 1 of the 2 sequences" in note for note in faces.notes)


def test_what_the_coding_covers_can_be_said(frames):
    same(shown(frames(AGGREGATED, ",covered=all"), "AU12"), [0, 0, 1, 1, 1, 0, 0, 0, 0, 0])
    text = AGGREGATED.replace("talks\t\tSTATE\t0\t2", "looked\t\tSTATE\t0.1\t0.6")
    # an event outside of what was looked at is present all the same
    same(shown(frames(text, ",covered=looked"), "AU04"), [NAN, 0, 0, 0, 0, 0, NAN, 1, NAN, NAN])
    with pytest.raises(DataError, match="covered is 'seen', and no event of"):
        load(frames(text, ",covered=seen"))


def test_boris_rows_of_starts_and_stops_are_paired(frames):
    spec = frames(
        "Time,Media file path,Subject,Behavior,Comment,Status\n"
        "0.2,v.mp4,Anna,AU12,,START\n0.3,v.mp4,Anna,AU01,,START\n0.5,v.mp4,Anna,AU12,,STOP\n"
        "0.6,v.mp4,Anna,AU12,,START\n0.6,v.mp4,Anna,AU01,,STOP\n0.7,v.mp4,Anna,AU04,,STOP\n"
    )
    # the second AU12 has no stop, AU04 no start: unknown there
    same(shown(spec, "AU12"), [NAN, NAN, 1, 1, 1, 0, NAN, NAN, NAN, NAN])
    same(shown(spec, "AU01"), [NAN, NAN, 0, 1, 1, 1, 0, NAN, NAN, NAN])
    same(shown(spec, "AU04"), [NAN] * 10)
    assert any(
        "a start or a stop alone, or none: AU04 (1×), AU12 (1×)" in n for n in load(spec).notes
    )


def test_an_event_without_duration_leaves_its_action_unit_unknown(frames):
    spec = frames(
        "video,behavior,start,stop\nv,AU12,0.1,0.1\nv,AU12,0.3,0.5\nv,AU04,0.0,0.4\nw,AU12,0.2,0.4\n"
    )
    same(shown(spec, "AU12"), [NAN, NAN, NAN, 1, 1, NAN, NAN, NAN, NAN, NAN])
    same(shown(spec, "AU04"), [1, 1, 1, 1, 0, NAN, NAN, NAN, NAN, NAN])
    same(shown(spec, "AU12", "w"), [NAN, NAN, 1, 1, NAN, NAN, NAN, NAN, NAN, NAN])
    assert any("events without duration: AU12 (1×)" in note for note in load(spec).notes)


def test_elan_with_a_column_for_each_tier(frames):
    spec = frames(
        "Begin Time - hh:mm:ss.ms\tEnd Time - hh:mm:ss.ms\tAU12\tFACS\tnote\tvideo\n"
        "00:00:00.100\t00:00:00.300\tB\t\thm\tv\n00:00:00.200\t00:00:00.500\t\t1+2B\t\tv\n"
    )
    same(shown(spec, "AU12_intensity"), [NAN, 2, 2, 0, 0, NAN, NAN, NAN, NAN, NAN])
    same(shown(spec, "AU01"), [NAN, 0, 1, 1, 1, NAN, NAN, NAN, NAN, NAN])
    same(shown(spec, "AU02_intensity"), [NAN, 0, 2, 2, 2, NAN, NAN, NAN, NAN, NAN])


def test_elan_with_a_row_an_annotation_in_milliseconds(frames):
    spec = frames(
        "Tier\tBegin Time - msec\tEnd Time - msec\tAnnotation\tFile\n"
        "AU\t100\t300\t12?\tv.eaf\nBrow Lowerer\t200\t400\t\tv.eaf\nAU\t300\t400\tleft AU12\tv.eaf"
    )
    same(shown(spec, "AU12"), [NAN, NAN, NAN, NAN, *[NAN] * 6])  # uncertain, then of one side
    same(shown(spec, "AU04"), [NAN, 0, 1, 1, *[NAN] * 6])


def test_numbers_of_frames_include_the_last(frames):
    text = "video,event,onset frame,offset frame\nv,AU12,2,4\nv,AU04,6,6\n"
    same(shown(frames(text), "AU12"), [NAN, NAN, 1, 1, 1, 0, 0, NAN, NAN, NAN])
    same(shown(frames(text), "AU04"), [NAN, NAN, 0, 0, 0, 0, 1, NAN, NAN, NAN])


def test_frames_a_second_stand_in_for_times(frames):
    text = "video,event,start,stop\nv,AU12,0.2,0.5\nv,AU04,0.55,0.58\n"
    same(shown(frames(text, ",time=none,fps=10"), "AU12"), shown(frames(text), "AU12"))
    later = shown(frames(text, ",time=none,fps=10,first=1"), "AU12")
    same(later, [NAN, NAN, NAN, 1, 1, 1, 0, NAN, NAN, NAN])
    assert "1 event of events.txt with no frame of the table: ignored" in load(frames(text)).notes
    with pytest.raises(DataError, match="fps= does not say how long a frame is"):
        load(frames(text, ",time=none"))
    with pytest.raises(CallError, match="fps is '0': expected frames a second"):
        load(frames(text, ",fps=0"))


def test_overlapping_events_of_two_grades_have_no_grade(frames):
    spec = frames("video,event,value,start,stop\nv,AU12,B,0.1,0.4\nv,AU12,D,0.3,0.6\n")
    same(shown(spec, "AU12_intensity"), [NAN, 2, 2, NAN, 4, 4, NAN, NAN, NAN, NAN])
    same(shown(spec, "AU12"), [NAN, 1, 1, 1, 1, 1, NAN, NAN, NAN, NAN])


def test_a_file_name_that_two_sequences_share_names_neither(frames, tmp_path):
    spec = frames("file,event,start,stop\nv.mp4,AU12,0.1,0.4\nx/w.mp4,AU12,0.1,0.4\n")
    table = tmp_path / "frames.csv"
    table.write_text(table.read_text().replace(",v,", ",a/v,"))
    same(shown(spec, "AU12", "a/v"), [NAN, 1, 1, 1, *[NAN] * 6])
    table.write_text(table.read_text().replace(",w,", ",b/v,"))
    with pytest.raises(DataError, match=r"such as v\.mp4, x/w\.mp4, frames\.csv has the sequences"):
        load(spec)


def test_the_order_of_events_changes_nothing(frames):
    head, *lines = AGGREGATED.splitlines()
    plain = load(frames(AGGREGATED)).table
    assert load(frames("\n".join([head, *lines[::-1]]))).table.equals(plain)


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("a,b\n1,2\n", "has no header line with columns for the start and the stop of events"),
        ("video,event,start,stop\nx,AU12,0,1\n", "names the videos of its events such as x, fr"),
        ("event,start,stop\nAU12,0,1\n", "names the videos of its events by no column, frames"),
        ("video,event,start,stop\nv,AU12,0.5,0.1\n", "row 2 of .*: the event 'AU12' begins"),
        ("video,event,start,stop\nv,AU12,soon,1\n", "start is 'soon': expected a number of sec"),
        (
            "video,event,start,stop,subject\nv,AU12,0,1,A\nv,AU12,0,1,B\n",
            r"events of 2 persons for the sequence v \(A, B\): expected those of one",
        ),
        (
            "observation id,video,event,start,stop\nx,v,AU12,0,1\ny,v,AU12,0,1\n",
            r"events of 2 observations for the sequence v \(x, y\)",
        ),
        (
            "file,event,start,stop\na/v.mp4,AU12,0,1\nb/v.mp4,AU12,0,1\n",
            r"events of 2 files for the sequence v \(a/v.mp4, b/v.mp4\)",
        ),
    ],
)
def test_what_cannot_be_laid_over_frames_is_told(frames, text, match):
    with pytest.raises(DataError, match=match):
        load(frames(text))


def test_an_event_that_ends_before_it_begins_is_unknown(frames):
    reading = read(frames("video,event,start,stop\nv,AU12,0.5,0.1\nv,AU04,0.1,0.9\n"))
    assert reading.rows["AU12"].isna().all()


def test_columns_and_events_for_one_action_unit_are_refused(frames, tmp_path):
    spec = frames("video,event,start,stop\nv,AU12,0.1,0.4\n")
    file = tmp_path / "frames.csv"
    file.write_text(file.read_text().replace(",time", ",time,AU12").replace("0.1\n", "0.1,1\n"))
    with pytest.raises(DataError, match=r"frames\.csv has columns and events for AU12"):
        load(spec)


def test_a_file_that_is_missing_is_named(tmp_path):
    defects = []
    assert read_events(tmp_path / "no.txt", defects) is None
    assert "no.txt does not exist" in defects[0].message
