"""Find the files of a dataset below a folder, without those that file managers leave behind."""

import os
import unicodedata
from collections import Counter
from collections.abc import Container, Iterable
from pathlib import Path

from facslens.datasets.archive import is_file, state_of
from facslens.datasets.defects import Defect, few
from facslens.datasets.formats import BY_ENDING, FORMATS, lacking


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
        Takes what is wrong: the folder is missing, is no folder, is empty, or cannot be listed.
    empty
        Whether every folder without an image below it is a defect; the root always is one
        if it holds no file at all.
    """
    if not os.path.isdir(root):  # noqa: PTH112 - Path.is_dir raises where a name is too long
        message = f"{root} {state_of(root)}: expected a folder"
        defects.append(Defect("missing path", str(root), message))
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
    """Tell whether the ending of a file's name is that of an image that can be read here."""
    ending = file.suffix.lower()
    return ending in BY_ENDING or (ending in FORMATS and lacking(FORMATS[ending]) is None)


def images_below(root: Path, defects: list[Defect], *, known: Container[Path] = ()) -> list[Path]:
    """List the images below the folder of a dataset, as `files_below` lists files.

    Parameters
    ----------
    root
        The folder.
    defects
        Takes what `files_below` finds, folders without an image included; names that are not
        UTF-8, which no table can hold; and as a warning how many files are no images.
    known
        Files that are read elsewhere, so that they do not count as skipped.
    """
    files = files_below(root, defects, empty=True)
    count_skipped((f for f in files if not is_image(f) and f not in known), root, defects)
    return in_utf8(filter(is_image, files), root, defects)


def in_utf8(files: Iterable[Path], root: Path, defects: list[Defect]) -> list[Path]:
    """Keep the files whose path is UTF-8, as tables need; report the others, and such a root."""
    if not _is_utf8(root.absolute()):
        message = f"the name of the folder {root.absolute()} is not UTF-8: rename it"
        defects.append(Defect("bad name", str(root), message))
        return []
    kept = []
    for file in files:
        if _is_utf8(file):
            kept.append(file)
        else:
            message = f"the name of {relative(file, root)} is not UTF-8: rename it"
            defects.append(Defect("bad name", relative(file, root), message))
    return kept


def _is_utf8(path: Path) -> bool:
    try:
        str(path).encode()
    except UnicodeEncodeError:
        return False
    return True


def find_file(root: Path, path: str) -> str | None:
    """Find a file, also inside an archive, and spell its path as it is spelled there.

    An accented letter is one character (NFC) or a letter and its accent (NFD), which look alike:
    macOS and archives made there write the latter.

    Parameters
    ----------
    root
        The folder that the path starts from.
    path
        The path, with forward slashes.

    Returns
    -------
    str or None
        The path as it is; None where there is no such file in any spelling.
    """
    if is_file(root / path):
        return path
    found: list[str] = []
    for part in path.split("/"):
        spellings = (part, *_normal_forms(part))
        there = (one for one in spellings if os.path.lexists(root / "/".join((*found, one))))
        found.append(next(there, part))
    spelled = ("/".join(found), *_normal_forms(path))
    return next((one for one in spelled if is_file(root / one)), None)


def _normal_forms(text: str) -> tuple[str, str]:
    return unicodedata.normalize("NFC", text), unicodedata.normalize("NFD", text)


def count_skipped(files: Iterable[Path], root: Path, defects: list[Defect]) -> None:
    """Report, as a warning, how many files are passed over, by the endings of their names.

    Where these are of pictures that could be read, the warning says what that needs.
    """
    endings = Counter(file.suffix.lower() or "no ending" for file in files)
    if endings:
        listed = few((f"{ending} ({count}×)" for ending, count in endings.most_common()), 8)
        count = endings.total()
        have = "file that is not read lies" if count == 1 else "files that are not read lie"
        message = f"{count} {have} below {root}, by ending: {listed}"
        unread = sorted(ending for ending in endings if ending in FORMATS)
        message += "".join(f"; {e} {needs}" for e in unread if (needs := lacking(FORMATS[e])))
        defects.append(Defect("left out", str(root), message, "warning"))


def relative(path: Path, root: Path) -> str:
    """Give a path relative to a folder, with forward slashes."""
    return path.relative_to(root).as_posix()


def _is_leftover(name: str) -> bool:
    return name.startswith(".") or name == "__MACOSX"
