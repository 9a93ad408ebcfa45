"""What was drawn of one person, and how people are drawn into a folder one after the other."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from facslens import artifacts
from facslens.datasets.regions import Regions
from facslens.engines.engine import Engine, Seen
from facslens.progress import Report


@dataclass(frozen=True)
class Drawn:
    """What was drawn of one person.

    Parameters
    ----------
    name
        The person's.
    images
        The compressed images, by their paths in the folder.
    rows
        One an image.
    regions
        Of the images, in the same order.
    """

    name: str
    images: Mapping[str, bytes]
    rows: pd.DataFrame
    regions: Regions

    def write(self, folder: Path) -> None:
        """Write the images into a folder, and rows and regions into its ``parts``."""
        for path, content in self.images.items():
            with artifacts.atomic(folder / path) as temporary:
                temporary.write_bytes(content)
        part = part_of(folder, self.name)
        part.parent.mkdir(exist_ok=True)
        self.regions.write(part.with_suffix(".npz"))
        artifacts.write_table(part, self.rows)  # last: it says that the person is done


def part_of(folder: Path, name: str) -> Path:
    """Name the table of one person's rows."""
    return folder / "parts" / f"{name}.parquet"


def draw_people(
    work: Callable[[int, Seen], Drawn],
    names: Sequence[str],
    folder: Path,
    engine: Engine,
    progress: Report,
) -> tuple[pd.DataFrame, Regions]:
    """Draw the people who are not in a folder yet, and give the rows and regions of all.

    Parameters
    ----------
    work
        Draws the person of a number.
    names
        Of all people, in the order of their numbers.
    folder
        Where they are written.
    engine
        Where they are drawn; the images are the same wherever that is.
    progress
        Called with the number of people done.
    """
    missing = [n for n, name in enumerate(names) if not part_of(folder, name).exists()]
    done = len(names) - len(missing)
    progress(done, len(names), "")
    for drawn in engine.map(work, missing):
        drawn.write(folder)
        done += 1
        progress(done, len(names), drawn.name)
    parts = [part_of(folder, name) for name in names]
    rows = pd.concat([artifacts.read_table(part) for part in parts], ignore_index=True)
    return rows, Regions.joined([Regions.read(part.with_suffix(".npz")) for part in parts])
