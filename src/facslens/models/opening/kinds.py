"""The kinds of networks that can be opened by a name: one entry each."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from facslens.artifacts import sha256
from facslens.errors import CallError
from facslens.models.card import PRETRAINED
from facslens.models.model import Model
from facslens.models.onnx_network.opening import open_onnx
from facslens.models.opening.code import made_by, split_name
from facslens.models.opening.open import needed_input, needed_names, open_module
from facslens.models.opening.program import read_program
from facslens.models.opening.transformers_folder import CONFIG, PROCESSOR, read_folder
from facslens.models.opening.weights import give_weights


@dataclass(frozen=True)
class Named:
    """What a call names to open a network.

    Parameters
    ----------
    network
        A path, or ``FILE.py:FUNCTION``.
    weights
        The file of its weights, if that is another one.
    input
        The name of what it reads; None where the network says so itself.
    expressions
        The names of its classes; None where the network says so itself.
    output
        As `facslens.models.opening.output.find_output` takes it.
    """

    network: str
    weights: str | None = None
    input: str | None = None
    expressions: Sequence[str] | None = None
    output: str | None = None

    def hold_own_weights(self) -> None:
        """Refuse a file of weights beside a network that holds its own."""
        if self.weights is not None:
            raise CallError(
                f"weights is {self.weights!r}, but {self.network} holds its own: leave it out"
            )


@dataclass(frozen=True)
class Kind:
    """A kind of networks.

    Parameters
    ----------
    label
        In words, for messages and help texts.
    is_named
        Tells whether a name is that of such a network.
    open
        Opens it.
    """

    label: str
    is_named: Callable[[str], bool]
    open: Callable[[Named], Model]


def open_named(named: Named) -> Model:
    """Open the network that a call names.

    Raises
    ------
    CallError
        If there is no such network, it does not say what has to be known of it, or it fits neither
        its input nor its expressions.
    ArtifactError
        If its files are damaged or do not fit each other.
    """
    for kind in KINDS.values():
        if kind.is_named(named.network):
            return kind.open(named)
    path = Path(named.network)
    if path.is_dir():
        what = f"a folder without {CONFIG}, which is no model"
    elif path.is_file():
        what = "a file of no known kind"
    else:
        what = "which does not exist"
    raise CallError(
        f"network is {named.network!r}, {what}: expected {', '.join(PRETRAINED)}, the "
        f"folder of a run or of a saved model, {kinds_in_words()}"
    )


def kinds_in_words() -> str:
    """List what can be opened, for messages and help texts."""
    return ", ".join(kind.label for kind in KINDS.values())


def _open_code(named: Named) -> Model:
    network = made_by(named.network)
    file, _ = split_name(named.network)
    paths = [Path(file)]
    if named.weights is not None:
        paths.append(Path(named.weights))
        give_weights(network, paths[-1])
    return _opened(network, named, paths)


def _open_program(named: Named) -> Model:
    named.hold_own_weights()
    path = Path(named.network)
    return _opened(read_program(path), named, [path])


def _open_transformers(named: Named) -> Model:
    named.hold_own_weights()
    folder = Path(named.network)
    found = read_folder(folder, needs_input=named.input is None)
    weights = sorted(folder.glob("*.safetensors"))
    notes = [folder / PROCESSOR] if (folder / PROCESSOR).exists() else []
    return open_module(
        found.network,
        reads=needed_input(named.input or found.input),
        expressions=needed_names(named.expressions or found.labels),
        output=named.output,
        source=_source(named, [folder / CONFIG, *notes, *weights]),
    )


def _opened(network: object, named: Named, paths: list[Path]) -> Model:
    return open_module(
        network,
        reads=needed_input(named.input, network),
        expressions=needed_names(named.expressions),
        output=named.output,
        source=_source(named, paths),
    )


def _source(named: Named, paths: list[Path]) -> dict[str, object]:
    return {"network": named.network, "files": {str(path): sha256(path) for path in paths}}


def _open_onnx(named: Named) -> Model:
    named.hold_own_weights()
    return open_onnx(named.network, named.input, named.expressions, named.output)


def _is_code(name: str) -> bool:
    return name.rpartition(":")[0].endswith(".py") or name.endswith(".py")


def _is_folder(name: str) -> bool:
    return (Path(name) / CONFIG).is_file()


def _ends_in(suffix: str) -> Callable[[str], bool]:
    return lambda name: name.lower().endswith(suffix)


#: Every kind by its name.
KINDS: Final[dict[str, Kind]] = {
    "code": Kind("FILE.py:FUNCTION, whose code is run", _is_code, _open_code),
    "program": Kind("a .pt2 file of torch.export", _ends_in(".pt2"), _open_program),
    "onnx": Kind("an .onnx file", _ends_in(".onnx"), _open_onnx),
    "transformers": Kind(
        "a folder of a transformers model with safetensors", _is_folder, _open_transformers
    ),
}
