"""Open a network to predict with: of the package, of a run, or an ONNX file."""

import hashlib
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final

from facslens.errors import ArtifactError, CallError, NotEnoughDataError
from facslens.models.card import PRETRAINED, read_card, read_checked
from facslens.prediction.evidence import PACKAGED, Evidence, read_evidence
from facslens.prediction.network import Network
from facslens.prediction.with_onnx import read_onnx
from facslens.runs.record import RunRecord

if TYPE_CHECKING:
    from facslens.models.model import Model

RUNTIMES: Final = ("auto", "torch", "onnx")


@dataclass(frozen=True)
class Choice:
    """Which network, and what runs it.

    Parameters
    ----------
    model
        ``compact`` (in the package), a run's folder, or an ONNX file of `facslens export`.
    labels
        Which head, by name; None takes the first.
    runtime
        One of `RUNTIMES`; ``auto`` is ONNX Runtime where there is an ONNX file and it is
        installed, otherwise PyTorch.
    """

    model: str = PRETRAINED[0]
    labels: str | None = None
    runtime: str = "auto"

    def __post_init__(self) -> None:
        if self.runtime not in RUNTIMES:
            raise CallError(f"--runtime is {self.runtime!r}: expected one of {', '.join(RUNTIMES)}")


def open_network(choice: Choice) -> Network:
    """Open the network of a choice.

    Raises
    ------
    CallError
        If there is no such network or head, or the runtime cannot run it.
    ArtifactError
        If its files are missing, damaged, or not those that were published.
    """
    path = Path(choice.model)
    if choice.model in PRETRAINED:
        heads = list(read_card(choice.model)["labels"])
        if choice.labels is not None and choice.labels not in heads:
            raise CallError(f"--labels is {choice.labels!r}: expected one of {', '.join(heads)}")
        if choice.runtime == "onnx" or (choice.runtime == "auto" and find_spec("onnxruntime")):
            file = f"{choice.model}.onnx"
            return read_onnx(read_checked(file), file, choice.labels)
    elif path.suffix == ".onnx":
        if choice.runtime == "torch":
            raise CallError(f"--runtime torch cannot run {path}: name the run it was exported from")
        return read_onnx(_bytes(path), path, choice.labels)
    elif choice.runtime == "onnx":
        raise CallError(
            f"--runtime onnx needs an ONNX file: make one with facslens export {path} --onnx FILE"
        )
    from facslens.prediction.with_torch import read_with_torch

    model = open_model(choice)
    evidence = evidence_of(choice)
    return read_with_torch(model, evidence[0].layer if evidence else None, evidence)


def open_model(choice: Choice) -> "Model":
    """Open the network of a choice for PyTorch, which can look into it.

    Raises
    ------
    CallError
        If it is an ONNX file, or there is nothing of that name.
    """
    from facslens.models.model import load
    from facslens.models.pretrained import load_pretrained

    if choice.model in PRETRAINED:
        return load_pretrained(choice.model, choice.labels or "ferplus")
    path = Path(choice.model)
    if path.suffix == ".onnx":
        raise CallError(f"{path} is ONNX, which PyTorch does not run: name the run it came from")
    if choice.labels is not None:
        raise CallError(
            f"--labels {choice.labels} is a choice of the packaged network: {path} has one head"
        )
    if not (path / "model.json").exists():
        raise CallError(
            f"--model is {choice.model!r}: expected {', '.join(PRETRAINED)}, the folder of a run, "
            f"or an ONNX file"
        )
    return load(path)


def evidence_of(choice: Choice) -> tuple[Evidence, ...]:
    """Give what is known of the units of a network's chosen layer, one entry an action unit.

    Nothing is known of a run whose faces had no action units.
    """
    if choice.model in PRETRAINED:
        read_checked(PACKAGED[choice.model].name)
        return read_evidence(PACKAGED[choice.model])
    from facslens.stages.evidence import run_evidence

    record = RunRecord.open(Path(choice.model))
    if not record.run.is_done("associate"):
        return ()
    try:
        return tuple(run_evidence(record))
    except NotEnoughDataError:  # no unit tells an action unit: then nothing is said of any
        return ()


def fingerprint(choice: Choice) -> str:
    """Give what tells a network, its head and its evidence from others: a SHA-256.

    Raises
    ------
    ArtifactError
        If a file of it cannot be read.
    """
    path = Path(choice.model)
    content = hashlib.sha256(repr(choice).encode())
    if choice.model in PRETRAINED:
        content.update(repr(read_card(choice.model)["sha256"]).encode())
    elif path.suffix == ".onnx":
        content.update(_bytes(path))
    else:
        content.update(_bytes(path / "model.safetensors"))
        content.update(repr(evidence_of(choice)).encode())
    return content.hexdigest()


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ArtifactError(f"{path} cannot be read: {error.strerror}") from error
