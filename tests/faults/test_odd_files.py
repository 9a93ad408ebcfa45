"""Files that are none, that are larger than they look, or have names that nobody expects."""

import io
import os
import socket
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

GIGABYTE = 1 << 30


def face(path: Path | io.BytesIO, size: tuple[int, int] = (48, 48), kind: str = "PNG") -> None:
    levels = np.random.default_rng(1).integers(0, 256, (48, 48, 3), dtype=np.uint8)
    Image.fromarray(levels).resize(size).save(path, kind)


def large(mode: str, side: int) -> Callable[[Path], None]:
    return lambda path: Image.new(mode, (side, side), 90).save(path)


def sparse(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(5 * GIGABYTE)


def endless(path: Path) -> None:
    path.symlink_to("/dev/zero")


def bound(path: Path) -> None:
    here = Path.cwd()
    os.chdir(path.parent)  # the name of a socket is short
    try:
        with socket.socket(socket.AF_UNIX) as one:
            one.bind(path.name)
    finally:
        os.chdir(here)


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def claims(width: int, height: int) -> Callable[[Path], object]:
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    body = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b"")
    return lambda path: path.write_bytes(b"\x89PNG\r\n\x1a\n" + body)


def long_text(path: Path) -> None:
    """A PNG with a comment that grows to 500 MB."""
    with io.BytesIO() as file:
        face(file)
        content = file.getvalue()
    comment = chunk(b"zTXt", b"Comment\0\0" + zeros(GIGABYTE // 2, zlib.compressobj(9)))
    path.write_bytes(content[:33] + comment + content[33:])


def zeros(count: int, squeeze) -> bytes:
    """Compress many zeros, without ever holding them."""
    block = bytes(1 << 24)
    parts = [squeeze.compress(block) for _ in range(count // len(block))]
    return b"".join(parts) + squeeze.flush()


def frames(kind: str, count: int) -> Callable[[Path], object]:
    def write(path: Path) -> None:
        one = [Image.new("L", (48, 48), n % 256) for n in range(count)]
        one[0].save(path, kind, save_all=True, append_images=one[1:])

    return write


def postscript(path: Path) -> None:
    """What Pillow would hand to Ghostscript."""
    path.write_bytes(
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 48 48\n%%EndComments\n"
        b"(ran) (ran.txt) (w) file writestring\nshowpage\n%%EOF\n"
    )


#: What stands in place of a picture, by its name in a folder of pictures.
PICTURES: dict[str, tuple[str | bytes, Callable[[Path], object]]] = {
    "a pipe": ("a.png", os.mkfifo),
    "a socket": ("a.png", bound),
    "a link to a device": ("a.png", endless),
    "a link to nowhere": ("a.png", lambda path: path.symlink_to("nowhere.png")),
    "a link to itself": ("a.png", lambda path: path.symlink_to(path.name)),
    "a folder": ("a.png", lambda path: path.mkdir()),
    "empty": ("a.png", lambda path: path.write_bytes(b"")),
    "5 GB of nothing": ("a.png", sparse),
    "5 GB of nothing, TIFF": ("a.tif", sparse),
    "claims 60,000 × 60,000": ("a.png", claims(60000, 60000)),
    "claims 1 × 2,000,000,000": ("a.png", claims(1, 2_000_000_000)),
    "8,000 × 8,000 RGBA": ("a.png", large("RGBA", 8000)),
    "8,000 × 8,000 JPEG": ("a.jpg", large("RGB", 8000)),
    "8,000 × 8,000 WebP": ("a.webp", large("RGB", 8000)),
    "6,000 × 6,000 TIFF": ("a.tif", large("RGB", 6000)),
    "a comment of 500 MB": ("a.png", long_text),
    "2,000 pictures, GIF": ("a.png", frames("GIF", 2000)),
    "500 pages, TIFF": ("a.tif", frames("TIFF", 500)),
    "PostScript": ("a.png", postscript),
    "a name that is not UTF-8": (b"\xff\xfe\xe9.png", lambda path: face(path)),
    "a name with a line break": ("a\nb\x1b[31m.png", lambda path: face(path)),
    "a name with a formula": ("=1+1.png", lambda path: face(path)),
    "a name of 250 bytes": ("a" * 246 + ".png", lambda path: face(path)),
}
#: Of these, the short part.
SHORT = ("a pipe", "a link to a device", "claims 60,000 × 60,000", "a name that is not UTF-8")


def member(name: str, size: int, *, flag: int = 0, method: int = 8) -> Callable[[Path], None]:
    """Write an archive of FER+ with a member that is larger, or other, than it should be."""

    def write(path: Path) -> None:
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for part in ("FER2013Train", "FER2013Valid", "FER2013Test"):
                row = 'fer0000000.png,"(0, 0, 48, 48)",10,0,0,0,0,0,0,0,0,0\n'
                for entry in (f"{part}/label.csv", f"{part}/fer0000000.png"):
                    with archive.open(entry, "w", force_zip64=True) as file:
                        if entry == name and size:
                            for _ in range(size >> 24):
                                file.write(bytes(1 << 24))
                        elif entry.endswith(".csv"):
                            file.write(row.encode())
                        else:
                            with io.BytesIO() as stream:
                                face(stream)
                                file.write(stream.getvalue())
        content = bytearray(path.read_bytes())
        for signature, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
            first = content.find(signature)
            while first >= 0:
                start = first + (30 if place == 6 else 46)
                if content[start:].startswith(name.encode()):
                    struct.pack_into("<HH", content, first + place, flag, method)
                first = content.find(signature, first + 4)
        path.write_bytes(content)

    return write


_FACE, _LABELS = "FER2013Train/fer0000000.png", "FER2013Train/label.csv"
ARCHIVES: dict[str, Callable[[Path], object]] = {
    "a face of 3 GB": member(_FACE, 3 * GIGABYTE),
    "labels of 3 GB": member(_LABELS, 3 * GIGABYTE),
    "an encrypted face": member(_FACE, 0, flag=1),
    "encrypted labels": member(_LABELS, 0, flag=1),
    "a face of an unknown method": member(_FACE, 0, method=99),
    "labels of an unknown method": member(_LABELS, 0, method=99),
    "a face that is not deflated": member(_FACE, 0, method=0),
    "labels said to be LZMA": member(_LABELS, 0, method=14),
    "a pipe": os.mkfifo,
    "5 GB of nothing": sparse,
    "a link to a device": endless,
}
#: Other files that a call names, in place of which stands a pipe, a device, nothing or a folder.
NAMED = {
    "fer2013.csv": ("data", "check", "fer2013:{path}"),
    "table.csv": ("data", "check", "table:{path}"),
    "facs.csv": ("data", "check", "ck48:{faces},aus={path}"),
    "network.onnx": ("predict", "{crop}", "--faces-are-cropped", "--model", "{path}"),
    "design.json": ("data", "synth", "--design", "{path}", "--out", "drawn"),
}
INSTEAD = {
    "a pipe": os.mkfifo,
    "a device": endless,
    "5 GB of nothing": sparse,
    "a folder": lambda path: path.mkdir(),
    "empty": lambda path: path.write_bytes(b""),
}


@pytest.fixture
def judge(note):
    """Note what became of calls on odd files; gives the faults."""

    def found(row: str, calls: dict[str, object]) -> dict[str, str]:
        faults = {}
        for column, done in calls.items():
            fault = done.fault()
            if "\x1b[31m" in done.out + done.err:  # a file name's, which a terminal would obey
                fault = "escape"
            note("Odd files", row, column, fault or ("read" if done.code == 0 else "refused"))
            if fault is not None:
                faults[column] = f"{fault} ({done.peak:.1f} GB): {done.sentence[:300]}"
        return faults

    return found


@pytest.mark.parametrize(
    "odd",
    [pytest.param(o, marks=() if o in SHORT else pytest.mark.faults) for o in PICTURES],
)
def test_picture(odd, call, judge, tmp_path):
    name, make = PICTURES[odd]
    folder = tmp_path / "faces" / "happiness"
    folder.mkdir(parents=True)
    face(folder / "z.png")
    make(folder / (os.fsdecode(name)))
    found = {
        "predict": call(["predict", folder, "--faces-are-cropped"], tmp_path),
        "predict --out": call(
            ["predict", folder, "--faces-are-cropped", "--out", "rows.csv"], tmp_path
        ),
        "data check": call(["data", "check", f"folder:{tmp_path / 'faces'}"], tmp_path),
        "data crop": call(["data", "crop", folder, "--out", "crops"], tmp_path),
    }
    faults = judge(odd, found)
    assert not list(tmp_path.rglob("ran.txt"))
    assert faults == {}
    # the other face is read, whatever stands beside it
    assert "z.png" in found["predict"].out
    assert (tmp_path / "rows.csv").exists()


@pytest.mark.faults
@pytest.mark.parametrize("odd", ARCHIVES)
def test_archive(odd, call, judge, tmp_path):
    ARCHIVES[odd](tmp_path / "faces.zip")
    spec = f"ferplus:{tmp_path / 'faces.zip'}"
    faults = judge(
        f"zip: {odd}",
        {
            "data check": call(["data", "check", spec], tmp_path),
            "load": call(["crossval", "--data", spec, "--folds", "1000"], tmp_path),
        },
    )
    assert faults == {}


@pytest.mark.faults
@pytest.mark.parametrize("instead", INSTEAD)
@pytest.mark.parametrize("name", NAMED)
def test_named_file(name, instead, call, judge, few_faces, tmp_path):
    path, crop = tmp_path / name, tmp_path / "crop.png"
    face(crop)
    INSTEAD[instead](path)
    arguments = [word.format(path=path, faces=few_faces, crop=crop) for word in NAMED[name]]
    done = call(arguments, tmp_path)
    assert judge(f"{name}: {instead}", {arguments[0]: done}) == {}
    assert done.code != 0


@pytest.mark.faults
def test_a_path_of_5000_characters(call, judge, tmp_path):
    path = tmp_path / ("a/" * 2500 + "a.png")
    faults = judge(
        "a path of 5,000 characters",
        {
            "predict": call(["predict", path, "--faces-are-cropped"], tmp_path),
            "data check": call(["data", "check", f"folder:{path}"], tmp_path),
            "report": call(["report", path], tmp_path),
        },
    )
    assert faults == {}
