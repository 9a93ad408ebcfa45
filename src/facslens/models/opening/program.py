"""Read a program of `torch.export`, a ``.pt2`` file, without running what is in it.

The format is a zip of the graph as JSON, of the weights as plain bytes, and in some cases of
pickles, which PyTorch unpickles whatever they hold. Sizes are written as expressions, which are
evaluated, and steps by the names of functions, which may be any that Python has loaded. So all of
them are looked at first: a pickle has to be one of tensors alone, an expression has to be
arithmetic, and a step one of PyTorch's operations.
"""

import io
import json
import pickle
import re
import warnings
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import torch
from torch import nn

from facslens.errors import ArtifactError, CallError
from facslens.models.opening.answering import Program

#: Parts of an archive that are text, or bytes that are never unpickled.
_PLAIN: Final = re.compile(
    r"(archive_format|archive_version|version|byteorder|\.format_version|\.storage_alignment"
    r"|\.data/(version|serialization_id)|models/[^/]+\.json|data/(weights|constants)/[^/]+\.json"
    r"|data/weights/weight_\d+|data/constants/tensor_\d+|extra/.*)"
)
#: The pictures with which the program was exported.
_SAMPLES: Final = re.compile(r"data/sample_inputs/[^/]+\.pt")
#: An expression of sizes, as sympy writes it: symbols, numbers, and functions of them.
_ARITHMETIC: Final = re.compile(
    r"([su]\d+|'[su]\d+'|\d+(\.\d+)?|'-?\d+(\.\d+)?'|Symbol|Integer|Rational|Float|Add|Mul|Pow|Max"
    r"|Min|Mod|PythonMod|FloorDiv|CeilDiv|CleanDiv|IntTrueDiv|ToFloat|FloorToInt|CeilToInt"
    r"|TruncToInt|ModularIndexing|Equality|Unequality|Eq|Ne|Ge|Gt|Le|Lt|GreaterThan|LessThan"
    r"|StrictGreaterThan|StrictLessThan|positive|nonnegative|integer|precision|True|False|oo"
    r"|int_oo|[-+*/%(),<>=!&|~ ])*"
)
#: The operations that a step may be.
_OPERATION: Final = re.compile(
    r"torch\.ops\.(aten|prims|higher_order)\.(?!from_file)\w+(\.\w+)?|torch\.sym_\w+|math\.\w+"
    r"|_operator\.(getitem|add|sub|mul|truediv|floordiv|mod|pow|neg|pos|abs|and_|or_|not_|lt|le|gt"
    r"|ge|eq|ne)"
)
#: What the entries of a graph have to be that are evaluated or looked up when it is read.
_ENTRIES: Final = {
    "expr_str": (_ARITHMETIC, "the size"),
    "guards_code": (_ARITHMETIC, "the condition"),
    "target": (_OPERATION, "the step"),
    "as_operator": (_OPERATION, "the step"),
}


def read_program(path: Path) -> nn.Module:
    """Read an exported program as a module.

    Raises
    ------
    CallError
        If there is no such file.
    ArtifactError
        If it is damaged, of another version of PyTorch, or holds what could run as code.
    """
    if not path.is_file():
        raise CallError(f"network is {str(path)!r}, which is no file")
    try:
        _check(path)
        program = torch.export.load(path)
    except ArtifactError:
        raise
    except Exception as error:
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise ArtifactError(
            f"{path} is no program of torch.export that PyTorch {torch.__version__} reads: {first}"
        ) from error
    # guards would stop other numbers of pictures than those of the export; the reading asks itself
    module: Any = program.module(check_guards=False)
    return Program(module)


def _check(path: Path) -> None:
    """Refuse an archive in which something could run as code."""
    if not zipfile.is_zipfile(path):
        raise ArtifactError(f"{path} is no program of torch.export: it is no zip file")
    with zipfile.ZipFile(path) as archive:
        pickled = {f"data/{place}" for place in _pickled(archive)}
        for name in archive.namelist():
            inside = name.partition("/")[2]
            if inside in pickled or _SAMPLES.fullmatch(inside):
                _check_pickle(archive.read(name), f"{inside} in {path}")
            elif not _PLAIN.fullmatch(inside):
                raise ArtifactError(
                    f"{path} holds {inside}, which could run as code: export the network again, "
                    f"without custom objects"
                )
            elif inside.startswith("models/"):
                for entry, text in _entries(json.loads(archive.read(name))):
                    pattern, what = _ENTRIES[entry]
                    if not pattern.fullmatch(text):
                        raise ArtifactError(
                            f"{path} holds {what} {text[:80]!r}, which could run as code"
                        )


def _pickled(archive: zipfile.ZipFile) -> Iterator[str]:
    """Name the weights and constants that are to be unpickled."""
    for name in archive.namelist():
        found = re.fullmatch(r"[^/]+/data/(weights|constants)/[^/]+\.json", name)
        if found is not None:
            for entry in json.loads(archive.read(name))["config"].values():
                if entry["use_pickle"]:
                    yield f"{found[1]}/{entry['path_name']}"


def _check_pickle(content: bytes, what: str) -> None:
    if not content:
        return
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.load(io.BytesIO(content), weights_only=True, map_location="cpu")
    except pickle.UnpicklingError as error:
        raise ArtifactError(
            f"{what} could only be read by running code in it: export the network again"
        ) from error


def _entries(content: Any) -> Iterator[tuple[str, str]]:
    """Give everything in a graph that is evaluated or looked up when it is read."""
    if isinstance(content, list):
        for one in content:
            yield from _entries(one)
    elif isinstance(content, dict):
        for key, one in content.items():
            texts = one if isinstance(one, list) else [one]
            if key in _ENTRIES and all(isinstance(text, str) for text in texts):
                yield from [(key, text) for text in texts]
            else:
                yield from _entries(one)
