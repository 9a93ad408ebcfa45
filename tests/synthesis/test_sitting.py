import numpy as np
import pytest

from facslens.datasets.stimuli import read_stimuli
from facslens.errors import CallError, DataError

pytest.importorskip("anny", reason="the extra facslens[synthetic] is not installed")

from facslens.synthesis.sitting import Sitting, intensities, order_of
from facslens.synthesis.stimuli import StimulusOrder


@pytest.mark.parametrize(("setting", "name", "grades"), [
    (0, "rest", {}), (0, "AU12-E", {"AU12": "E"}), (1, "AU04-C", {"AU04": "C"}),
])  # fmt: skip
def test_a_person_of_the_package_is_drawn_as_in_the_package(studio, setting, name, grades):
    stimuli = read_stimuli()
    order = order_of(stimuli)
    assert (order.people, order.seed, order.design) == (60, 12, "mixed")
    table = stimuli.table
    own = (table["person"] == "P007") & (table["setting"] == setting) & (table["name"] == name)
    row = int(np.flatnonzero(own)[0])
    drawn = Sitting.of(order, 7, setting).draw(grades).astype(float)
    # bit for bit on the platform where they were made, see test_bundled; in grey levels
    assert np.abs(drawn - stimuli.pixels(row, row + 1)[0]).mean() < 2


def test_several_grades_are_drawn_at_once(studio):
    one = Sitting.of(StimulusOrder(4, size=32, seed=1), 0, 0)
    rest, brows, mouth, both = (
        one.draw(grades).astype(int)
        for grades in ({}, {"AU02": "E"}, {"AU12": "B"}, {"AU12": "B", "AU02": "E"})
    )
    # far apart on the face, so that each moves its own pixels
    upper = (brows != rest) & (mouth == rest)
    lower = (mouth != rest) & (brows == rest)
    assert min(upper.sum(), lower.sum()) > 20
    assert np.abs(both - brows)[upper].mean() < 2
    assert np.abs(both - mouth)[lower].mean() < 2


def test_what_cannot_be_drawn_is_one_sentence(studio):
    order = StimulusOrder(4, size=32)
    with pytest.raises(CallError, match="person is 4: expected 0 to 3"):
        Sitting.of(order, 4, 0)
    with pytest.raises(CallError, match="setting is 2: expected 0 to 1"):
        Sitting.of(order, 0, 2)
    with pytest.raises(DataError, match="AU18 and AU12 exclude each other: no face shows both"):
        intensities({"AU06": "A", "AU18": "A", "AU12": "A"})
