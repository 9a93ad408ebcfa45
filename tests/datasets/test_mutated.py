"""Files that were damaged at random: each gives one sentence, and none hangs or takes much memory.

``FACSLENS_MUTATIONS`` sets how many of each kind are tried; the few here are the same every time.
"""

import io
import os
import resource
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from facslens.datasets.check import check
from facslens.datasets.images import read_grey, read_picture
from facslens.errors import DataError

MANY = int(os.environ.get("FACSLENS_MUTATIONS", "12"))
SECONDS = 5.0
MEGABYTES = 500


def mutated(content: bytes, rng: np.random.Generator) -> bytes:
    """Flip, overwrite, cut out, double or cut off some bytes, more often near the beginning."""
    damaged = bytearray(content)
    for _ in range(rng.integers(1, 6)):
        place = int(len(damaged) * rng.random() ** rng.integers(1, 5))
        length = int(rng.integers(1, 9))
        match rng.integers(6):
            case 0:
                damaged[place : place + 1] = bytes([damaged[place] ^ (1 << rng.integers(8))])
            case 1:
                damaged[place : place + length] = rng.bytes(length)
            case 2:
                del damaged[place : place + length]
            case 3:
                damaged[place:place] = damaged[place : place + length * 16]
            case 4:
                damaged[place : place + length] = bytes([rng.choice([0, 255])]) * length
            case _:
                del damaged[place + 1 :]
        if not damaged:
            return b""
    return bytes(damaged)


def encoded(name: str) -> bytes:
    """A picture of 40 × 40 in one of the formats."""
    rng = np.random.default_rng(7)
    colours = Image.fromarray(rng.integers(0, 256, (40, 40, 3), dtype=np.uint8))
    deep = Image.fromarray(rng.integers(0, 65536, (40, 40), dtype=np.uint16))
    exif = Image.Exif()
    exif[0x0112] = 6
    written = io.BytesIO()
    picture, form, choices = {
        "png": (colours, "PNG", {"exif": exif}),
        "png 16": (deep, "PNG", {}),
        "png palette": (colours.convert("P"), "PNG", {"transparency": 3}),
        "png moving": (colours, "PNG", {"save_all": True, "append_images": [colours] * 2}),
        "jpeg": (colours, "JPEG", {"exif": exif}),
        "jpeg progressive": (colours, "JPEG", {"progressive": True}),
        "jpeg cmyk": (colours.convert("CMYK"), "JPEG", {}),
        "mpo": (colours, "MPO", {"save_all": True, "append_images": [colours]}),
        "gif": (colours.convert("P"), "GIF", {"save_all": True, "append_images": [colours] * 2}),
        "bmp": (colours, "BMP", {}),
        "tiff": (colours, "TIFF", {"exif": exif}),
        "tiff 16": (deep, "TIFF", {}),
        "tiff lzw": (colours, "TIFF", {"compression": "tiff_lzw"}),
        "tiff pages": (colours, "TIFF", {"save_all": True, "append_images": [colours] * 2}),
        "tiff jpeg": (colours, "TIFF", {"compression": "jpeg"}),
        "pgm": (colours.convert("L"), "PPM", {}),
        "webp": (colours, "WEBP", {"lossless": True}),
        "webp moving": (colours, "WEBP", {"save_all": True, "append_images": [colours] * 2}),
    }[name]
    picture.save(written, form, **choices)
    return written.getvalue()


PICTURES = (
    "png", "png 16", "png palette", "png moving", "jpeg", "jpeg progressive", "jpeg cmyk", "mpo",
    "gif", "bmp", "tiff", "tiff 16", "tiff lzw", "tiff pages", "tiff jpeg", "pgm", "webp",
    "webp moving",
)  # fmt: skip


@pytest.fixture
def in_time():
    """Fails a test of which one step took too long, or that took too much memory."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    def run(step: Callable[[], object]) -> object:
        start = time.process_time()
        try:
            return step()
        finally:
            assert time.process_time() - start < SECONDS
            assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < MEGABYTES * 1024

    return run


def refused(read: Callable[[Path], object], file: Path) -> str | None:
    try:
        read(file)
    except DataError as error:
        return str(error)
    return None


@pytest.mark.parametrize("name", PICTURES)
def test_a_damaged_picture_is_read_or_refused_in_one_sentence(tmp_path, name, in_time):
    content, file = encoded(name), tmp_path / "face.img"
    rng = np.random.default_rng([20190409, PICTURES.index(name)])
    file.write_bytes(content)
    assert read_grey(file).shape == (40, 40)
    for _ in range(MANY):
        file.write_bytes(mutated(content, rng))
        for read in (read_grey, read_picture):
            sentence = in_time(lambda read=read: refused(read, file))
            assert sentence is None or (str(file) in sentence and "\n" not in sentence)


def archive(member: str, content: bytes) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr(member, content)
    return written.getvalue()


def test_a_damaged_archive_is_read_or_refused_in_one_sentence(tmp_path, in_time):
    file = tmp_path / "faces.zip"
    content = archive("face.png", encoded("bmp"))
    rng = np.random.default_rng(20190409)
    for _ in range(2 * MANY):
        file.write_bytes(mutated(content, rng))
        sentence = in_time(lambda: refused(read_grey, file / "face.png"))
        assert sentence is None or "faces.zip" in sentence


NUMBERS = " ".join(str(level) for level in np.random.default_rng(3).integers(0, 256, 144))
TEXTS = {
    "table": "path,expression,subject,sequence,frame,split,AU1,AU12_r,AU4_probability,AU06_c,"
    "success,confidence\n"
    "faces/a.png,happy,1,1_1,3,train,1,2.5,0.5,1,1,0.98\n"
    'faces/b.png,"sad",NA,2_1,4,test,0,0,,0,0,0.3\n',
    "ck48": "subject,sequence,emotion,AU1,AU12\nS011,S011_004,happy,0,1\nS012,S012_001,anger,1,0\n",
    "ferplus": "a.png,(0 0 48 48),5,0,0,0,0,5,0,0,0,0\nb.png,(0 0 48 48),0,9,0,0,0,0,0,0,1,0\n",
    "ferplus own": "name,label\na.png,3\nb.png,4\n",
    "fer2013": f"emotion,pixels,Usage\n0,{NUMBERS},Training\n3,{NUMBERS[::-1]},PublicTest\n",
    "ckplus": "  1.2000000e+01  3.0000000e+00\n  2.5000000e+01  0.0000000e+00\n",
    "ckplus emotion": "  3.0000000e+00\n",
    "events": "video,behavior,modifier,behavior type,start,stop\nv,AU12,C,STATE,0.1,0.4\n"
    "v,AU4,L,STATE,00:00:00.300,0.9\nw,apex,,POINT,0.5,0.5\nw,AU 6,,STATE,0.2,1e3\n",
    "events paired": "video,behavior,status,time\nv,AU12,START,0.1\nv,AU12,STOP,0.4\n",
    "framed": "path,expression,subject,video,frame,phase,AU12,OnsetFrame,ApexFrame,bout\n"
    "a.png,,a,v,1,,0,1,2,x\nb.png,,a,v,2,apex,1,1,2,x\n",
}


#: What cells hold that nobody expected.
CELLS = (
    "", " ", "NA", "nan", "None", "inf", "-inf", "1e400", "-1", "-0", "1_0", "0x10", "True",
    "9" * 400, "1e30", "\x1b[2J", "=1+1", "é", "a" * 5000, "..", ".", "/", "/dev/zero", "~",
    "a\nb", "a,b", "\ufffd", "\u202e", "faces", "labels.csv", "1;2", "'",
)  # fmt: skip


def misused(text: str, rng: np.random.Generator) -> str:
    """Replace some cells of a table by others that are text, but not what is expected there."""
    separator = "," if "," in text else " "
    rows = [line.split(separator) for line in text.splitlines()]
    for _ in range(rng.integers(1, 4)):
        row = rows[rng.integers(len(rows))]
        cell = CELLS[rng.integers(len(CELLS))]
        row[rng.integers(len(row))] = f'"{cell}"' if rng.random() < 0.5 else cell
    return "\n".join(separator.join(row) for row in rows) + "\n"


def dataset(root: Path, name: str, write_image) -> tuple[str, Path]:
    """A dataset with one text file in it, which is to be damaged."""
    if name == "table":
        for letter in "ab":
            write_image(root / "faces" / f"{letter}.png")
        return f"table:{root / 'labels.csv'}", root / "labels.csv"
    if name == "ck48":
        write_image(root / "CK+48" / "happy" / "S011_004_00000019.png")
        write_image(root / "CK+48" / "anger" / "S012_001_00000019.png")
        return f"ck48:{root}", root / "facs.csv"
    if name.startswith("events"):
        rows = [f"{letter}.png,,s{letter},{letter},{letter == 'w':d}.5" for letter in "vw"]
        (root / "frames.csv").write_text("path,emotion,subject,clip,time\n" + "\n".join(rows))
        for letter in "vw":
            write_image(root / f"{letter}.png")
        return f"table:{root / 'frames.csv'},events={root / 'coded.txt'}", root / "coded.txt"
    if name == "framed":
        for letter in "ab":
            write_image(root / f"{letter}.png")
        return f"table:{root / 'codes.csv'},episode=bout,by=peak", root / "codes.csv"
    if name.startswith("ferplus"):
        for letter in "ab":
            write_image(root / "FER2013Train" / f"{letter}.png")
        for which, text in (("label", "ferplus"), ("fer2013", "ferplus own")):
            (root / "FER2013Train" / f"{which}.csv").write_text(TEXTS[text])
        which = "fer2013" if name == "ferplus own" else "label"
        return f"ferplus:{root},labels=fer2013", root / "FER2013Train" / f"{which}.csv"
    if name == "fer2013":
        return f"fer2013:{root / 'fer2013.csv'}", root / "fer2013.csv"
    for frame in (1, 2, 3):
        write_image(root / f"images/S005/001/S005_001_{frame:08d}.png")
    for kind, text in (("facs", "ckplus"), ("emotion", "ckplus emotion")):
        (root / f"S005_001_00000003_{kind}.txt").write_text(TEXTS[text])
    kind = "emotion" if name == "ckplus emotion" else "facs"
    return f"ckplus:{root}", root / f"S005_001_00000003_{kind}.txt"


@pytest.mark.parametrize("name", TEXTS)
def test_a_damaged_table_is_read_or_its_defects_are_named(tmp_path, name, write_image, in_time):
    spec, file = dataset(tmp_path, name, write_image)
    content = TEXTS[name].encode()
    file.write_bytes(content)
    assert check(spec).images >= (1 if name == "framed" else 2)
    rng = np.random.default_rng([20190409, len(content)])
    for number in range(MANY):
        if number % 2:
            file.write_bytes(mutated(content, rng))
        else:
            file.write_text(misused(TEXTS[name], rng))
        in_time(lambda: check(spec))
