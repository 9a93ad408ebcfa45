"""Mutated pictures, tables, archives and weights: read, or refused in one sentence.

Every mutation follows from its kind and number. No call may end in an exception that was not
foreseen, take 20 s or hold 1 GB; weights that were changed may not give another answer.
"""

import io
import json
import os
import random
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

Mutate = Callable[[bytes, random.Random], bytes]

_WORDS = (
    "", "nan", "NaN", "NA", "None", "null", "inf", "-inf", "1e400", "-1", "0.5", "2", "6", "99",
    "99999999999999999999", "=1+1", "@x", "é", "\x00", "\x1b[31m", '"', "'", "\t", "a" * 5000,
    "happy", "neutral", "train", "AU12", "../../etc/passwd", "/dev/null", "S001/", "１２",
)  # fmt: skip
_BYTES = (0x00, 0x01, 0x7F, 0x80, 0xFF)


def _flipped(content: bytes, rng: random.Random) -> bytes:
    some = bytearray(content)
    for _ in range(rng.choice((1, 1, 3, 20))):
        some[rng.randrange(len(some))] ^= 1 << rng.randrange(8)
    return bytes(some)


def _headed(content: bytes, rng: random.Random) -> bytes:
    """Change what stands at the beginning, where formats say how much follows."""
    some = bytearray(content)
    for _ in range(rng.choice((1, 2, 4))):
        some[rng.randrange(min(len(some), 120))] = rng.choice(_BYTES)
    return bytes(some)


def _cut(content: bytes, rng: random.Random) -> bytes:
    return content[: rng.randrange(len(content))]


def _without(content: bytes, rng: random.Random) -> bytes:
    first = rng.randrange(len(content))
    return content[:first] + content[first + rng.randrange(1, 64) :]


def _twice(content: bytes, rng: random.Random) -> bytes:
    first = rng.randrange(len(content))
    last = first + rng.randrange(1, 256)
    return content[:last] + content[first:]


def _noise(content: bytes, rng: random.Random) -> bytes:
    first = rng.randrange(len(content))
    return content[:first] + rng.randbytes(rng.randrange(1, 64)) + content[first:]


def _blank(content: bytes, rng: random.Random) -> bytes:
    first = rng.randrange(len(content))
    last = min(len(content), first + rng.randrange(1, 256))
    return content[:first] + bytes([rng.choice(_BYTES)]) * (last - first) + content[last:]


def _number(content: bytes, rng: random.Random) -> bytes:
    """Put the largest number where four bytes stand."""
    first = rng.randrange(max(1, len(content) - 4))
    return content[:first] + rng.choice((b"\xff\xff\xff\x7f", b"\xff" * 4)) + content[first + 4 :]


BINARY: tuple[Mutate, ...] = (
    _flipped, _headed, _headed, _cut, _without, _twice, _noise, _blank, _number
)  # fmt: skip


def _cell(content: bytes, rng: random.Random) -> bytes:
    lines = [line.split(b",") for line in content.split(b"\n")]
    line = rng.choice(lines[:1] if rng.random() < 0.2 else lines)
    line[rng.randrange(len(line))] = rng.choice(_WORDS).encode()
    return b"\n".join(b",".join(cells) for cells in lines)


def _column(content: bytes, rng: random.Random) -> bytes:
    lines = [line.split(b",") for line in content.split(b"\n")]
    place, word = rng.randrange(len(lines[0])), rng.choice((None, *_WORDS))
    for line in lines:
        if place < len(line):
            if word is None:
                del line[place]
            else:
                line[place] = word.encode()
    return b"\n".join(b",".join(cells) for cells in lines)


def _line(content: bytes, rng: random.Random) -> bytes:
    lines = content.split(b"\n")
    place = rng.randrange(len(lines))
    chosen = lines.pop(place)
    for _ in range(rng.choice((0, 2, 2))):
        lines.insert(rng.randrange(len(lines) + 1), chosen)
    return b"\n".join(lines)


def _encoded(content: bytes, rng: random.Random) -> bytes:
    text = content.decode(errors="replace")  # mutated before, it may be no text any more
    return rng.choice(
        (
            text.encode("utf-16"), text.encode("utf-32"), text.encode("utf-8-sig"),
            text.replace("a", "ä").encode("latin-1", "replace"), text.replace(",", ";").encode(),
            text.replace(",", "\t").encode(), text.replace("\n", "\r").encode(),
            text.replace("\n", "\r\n\r\n").encode(), text.upper().encode(), b"\n" + content,
        )
    )  # fmt: skip


TEXT: tuple[Mutate, ...] = (
    _cell, _cell, _cell, _column, _line, _encoded, _flipped, _cut, _without, _noise
)  # fmt: skip


def _value(content: bytes, rng: random.Random) -> bytes:
    """Give one entry of a JSON object a value that it cannot have."""
    try:
        known = json.loads(content)
    except ValueError:  # another mutation came first
        return _flipped(content, rng)
    hostile = (None, True, [], {}, -1, 0, 1e300, 10**30, "", "x" * 9999, [[]], [None], [1, 2], "48")
    if not isinstance(known, dict):
        return _flipped(content, rng)
    known[rng.choice(sorted(known))] = rng.choice(hostile)
    return json.dumps(known).encode()


JSON: tuple[Mutate, ...] = (_value, _value, _value, _flipped, _cut, _without, _noise)


def mutated(kind: str, number: int, content: bytes, ways: tuple[Mutate, ...]) -> bytes:
    """Give the mutation of a kind and a number."""
    rng = random.Random(f"{kind} {number}")
    for _ in range(rng.choice((1, 1, 2))):
        content = rng.choice(ways)(content, rng) or b"\n"
    return content


def picture(kind: str, **how: object) -> bytes:
    """Draw a face-like picture of 48×48."""
    levels = np.random.default_rng(1).integers(0, 256, (48, 48, 3), dtype=np.uint8)
    image = Image.fromarray(levels)
    if how.pop("grey", False):
        image = Image.fromarray(levels[..., 0].astype(np.uint16) * 257)
    if how.pop("palette", False):
        image = image.quantize(64)
    if how.pop("clear", False):
        image.putalpha(100)
    with io.BytesIO() as file:
        image.save(file, kind, **how)
        return file.getvalue()


#: Kinds of pictures, with the ending of their names: formats by their right and by a wrong one.
PICTURES = {
    "PNG": ("png", lambda: picture("PNG")),
    "PNG, 16 bit": ("png", lambda: picture("PNG", grey=True)),
    "PNG, palette": ("png", lambda: picture("PNG", palette=True)),
    "PNG, transparent": ("png", lambda: picture("PNG", clear=True)),
    "JPEG": ("jpg", lambda: picture("JPEG")),
    "JPEG, progressive": ("jpeg", lambda: picture("JPEG", progressive=True)),
    "WebP": ("webp", lambda: picture("WEBP")),
    "WebP, lossless": ("webp", lambda: picture("WEBP", lossless=True)),
    "BMP": ("bmp", lambda: picture("BMP")),
    "TIFF": ("tif", lambda: picture("TIFF")),
    "TIFF, packed": ("tiff", lambda: picture("TIFF", compression="tiff_lzw")),
    "GIF, named .png": ("png", lambda: picture("GIF", palette=True)),
    "PPM": ("ppm", lambda: picture("PPM")),
}
#: Mutations of each kind of picture.
OF_PICTURES = 26


def _votes(rng: random.Random, name: str) -> str:
    votes = [rng.randrange(3) for _ in range(10)]
    votes[rng.randrange(8)] = 10
    return ",".join([name, '"(0, 0, 48, 48)"', *map(str, votes)])


def _ferplus(folder: Path) -> Path:
    """Write FER+ of 12 faces."""
    rng = random.Random(4)
    for part in ("FER2013Train", "FER2013Valid", "FER2013Test"):
        (folder / part).mkdir(parents=True)
        names = [f"fer{number:07d}.png" for number in range(4)]
        for name in names:
            levels = np.frombuffer(rng.randbytes(48 * 48), dtype=np.uint8).reshape(48, 48)
            Image.fromarray(levels).save(folder / part / name)
        text = "\n".join(_votes(rng, name) for name in names)
        (folder / part / "label.csv").write_text(text + "\n")
    return folder


def _fer2013() -> bytes:
    rng = random.Random(5)
    rows = ["emotion,pixels,Usage"]
    for number in range(9):
        levels = " ".join(str(rng.randrange(256)) for _ in range(144))
        rows.append(
            f"{number % 7},{levels},{('Training', 'PublicTest', 'PrivateTest')[number % 3]}"
        )
    return "\n".join(rows).encode() + b"\n"


def _table(columns: str, row: Callable[[int], str], faces: Path) -> bytes:
    pictures = sorted(faces.rglob("*.png"))[::9]
    rows = [f"{path},{row(number)}" for number, path in enumerate(pictures)]
    return "\n".join([columns, *rows]).encode() + b"\n"


def table_cases(kind: str, faces: Path, folder: Path, count: int) -> list[tuple[Path, str]]:
    """Write mutated tables of a kind; give each file with the dataset's specification."""
    cases = []
    for number in range(count):
        if kind == "ck48, facs.csv":
            content = (faces / "facs.csv").read_bytes()
            file = folder / f"{number}.csv"
            spec = f"ck48:{faces},aus={file}"
        elif kind == "ferplus, label.csv":
            root = _ferplus(folder / str(number))
            file = root / "FER2013Train" / "label.csv"
            content, spec = file.read_bytes(), f"ferplus:{root}"
        elif kind == "fer2013.csv":
            content, file = _fer2013(), folder / f"{number}.csv"
            spec = f"fer2013:{file}"
        else:
            content = _table(*TABLES[kind], faces)
            file = folder / f"{number}.csv"
            spec = f"table:{file}" + (",expression=none" if "OpenFace" in kind else "")
        file.write_bytes(mutated(kind, number, content, TEXT))
        cases.append((file, spec))
    return cases


_EXPRESSIONS = ("anger", "happiness", "surprise", "neutral")
TABLES: dict[str, tuple[str, Callable[[int], str]]] = {
    "ck48, facs.csv": ("", str),
    "ferplus, label.csv": ("", str),
    "fer2013.csv": ("", str),
    "table": (
        "path,expression,subject,sequence,frame,split,AU12,AU4_intensity",
        lambda n: f"{_EXPRESSIONS[n % 4]},P{n % 5},P{n % 5}_{n},{n},train,{n % 2},{n % 6}",
    ),
    "table, as of OpenFace": (
        "input,frame,confidence,success,AU01_r,AU01_c,AU12_r,AU12_c",
        lambda n: f"{n},0.9{n % 10},{n % 2},{n % 5}.5,{n % 2},0.{n % 10},1",
    ),
}
OF_TABLES = 30


def zipped(folder: Path) -> bytes:
    with io.BytesIO() as file:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            for path in sorted(folder.rglob("*")):
                archive.write(path, path.relative_to(folder))
        return file.getvalue()


OF_ARCHIVES = 60
OF_WEIGHTS = {"model.safetensors": BINARY, "model.json": JSON, "run.onnx": BINARY}
EACH_WEIGHTS = 40


def judged(done, note, kind: str, column: str, answer: str | None = None) -> str | None:
    """Note what became of a call; gives the fault, with what was said."""
    found = done.fault()
    if found is None and done.code != 0 and done.sentence == "" and not done.out.strip():
        found = "no sentence"
    if found is None and answer is not None and done.code == 0 and done.out != answer:
        found = "SILENT"
    read = done.code == 0 or "1000" in done.sentence  # more folds than people
    note("Mutations", kind, column, found or ("read" if read else "refused"))
    return None if found is None else f"{found}: {done.sentence[:300]}"


def part(count: int) -> list:
    """Give the numbers of the mutations of the short part and of the long one."""
    return [
        pytest.param(range(3), id="short"),
        pytest.param(range(3, count), id="long", marks=pytest.mark.faults),
    ]


@pytest.mark.parametrize("numbers", part(OF_PICTURES))
@pytest.mark.parametrize("kind", PICTURES)
def test_pictures(kind, numbers, call_each, tmp_path, note):
    ending, draw = PICTURES[kind]
    whole = draw()
    folder = tmp_path / "faces"
    files = []
    for number in numbers:
        file = folder / _EXPRESSIONS[number % 4] / f"S{number % 5:03d}_{number}.{ending}"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(mutated(kind, number, whole, BINARY))
        files.append(file)
    calls = [["predict", file, "--faces-are-cropped"] for file in files]
    calls += [["predict", file] for file in files[::4]]  # finds the face itself
    faults = {}
    for arguments, done in zip(calls, call_each(calls, tmp_path), strict=True):
        column = "predict" if len(arguments) == 3 else "predict, detected"
        faults[" ".join(map(str, arguments))] = judged(done, note, kind, column)
    (done,) = call_each([["data", "check", f"folder:{folder}"]], tmp_path)
    faults["data check"] = judged(done, note, kind, "data check")
    assert {c: f for c, f in faults.items() if f} == {}


@pytest.mark.parametrize("numbers", part(OF_TABLES))
@pytest.mark.parametrize("kind", TABLES)
def test_tables(kind, numbers, few_faces, call_each, tmp_path, note):
    cases = table_cases(kind, few_faces, tmp_path, numbers.stop)[numbers.start :]
    check_and_load([spec for _, spec in cases], kind, call_each, tmp_path, note)


def check_and_load(specs: list[str], kind: str, call_each, folder: Path, note) -> None:
    """Check datasets, and load them: more folds than there are people end a call after that."""
    calls = [["data", "check", spec] for spec in specs]
    calls += [["crossval", "--data", spec, "--folds", "1000", "--out", "folds"] for spec in specs]
    faults = {}
    for arguments, done in zip(calls, call_each(calls, folder), strict=True):
        column = "data check" if arguments[0] == "data" else "load"
        faults[" ".join(arguments)] = judged(done, note, kind, column)
    assert {c: f for c, f in faults.items() if f} == {}


@pytest.mark.parametrize("numbers", part(OF_ARCHIVES))
def test_archives(numbers, call_each, tmp_path, note):
    whole = zipped(_ferplus(tmp_path / "ferplus"))
    specs = []
    for number in numbers:
        file = tmp_path / f"{number}.zip"
        file.write_bytes(mutated("zip", number, whole, BINARY))
        specs.append(f"ferplus:{file}")
    check_and_load(specs, "zip, mutated", call_each, tmp_path, note)


@pytest.fixture(scope="session")
def exported(finished, call, tmp_path_factory):
    """A copy of the finished run with its network as ONNX, and a crop to read."""
    place = shutil.copytree(finished, tmp_path_factory.mktemp("exported") / "place")
    done = call(["export", "run", "--onnx", "run/run.onnx"], place, 300)
    assert done.code == 0, done.err
    levels = np.random.default_rng(2).integers(0, 256, (48, 48), dtype=np.uint8)
    Image.fromarray(levels).save(place / "crop.png")
    return place


@pytest.mark.parametrize("numbers", part(EACH_WEIGHTS))
@pytest.mark.parametrize("kind", OF_WEIGHTS)
def test_weights(kind, numbers, exported, call_each, tmp_path, note):
    """A changed network is refused: an answer has to be that of the network as it was."""
    where = [exported / "run", *(tmp_path / str(number) for number in numbers)]
    for number, run in zip(numbers, where[1:], strict=True):
        shutil.copytree(exported / "run", run, copy_function=os.link)
        (run / kind).unlink()
        content = (exported / "run" / kind).read_bytes()
        (run / kind).write_bytes(mutated(kind, number, content, OF_WEIGHTS[kind]))
    models = [run / kind if kind.endswith(".onnx") else run for run in where]
    crop = ["predict", exported / "crop.png", "--faces-are-cropped", "--model"]
    first, *others = call_each([[*crop, model] for model in models], tmp_path)
    assert first.code == 0, first.err
    faults = {
        f"{kind} {number}": judged(done, note, kind, "predict --model", first.out)
        for number, done in zip(numbers, others, strict=True)
    }
    assert {c: f for c, f in faults.items() if f} == {}


def test_there_are_600():
    count = len(PICTURES) * OF_PICTURES + len(TABLES) * OF_TABLES + OF_ARCHIVES
    assert count + len(OF_WEIGHTS) * EACH_WEIGHTS >= 600
