import numpy as np
import pandas as pd
import pytest

from facslens.datasets.base import Faces, make_table
from facslens.datasets.means import PEOPLE, Means


def means(people, expressions=None):
    """Mean faces of plain pictures whose level is ten times their number."""
    rows = [
        {"image": f"{n:03d}", "path": "", "subject": who, "expression": (expressions or {}).get(n)}
        for n, who in enumerate(people)
    ]
    taker = Means(Faces(make_table(pd.DataFrame(rows)), "made"))
    for row in range(len(rows)):
        taker.add(row, np.full((20 + row, 30), 10 * row % 250, dtype=np.uint8))
    return {mean.of: mean for mean in taker.faces_of()}


def test_every_person_counts_once():
    # p0 has the levels 0, 10 and 20: their mean counts as much as each of 30, 40, 50, 60.
    found = means(["p0", "p0", "p0", "p1", "p2", "p3", "p4"])["all"]
    assert (found.images, found.people) == (7, 5)
    assert found.pixels.shape == (64, 64)
    assert np.unique(found.pixels).tolist() == [round((10 + 30 + 40 + 50 + 60) / 5)]


def test_an_expression_has_its_own():
    people = [f"p{n}" for n in range(6)]
    found = means([*people, "p0"], {**dict.fromkeys(range(5), "fear"), 5: "anger", 6: "fear"})
    assert list(found) == ["all", "anger", "fear"]
    # p0 shows fear at 0 and 60
    assert np.unique(found["fear"].pixels).tolist() == [round((30 + 10 + 20 + 30 + 40) / 5)]
    assert (found["anger"].images, found["anger"].people, found["anger"].pixels) == (1, 1, None)


@pytest.mark.parametrize(
    ("people", "drawn"),
    [(["p0", "p1", "p2", "p3"] * 9, False), ([None] * 40, False), (["p0"] * PEOPLE, False)],
)
def test_of_few_or_unknown_people_none_is_drawn(people, drawn):
    assert (means(people)["all"].pixels is not None) == drawn


def test_nobody_has_no_mean():
    faces = Faces(make_table(pd.DataFrame({"image": [], "path": []})), "made")
    (found,) = Means(faces).faces_of()
    assert (found.images, found.people, found.pixels) == (0, 0, None)
