"""Put generated folders into the one archive that the package brings."""

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from facslens import artifacts

_FILES: Final = ("faces.csv", "sides.csv", "regions.npz", "synthetic.json")
_WHEN: Final = (2026, 1, 1, 0, 0, 0)  # a fixed date: equal faces make equal bytes


def pack(folders: Mapping[str, Path], archive: Path) -> None:
    """Write the faces and truth of folders into one zip archive, a directory each.

    Parameters
    ----------
    folders
        What `generate` made, by the name that each is to have.
    archive
        The file.
    """
    with artifacts.atomic(archive) as temporary, zipfile.ZipFile(temporary, "w") as file:
        for name, folder in folders.items():
            images = sorted(path for path in (folder / "images").rglob("*") if path.is_file())
            for path in [folder / entry for entry in _FILES] + images:
                info = zipfile.ZipInfo(f"{name}/{path.relative_to(folder).as_posix()}", _WHEN)
                dense = path in images or path.suffix == ".npz"
                info.compress_type = zipfile.ZIP_STORED if dense else zipfile.ZIP_DEFLATED
                file.writestr(info, path.read_bytes())
