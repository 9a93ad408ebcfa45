"""Finding the files of a dataset below a folder, the leftovers of unpacking aside."""

import os
from pathlib import Path
from typing import Final

from facslens.datasets.reading import Defect

IMAGE_SUFFIXES: Final = frozenset(
    {".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".pgm", ".ppm", ".webp"}
)


def files_below(root: Path, defects: list[Defect], *, empty: bool = False) -> list[Path]:
    """List all files below a folder, sorted by their path relative to it.

    Names that begin with a dot and ``__MACOSX`` folders are what file managers and
    archives leave behind; they are passed over. Links to folders are followed, each
    folder once. A link that leads nowhere is listed, so that whoever opens it can say so.

    Parameters
    ----------
    root
        The folder.
    defects
        Takes what is wrong: the folder is missing, no folder, empty, or cannot be listed.
    empty
        Whether every folder without an image below it is a defect; the root always is one
        if it holds no file at all.
    """
    if not root.is_dir():
        state = "is a file" if root.exists() else "does not exist"
        defects.append(Defect("missing path", str(root), f"{root} {state}: expected a folder"))
        return []
    found: list[Path] = []
    folders: list[Path] = []
    seen: set[str] = set()

    def unreadable(error: OSError) -> None:
        message = f"the folder {error.filename} cannot be listed: {error.strerror}"
        defects.append(Defect("unreadable", str(error.filename), message))

    for folder, inner, names in os.walk(root, onerror=unreadable, followlinks=True):
        real = os.path.realpath(folder)
        if real in seen:
            inner.clear()
            continue
        seen.add(real)
        inner[:] = [name for name in inner if not _is_leftover(name)]
        folders.append(Path(folder))
        found.extend(Path(folder, name) for name in names if not _is_leftover(name))
    if not found:
        message = f"the folder {root} is empty: expected images below it"
        defects.append(Defect("empty folder", str(root), message))
    elif empty:
        full = {parent for file in found if is_image(file) for parent in file.parents}
        for path in sorted(folders):
            if path not in full:
                message = f"the folder {path} holds no image: fill it, or remove it"
                defects.append(Defect("empty folder", relative(path, root), message))
    return sorted(found, key=lambda file: relative(file, root))


def is_image(file: Path) -> bool:
    """Tell whether the ending of a file's name is that of an image."""
    return file.suffix.lower() in IMAGE_SUFFIXES


def relative(path: Path, root: Path) -> str:
    """Give a path relative to a folder, with forward slashes."""
    return path.relative_to(root).as_posix()


def _is_leftover(name: str) -> bool:
    return name.startswith(".") or name == "__MACOSX"
