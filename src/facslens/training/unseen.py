"""Whether a network has learned from people who are held out, and a split in which it has not."""

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from facslens.datasets.base import Faces
from facslens.datasets.layouts import LAYOUTS
from facslens.datasets.splits import DISCOVERY, halves, holdout
from facslens.errors import CallError


def contents(faces: Faces) -> dict[str, Any]:
    """Describe faces and their split, as a training notes them in ``model.json``.

    Where a layout says whose numbers its subjects have, so are the people of the training and
    validation parts, by these numbers.
    """
    noted = {"faces": faces.digest(), "split": digest_of(list(faces.table["split"]))}
    learned = faces.table["split"].isin(DISCOVERY).to_numpy()
    people = sorted(people_in(faces.where(learned)))
    return {**noted, "people": people} if people else noted


def people_in(faces: Faces) -> set[str]:
    """Name the people in faces as every dataset that shows them does; none where nobody can tell.

    Examples
    --------
    >>> import pandas as pd
    >>> from facslens.datasets.base import make_table
    >>> table = make_table(pd.DataFrame({"image": ["a"], "path": ["a"], "subject": ["SN001"]}))
    >>> people_in(Faces(table, "disfaplus")), people_in(Faces(table, "mine"))
    ({'DISFA SN001'}, set())
    """
    layout = LAYOUTS.get(faces.name)
    if layout is None or not layout.people:
        return set()
    return {f"{layout.people} {subject}" for subject in faces.table["subject"].dropna().unique()}


def digest_of(value: object) -> str:
    """Give the SHA-256 of a value as it is printed."""
    return hashlib.sha256(repr(value).encode()).hexdigest()


def has_seen(training: Mapping[str, Any], faces: Faces, held: list[str]) -> bool:
    """Tell whether a training, or that of the network it began with, has shown held-out people.

    Parameters
    ----------
    training
        `Model.training`.
    faces
        With their split.
    held
        Names of the images that are held out.
    """
    content = contents(faces)
    unseen = people_in(faces.where(faces.table["image"].isin(held).to_numpy()))
    for one in _chain(training):
        same = one.get("faces") == content["faces"]
        divided = same and one.get("split") != content["split"]
        people = one.get("people")  # of other faces; those of the same faces are in its split
        if not same and isinstance(people, list) and not unseen.isdisjoint(map(str, people)):
            return True
        known = one.get("images")  # of a network in the package: how the names of its faces begin
        if divided or (isinstance(known, str) and any(image.startswith(known) for image in held)):
            return True
    return False


def split_for(training: Mapping[str, Any], faces: Faces, seed: int) -> pd.Series:
    """Split the subjects for a network that is not trained here.

    They are halved, as `facslens.datasets.splits.halves` does it. Only a network that learned from
    these very faces gets the split of its training back, because its test people alone are unseen.

    Parameters
    ----------
    training
        `Model.training`; empty where nothing is known of it.
    faces
        Without a split.
    seed
        Chooses the subjects.

    Raises
    ------
    CallError
        If subjects are unknown, or the split of the training cannot be made again.
    NotEnoughDataError
        If there are too few subjects.
    """
    own = [one for one in _chain(training) if one.get("faces") == faces.digest()]
    if not own:
        return halves(faces, seed)
    found = holdout(faces, int(own[0].get("seed", 0)))
    if any(one.get("split") != digest_of(list(found)) for one in own):
        raise CallError(
            f"data is {faces.name}, faces that the network was trained on with a split that cannot "
            f"be made again: audit it on other faces"
        )
    return found


def _chain(training: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Give a training, and those of the networks that it began with."""
    yield training
    earlier = training.get("init")  # of a file that anybody may have written
    if isinstance(earlier, dict) and isinstance(earlier.get("training"), dict):
        yield from _chain(earlier["training"])
