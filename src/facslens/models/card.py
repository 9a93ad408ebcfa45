"""The weights in the package and their cards, read without PyTorch."""

import hashlib
import json
from importlib.resources import files
from pathlib import Path
from typing import Any, Final, cast

from facslens.errors import ArtifactError, CallError

#: Networks in the package.
PRETRAINED: Final = ("compact",)
#: Where their weights and cards are.
FOLDER: Final = Path(str(files("facslens.models") / "weights"))


def read_card(name: str = "compact", folder: Path = FOLDER) -> dict[str, Any]:
    """Read the card of a network in the package: its labels, recipe, accuracy and hashes.

    Raises
    ------
    CallError
        If there is no such network.
    ArtifactError
        If its card is missing or damaged.
    """
    if name not in PRETRAINED:
        raise CallError(f"{name!r} is no network in the package: expected {', '.join(PRETRAINED)}")
    path = folder / f"{name}.json"
    try:
        return cast(dict[str, Any], json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        raise ArtifactError(f"{path} is no readable model card: install facslens again") from error


def read_checked(file: str, folder: Path = FOLDER) -> bytes:
    """Read a file of weights, and compare its hash with that in the card of its network.

    Raises
    ------
    ArtifactError
        If it is missing, or differs from the file that was published.
    """
    path = folder / file
    expected = read_card(path.stem.split("-")[0], folder)["sha256"].get(file)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ArtifactError(f"{path} cannot be read: {error.strerror}") from error
    if hashlib.sha256(content).hexdigest() != expected:
        raise ArtifactError(
            f"{path} is not the file that was published (its SHA-256 differs): "
            f"install facslens again"
        )
    return content
