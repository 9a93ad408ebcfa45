"""A distance is one entry in one table: all that lists or names distances follows it."""

import subprocess
import sys

import numpy as np
import pytest

from facslens.association import DISTANCES, associate
from facslens.association.distances.counts import Counts
from facslens.association.distances.table import Distance
from facslens.association.distances.units import Units
from facslens.report import formats


def medians(units: Units, counts: Counts, names: frozenset[str]) -> dict[str, np.ndarray]:
    """Difference of the two medians over the unit's range."""
    responses, span = units.responses, np.ptp(units.scale, axis=0)
    found = [
        np.median(responses[present == 1], axis=0) - np.median(responses[absent == 1], axis=0)
        for present, absent in zip(counts.present.T, counts.absent.T, strict=True)
    ]
    return {"medians": (np.stack(found, axis=1) / span[:, None]).astype(counts.present.dtype)}


ENTRY = Distance(
    name="medians",
    short="Δ median",
    label="difference of medians",
    description="difference of the two medians over the unit's range",
    unit="ranges",
    low=-1.0,
    high=1.0,
    neutral=0.0,
    signed=True,
    kernel=medians,
    decimals=3,
)


@pytest.fixture
def entered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(DISTANCES, "medians", ENTRY)


@pytest.mark.usefixtures("entered")
def test_it_is_measured_tested_and_mapped(rng: np.random.Generator) -> None:
    labels = (rng.random((60, 2)) < 0.4).astype(float)
    responses = rng.normal(size=(60, 3))
    responses[:, 1] += 3 * labels[:, 0]
    labels[7, 1] = np.nan
    result = associate(responses, labels, aus=[12, 4], distance="all", permutations=99)
    assert list(result.table["distance"].unique()) == list(DISTANCES)
    own = result.table.query("distance == 'medians'").set_index(["unit", "au"])
    p, q = responses[labels[:, 0] == 1, 1], responses[labels[:, 0] == 0, 1]
    want = (np.median(p) - np.median(q)) / np.ptp(responses[:, 1])
    assert own.loc[(1, "AU12"), "value"] == pytest.approx(want)
    assert own.loc[(1, "AU12"), "p_maxT"] == 1 / 100
    mapping = result.mapping("medians").query("view == 'au_to_unit'")
    assert mapping.set_index("au").loc["AU12", "unit"] == 1


@pytest.mark.usefixtures("entered")
def test_the_report_knows_its_names() -> None:
    assert formats.short("medians") == "Δ median"
    assert formats.long("medians") == "difference of medians"
    assert formats.measure("medians") == " ranges"
    assert formats.amount(0.12345, "medians") == "0.123"
    assert not formats.binned("medians")


HELP = """
import dataclasses
from facslens.association.distances.table import DISTANCES
DISTANCES["medians"] = dataclasses.replace(
    DISTANCES["ks"], name="medians", label="difference of medians"
)
from facslens.cli.main import app
app([COMMAND, "--help"])
"""


@pytest.mark.parametrize("command", ["run", "associate"])
def test_the_help_lists_it(command: str) -> None:
    code = HELP.replace("COMMAND", repr(command))
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False,
        env={"COLUMNS": "400", "PATH": "", "PYTHONPATH": ":".join(sys.path), "NO_COLOR": "1"},
    )  # fmt: skip
    assert found.returncode == 0, found.stderr
    assert "medians (difference of medians)" in " ".join(found.stdout.split())
    assert all(f"{name} ({d.label})" in found.stdout for name, d in DISTANCES.items())
