"""Draw the faces of the book: every action unit, at rest and at E, and one picture of several.

    python tools/draw_book.py

One drawn person, from the front, in even light; nothing but the action units changes.
"""

from pathlib import Path
from typing import Final

from PIL import Image

from facslens.artifacts import atomic
from facslens.synthesis.actions import AUS
from facslens.synthesis.sheet import sitter

FOLDER: Final = Path(__file__).parents[1] / "docs" / "pictures"
#: What the picture at the top shows, from left to right.
ROW: Final = ((), ("AU01", "AU02"), ("AU04",), ("AU09",), ("AU12",), ("AU26",))
SIDE: Final = 160


def main() -> None:
    """Write a WebP for each action unit, and ``faces.webp``."""
    FOLDER.mkdir(exist_ok=True)
    face = sitter(SIDE)
    rest = face({})
    for au in AUS:
        write(f"{au.lower()}.webp", [rest, face({au: 1.0})])
    write("faces.webp", [face(dict.fromkeys(aus, 1.0)) for aus in ROW])


def write(name: str, faces: list[Image.Image]) -> None:
    """Write faces side by side."""
    strip = Image.new("RGB", (SIDE * len(faces), SIDE))
    for number, one in enumerate(faces):
        strip.paste(one, (SIDE * number, 0))
    with atomic(FOLDER / name) as temporary:
        strip.save(temporary, "WEBP", quality=85, method=6)


if __name__ == "__main__":
    main()
