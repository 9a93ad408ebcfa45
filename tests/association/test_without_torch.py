"""The association needs no network: it works where importing torch fails."""

import subprocess
import sys

CODE = """
import sys

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("torch", "lightning", "torchmetrics"):
            raise ImportError(f"{name} is not there")

sys.meta_path.insert(0, Blocked())
try:
    import torch
except ImportError:
    pass
else:
    raise SystemExit("torch was imported")

import numpy as np
from facslens.association import associate, confirm

rng = np.random.default_rng(0)
labels = (rng.random((80, 1)) < 0.4).astype(float)
responses = rng.normal(size=(80, 3)) + 3 * np.eye(3)[1] * labels
subject = np.arange(80) // 4
found = associate(responses, labels, subject=subject, aus=["AU12"], distance="all", permutations=99)
mapping = found.mapping("kl")
held = confirm(mapping, responses, labels, subject=subject, aus=["AU12"], resamples=50, seed=1)
first = held[held["view"] == "au_to_unit"].iloc[0]
print(first["unit"], first["au"], first["status"])
"""


def test_it_associates_maps_and_confirms() -> None:
    found = subprocess.run(
        [sys.executable, "-c", CODE], capture_output=True, text=True, check=False,
        env={"PATH": "", "PYTHONPATH": ":".join(sys.path)},
    )  # fmt: skip
    assert found.returncode == 0, found.stderr
    assert found.stdout.split() == ["1", "AU12", "confirmed"]
