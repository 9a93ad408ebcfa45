"""Files that were damaged at random: each gives one sentence, and none hangs or takes much memory.

``FACSLENS_MUTATIONS`` sets how many of each kind are tried; the few here are the same every time.
"""

import io
import os
import re
import resource
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from facslens.datasets.check import check
from facslens.datasets.formats import BY_ENDING
from facslens.datasets.images import read_grey, read_picture
from facslens.datasets.load import read as read_dataset
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
        "tga": (colours, "TGA", {"compression": "tga_rle"}),
        "sgi": (colours, "SGI", {}),
        "pcx": (colours, "PCX", {}),
        "ico": (colours, "ICO", {"sizes": [(40, 40)]}),
        "dds": (colours, "DDS", {}),
        "dib": (colours, "DIB", {}),
        "qoi": (colours, "QOI", {}),
        "xbm": (colours.convert("1"), "XBM", {}),
        "webp moving": (colours, "WEBP", {"save_all": True, "append_images": [colours] * 2}),
    }[name]
    picture.save(written, form, **choices)
    return written.getvalue()


PICTURES = (
    "png", "png 16", "png palette", "png moving", "jpeg", "jpeg progressive", "jpeg cmyk", "mpo",
    "gif", "bmp", "tiff", "tiff 16", "tiff lzw", "tiff pages", "tiff jpeg", "pgm", "webp",
    "webp moving", "tga", "sgi", "pcx", "ico", "dds", "dib", "qoi", "xbm",
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
    content, file = encoded(name), tmp_path / f"face.{name if f'.{name}' in BY_ENDING else 'img'}"
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
    "fer pair": "Usage,Image name,neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,"
    "unknown,NF\nTraining,a.png,5,0,0,0,0,5,0,0,0,0\nPublicTest,b.png,0,9,0,0,0,0,0,0,1,0\n",
    "raf": "train_00001.jpg 5\ntest_0001.jpg 7\n",
    "affectnet": "subDirectory_filePath,face_x,expression\n1/a.png,3,1\n1/b.png,3,7\n",
    "disfa": "1,0\n2,5\n3,2\n",
    "disfaplus": "# of one trial\n# image intensity\n001.png     0\n002.png     5\n",
    "bp4d": "0,1,2,12,61\n1,0,9,1,1\n2,1,9,0,0\n",
    "bp4d intensity": "1,0\n2,4\n",
    "affwild2": "AU1,AU2,AU12\n0,1,-1\n1,0,0\n",
    "affwild2 expression": "Neutral,Anger,Disgust\n4\n7\n",
    "emotionet": "URL,URL orig,AU 1,AU 12\nhttp://x/1.png,,0,999\nhttp://x/2.png,,1,1\n",
    "emotionet program": "".join(
        f"http://x/{name}.png\thttp://y\t" + "\t".join(["0", "1", "999"] * 20) + "\n"
        for name in (1, 2)
    ),
}
#: Where a label file lies in datasets whose images are numbered, and where their folder is.
CODED = {
    "disfa": ("ActionUnit_Labels/SN001/SN001_au1.txt", "SN001"),
    "disfaplus": ("Labels/SN001/T/AU1.txt", "Images/SN001/T"),
    "bp4d": ("AUCoding/AU_OCC/F001_T1.csv", "2D+3D/F001/T1"),
    "bp4d intensity": ("AUCoding/AU_INT/AU12/F001_T1_AU12.csv", "2D+3D/F001/T1"),
    "affwild2": ("AU_Detection_Challenge/Train_Set/v.txt", "cropped_aligned/v"),
    "affwild2 expression": ("EXPR_Challenge/Train_Set/v.txt", "cropped_aligned/v"),
    "emotionet": ("EmotioNet_FACS.csv", "images"),
    "emotionet program": ("dataFile_0001.txt", "images"),
}
#: Tables that programs write, of the pictures faces/a.png and faces/b.png: every number is another.
PROGRAMS = {
    "py-feat": "input,frame,FaceScore,AU01,AU12,AU43,anger\n"
    "faces/a.png,0,0.998,0.125,0.9375,0.0625,0.01\nfaces/b.png,1,0.875,0.25,,0.5,0.02\n",
    "OpenFace 2": "path, frame, timestamp, confidence, success, AU12_r, AU06_r, AU12_c\n"
    "faces/a.png, 1, 0.033, 0.98, 1, 2.75, 0.31, 1.00\n"
    "faces/b.png, 2, 0.067, 0.97, 1, 4.19, 3.62, 0.00\n",
    "LibreFace": "path,frame_idx,frame_time_in_ms,au_1,au_12,au_12_intensity,facial_expression\n"
    "faces/a.png,3,0.1,1,0,3.625,Happiness\nfaces/b.png,4,0.2,0,1,1.875,Neutral\n",
    "FaceReader": "Video analysis detailed log\t\nFrame rate:\t29.97\n\n"
    "path\tVideo Time\tNeutral\tAction Unit 12 - Lip Corner Puller\tAction Unit 01\n"
    "faces/a.png\t00:00.1\t0.1\tNotActive\tB\nfaces/b.png\t00:00.2\tFIT_FAILED\tFIT_FAILED\tE\n",
    "NetFACS": "image,1,2,12\nfaces/a.png,1,0,0\nfaces/b.png,0,1,1\n",
    "FACS": "image,facs,AU4 (r)\nfaces/a.png,6+12C+L14,4.5\nfaces/b.png,1B+2+T23?,0.5\n",
}
TEXTS |= PROGRAMS
TEXTS["translation"] = (
    "column,au,kind,join\nsmileLeft,12,probability,min\nsmileRight,AU 12,probability,min\n"
    "x,Action Unit 4,intensity,\n"
)


#: What cells hold that nobody expected.
CELLS = (
    "", " ", "NA", "nan", "None", "inf", "-inf", "1e400", "-1", "-0", "1_0", "0x10", "True",
    "9" * 400, "1e30", "\x1b[2J", "=1+1", "é", "a" * 5000, "..", ".", "/", "/dev/zero", "~",
    "a\nb", "a,b", "\ufffd", "\u202e", "faces", "labels.csv", "1;2", "'",
)  # fmt: skip


def misused(text: str, rng: np.random.Generator) -> str:
    """Replace some cells of a table by others that are text, but not what is expected there."""
    separator = next((sign for sign in "\t," if sign in text), " ")
    rows = [line.split(separator) for line in text.splitlines()]
    for _ in range(rng.integers(1, 4)):
        row = rows[rng.integers(len(rows))]
        cell = CELLS[rng.integers(len(CELLS))]
        row[rng.integers(len(row))] = f'"{cell}"' if rng.random() < 0.5 else cell
    return "\n".join(separator.join(row) for row in rows) + "\n"


def dataset(root: Path, name: str, write_image) -> tuple[str, Path]:
    """A dataset with one text file in it, which is to be damaged."""
    if name == "table" or name in PROGRAMS:
        for letter in "ab":
            write_image(root / "faces" / f"{letter}.png")
        none = ",expression=none" if name in PROGRAMS else ""
        return f"table:{root / 'labels.csv'}{none}", root / "labels.csv"
    if name == "translation":
        spec, table = dataset(root, "table", write_image)
        table.write_text("path,smileLeft,smileRight,x\nfaces/a.png,0,1,C\nfaces/b.png,1,,2\n")
        return f"{spec},expression=none,aus={root / 'which.csv'}", root / "which.csv"
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
    if name == "fer pair":
        (root / "fer2013.csv").write_text(TEXTS["fer2013"])
        return f"ferplus:{root}", root / "fer2013new.csv"
    if name == "raf":
        for image in ("train_00001", "test_0001"):
            write_image(root / "Image" / "aligned" / f"{image}_aligned.jpg")
        return f"raf:{root}", root / "list_patition_label.txt"
    if name == "affectnet":
        for letter in "ab":
            write_image(root / "Manually_Annotated_Images" / "1" / f"{letter}.png")
        return f"affectnet:{root}", root / "training.csv"
    if name in CODED:
        place, images = CODED[name]
        for frame in (1, 2):
            write_image(root / images / f"{frame}.png")
        (root / place).parent.mkdir(parents=True, exist_ok=True)
        return f"{name.split()[0]}:{root}", root / place
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


def spoken(text: str) -> set[float]:
    """Every number that a text may be read to hold, as float32."""
    words = [word for split in ('[,;\\t"\\s]+', '[;\\t"]+') for word in re.split(split, text)]
    found = {float(grade) for word in words for grade in [" ABCDE".find(word.upper())] if word}
    found |= {0.0} if "notactive" in text.lower() else set()
    for word in words:
        try:
            found.add(float(np.float32(word.strip().replace(",", "."))))
        except ValueError:
            continue
    # in a cell of FACS codes a grade stands at its number, and what is not listed is absent
    if re.search(r"\d[A-E]?[+]|(?:^|[,;\t\"])\d+[A-E]?\??(?:[,;\t\"]|$)", text):
        found |= {0.0, 1.0, *(" ABCDE".find(letter) for letter in re.findall(r"\d([A-E])", text))}
    return found


@pytest.mark.parametrize("name", ["table", *PROGRAMS])
def test_no_value_of_a_damaged_table_is_invented(tmp_path, name, write_image):
    spec, file = dataset(tmp_path, name, write_image)
    rng = np.random.default_rng([20191201, len(TEXTS[name])])
    seen = 0
    for number in range(2 * MANY):
        text = misused(TEXTS[name], rng)
        if number % 2:
            text = mutated(TEXTS[name].encode(), rng).decode("utf-8", "replace")
        file.write_text(text, newline="")
        rows = read_dataset(spec).rows
        for _, row in rows.iterrows():
            lines = [line for line in re.split(r"[\r\n]+", text) if row["image"] in line]
            said = spoken(text if '"' in text or not lines else "\n".join(lines))
            values = [float(v) for c, v in row.items() if c.startswith("AU") and not np.isnan(v)]
            assert set(values) <= said, text
            seen += len(values)
    assert seen > MANY / 2
