"""Put generated folders into the one archive that the package brings.

    python tools/pack_synthetic.py natural=DIR factorial=DIR

CONTRIBUTING says by which commands these folders were made.
"""

import sys
import zipfile
from pathlib import Path

from facslens import artifacts
from facslens.datasets.synthetic import ARCHIVE

_FILES = ("faces.csv", "sides.csv", "regions.npz", "synthetic.json")
_WHEN = (2026, 1, 1, 0, 0, 0)  # a fixed date: equal faces make equal bytes


def main(arguments: list[str]) -> None:
    """Write the archive."""
    folders = {name: Path(folder) for name, _, folder in (a.partition("=") for a in arguments)}
    with artifacts.atomic(ARCHIVE) as temporary, zipfile.ZipFile(temporary, "w") as file:
        for name, folder in folders.items():
            images = sorted(path for path in (folder / "images").rglob("*") if path.is_file())
            for path in [folder / entry for entry in _FILES] + images:
                info = zipfile.ZipInfo(f"{name}/{path.relative_to(folder).as_posix()}", _WHEN)
                dense = path.suffix in (".webp", ".png", ".npz")
                info.compress_type = zipfile.ZIP_STORED if dense else zipfile.ZIP_DEFLATED
                file.writestr(info, path.read_bytes())


if __name__ == "__main__":
    main(sys.argv[1:])
