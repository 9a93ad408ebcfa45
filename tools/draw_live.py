"""Draw the faces that come with the live page, from the same generator as the faces in the package.

    python tools/draw_live.py

Each is a person who shows the prototype of one expression, in a picture of 640×480; drawn.json says
which action units were drawn, for the network may read others.
"""

import dataclasses
from importlib.resources import files
from pathlib import Path

import numpy as np
from PIL import Image

from facslens import artifacts
from facslens.action_units import PROTOTYPES
from facslens.synthesis.camera import Setting
from facslens.synthesis.generate import draw_face, studio
from facslens.synthesis.pairs import draw_model
from facslens.synthesis.people import Shot

#: Who shows what: number of the person, expression, strength (1 is grade E), turn of the head.
SHOWN = (
    (3, "happiness", 0.8, 6.0),
    (12, "surprise", 0.9, -5.0),
    (2, "disgust", 0.9, 4.0),
    (8, "anger", 0.9, -7.0),
)
WIDTH, HEIGHT = 640, 480
GROUND = np.array([[0.56, 0.61, 0.64], [0.70, 0.74, 0.75], [0.50, 0.54, 0.57], [0.64, 0.67, 0.68]])


def main() -> None:
    """Draw and write them."""
    folder = Path(str(files("facslens.server") / "pages"))
    room = studio()
    drawn = []
    for number, (who, expression, strength, yaw) in enumerate(SHOWN):
        person = draw_model(0, who)
        person = dataclasses.replace(person, paint=dataclasses.replace(person.paint, beard=0.0))
        setting = Setting(
            yaw=yaw, pitch=0.0, roll=yaw / 3, distance=1.1, width=3.75, shift=(0.0, 0.0),
            lamp=(0.45, -0.70, 0.55), ambient=0.45, exposure=1.2, contrast=1.1, warmth=1.03,
            background=tuple(map(tuple, GROUND.tolist())), blur=0.1, noise=0.0, quality=0, grain=0,
        )  # fmt: skip
        moves = dict.fromkeys(PROTOTYPES[expression], (strength, strength))
        shot = Shot(0, 0, None, moves, {}, setting)
        picture, _ = draw_face(room, person, room.head.rest(person.phenotype), shot, HEIGHT)
        beside = (WIDTH - HEIGHT) // 2
        wide = np.pad(picture.colour, ((0, 0), (beside, beside), (0, 0)), mode="edge")
        path = folder / f"drawn-{number}.webp"
        Image.fromarray(wide).save(path, quality=82, method=6)
        drawn.append({"file": path.name, "expression": expression, "aus": list(moves)})
        print(path.name, expression, path.stat().st_size, flush=True)
    artifacts.write_json(folder / "drawn.json", {"faces": drawn})


if __name__ == "__main__":
    main()
