"""An ONNX file as a network, run by ONNX Runtime."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Final

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, fx, nn

from facslens.errors import ArtifactError, CallError
from facslens.models.onnx_network.file import OnnxFile
from facslens.models.onnx_network.graph import OnnxGraph, read_graph
from facslens.models.onnx_network.session import Sessions
from facslens.models.reading.agreement import compare
from facslens.models.reading.any_reading import AnyReading, Listens, ReadsItself
from facslens.models.reading.layers import find_layers
from facslens.models.reading.trace import Shape, operation
from facslens.models.reading.values import Values

#: Faces on which a file is tried; one face would be taken for a file that takes only one.
_FACES: Final = 2


class OnnxNetwork(ReadsItself):
    """An ONNX file as a network.

    Parameters
    ----------
    file
        The file.
    answer
        The name of the result, own or inner, that is the answer: scores (image, class).
    shape
        Channels, rows and columns of the images.
    channels_last
        Whether the file takes them as image, row, column, channel.
    prefix
        What the names of all layers begin with, which is taken off; other steps with weights are
        no layers of the network.

    Raises
    ------
    ArtifactError
        If ONNX Runtime does not run the file on such images.
    CallError
        If the answer is no table of scores.
    """

    def __init__(
        self,
        file: OnnxFile,
        answer: str,
        shape: Shape,
        *,
        channels_last: bool = False,
        prefix: str = "",
    ) -> None:
        super().__init__()
        self.file, self.answer, self.shape = file, answer, shape
        self._channels_last, self._prefix = channels_last, prefix
        self._sessions = Sessions(file.model, file.images, str(file.path))
        self._checked: set[tuple[str, ...]] = set()
        #: What makes scores of the answer.
        self.scores: Callable[[Tensor], Tensor] = _same
        #: How many images the file takes at once; None for any number.
        self.batch, self._steps = self._tried(file.sizes[0] if file.sizes else None)
        self.eval()

    def _tried(self, size: int | None) -> tuple[int | None, OnnxGraph]:
        """Read the steps, and find how many images the file takes at once."""
        if size is not None:
            return size, self._read(size)
        try:
            return None, self._read(_FACES)
        except ArtifactError:
            return 1, self._read(1)

    def _read(self, count: int) -> OnnxGraph:
        found = read_graph(
            self.file,
            self._sessions,
            self._as_taken(torch.zeros(count, *self.shape)),
            answer=self.answer,
            channels_last=self._channels_last,
        )
        shape = found.answer.meta["shape"]
        if len(shape) != 2 or shape[0] != count:
            raise CallError(
                f"{self.file.path} gives {self.answer!r} of the shape {shape} for {count} images: "
                f"needs scores (image, class)"
            )
        return found

    @property
    def classes(self) -> int:
        """Number of scores."""
        return int(self._steps.answer.meta["shape"][1])

    @property
    def last(self) -> str:
        """Name the operation that makes the answer, as PyTorch names it."""
        return operation(self._steps.answer)

    @property
    def no_steps(self) -> str:
        """Say what it is, so that its steps cannot be taken one by one in PyTorch."""
        return f"{self.file.path}, an ONNX file, which ONNX Runtime runs as a whole"

    def __reduce__(self) -> tuple[Any, ...]:
        """Send the file, from which another process makes the network again."""
        made = (self.file, self.answer, self.shape, self._channels_last, self._prefix, self.scores)
        return _made_again, made

    def get_extra_state(self) -> Tensor:
        """Give what tells it from other networks: the SHA-256 of the file, and its answer."""
        return torch.tensor(list(bytes.fromhex(self.file.sha256) + self.answer.encode()))

    def set_extra_state(self, state: Tensor) -> None:
        """Refuse: the weights are those of the file."""
        raise CallError(f"{self.file.path} is an ONNX file: its weights cannot be changed")

    def forward(
        self, images: Float[Tensor, "image channel row column"]
    ) -> Float[Tensor, "image class_"]:
        """Give the scores, as `results` gives them."""
        (answer,) = self.results(images, [self.answer])
        return self.scores(answer)

    def results(
        self,
        images: Float[Tensor, "image channel row column"],
        names: Sequence[str],
        *,
        optimised: bool = True,
    ) -> list[Tensor]:
        """Give results of steps by name.

        Raises
        ------
        CallError
            If the images have another shape, or gradients are wanted: ONNX Runtime gives none.
        """
        if images.requires_grad and torch.is_grad_enabled():
            raise CallError(f"the network is {self.no_steps}: it gives no gradients")
        if len(images) == 0 or tuple(images.shape[1:]) != self.shape:
            raise CallError(
                f"images have the shape {tuple(images.shape)}: {self.file.path} takes one or more "
                f"of {self.shape}"
            )
        parts = []
        for part in torch.split(images, self.batch or len(images)):
            missing = (self.batch or 0) - len(part)
            whole = (
                torch.cat([part, part[-1:].expand(missing, *self.shape)]) if missing > 0 else part
            )
            found = self._sessions(self._as_taken(whole), names, optimised=optimised)
            parts.append([torch.from_numpy(one) for one in found])
            if missing > 0:
                kept = zip(names, parts[-1], strict=True)
                parts[-1] = [one.narrow(self._axes.get(n, 0), 0, len(part)) for n, one in kept]
        joined = zip(names, zip(*parts, strict=True), strict=True)
        return [torch.cat(ones, self._axes.get(name, 0)) for name, ones in joined]

    @cached_property
    def _axes(self) -> dict[str, int]:
        """Which axis of the layers' results has the images, where it is not the first."""
        layers = self._reading.layers.values()
        return {layer.maps.meta["tensor"]: layer.axes[0] for layer in layers}

    def _as_taken(self, images: Tensor) -> Float[np.ndarray, "image _ _ _"]:
        ordered = images.detach().float().permute(0, 2, 3, 1) if self._channels_last else images
        return np.ascontiguousarray(ordered.detach().float().numpy(force=True))

    def read(self, shape: Shape) -> "OnnxReading":
        """Give its layers.

        Raises
        ------
        CallError
            If it takes images of another shape.
        """
        if shape != self.shape:
            raise CallError(f"images have the shape {shape}: {self.file.path} takes {self.shape}")
        return self._reading

    @cached_property
    def _reading(self) -> "OnnxReading":
        values = Values(self._steps.graph, self._steps.constants)
        layers = {
            name.removeprefix(self._prefix): replace(layer, name=name.removeprefix(self._prefix))
            for name, layer in find_layers(self._steps.graph, values).items()
            if name.startswith(self._prefix)
        }
        return OnnxReading(layers, self.shape, self._steps.graph)

    def check_results(
        self, names: Sequence[str], images: Float[Tensor, "image channel row column"]
    ) -> None:
        """Compare results with those of the file as it is, step by step, and for one face alone.

        Once for the same names.

        Raises
        ------
        CallError
            If they differ, or the network answers NaN.
        """
        key = tuple(sorted(names))
        if key in self._checked or len(images) == 0:
            return
        some, given = images[:_FACES], list(self.file.outputs)
        some = torch.cat([some, some.flip(3)]) if len(some) == 1 else some
        wanted = [*names, self.answer, *given]
        own = dict(zip(wanted, self.results(some, wanted), strict=True))
        plain = dict(zip(given, self.results(some, given), strict=True))
        steps = dict(zip(wanted, self.results(some, wanted, optimised=False), strict=True))
        alone = dict(zip(wanted, self.results(some[:1], wanted), strict=True))
        for name in given:
            compare(plain[name], own[name], f"{name!r} of the file as it is and with inner results")
        for name, result in own.items():
            compare(steps[name], result, f"{name!r} step by step and as ONNX Runtime joins steps")
            axis = self._axes.get(name, 0)
            if name not in given or name == self.answer:
                compare(
                    alone[name],
                    result.narrow(axis, 0, 1),
                    f"{name!r} for a face alone and with another one",
                )
        self._checked.add(key)


def _same(answer: Tensor) -> Tensor:
    return answer


def _made_again(
    file: OnnxFile, answer: str, shape: Shape, last: bool, prefix: str,
    scores: Callable[[Tensor], Tensor],
) -> OnnxNetwork:  # fmt: skip
    """Make a network of what another process has sent."""
    network = OnnxNetwork(file, answer, shape, channels_last=last, prefix=prefix)
    network.scores = scores
    return network


@dataclass(frozen=True)
class OnnxReading(AnyReading):
    """The layers of an ONNX file.

    Parameters
    ----------
    layers, shape
        As `AnyReading` has them.
    steps
        The steps, to be looked at.
    """

    steps: fx.Graph

    @property
    def graph(self) -> fx.Graph:
        """The steps."""
        return self.steps

    def digest(self, network: nn.Module) -> str:
        """Give a SHA-256 of the file, and of which of its results is the answer."""
        assert isinstance(network, OnnxNetwork)
        known = repr((network.file.sha256, network.answer))
        return hashlib.sha256(known.encode()).hexdigest()

    def listener(
        self, network: nn.Module, layers: Sequence[str], read: Callable[[Tensor], Any]
    ) -> Listens:
        """Run the file so that something is read of the maps of some layers."""
        assert isinstance(network, OnnxNetwork)
        chosen = {name: self.layers[name] for name in layers}
        names = [layer.maps.meta["tensor"] for layer in chosen.values()]

        def listen(images: Tensor) -> tuple[dict[str, Any], Any]:
            network.check_results(names, images)
            *found, answer = network.results(images, [*names, network.answer])
            maps = zip(chosen.items(), found, strict=True)
            read_of = {name: read(layer.as_maps(result)) for (name, layer), result in maps}
            return read_of, network.scores(answer)

        return listen
