"""Open a network for prediction: one of the package, a run's, an ONNX file, or a Model."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final

from facslens.datasets.archive import MAX_TABLE_BYTES, read_bytes
from facslens.errors import ArtifactError, CallError, NotEnoughDataError
from facslens.models.card import PRETRAINED, read_card, read_checked
from facslens.models.seal import is_sealed
from facslens.prediction.evidence import PACKAGED, Evidence, read_evidence
from facslens.prediction.network import Network
from facslens.prediction.with_onnx import read_onnx

if TYPE_CHECKING:
    from facslens.models.model import Model

RUNTIMES: Final = ("auto", "torch", "onnx")


@dataclass(frozen=True)
class Choice:
    """Which network to use, and what runs it.

    Parameters
    ----------
    model
        The name of a network in the package, a run's folder, an ONNX file of `facslens export`,
        or a Model.
    labels
        The name of a set of labels (a head of the network); None takes the first.
    runtime
        One of `RUNTIMES`; ``auto`` is ONNX Runtime where there is an ONNX file and it is
        installed, otherwise PyTorch.
    """

    model: "Model | str | Path" = PRETRAINED[0]
    labels: str | None = None
    runtime: str = "auto"

    def __post_init__(self) -> None:
        if self.runtime not in RUNTIMES:
            raise CallError(f"runtime is {self.runtime!r}: expected one of {', '.join(RUNTIMES)}")


def open_network(choice: Choice) -> Network:
    """Open the network of a choice; raises what `opener` and the opening itself raise."""
    return opener(choice)()


def opener(choice: Choice) -> Callable[[], Network]:
    """Give what opens the network of a choice, and can be sent to another machine to do so.

    A network of the package is opened by its name; any other is sent along.

    Raises
    ------
    CallError
        If there is no such network or head, or the runtime cannot run it.
    ArtifactError
        If its files are missing, damaged, or not those that were published.
    """
    if name := packaged(choice):
        heads = list(read_card(name)["labels"])
        if choice.labels is not None and choice.labels not in heads:
            raise CallError(f"labels is {choice.labels!r}: expected one of {', '.join(heads)}")
        if choice.runtime == "onnx" or (choice.runtime == "auto" and find_spec("onnxruntime")):
            return partial(_packaged, f"{name}.onnx", choice.labels)
    elif path := onnx_file(choice):
        if choice.runtime == "torch":
            raise CallError(
                f"runtime is 'torch', which cannot run {path}: name the run it was exported from"
            )
        return partial(_exported, _bytes(path), path, choice.labels)
    elif choice.runtime == "onnx":
        raise CallError(
            "runtime is 'onnx', which needs an ONNX file: make one of a run with "
            "`facslens export RUN --onnx FILE`"
        )
    from facslens.prediction.with_torch import read_with_torch
    from facslens.runs.model import open_model

    model = open_model(choice.model, labels=choice.labels)
    evidence = evidence_of(choice)
    layer = evidence[0].layer if evidence else None
    return partial(read_with_torch, model, layer, evidence)


def _packaged(file: str, labels: str | None) -> Network:
    return read_onnx(read_checked(file), file, labels)


def _exported(content: bytes, path: Path, labels: str | None) -> Network:
    network = read_onnx(content, path, labels)
    if not is_sealed(content):
        raise ArtifactError(
            f"{path} is not as `facslens export` wrote it, by its SHA-256: export it again"
        )
    return network


def packaged(choice: Choice) -> str | None:
    """Give the name of the chosen network if it is in the package, otherwise None."""
    named = isinstance(choice.model, str) and choice.model in PRETRAINED
    return str(choice.model) if named else None


def onnx_file(choice: Choice) -> Path | None:
    """Give the chosen file if its name is that of an ONNX file, otherwise None."""
    if not isinstance(choice.model, str | Path):
        return None
    path = Path(choice.model)
    return path if path.suffix.lower() == ".onnx" and not path.is_dir() else None


def evidence_of(choice: Choice) -> tuple[Evidence, ...]:
    """Give the evidence of a network's units: one entry for each action unit.

    A run whose faces have no action unit labels has no evidence, nor has a Model.
    """
    if name := packaged(choice):
        read_checked(PACKAGED[name].name)
        return read_evidence(PACKAGED[name])
    if not isinstance(choice.model, str | Path) or not (Path(choice.model) / "run.json").exists():
        return ()
    from facslens.runs.record import RunRecord
    from facslens.stages.evidence import run_evidence

    record = RunRecord.open(Path(choice.model))
    if record.info["stages"].get("associate", {}).get("status") != "done":
        return ()
    record.run.check("associate")
    try:
        return tuple(run_evidence(record))
    except NotEnoughDataError:  # no unit tells an action unit: then nothing is said of any
        return ()


def fingerprint(choice: Choice) -> str:
    """Give a SHA-256 that identifies a network, its labels and its evidence.

    Raises
    ------
    ArtifactError
        If a file of it cannot be read.
    """
    content = hashlib.sha256(repr((choice.labels, choice.runtime)).encode())
    if name := packaged(choice):
        content.update(repr((name, read_card(name)["sha256"])).encode())
    elif path := onnx_file(choice):
        content.update(_bytes(path))
    else:
        from facslens.models.initial import digest
        from facslens.runs.model import open_model

        model = open_model(choice.model, labels=choice.labels)
        content.update(repr((digest(model), model.input.name)).encode())
        content.update(repr(evidence_of(choice)).encode())
    return content.hexdigest()


def _bytes(path: Path) -> bytes:
    try:
        return read_bytes(path, MAX_TABLE_BYTES)
    except OSError as error:
        raise ArtifactError(f"{path} cannot be read: {error.strerror}") from error
