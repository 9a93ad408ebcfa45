"""Audits of networks that were made in Python: what is kept, opened again, refused and left out."""

import dataclasses
import re

import numpy as np
import pytest
import torch
from torch import nn

import facslens as fl
from facslens.artifacts import read_json
from facslens.datasets.stimuli import read_stimuli
from facslens.errors import ArtifactError, CallError
from facslens.models.model import Model, build
from facslens.preprocess import normalise
from facslens.preprocess.input import grey_contrast
from facslens.runs.doubts import doubts, of_recognition
from facslens.runs.source import Source
from facslens.stages.open import files_of
from facslens.stages.reopen import with_network
from facslens.stages.seen import of_drawn, of_faces
from facslens.stages.verify import verify

NAMES = ("anger", "happiness", "surprise")


def mine(seed: int = 0, restarts: bool = True) -> Model:
    """A small network of another architecture than those of facslens."""
    torch.manual_seed(seed)
    network = nn.Sequential(
        nn.Conv2d(1, 8, 5, stride=2), nn.ReLU(), nn.Conv2d(8, 6, 3), nn.ReLU(),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 3),
    )  # fmt: skip
    if not restarts:
        for module in network:
            module.reset_parameters = None
    return Model(network.eval(), "somebody's", grey_contrast(48), NAMES)


@pytest.fixture(scope="module")
def audited(drawn_ck48, drawn_stimuli, tmp_path_factory):
    """An audit of a network in memory, whose weights cannot be drawn anew."""
    return fl.audit(
        mine(restarts=False),
        f"ck48:{drawn_ck48}",
        tmp_path_factory.mktemp("audits") / "mine",
        stimuli=drawn_stimuli,
        permutations=19,
        faces=False,
    )


def words(record):
    page = (record.run / "report" / "index.html").read_text(encoding="utf-8")
    return " ".join(re.sub(r"<(style|script)>.*?</\1>|<[^>]+>", " ", page, flags=re.S).split())


def test_weights_that_could_not_be_read_back_are_described_but_not_kept(audited):
    assert not (audited.run / "model.safetensors").exists()
    assert audited.description["parameters"] == 8 * 25 + 8 + 6 * 8 * 9 + 6 + 6 * 3 + 3
    assert audited.opened["network"] == "Sequential, given in Python"
    assert audited.opened["files"] == {}
    assert audited.opened["class"] == "torch.nn.modules.container.Sequential"
    assert audited.layers == ("0", "2")
    assert audited.model.architecture == "somebody's"  # which this process still has
    again = fl.load_run(audited.run.folder)
    assert again.mapping.equals(audited.mapping)
    with pytest.raises(ArtifactError, match="given in Python, so that no command can open it"):
        _ = again.model


def test_only_the_same_network_goes_on(audited):
    folder = audited.run.folder
    before = (folder / "run.json").read_bytes()
    fl.audit(mine(restarts=False), out=folder, resume=True)
    assert (folder / "run.json").read_bytes() == before
    other = dataclasses.replace(audited.run, network=lambda: mine(seed=1, restarts=False))
    with pytest.raises(ArtifactError, match=r"has changed since .* was made: audit it again"):
        _ = type(audited)(other).model
    with pytest.raises(CallError, match="out is missing: resume needs the folder"):
        fl.audit(mine(), resume=True)


def test_without_untrained_networks_nothing_is_caused_and_the_page_says_so(audited):
    assert audited.opened["has_untrained"] is False
    caused = audited.table("experiment/caused.csv")
    assert not (caused["verdict"] == "caused").any()
    controls = audited.table("experiment/controls.csv")
    assert set(controls["control"]) == {"pixels", "gradients", "total", "rotated"}
    said = [s for s in doubts(audited) if "no untrained network to compare it with" in s]
    assert len(said) == 1
    page = words(audited)
    assert said[0] in page
    assert "Not compared means that all of this holds but the last" in page
    assert "none: its weights cannot be drawn anew" in page


def test_checks_that_need_other_weights_are_left_out_or_refused(audited):
    with pytest.raises(CallError, match="only names 'untrained', which needs the network with"):
        verify(audited.run, "untrained")
    verify(audited.run, "controls")
    assert set(audited.check("controls")["control"]) == {"rotated", "pixels", "gradients", "probe"}


def test_the_report_of_faces_that_may_not_be_shown_has_no_mean_of_them(audited):
    pictures = {path.name for path in (audited.run / "report" / "opened").iterdir()}
    assert pictures == {"seen-drawn.png"}
    assert "It shows no photograph" in words(audited)


def test_the_mean_of_what_is_read_agrees_with_numpy(drawn_ck48, drawn_stimuli):
    model = build("paper", NAMES, 48, seed=0)
    faces = fl.load_faces(f"ck48:{drawn_ck48}")
    levels = normalise.read(list(faces.table["path"]), model.input)
    read = normalise.standardise(levels).double().numpy()
    seen = of_faces(model, faces)
    # sums of float32 pictures in two orders
    np.testing.assert_allclose(seen.mean, read.mean(axis=0), atol=1e-6)
    numbers = seen.numbers()
    assert numbers["faces"] == 144
    for name, value in (
        ("low", read.min()), ("high", read.max()), ("mean", read.mean()), ("deviation", read.std()),
    ):  # fmt: skip
        assert numbers[name] == [pytest.approx(value, abs=1e-5)]
    stimuli = read_stimuli(drawn_stimuli)
    rest = [drawn_stimuli / p for p in stimuli.table.loc[stimuli.table["kind"] == "rest", "path"]]
    drawn = normalise.standardise(normalise.read(rest, grey_contrast(48))).numpy()
    np.testing.assert_allclose(of_drawn(model, stimuli).mean, drawn.mean(axis=0), atol=1e-5)


class Sorted(nn.Module):
    """Before its second layer is a step whose way down nobody knows."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(1, 4, 3), nn.Conv2d(4, 4, 3)
        self.relu1, self.relu2, self.scores = nn.ReLU(), nn.ReLU(), nn.Linear(4, 3)

    def forward(self, faces: torch.Tensor) -> torch.Tensor:
        maps = self.relu1(self.first(faces)).sort(dim=1).values
        return self.scores(self.relu2(self.second(maps)).mean(dim=(2, 3)))


def test_a_layer_without_a_way_down_is_looked_at_without_pictures(
    drawn_ck48, drawn_stimuli, tmp_path
):
    torch.manual_seed(0)
    model = Model(Sorted().eval(), "somebody's", grey_contrast(48), NAMES)
    record = fl.audit(
        model, f"ck48:{drawn_ck48}", tmp_path / "run", stimuli=drawn_stimuli, untrained=1,
        permutations=19,
    )  # fmt: skip
    layers = record.table("layers.csv").set_index("layer")
    assert layers["rules"].to_dict() == {"first": "exact", "second": "refused"}
    assert "the way down is not known for the step sort" in layers.loc["second", "why"]
    assert set(record.projections["layer"]) <= {"first"}
    assert "second" in set(record.table("experiment/caused.csv")["layer"])
    assert not list((record.run / "experiment").glob("AU*.png"))
    page = words(record)
    assert f"second : {layers.loc['second', 'why']}" in page
    assert "Nothing was refused." not in page


def test_the_files_of_a_network_are_named_with_their_hashes(tmp_path):
    (tmp_path / "mine.py").write_text("build = None\n")
    (tmp_path / "w.safetensors").write_bytes(b"weights")
    found = files_of(Source(f"{tmp_path / 'mine.py'}:build", str(tmp_path / "w.safetensors")))
    assert [name.rpartition("/")[2] for name in found] == ["mine.py", "w.safetensors"]
    # sha256sum of these seven bytes
    assert found[str(tmp_path / "w.safetensors")].startswith("9a129038")
    fl.save_model(build("paper", NAMES, 48, 0), tmp_path / "saved")
    found = files_of(Source(str(tmp_path / "saved")))
    assert [name.rpartition("/")[2] for name in found] == ["model.safetensors", "model.json"]


def test_what_is_recognised_by_guessing_is_one_sentence(audited):
    found = read_json(audited.run / "accuracy.json")
    said = of_recognition(found)
    assert said.startswith("The network recognises the expressions of these faces no better than")
    assert "over 3 expressions is 33 % (95 % interval over 24 people 33 to 33 %)" in said
    assert "guessing reaches 33 %. Probably the preprocessing is not the network's own" in said
    assert of_recognition({**found, "beyond_chance": True}) == ""
    assert of_recognition({**found, "beyond_chance": None}) == ""


def test_a_run_that_trains_has_no_doubts_and_no_network_to_open(run):
    assert doubts(run) == ()
    assert with_network(run.run) is run.run
