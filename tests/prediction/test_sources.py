"""Every kind of file that a user may name."""

import base64
import os
import sys
from fractions import Fraction
from itertools import islice
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from facslens.datasets import formats, images
from facslens.datasets.archive import Carried
from facslens.prediction import sources
from facslens.prediction.sources import Picture, find, name_of, pictures


def write_video(
    path, shades, size=(64, 48), aspect=None, container=None, codec="mpeg4", times=None
):
    """One frame a shade of grey, 25 a second or at times in milliseconds."""
    with av.open(str(path), "w", format=container) as container:
        stream = container.add_stream(codec, rate=Fraction(25))
        stream.width, stream.height = size
        if aspect is not None:
            stream.codec_context.sample_aspect_ratio = stream.sample_aspect_ratio = aspect
        stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        for number, shade in enumerate(shades):
            frame = av.VideoFrame.from_ndarray(
                np.full((size[1], size[0], 3), shade, np.uint8), format="rgb24"
            )
            if times is not None:
                stream.codec_context.time_base = frame.time_base = Fraction(1, 1000)
                frame.pts = times[number]
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def only(path, **choices):
    (picture,) = pictures(path, **choices)
    return picture


def test_folders_patterns_and_files_each_once_in_order(tmp_path):
    for name in ("b.png", "a.jpg", "deep/c.png", "notes.txt", ".hidden.png"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"")
    found = find([str(tmp_path / "b.png"), str(tmp_path), str(tmp_path / "*.jpg")])
    assert [p.relative_to(tmp_path).as_posix() for p in found] == ["b.png", "a.jpg", "deep/c.png"]
    (tmp_path / "only[1].png").write_bytes(b"")
    assert find([str(tmp_path / "only[1].png")]) == [tmp_path / "only[1].png"]


def test_every_file_of_a_folder_is_read_or_counted(tmp_path, monkeypatch):
    shade = Image.new("L", (16, 16), 77)
    for name in ("a.jpg", "b.jfif", "c.gif", "d.avif", "e.JPE", "f.jp2", "g.mpo"):
        shade.save(tmp_path / name, "JPEG" if name[2:] in ("jfif", "JPE", "mpo") else None)
    (tmp_path / "h.heic").write_bytes(b"\0\0\0\x18ftypheic" + bytes(100))
    for name in ("i.txt", "j.txt", "k.pdf"):
        (tmp_path / name).write_text("")
    for module in (images, formats):
        monkeypatch.setattr(module, "readable", lambda: ("AVIF", "GIF", "JPEG", "JPEG2000"))
    skipped = []
    found = [only(entry) for entry in find([str(tmp_path)], skipped)]
    assert [int(picture.pixels.mean().round()) for picture in found[:7]] == [77] * 7
    assert found[7].problem == (
        f"{tmp_path}/h.heic is a picture of the format HEIF, which needs the package "
        f"pillow-heif: pip install pillow-heif"
    )
    assert [defect.message for defect in skipped] == [
        f"3 files that are not read lie below {tmp_path}, by ending: .txt (2×), .pdf (1×)"
    ]


def test_every_kind_of_picture_in_a_folder_has_its_row(tmp_path):
    """Each format that Pillow opens, by each of its endings; what is not read says so."""
    Image.init()
    forms = {e: form for e, form in Image.registered_extensions().items() if form in Image.OPEN}
    kinds = {ending: form for ending, form in forms.items() if form != "MPEG"}  # videos
    known = {ending for ending in kinds if ending in formats.FORMATS or ending in formats.BY_ENDING}
    written = {ending for ending in known if kinds[ending] in Image.SAVE}
    shade = Image.new("RGB", (64, 64), (77, 77, 77))
    for ending, form in kinds.items():
        path = tmp_path / f"a{ending}"
        if ending in written:
            shade.convert("1" if form in ("MSP", "XBM") else "RGB").save(path, form)
        else:
            path.write_bytes(bytes(100))
    found = {Path(name_of(entry)).suffix: only(entry) for entry in find([str(tmp_path)])}
    assert set(found) == set(kinds)
    read = {ending for ending, picture in found.items() if picture.problem is None}
    assert read == written
    assert {found[ending].pixels.mean().round() for ending in read - {".msp", ".xbm"}} == {77}
    for ending in set(kinds) - known:
        assert found[ending].problem.endswith(
            f"a{ending} is a picture of a kind that is not read ({ending}): save it as PNG, TIFF "
            f"or JPEG"
        )


@pytest.mark.parametrize("ending", ["", ".clip", ".bin"])
def test_a_video_that_is_called_otherwise_is_read_where_it_is_named(tmp_path, ending):
    path = tmp_path / f"film{ending}"
    write_video(path, [60, 60, 200], container="avi")
    assert [frame.frame for frame in pictures(path)] == [0, 1, 2]
    sent = Carried(str(path), path.read_bytes())
    assert [int(p.pixels.mean()) // 10 for p in pictures(sent, every=2)] == [6, 20]
    path.write_bytes(b"neither")
    assert "is no image, whatever its name says" in only(path).problem


def test_what_leads_nowhere_is_said(tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "notes.txt").write_text("")
    found = find([str(tmp_path / name) for name in ("*.png", "empty", "texts", "no.png")])
    assert [p.problem for p in found[:3]] == [
        f"{tmp_path}/*.png matches no file",
        f"the folder {tmp_path}/empty is empty: expected images below it",
        f"{tmp_path}/texts holds no picture and no video: it has notes.txt",
    ]
    assert only(found[3]).problem == f"the image {tmp_path}/no.png does not exist"


def test_an_address_is_one_clear_sentence():
    address = "https://example.org/faces/*.png?size=[1]"
    (entry,) = find([address])
    assert entry.source == address
    assert entry.problem == (
        f"{address} is an address, and nothing is fetched: save what is there, and name it"
    )
    assert find(["C://a.png"]) == [Path("C:/a.png")]  # a drive, where systems have them


def test_a_folder_that_cannot_be_listed_is_named(tmp_path, monkeypatch):
    (tmp_path / "a.png").write_bytes(b"")

    def closed(top, onerror=None, **_):
        onerror(PermissionError(13, "Permission denied", str(tmp_path / "locked")))
        yield str(tmp_path), [], ["a.png"]

    monkeypatch.setattr("facslens.datasets.files.os.walk", closed)  # root may list any folder
    problem, file = find([str(tmp_path)])
    assert problem.problem == f"the folder {tmp_path}/locked cannot be listed: Permission denied"
    assert file == tmp_path / "a.png"


def test_colours_come_through_and_grey_is_three_times_the_same(tmp_path):
    Image.new("RGB", (20, 10), (10, 200, 30)).save(tmp_path / "colour.png")
    Image.new("L", (20, 10), 77).save(tmp_path / "grey.png")
    assert only(tmp_path / "colour.png").pixels[3, 4].tolist() == [10, 200, 30]
    assert only(tmp_path / "grey.png").pixels[3, 4].tolist() == [77, 77, 77]


def test_the_kinds_of_pictures_that_cameras_and_programs_write(tmp_path):
    Image.new("CMYK", (20, 10), (0, 0, 0, 128)).save(tmp_path / "cmyk.jpg")
    Image.fromarray(np.full((10, 20), 40000, np.uint16)).save(tmp_path / "deep.png")
    Image.new("RGBA", (20, 10), (200, 100, 50, 0)).save(tmp_path / "clear.png")
    turned = Image.new("RGB", (20, 10), (255, 0, 0))
    turned.paste((0, 0, 255), (0, 0, 5, 10))
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by 90° clockwise to show
    turned.save(tmp_path / "turned.png", exif=exif)
    assert np.ptp(only(tmp_path / "cmyk.jpg").pixels[5, 5].astype(int)) <= 2
    assert abs(int(only(tmp_path / "cmyk.jpg").pixels[5, 5, 0]) - 127) <= 2
    assert only(tmp_path / "deep.png").pixels[5, 5].tolist() == [156, 156, 156]  # 40000 / 257
    assert only(tmp_path / "clear.png").pixels[5, 5].tolist() == [0, 0, 0]
    upright = only(tmp_path / "turned.png").pixels
    assert upright.shape == (20, 10, 3)
    assert upright[0, 0].tolist() == [0, 0, 255]  # the left edge has become the upper one
    assert upright[19, 0].tolist() == [255, 0, 0]


def test_of_an_animation_the_first_picture_is_read_and_that_is_noted(tmp_path):
    frames = [Image.new("L", (20, 10), shade) for shade in (10, 100, 200)]
    frames[0].save(tmp_path / "moving.gif", save_all=True, append_images=frames[1:])
    picture = only(tmp_path / "moving.gif")
    assert picture.pixels[0, 0].tolist() == [10, 10, 10]
    assert picture.note == "holds 3 pictures: the first was read"


def test_broken_files_are_problems_of_their_own(tmp_path):
    (tmp_path / "text.png").write_text("no picture")
    Image.new("L", (20000, 20000)).save(tmp_path / "bomb.png")
    whole = tmp_path / "whole.png"
    Image.effect_noise((64, 64), 50).save(whole)
    (tmp_path / "half.png").write_bytes(whole.read_bytes()[:900])
    assert "text.png is no image, whatever its name says" in only(tmp_path / "text.png").problem
    assert "more than 33 megapixels: it is not decoded" in only(tmp_path / "bomb.png").problem
    assert "half.png is broken or cannot be read" in only(tmp_path / "half.png").problem


def test_the_frames_of_a_video_by_number(tmp_path):
    write_video(tmp_path / "a.mp4", range(20, 220, 20))
    frames = list(pictures(tmp_path / "a.mp4"))
    assert [frame.frame for frame in frames] == list(range(10))
    shades = [int(frame.pixels.mean()) for frame in frames]
    assert np.abs(np.subtract(shades, range(20, 220, 20))).max() <= 4  # the codec's loss
    assert [frame.frame for frame in pictures(tmp_path / "a.mp4", every=4)] == [0, 4, 8]


class Stored:
    """A frame whose file says how it is shown."""

    width, height = 6, 4
    rotation = 0

    def __init__(self):
        self.asked = None

    def to_ndarray(self, *, width, height, **choices):
        self.asked = choices, width, height
        pixels = np.zeros((height, width, 3), np.uint8)
        pixels[0, -1] = 9
        return pixels


# What the container of an ending is called where FFmpeg does not know the ending, the size that it
# needs, and a codec.
CONTAINERS = {
    ".mp4": (), ".m4v": ("mp4",), ".mov": (), ".qt": ("mov",), ".f4v": ("mp4",), ".3gp": (),
    ".3g2": (), ".mts": ("mpegts", "mpeg2video"), ".m2ts": ("mpegts", "mpeg2video"),
    ".m2t": ("mpegts", "mpeg2video"), ".ts": ("mpegts", "mpeg2video"),
    ".tod": ("mpegts", "mpeg2video"), ".mpg": ("mpeg", "mpeg1video"),
    ".mpeg": ("mpeg", "mpeg1video"), ".mpv": ("mpeg", "mpeg1video"),
    ".vob": ("vob", "mpeg2video"), ".mod": ("mpeg", "mpeg2video"),
    ".m1v": ("mpeg1video", "mpeg1video"), ".m2v": ("mpeg2video", "mpeg2video"),
    ".asf": ("asf", "wmv2"), ".wmv": ("asf", "wmv2"), ".avi": (), ".divx": ("avi",), ".mkv": (),
    ".webm": ("webm", "libvpx"), ".ogv": ("ogg", "libvpx"), ".ogm": ("ogg", "libvpx"),
    ".flv": ("flv", "flv"), ".dv": ("dv", "dvvideo", (720, 576)), ".mxf": ("mxf", "mpeg2video"),
    ".mj2": ("mov",), ".ismv": (), ".psp": ("mp4",), ".dvd": ("dvd", "mpeg2video"),
    ".h264": ("h264", "libx264"), ".264": ("h264", "libx264"), ".avc": ("h264", "libx264"),
    ".h26l": ("h264", "libx264"), ".h265": ("hevc", "libx265"), ".265": ("hevc", "libx265"),
    ".hevc": ("hevc", "libx265"), ".mjpg": ("mjpeg", "mjpeg"), ".mjpeg": ("mjpeg", "mjpeg"),
    ".mk3d": ("matroska",), ".ogg": ("ogg", "libvpx"), ".dif": ("dv", "dvvideo", (720, 576)),
    ".gxf": ("gxf", "mpeg2video", (720, 576)),
    ".h261": ("h261", "h261"), ".h263": ("h263", "h263"), ".ivf": ("ivf", "libvpx"), ".nut": (),
    ".obu": None, ".rm": ("rm", "rv20"), ".swf": ("swf", "flv"), ".wtv": ("wtv",),
    ".y4m": ("yuv4mpegpipe", "rawvideo"),
}  # fmt: skip


#: The three frames of the test below. They were encoded before: SVT-AV1, which PyAV brings, gives
#: the process that encodes real-time priority where it is root, and whatever it starts, too.
AV1 = base64.b64decode(
    "EgAKCwAAAAO9fHjV8wCAMhUQAIwggUUIIEAAAgCVzxl/Ao0WzUASADIuKAIAJJJJHSMAHHDDCAAAMAAXMsuAPgBUK+qq"
    "ny3GVvvMyNf+7D+TuklFbRM8QDIUMAIECSQAOkYAAACAAAMAAJgo0GUSABoBiA=="
)


@pytest.mark.parametrize("ending", ["mp4", "mkv", "mov"])
def test_the_time_of_a_frame_is_its_own_timestamp(tmp_path, ending):
    path = tmp_path / f"a.{ending}"
    write_video(path, [90] * 5, times=[0, 40, 90, 1000, 61234])
    assert [p.time for p in pictures(path)] == pytest.approx([0, 0.04, 0.09, 1, 61.234], abs=5e-4)
    assert [p.time for p in pictures(path, 3)] == pytest.approx([0, 1], abs=5e-4)


@pytest.mark.parametrize(
    ("ending", "choices"),
    [
        ("avi", {}),
        ("mts", {"container": "mpegts", "codec": "mpeg2video"}),
        ("mpg", {"container": "mpeg", "codec": "mpeg2video"}),
    ],
)
def test_time_begins_with_the_video_as_players_show_it(tmp_path, ending, choices):
    """Clocks of MPEG streams begin anywhere: FFmpeg's writer begins at 1.4 s."""
    write_video(tmp_path / f"a.{ending}", [90] * 5, (176, 144), **choices)
    times = [picture.time for picture in pictures(tmp_path / f"a.{ending}")]
    assert times == pytest.approx(np.arange(5) / 25, abs=5e-4)


def test_pictures_have_no_time(tmp_path):
    Image.new("L", (16, 16)).save(tmp_path / "a.png")
    assert only(tmp_path / "a.png").time is None


def test_every_ending_of_videos_is_tried():
    assert set(CONTAINERS) == set(sources.VIDEOS)


@pytest.mark.parametrize("ending", CONTAINERS)
def test_the_videos_of_camcorders_telephones_and_studies_are_read(tmp_path, ending):
    path, how = tmp_path / f"A{ending.upper()}", CONTAINERS[ending]
    if how is None:
        path.write_bytes(AV1)
    else:
        given = dict(zip(("container", "codec", "size"), how, strict=False))
        write_video(path, [60, 60, 200], **({"size": (176, 144)} | given))
    (entry,) = find([str(tmp_path)])
    frames = list(pictures(entry))
    assert [frame.problem for frame in frames] == [None] * 3
    shades = [int(frame.pixels.mean()) for frame in frames]
    assert np.abs(np.subtract(shades, [60, 60, 200])).max() <= 8  # the codecs' loss


@pytest.mark.parametrize(
    "words",
    [
        "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nother.ts\n#EXT-X-ENDLIST\n",
        "ffconcat version 1.0\nfile other.ts\n",
    ],
)
def test_lists_that_call_themselves_videos_lead_to_no_other_file(tmp_path, words):
    write_video(tmp_path / "other.ts", [100], container="mpegts", codec="mpeg2video")
    (tmp_path / "list.mp4").write_text(words)
    assert "list.mp4 cannot be read: " in only(tmp_path / "list.mp4").problem


def test_a_video_that_lies_on_its_side_is_turned():
    frame = Stored()
    frame.rotation = 90  # counterclockwise to show: upper right comes to the upper left
    upright = sources._upright(frame, None)
    assert upright.shape == (6, 4, 3)
    assert upright[0, 0].tolist() == [9, 9, 9]


@pytest.mark.parametrize(
    ("aspect", "size"),
    [
        (None, (6, 4)),
        (Fraction(0), (6, 4)),  # unknown
        (Fraction(2), (12, 4)),
        (Fraction(1, 2), (6, 8)),
        (Fraction(4, 3), (8, 4)),
    ],
)
def test_pixels_that_are_not_square_become_square(aspect, size):
    frame = Stored()
    sources._upright(frame, aspect)
    assert frame.asked == ({"format": "rgb24"}, *size)


def test_pixels_that_are_not_square_are_stretched_before_the_frame_is_turned():
    frame = Stored()
    frame.rotation = 90
    assert sources._upright(frame, Fraction(2)).shape == (12, 4, 3)


@pytest.mark.parametrize("ending", ["mp4", "avi", "mkv"])
def test_a_video_with_a_sample_aspect_ratio_is_shown_as_players_show_it(tmp_path, ending):
    # a circle of 60 pixels, stored at half its width
    path = tmp_path / f"a.{ending}"
    rows, columns = np.mgrid[:96, :64]
    circle = (((rows - 48) ** 2 + (2 * (columns - 32)) ** 2 < 30**2) * 255).astype(np.uint8)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=Fraction(10))
        stream.width, stream.height, stream.pix_fmt = 64, 96, "yuv420p"
        stream.codec_context.sample_aspect_ratio = stream.sample_aspect_ratio = Fraction(2)
        shown = av.VideoFrame.from_ndarray(circle, format="gray8")
        container.mux(stream.encode(shown))
        container.mux(stream.encode())
    bright = only(path).pixels[:, :, 0] > 127
    assert bright.shape == (96, 128)
    across, down = bright.any(axis=0).sum(), bright.any(axis=1).sum()
    assert abs(across - down) <= 3  # the codec's blur at either end


def test_pixels_that_would_make_a_frame_too_large_are_a_problem(tmp_path, monkeypatch):
    write_video(tmp_path / "a.avi", [100], aspect=Fraction(2))
    monkeypatch.setattr(sources, "MAX_PIXELS", 128 * 48 - 1)
    assert only(tmp_path / "a.avi").problem.endswith(
        "with square pixels its frames are 128×48, more than 0 megapixels"
    )


def test_videos_that_are_none(tmp_path):
    (tmp_path / "text.mp4").write_text("no video")
    with av.open(str(tmp_path / "sound.mp4"), "w") as container:
        stream = container.add_stream("aac", rate=8000)
        sound = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", "mono")
        sound.sample_rate = 8000
        container.mux(stream.encode(sound))
        container.mux(stream.encode())
    write_video(tmp_path / "whole.avi", [100] * 30)
    content = (tmp_path / "whole.avi").read_bytes()
    (tmp_path / "head.avi").write_bytes(content[:2000])
    assert "text.mp4 cannot be read: " in only(tmp_path / "text.mp4").problem
    assert only(tmp_path / "sound.mp4").problem == f"{tmp_path}/sound.mp4 has no video stream"
    assert "does not exist" in only(tmp_path / "gone.mp4").problem
    last = list(pictures(tmp_path / "head.avi"))[-1]
    assert last.problem
    assert "head.avi" in last.problem


def test_a_camera_gives_frames_without_end(monkeypatch):
    """FFmpeg's own test picture stands for a camera, which a machine of tests has not."""
    monkeypatch.setattr(sources, "_device", lambda name: ("testsrc=size=64x48:rate=25", "lavfi"))
    (camera,) = find(["camera:0"])
    frames = list(islice(pictures(camera, every=50), 3))
    assert [(f.source, f.frame, f.pixels.shape) for f in frames] == [
        ("camera:0", number, (48, 64, 3)) for number in (0, 50, 100)
    ]
    assert [f.time for f in frames] == [0, 2, 4]
    assert (frames[0].pixels != frames[1].pixels).any()


@pytest.mark.parametrize(
    ("system", "camera", "device"),
    [
        ("linux", "camera:2", ("/dev/video2", "video4linux2,v4l2")),
        ("linux", "camera:/dev/v4l/by-id/a", ("/dev/v4l/by-id/a", "video4linux2,v4l2")),
        ("darwin", "camera:0", ("0", "avfoundation")),
        ("win32", "camera:Integrated Camera", ("video=Integrated Camera", "dshow")),
    ],
)
def test_cameras_by_the_names_of_each_system(monkeypatch, system, camera, device):
    monkeypatch.setattr(sources.sys, "platform", system)
    assert sources._device(camera) == device


@pytest.mark.skipif(sys.platform != "linux", reason="the message is that of Linux")
def test_a_camera_that_is_not_there():
    picture = only(Path("camera:63"))
    assert picture.source == "camera:63"
    assert picture.problem == "camera:63 cannot be read: No such file or directory"


def test_a_problem_passes_through():
    problem = Picture("a", problem="a is nothing")
    assert only(problem) is problem


@pytest.mark.parametrize("every", [1, 3])
def test_the_first_frame_is_always_read(tmp_path, every):
    write_video(tmp_path / "a.avi", [50, 60])
    assert next(pictures(tmp_path / "a.avi", every)).frame == 0


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere names of files are text")
def test_names_that_are_not_utf8_are_read_under_a_printable_name(tmp_path):
    Image.new("L", (20, 10), 77).save(tmp_path / "a.png")
    write_video(tmp_path / "a.mp4", [100])
    for ending in ("png", "mp4"):
        (tmp_path / f"a.{ending}").rename(tmp_path / os.fsdecode(b"caf\xe9." + ending.encode()))
    Image.new("L", (20, 10), 77).save(tmp_path / "esc\x1b[2J.png")
    (tmp_path / "caf�E9.png").write_text("no picture")
    found = find([str(tmp_path)])
    read = [only(entry) for entry in found]
    names = ["caf�E9.mp4", "caf�E9.png", "caf��E9.png", "esc�1B[2J.png"]
    assert [Path(picture.source).name for picture in read] == names
    assert [name_of(entry) for entry in found] == [picture.source for picture in read]
    assert [picture.pixels is not None for picture in read] == [True, True, False, True]
    (missing,) = find([os.fsdecode(b"gone\xe9.png")])
    assert only(missing).problem == "the image gone�E9.png does not exist"
    assert only(missing).source == "gone�E9.png"


def test_paths_that_no_system_takes_are_problems_of_their_own(tmp_path):
    long = "a" * 5000
    for path in (f"{long}.png", f"{long}.mp4", f"{long}*", "a\0b.png", "~no such user/a.png"):
        (entry,) = find([path])
        assert only(entry).problem


@pytest.mark.parametrize("ending", ["png", "mp4"])
def test_what_is_no_regular_file_is_not_read(tmp_path, ending):
    os.mkfifo(tmp_path / f"pipe.{ending}")
    (tmp_path / f"zero.{ending}").symlink_to("/dev/zero")
    (tmp_path / f"gone.{ending}").symlink_to(tmp_path / "nowhere")
    gone, pipe, zero = (only(entry).problem for entry in find([str(tmp_path)]))
    assert "does not exist" in gone
    assert "is a named pipe" in pipe
    assert "is a device" in zero


def test_a_picture_that_is_read_at_half_its_size_says_so(tmp_path, monkeypatch):
    Image.new("L", (200, 100), 77).save(tmp_path / "large.jpg")
    monkeypatch.setattr("facslens.datasets.images.MAX_PIXELS", 10_000)
    picture = only(tmp_path / "large.jpg")
    assert (picture.pixels.shape, picture.reduced) == ((50, 100, 3), 2)
    assert picture.note == "has more than 0 megapixels: read at half its size"
