"""The explorer's files: made when they are asked for, or written into a folder all at once."""

import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import numpy as np

from facslens.artifacts import atomic
from facslens.errors import CallError
from facslens.explorer import actions, units
from facslens.explorer.drawing import Drawing
from facslens.explorer.explored import Explored
from facslens.explorer.overview import detectors, overview
from facslens.explorer.play import Play
from facslens.explorer.projected import Projector
from facslens.explorer.script import script
from facslens.explorer.sheets import fitted, sheet
from facslens.explorer.turns import Ended, Turns
from facslens.preprocess.normalise import to_picture
from facslens.progress import Report, silent
from facslens.projection.windows import crop

#: Faces of the dataset in one picture.
FACES: Final = 256
#: Small pictures of units in one picture, and their side in pixels.
THUMBS: Final = 256
THUMB: Final = 32
#: Side of a face of the dataset in pixels, at most.
FACE: Final = 96
#: Bytes of made files that are kept in memory.
KEPT: Final = 1 << 26
#: Seconds after which no further file is made ahead.
AHEAD: Final = 300.0

Make = Callable[[], bytes]


@dataclass(frozen=True, eq=False)
class Site:
    """The files of a run's explorer.

    Parameters
    ----------
    explored
        The run.
    against
        Runs that it is compared with.
    """

    explored: Explored
    against: tuple[Explored, ...] = ()
    _made: "OrderedDict[str, bytes]" = field(default_factory=OrderedDict, repr=False)
    _files: dict[str, Make] = field(default_factory=dict, repr=False)
    _pages: set[str] = field(default_factory=set, repr=False)

    @classmethod
    def of(cls, run: Path, against: Sequence[Path] = (), no_faces: bool = False) -> "Site":
        """Open a run, and others to compare it with.

        Parameters
        ----------
        run
            The run's folder.
        against
            The folders of other runs.
        no_faces
            Whether every face of the dataset is left out, and what names it.

        Raises
        ------
        CallError
            If a folder is no run, or holds nothing to explore.
        ArtifactError
            If a file of a run has changed since its stage wrote it.
        """
        explored = Explored.open(Path(run), no_faces)
        others = tuple(Explored.open(Path(other), no_faces=True) for other in against)
        for one in (explored, *others):
            if not one.aus or not one.layers:
                raise CallError(
                    f"{one.tables.run.folder} holds nothing to explore: run `facslens associate` "
                    f"or `facslens experiment` on it first"
                )
        site = cls(explored, others)
        site._files.update(site._every())
        return site

    def names(self) -> tuple[str, ...]:
        """Name every file, relative and with forward slashes; ``index.html`` is the first view."""
        return tuple(self._files)

    def read(self, name: str) -> bytes:
        """Give a file, made when it is first asked for.

        Raises
        ------
        KeyError
            If there is no such file.
        """
        make = self._files[name]
        if name in self._pages:
            return make()
        if (made := self._made.get(name)) is not None:  # at once, whoever has the run
            return made
        with self.turns.first(name):
            return self._of(name)

    def read_ahead(self) -> None:
        """Make what is likely to be asked for next, while nobody asks, until `turns` ends it.

        That is the first person to play with, and the pages of the units that were chosen for an
        action unit, those of the last layers first, up to half of what is kept in memory, and for
        `AHEAD` seconds.
        """
        size, begun = 0, time.monotonic()
        try:
            for name in self._soon():
                with self.turns.ahead(name):
                    size += len(self._of(name))
                if size > KEPT // 2 or time.monotonic() - begun > AHEAD:
                    return
        except Ended:
            return

    def _of(self, name: str) -> bytes:
        """Give a file that may have to be made; the run has to be free for that."""
        if name not in self._made:
            self._made[name] = self._files[name]()
            while len(self._made) > 1 and sum(map(len, self._made.values())) > KEPT:
                self._made.popitem(last=False)
        return self._made[name]

    def _soon(self) -> list[str]:
        """Name the files that are likely to be asked for, the likeliest first."""
        explored = self.explored
        found = ["data/site.js", "data/play/0.js", "play/0.webp", "play/0-seen.webp"]
        chosen = [
            (layer, unit - unit % units.BLOCK)
            for row in detectors(explored)
            for layer, unit in ((row["layer"], row["unit"]), (row["layer"], row.get("c_unit")))
            if unit is not None
        ]
        # by how many action units a block was chosen for, in the last layers first
        for layer, first in sorted(set(chosen), key=lambda c: (-c[0], -chosen.count(c), c[1])):
            block = f"{layer}-{first}"
            found += [f"data/profile/{layer}.js", f"data/unit/{block}.js"]
            found += [f"data/projected/{block}.js", f"projections/{block}.webp"]
        return [name for name in dict.fromkeys(found) if name in self._files]

    @property
    def turns(self) -> Turns:
        """Whose turn it is."""
        return self.explored.turns

    @cached_property
    def _play(self) -> Play | None:
        play = None if self.explored.answered is None else Play(self.explored)
        return play if play is not None and play.people else None

    @cached_property
    def drawing(self) -> Drawing | None:
        """What draws faces that were not recorded; None where nothing does."""
        return None if self._play is None else Drawing.of(self.explored, self._play)

    def _every(self) -> dict[str, Make]:
        explored, play = self.explored, self._play
        found: dict[str, Make] = {}
        for page in sorted(files("facslens.explorer").joinpath("pages").iterdir(), key=str):
            if page.name.rpartition(".")[2] in ("html", "css", "js", "svg"):
                found[page.name] = page.read_bytes
        self._pages.update(found)
        found |= self._of_units()
        for au in explored.aus:
            found[f"data/au/{au}.js"] = partial(
                _script, f"au/{au}", partial(actions.action_unit, explored, au)
            )
            if explored.tables.drawn(au) is not None:
                found[f"drawn/{au}.png"] = partial(_drawn, explored, au)
        found["data/expressions.js"] = partial(
            _script, "expressions", partial(actions.expressions, explored)
        )
        for number, other in enumerate(self.against):
            for place, layer in enumerate(other.layers):
                name = f"against/{number}-{place}"
                found[f"data/{name}.js"] = partial(
                    _script, name, partial(actions.profile, other, layer)
                )
        if play is not None:
            for number, person in enumerate(play.people):
                name = f"play/{number}"
                found[f"data/{name}.js"] = partial(_script, name, partial(play.answers, person))
                found[f"{name}.webp"] = partial(play.faces, person)
                found[f"{name}-seen.webp"] = partial(play.projections, person)
            found["play/people.webp"] = play.faces_at_rest
        further: dict[str, Any] = {
            "play": None if play is None else play.contents(),
            "block": units.BLOCK,
            "thumbs": THUMBS if explored.shows_faces else 0,
            "faces": {"sheet": FACES, "size": self._face} if explored.shows_faces else None,
            "input": [explored.input.width, explored.input.height] if explored.input else None,
            "against": [
                {
                    "name": other.name,
                    "layers": [{"name": n, "units": other.units_of(n)} for n in other.layers],
                    "aus": list(other.aus),
                    "expressions": list(other.expressions),
                    "detectors": detectors(other),
                }
                for other in self.against
            ],
        }
        found["data/site.js"] = partial(_script, "site", partial(overview, explored, further))
        return found

    def _of_units(self) -> dict[str, Make]:
        explored, projector = self.explored, Projector(self.explored)
        found: dict[str, Make] = {}
        for place, layer in enumerate(explored.layers):
            count = explored.units_of(layer)
            name = f"profile/{place}"
            found[f"data/{name}.js"] = partial(
                _script, name, partial(actions.profile, explored, layer)
            )
            for first in range(0, count, units.BLOCK):
                after = min(first + units.BLOCK, count)
                name = f"unit/{place}-{first}"
                found[f"data/{name}.js"] = partial(
                    _script, name, partial(units.block, explored, layer, first)
                )
                name = f"projected/{place}-{first}"
                found[f"data/{name}.js"] = partial(
                    _script, name, partial(_cells, projector, layer, first, after)
                )
                found[f"projections/{place}-{first}.webp"] = partial(
                    _projections, projector, layer, first, after
                )
            if explored.shows_faces:
                for first in range(0, count, THUMBS):
                    found[f"thumbs/{place}-{first}.jpg"] = partial(
                        _thumbs, explored, layer, first, min(first + THUMBS, count)
                    )
        for first in range(0, len(explored.pictures), FACES):
            found[f"faces/{first}.webp"] = partial(self._faces, first)
        return found

    @property
    def _face(self) -> list[int]:
        """Width and height of a face in the pictures."""
        assert self.explored.input is not None
        wide, high = self.explored.input.width, self.explored.input.height
        part = min(1.0, FACE / max(wide, high))
        return [round(wide * part), round(high * part)]

    def _faces(self, first: int) -> bytes:
        wide, high = self._face
        shown = self.explored.faces_from(first, min(first + FACES, len(self.explored.pictures)))
        return sheet([fitted(picture, high, wide) for picture in shown])


def _script(name: str, make: Callable[[], dict[str, Any]]) -> bytes:
    return script(name, make())


def _drawn(explored: Explored, au: str) -> bytes:
    found = explored.tables.drawn(au)
    assert found is not None
    return found


def _cells(projector: Projector, layer: str, first: int, after: int) -> dict[str, Any]:
    return projector.of(layer, first, after).described(first, after)


def _projections(projector: Projector, layer: str, first: int, after: int) -> bytes:
    return sheet(projector.of(layer, first, after).pictures, quality=80)


def _thumbs(explored: Explored, layer: str, first: int, after: int) -> bytes:
    """Cut what each unit answers most out of its first exemplar; an empty one where it has none."""
    table = explored.exemplars
    assert table is not None
    own = table[(table["layer"] == layer) & table["unit"].between(first, after - 1)]
    own = own[own["rank"] == own.groupby("unit")["rank"].transform("min")]
    images = list(dict.fromkeys(own["image"]))
    levels = dict(zip(images, explored.levels(images), strict=True)) if images else {}
    seen = explored.rectangles(layer, own[["row", "column"]].to_numpy())
    found = {}
    for place, (unit, image) in enumerate(zip(own["unit"], own["image"], strict=True)):
        face = levels[image] if seen is None else crop(levels[image], seen[place], fill=0.5)
        found[int(unit)] = fitted(to_picture(face), THUMB, THUMB)
    if not found:
        return sheet([], form="JPEG")
    blank = np.full_like(next(iter(found.values())), 128)
    # whoever scrolls the list meets many of these files at once
    return sheet([found.get(unit, blank) for unit in range(first, after)], form="JPEG")


def write_site(site: Site, folder: Path, progress: Report = silent) -> Path:
    """Write all files of a site into a folder, which opens from the disk.

    Parameters
    ----------
    site
        The site.
    folder
        A new folder, or one that an earlier call has written.
    progress
        Called with the number of files written.

    Returns
    -------
    Path
        ``index.html``.

    Raises
    ------
    CallError
        If the folder holds anything else.
    ArtifactError
        If it cannot be written; then an earlier site is untouched.
    """
    if folder.exists() and not _is_own(folder):
        raise CallError(
            f"--site is {folder}, which holds other things than an explorer: name a new folder"
        )
    names = site.names()
    with atomic(folder) as temporary:
        for number, name in enumerate(names, start=1):
            path = temporary / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(site.read(name))
            progress(number, len(names), "files")
    return folder / "index.html"


def _is_own(folder: Path) -> bool:
    if not folder.is_dir():
        return False
    return not any(folder.iterdir()) or (folder / "data" / "site.js").is_file()
