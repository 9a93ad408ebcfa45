"""Open a folder that ``save_pretrained`` of transformers wrote; nothing is fetched."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from torch import nn

from facslens.artifacts import Json, read_json
from facslens.errors import ArtifactError, CallError
from facslens.models.opening.open import first_line
from facslens.preprocess.configs import transformers_input
from facslens.preprocess.input import Input

#: The files of such a folder.
CONFIG: Final = "config.json"
PROCESSOR: Final = "preprocessor_config.json"


@dataclass(frozen=True)
class Folder:
    """What a folder holds.

    Parameters
    ----------
    network
        In evaluation mode.
    labels
        The names of its classes in order; None where it does not name them.
    input
        What it reads; None where nothing says so.
    """

    network: nn.Module
    labels: list[str] | None
    input: Input | None


def read_folder(folder: Path, needs_input: bool = True) -> Folder:
    """Read the network in a folder, whose weights have to be safetensors.

    Parameters
    ----------
    folder
        It holds `CONFIG`, and `PROCESSOR` where it says what the network reads.
    needs_input
        Whether `PROCESSOR` is to be read.

    Raises
    ------
    CallError
        If transformers is not installed.
    ArtifactError
        If a file is damaged, the network needs code that is not part of transformers, or weights
        are missing.
    """
    config = read_json(folder / CONFIG)
    if config.get("auto_map"):
        raise ArtifactError(
            f"{folder} needs code that is not part of transformers: give its module in a FILE.py"
        )
    try:
        from transformers import AutoModelForImageClassification
        from transformers.utils import logging
    except ImportError as error:
        raise CallError(
            f"network is {str(folder)!r}, a model of transformers, which needs the package "
            f"{error.name}: install it with pip install transformers"
        ) from error
    level, bar = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        network, report = AutoModelForImageClassification.from_pretrained(
            folder,
            local_files_only=True,
            trust_remote_code=False,
            use_safetensors=True,
            output_loading_info=True,
        )
    except Exception as error:
        raise ArtifactError(
            f"{folder} holds no image classifier that transformers reads: {first_line(error)}"
        ) from error
    finally:
        logging.set_verbosity(level)
        if bar:
            logging.enable_progress_bar()
    if missing := sorted(report["missing_keys"]):
        raise ArtifactError(f"{folder} lacks the weights {', '.join(missing[:3])}")
    processor = folder / PROCESSOR
    reads = transformers_input(read_json(processor)) if needs_input and processor.exists() else None
    # weights that are stored in half precision are the same numbers in single
    return Folder(network.float().eval(), _labels(config), reads)


def _labels(config: Json) -> list[str] | None:
    named: Any = config.get("id2label")
    if not isinstance(named, dict):
        return None
    return [str(named[number]) for number in sorted(named, key=int)]
