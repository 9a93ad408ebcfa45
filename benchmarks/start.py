"""What a command takes before it does anything, beside the imports that it cannot do without.

    python benchmarks/start.py [--repeats 7] [--json FILE]

Each row is a fresh interpreter: seconds of the processor, the fewest of some, which other work on
the machine disturbs least. `-X importtime` tells where they go.
"""

import argparse
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image

from benchmarks.ratios import show

CALL = "import sys; from facslens.cli.main import main; sys.argv[0] = 'facslens'; main()"


def seconds(code: str, *arguments: str) -> float:
    """Give the processor's seconds of one fresh interpreter."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", code, *arguments], check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    """Measure in turn and show."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--json", type=Path)
    choices = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        face = Path(folder) / "face.png"
        Image.new("L", (48, 48), 120).save(face)
        cropped = ("predict", str(face), "--faces-are-cropped")
        # what is measured, its call, and what it cannot do without
        measured = {
            "import facslens": ("import facslens", (), "pass"),
            "facslens --version": (CALL, ("--version",), "import typer"),
            "facslens --help": (CALL, ("--help",), "import typer.rich_utils"),
            "facslens predict --help": (CALL, ("predict", "--help"), "import typer.rich_utils"),
            "importing facslens predict": (
                "import facslens.cli.predict", (), "import numpy, PIL.Image, typer"
            ),
            "facslens predict, a face": (CALL, cropped, "import numpy, onnxruntime, PIL, typer"),
        }  # fmt: skip
        found = {
            what: [(seconds(code, *call), seconds(bare)) for _ in range(choices.repeats)]
            for what, (code, call, bare) in measured.items()
        }
    rows = []
    for what, pairs in found.items():
        own, bare = (min(times) for times in zip(*pairs, strict=True))
        rows.append({"what": what, "s": own, "bare": measured[what][2], "s bare": bare,
                     "ratio": own / bare})  # fmt: skip
    show(rows, choices.json)


if __name__ == "__main__":
    main()
