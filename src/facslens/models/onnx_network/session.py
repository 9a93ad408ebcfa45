"""Run an ONNX file so that it gives inner results beside its own."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import torch
from jaxtyping import Float

from facslens.errors import ArtifactError, CallError

#: Of ONNX Runtime: errors alone.
_SEVERITY: Final = 3


class Sessions:
    """Runs an ONNX file, and keeps a session of ONNX Runtime for each set of results.

    Parameters
    ----------
    model
        What the file holds.
    images
        The name of its input.
    source
        The file, for messages.
    """

    def __init__(self, model: Any, images: str, source: str) -> None:
        self._model, self._images, self._source = model, images, source
        self._opened: dict[tuple[tuple[str, ...], bool], Any] = {}

    def __call__(
        self,
        images: Float[np.ndarray, "image _ _ _"],
        names: Sequence[str],
        *,
        optimised: bool = True,
    ) -> list[np.ndarray]:
        """Give results by name.

        Parameters
        ----------
        images
            As the file takes them.
        names
            Of the results.
        optimised
            Whether ONNX Runtime may take several steps as one. What is asked for stays a result
            of its own.

        Raises
        ------
        ArtifactError
            If ONNX Runtime does not run the file.
        """
        key = tuple(sorted(set(names))), optimised
        if key not in self._opened:
            self._opened[key] = _session(self._model, key[0], optimised, self._source)
        try:
            found: list[np.ndarray] = self._opened[key].run(list(names), {self._images: images})
        except Exception as error:  # its errors have no common base
            raise ArtifactError(
                f"{self._source} does not run on {tuple(images.shape)}: {_reason(error)}"
            ) from error
        return found


def _session(model: Any, names: Sequence[str], optimised: bool, source: str) -> Any:
    try:
        import onnx
        import onnxruntime
    except ImportError as error:
        raise CallError(
            f"running ONNX needs {error.name}: install it with pip install 'facslens[export]'"
        ) from error
    levels = onnxruntime.GraphOptimizationLevel
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.log_severity_level = _SEVERITY
    options.graph_optimization_level = (
        levels.ORT_ENABLE_ALL if optimised else levels.ORT_DISABLE_ALL
    )
    wanted = type(model)()
    wanted.CopyFrom(model)
    given = {output.name for output in wanted.graph.output}
    # without a type, which ONNX Runtime finds itself
    wanted.graph.output.extend(
        onnx.ValueInfoProto(name=name) for name in names if name not in given
    )
    try:
        content = wanted.SerializeToString()
        return onnxruntime.InferenceSession(content, options, ["CPUExecutionProvider"])
    except Exception as error:  # its errors have no common base
        raise ArtifactError(
            f"{source} is nothing that ONNX Runtime runs: {_reason(error)}"
        ) from error


def _reason(error: Exception) -> str:
    return str(error).splitlines()[0][:200]
