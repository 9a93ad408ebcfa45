"""Put drawn stimuli into the archive that the package brings, without loss.

    python tools/pack_stimuli.py DIR

CONTRIBUTING says by which command the folder was made.
"""

import sys
import zipfile
from pathlib import Path

from facslens import artifacts
from facslens.datasets import stimuli as reading

_WHEN = (2026, 1, 1, 0, 0, 0)  # a fixed date: equal faces make equal bytes


def main(folder: Path) -> None:
    """Write the archive, and hold it against the SHA-256 of the folder."""
    stimuli = reading.read_stimuli(folder)
    with (
        artifacts.atomic(reading.ARCHIVE) as temporary,
        zipfile.ZipFile(temporary, "w") as file,
    ):

        def put(name: str, content: bytes, *, dense: bool) -> None:
            info = zipfile.ZipInfo(name, _WHEN)
            info.compress_type = zipfile.ZIP_STORED if dense else zipfile.ZIP_DEFLATED
            file.writestr(info, content)

        for name in (*reading.FILES, "stimuli.json"):
            put(name, (folder / name).read_bytes(), dense=name.endswith(".npz"))
        for (person, setting), first, after in stimuli.blocks:
            content = reading.packed(stimuli.pixels(first, after))
            put(reading.packed_name(person, setting), content, dense=True)
    reading.read_stimuli().check()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
