"""The identity control of a run: trained once, and kept in a folder."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from facslens.artifacts import Json, read_json, sha256, write_json
from facslens.controls.identity import identity, people
from facslens.errors import ArtifactError
from facslens.models.initial import digest
from facslens.models.model import Model, build, read_weights, write_weights
from facslens.progress import Report, silent
from facslens.runs.record import RunRecord
from facslens.training.intervals import wilson
from facslens.version import __version__

#: What is kept in the folder: the weights, and what they are.
WEIGHTS: Final = "identity.safetensors"
NOTE: Final = "identity.json"


@dataclass(frozen=True)
class Identity:
    """A network that tells the people of a run apart.

    Parameters
    ----------
    model
        The network; its classes are people.
    n_faces
        How many faces it learned from.
    n_held
        How many other faces of the same people were held out, to choose the epoch.
    accuracy
        Share of these in which it names the right person.
    """

    model: Model
    n_faces: int
    n_held: int
    accuracy: float

    @property
    def learned(self) -> bool:
        """Whether it names people better than a guess, by the Wilson interval of its accuracy.

        If not, it has learned nothing that could part expressions from faces.
        """
        right = round(self.accuracy * self.n_held)
        return wilson(right, self.n_held).low > 1 / len(self.model.expressions)


def keep_identity(record: RunRecord, folder: Path, progress: Report = silent) -> Identity:
    """Train a run's network once more to tell who is shown, or read what an earlier call left.

    Parameters
    ----------
    record
        The run. Architecture, size, recipe, seed and the weights to begin from are its own.
    folder
        Gets ``identity.safetensors`` and, at the end, ``identity.json``; during the training
        also the checkpoint from which a killed one goes on.
    progress
        Called after every epoch.

    Raises
    ------
    NotEnoughDataError
        If too few people are shown in more than one sequence.
    ArtifactError
        If the run's network is missing, the folder cannot be written, or the weights in it were
        changed since.
    """
    faces, model = record.faces, record.model
    order = {"network": digest(model), "faces": faces.digest(), "facslens": __version__}
    if (folder / NOTE).exists():
        note = read_json(folder / NOTE)
        if note.get("order") == order:
            return _read(note, folder, model)
    lesson = people(faces, record.seed)
    training = identity(
        faces,
        model,
        record.settings.recipe,
        record.seed,
        init=_begun(record),
        folder=folder,
        progress=progress,
    )
    found = Identity(
        training.model,
        n_faces=len(lesson.train),
        n_held=len(lesson.validation),
        accuracy=training.accuracy,
    )
    write_weights(found.model.network.state_dict(), folder / WEIGHTS)
    note = {
        "order": order,
        "people": list(found.model.expressions),
        "n_faces": found.n_faces,
        "n_held": found.n_held,
        "accuracy": found.accuracy,
        "learned": found.learned,
        "training": dict(found.model.training),
        "sha256": sha256(folder / WEIGHTS),
    }
    write_json(folder / NOTE, note)
    return found


def _begun(record: RunRecord) -> Model | None:
    """Load the weights that the run began from, if they are still what they were."""
    init = record.settings.begin()
    noted = (record.model.training.get("init") or {}).get("weights")
    if init is not None and digest(init) != noted:
        raise ArtifactError(
            f"the weights that the training of {record.run.folder} began from have changed since: "
            f"train it again, or leave out the network that learns who is shown"
        )
    return init


def _read(note: Json, folder: Path, model: Model) -> Identity:
    again = f"remove {folder / NOTE} to train again"
    entries = ("people", "n_faces", "n_held", "accuracy", "training", "sha256")
    if not set(entries) <= set(note):
        raise ArtifactError(f"{folder / NOTE} does not say what the training left: {again}")
    if sha256(folder / WEIGHTS) != note["sha256"]:
        raise ArtifactError(
            f"{folder / WEIGHTS} is not what the training left, by its SHA-256: {again}"
        )
    found = build(model.architecture, tuple(note["people"]), model.size, seed=0)
    read_weights(found, folder / WEIGHTS)
    counts = {name: note[name] for name in ("n_faces", "n_held", "accuracy")}
    return Identity(replace(found, training=note["training"]), **counts)
