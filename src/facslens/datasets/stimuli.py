"""Read paired faces: the same person and setting with one action unit changed."""

import hashlib
import io
import json
import lzma
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
from jaxtyping import UInt8

from facslens.datasets.archive import is_file, read_bytes
from facslens.datasets.images import read_grey, read_picture
from facslens.datasets.regions import Regions
from facslens.errors import ArtifactError, CallError, DataError

#: Drawn by ``facslens data stimuli`` and packed by `packed`; CONTRIBUTING says how.
ARCHIVE: Final = Path(__file__).parent / "stimuli.zip"

#: Halves of the people, with all their settings: on the first units are chosen, on the second
#: the chosen ones are measured.
HALVES: Final = ("choosing", "measuring")

#: What a twin differs in, with nothing else changed, and what its lower and higher end are called:
#: a share of the reflectance of the skin, or the place of the phenotype in its range. Sex and age
#: change the geometry of the face, too.
TWINS: Final = {
    "skin": ("darker", "lighter"),
    "age": ("younger", "older"),
    "gender": ("female", "male"),
}

#: The files beside the images.
FILES: Final = ("stimuli.csv", "regions.npz", "overlaps.csv", "undrawable.csv")

#: Columns of ``stimuli.csv`` before the intensities.
COLUMNS: Final = (
    "path", "person", "setting", "half", "name", "kind", "aus", "grade", "side", "group", "end",
)  # fmt: skip
_TYPES: Final = dict.fromkeys(COLUMNS, "str") | {"setting": "int64"}


@dataclass(frozen=True, eq=False)
class Stimuli:
    """Paired faces on the disk.

    Parameters
    ----------
    root
        The folder, or the archive in the package.
    table
        One row an image, in the order in which they were drawn, so that the images of one
        person in one setting (a *block*) stand together and begin with the face at rest.
        ``person``, ``setting``; ``half`` (see `HALVES`); ``name``, unique in a block; ``kind``,
        see `facslens.synthesis.pairs.Stimulus`; ``aus``, separated by blanks; ``grade``,
        ``side``, ``group``, ``end``, empty where there is none; the measured ``AUxx_intensity``,
        0 to 5.
    size
        Side of the images in pixels.
    colour
        Whether the images are in colour.
    sha256
        Of the set, as `digest` gives it; of some of its people, that of the set and their names.
    whole
        The set that these are some people of; None for the set itself.
    """

    root: Path
    table: pd.DataFrame
    size: int
    colour: bool
    sha256: str
    whole: "Stimuli | None" = None

    def of_people(self, count: int) -> "Stimuli":
        """Keep some people, evenly from both halves, with all of their faces.

        Parameters
        ----------
        count
            How many: the first ones of each half in the order in which they were drawn. If it is
            odd, one more measures than chooses.

        Raises
        ------
        CallError
            If there are not so many.
        """
        halves = self.table.drop_duplicates("person").set_index("person")["half"]
        wanted = (count // 2, count - count // 2)
        named: list[str] = []
        for half, least in zip(HALVES, wanted, strict=True):
            own = list(halves.index[halves == half])
            if not 1 <= least <= len(own):
                most = 2 * min(int((halves == one).sum()) for one in HALVES)
                raise CallError(f"people is {count}: expected 2 to {most}, as many as are drawn")
            named += own[:least]
        if len(named) == len(halves):
            return self
        content = repr((self.sha256, sorted(named))).encode()
        table = self.table[self.table["person"].isin(named)].reset_index(drop=True)
        sha256 = hashlib.sha256(content).hexdigest()
        return replace(self, table=table, sha256=sha256, whole=self.whole or self)

    @property
    def aus(self) -> tuple[str, ...]:
        """The action units that were switched alone, in order."""
        alone = self.table.loc[self.table["kind"] == "alone", "aus"]
        return tuple(sorted(set(alone)))

    def pixels(self, start: int, stop: int) -> UInt8[np.ndarray, "image row column *rgb"]:
        """Give the grey levels or colours of rows of the table.

        Parameters
        ----------
        start, stop
            The first row, and the row after the last.

        Raises
        ------
        ArtifactError
            If an image is missing or damaged.
        """
        parts = [
            self._block(*key)[max(start - first, 0) : stop - first]
            for key, first, after in self.blocks
            if first < stop and after > start
        ]
        return np.concatenate(parts)

    @cached_property
    def blocks(self) -> list[tuple[tuple[str, int], int, int]]:
        """Person and setting of each block, its first row, and the row after its last."""
        key = self.table["person"] + "/" + self.table["setting"].astype(str)
        starts = np.flatnonzero(key.to_numpy() != key.shift().to_numpy())
        stops = [*starts[1:], len(self.table)]
        people, settings = self.table["person"], self.table["setting"]
        return [
            ((str(people.iloc[first]), int(settings.iloc[first])), int(first), int(after))
            for first, after in zip(starts, stops, strict=True)
        ]

    @cached_property
    def regions(self) -> Regions:
        """Where each action unit moves the skin of each face."""
        return Regions.read(self.root / "regions.npz")

    @cached_property
    def overlaps(self) -> pd.DataFrame:
        """What every two action units share, as `facslens.synthesis.overlaps` tables it."""
        table = pd.read_csv(io.BytesIO(read_bytes(self.root / "overlaps.csv")))
        return table.fillna({"shapes": ""})

    def check(self) -> None:
        """Hold the set against its SHA-256.

        Raises
        ------
        ArtifactError
            If an image or table was changed since the set was drawn.
        """
        if self.whole is not None:
            self.whole.check()
        elif digest(self) != self.sha256:
            raise ArtifactError(
                f"{self.root} holds stimuli that were changed since they were drawn, by their "
                f"SHA-256: draw them again into a new folder"
            )

    def _block(self, person: str, setting: int) -> UInt8[np.ndarray, "image row column *rgb"]:
        _, first, after = next(b for b in self.blocks if b[0] == (person, setting))
        shape = (self.size, self.size, *((3,) if self.colour else ()))
        member = self.root / packed_name(person, setting)
        if is_file(member):
            return _unpacked(member, after - first, shape)
        images = np.empty((after - first, *shape), dtype=np.uint8)
        for place, path in enumerate(self.table["path"].iloc[first:after]):
            file = self.root / str(path)
            try:
                levels = read_picture(file).pixels if self.colour else read_grey(file)
            except (OSError, DataError) as error:
                raise ArtifactError(str(error)) from error
            if levels.shape != shape:
                raise ArtifactError(
                    f"{file} is of {levels.shape[0]}×{levels.shape[1]} pixels: the other stimuli "
                    f"are of {self.size}×{self.size}"
                )
            images[place] = levels
        return images


def read_stimuli(folder: Path | None = None, people: int | None = None) -> Stimuli:
    """Read paired faces; their images stay on the disk until they are asked for.

    Parameters
    ----------
    folder
        One that ``facslens data stimuli`` made; None for the faces in the package.
    people
        How many of the people, see `Stimuli.of_people`; None for all.

    Raises
    ------
    ArtifactError
        If the folder holds no finished stimuli.
    CallError
        If there are fewer people.
    """
    root = ARCHIVE if folder is None else folder
    if not is_file(root / "stimuli.csv"):
        begun = is_file(root / "stimuli.json")
        reason = "its drawing was not finished" if begun else "there is no stimuli.csv"
        raise ArtifactError(f"{root} holds no stimuli of facslens data stimuli: {reason}")
    try:
        note = json.loads(read_bytes(root / "stimuli.json"))
        size, colour, sha256 = int(note["size"]), bool(note["colour"]), str(note["sha256"])
    except (OSError, ValueError, TypeError, KeyError) as error:
        file = root / "stimuli.json"
        raise ArtifactError(f"{file} does not describe finished stimuli: {error}") from error
    found = Stimuli(root, read_rows(root), size, colour, sha256)
    return found if people is None else found.of_people(people)


def read_rows(root: Path) -> pd.DataFrame:
    """Read the table of a set, see `Stimuli`.

    Raises
    ------
    ArtifactError
        If it is missing or damaged.
    """
    try:
        text = io.BytesIO(read_bytes(root / "stimuli.csv"))
        table = pd.read_csv(text, dtype=_TYPES, keep_default_na=False)
    except (OSError, ValueError) as error:
        raise ArtifactError(f"{root / 'stimuli.csv'} is no readable table: {error}") from error
    lacking = [name for name in COLUMNS if name not in table.columns]
    if lacking or table.empty:
        what = f"the column {lacking[0]}" if lacking else "rows"
        raise ArtifactError(f"{root / 'stimuli.csv'} lacks {what}")
    return table


def digest(stimuli: Stimuli) -> str:
    """Give the SHA-256 of a set: of its tables, its regions and the pixels of every image.

    It is the same for a folder and for the archive that was packed from it.
    """
    whole = hashlib.sha256()
    for name in FILES:
        whole.update(hashlib.sha256(read_bytes(stimuli.root / name)).digest())
    for _, first, after in stimuli.blocks:
        whole.update(hashlib.sha256(stimuli.pixels(first, after).tobytes()).digest())
    return whole.hexdigest()


def packed_name(person: str, setting: int) -> str:
    """Name the member of an archive that holds the images of one block."""
    return f"pixels/{person}-{setting}.xz"


def packed(images: UInt8[np.ndarray, "image row column *rgb"]) -> bytes:
    """Compress the images of one block without loss: the first, and what differs from it."""
    levels = images.copy()
    levels[1:] -= images[0]  # modulo 256
    return lzma.compress(levels.tobytes(), preset=9 | lzma.PRESET_EXTREME)


def _unpacked(member: Path, count: int, shape: tuple[int, ...]) -> UInt8[np.ndarray, "..."]:
    expected = count * int(np.prod(shape))
    try:
        content = lzma.LZMADecompressor().decompress(read_bytes(member), max_length=expected + 1)
    except (lzma.LZMAError, OSError) as error:
        raise ArtifactError(f"{member} holds no pixels: {error}") from error
    if len(content) != expected:
        raise ArtifactError(f"{member} holds {len(content)} levels: expected {expected}")
    levels = np.frombuffer(content, np.uint8).reshape(count, *shape).copy()
    levels[1:] += levels[0]
    return levels
