"""Where each action unit moves the skin of a synthetic face: its true region."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float, UInt8

from facslens import artifacts
from facslens.datasets.archive import read_bytes
from facslens.errors import ArtifactError, CallError

#: Side of the stored masks: the networks' own input size, and finer than any detector's field.
SIDE = 32


@dataclass(frozen=True)
class Regions:
    """True regions of many faces, one bit per cell.

    Parameters
    ----------
    images
        Names of the images.
    aus
        The action units.
    bits
        Cells of `SIDE` × `SIDE` masks, eight to a byte; (image, au, byte).
    """

    images: tuple[str, ...]
    aus: tuple[str, ...]
    bits: UInt8[np.ndarray, "image au byte"]

    @classmethod
    def of(
        cls,
        images: Sequence[str],
        aus: Sequence[str],
        masks: Bool[np.ndarray, "image au row column"],
    ) -> "Regions":
        """Pack masks into bits; a cell belongs to a region if at least half of its pixels do."""
        cells = _cells(masks)
        packed = np.packbits(cells.reshape(*cells.shape[:2], -1), axis=2)
        return cls(tuple(images), tuple(aus), packed)

    @classmethod
    def joined(cls, parts: Sequence["Regions"]) -> "Regions":
        """Join regions of the same action units."""
        return cls(
            tuple(image for part in parts for image in part.images),
            parts[0].aus,
            np.concatenate([part.bits for part in parts]),
        )

    def mask(
        self,
        image: str,
        au: str,
        rows: Float[np.ndarray, " row"],
        columns: Float[np.ndarray, " column"],
    ) -> Bool[np.ndarray, "row column"]:
        """Give one region in a picture, at the places of its rows and columns.

        Parameters
        ----------
        image, au
            Which face, and the region of which action unit.
        rows, columns
            Where the centres of the pixels lie, as shares of the picture's side.

        Raises
        ------
        CallError
            If the image or action unit is not among these.
        """
        if image not in self._rows():
            raise CallError(f"the image {image!r} has no true regions")
        if au not in self.aus:
            raise CallError(f"{au} has no true region: expected one of {', '.join(self.aus)}")
        bits = self.bits[self._rows()[image], self.aus.index(au)]
        cells = np.unpackbits(bits).reshape(SIDE, SIDE).astype(bool)
        down, across = (rows * SIDE).astype(int), (columns * SIDE).astype(int)
        return np.asarray(cells[down[:, None], across[None, :]])

    def _rows(self) -> dict[str, int]:
        return {image: row for row, image in enumerate(self.images)}

    def write(self, file: Path) -> None:
        """Write them as a compressed NumPy archive."""
        with artifacts.atomic(file) as temporary, temporary.open("wb") as stream:
            np.savez_compressed(
                stream, images=np.array(self.images), aus=np.array(self.aus), bits=self.bits
            )

    @classmethod
    def read(cls, file: Path) -> "Regions":
        """Read them from a file, which may lie inside a zip archive.

        Raises
        ------
        ArtifactError
            If the file is missing, or holds no regions.
        """
        try:
            with np.load(io.BytesIO(read_bytes(file)), allow_pickle=False) as stored:
                return cls(
                    tuple(str(name) for name in stored["images"]),
                    tuple(str(name) for name in stored["aus"]),
                    stored["bits"],
                )
        except (OSError, ValueError, KeyError) as error:
            raise ArtifactError(f"{file} holds no true regions: {error}") from error


def _cells(masks: Bool[np.ndarray, "image au row column"]) -> Bool[np.ndarray, "image au r c"]:
    images, aus, side, _ = masks.shape
    if side < SIDE:
        step = np.arange(SIDE) * side // SIDE
        return np.asarray(masks[:, :, step[:, None], step[None, :]])
    cut = np.linspace(0, side, SIDE + 1).round().astype(int)
    sums = np.add.reduceat(np.add.reduceat(masks.astype(float), cut[:-1], axis=2), cut[:-1], axis=3)
    area = np.diff(cut)
    return np.asarray(sums / (area[:, None] * area[None, :]) >= 0.5).reshape(
        images, aus, SIDE, SIDE
    )
