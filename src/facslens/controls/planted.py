"""Filters that are known to detect one action unit, hidden among random ones of a layer."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch
from jaxtyping import Bool, Float
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional

from facslens.artifacts import atomic
from facslens.errors import NotEnoughDataError

#: Side of a filter in pixels of a 48×48 face, on which a mouth is about 20 wide.
SIDE: Final = 15
#: Filters of a layer, planted ones included.
UNITS: Final = 128
#: Fitted by ``tools/fit_planted.py`` on synthetic faces of people who are not in the package.
FILE: Final = Path(__file__).parent / "planted.safetensors"

_GRID: Final = 3
_SHRINKAGE: Final = 0.05
_BATCH: Final = 64
_SHAKE: Final = 2


@dataclass(frozen=True)
class Planted:
    """Filters, and the action unit that each detects.

    Parameters
    ----------
    filters
        Of unit length; (au, y, x).
    aus
        The action unit of each.
    """

    filters: Float[Tensor, "au y x"]
    aus: tuple[str, ...]

    def write(self, file: Path) -> None:
        """Write the filters as safetensors, one tensor per action unit."""
        tensors = {au: f.contiguous() for au, f in zip(self.aus, self.filters, strict=True)}
        with atomic(file) as temporary:
            save_file(tensors, temporary)

    @classmethod
    def read(cls, file: Path = FILE) -> "Planted":
        """Read filters; by default those in the package."""
        with safe_open(file, "pt") as stored:
            aus = tuple(sorted(stored.keys()))
            return cls(torch.stack([stored.get_tensor(au) for au in aus]), aus)


def first_filters(
    images: Float[Tensor, "image 1 row column"],
    presence: Float[np.ndarray, "image au"],
    regions: Float[np.ndarray, "au row column"],
) -> Float[Tensor, "au y x"]:
    """Solve for one filter per action unit, at the place where it separates best.

    The effect of an action unit on a patch of the image is estimated by least squares on the
    labels of all action units, so that the effects of those that occur with it are not included.
    The filter is Fisher's discriminant: the effect, multiplied by the inverse covariance of the
    residuals. Of the places in the action unit's region the one that separates best is taken.

    Parameters
    ----------
    images
        Faces as a network reads them.
    presence
        0 or 1.
    regions
        For each pixel, the share of faces in whose true region it lies.

    Raises
    ------
    NotEnoughDataError
        If an action unit is the same in all images.

    References
    ----------
    Fisher's discriminant [fisher1936]_.
    """
    same = np.flatnonzero(np.ptp(presence, axis=0) == 0)
    if len(same):
        raise NotEnoughDataError(f"the label in column {same[0]} is the same in all faces")
    design = np.column_stack([np.ones(len(presence)), presence])
    padded = functional.pad(images, (SIDE // 2,) * 4)[:, 0].double()
    best = np.full(len(regions), -np.inf)
    filters = torch.zeros(len(regions), SIDE, SIDE)
    for row in range(0, images.shape[2], _GRID):
        for column in range(0, images.shape[3], _GRID):
            here = _shown(regions[:, row, column], regions)
            if not here.any():
                continue
            cut = padded[:, row : row + SIDE, column : column + SIDE]
            patches = cut.reshape(len(images), -1).numpy()
            looks, *_ = np.linalg.lstsq(design, patches, rcond=None)
            spread = np.cov((patches - design @ looks).T)
            spread += _SHRINKAGE * np.trace(spread) / len(spread) * np.eye(len(spread))
            directions = np.linalg.solve(spread, looks[1:].T).T
            apart = (directions * looks[1:]).sum(axis=1)
            for au in np.flatnonzero(here & (apart > best)):
                best[au] = apart[au]
                filters[au] = torch.from_numpy(directions[au].reshape(SIDE, SIDE)).float()
    return _unit(filters)


def fit_filters(
    images: Float[Tensor, "image 1 row column"],
    presence: Float[np.ndarray, "image au"],
    start: Float[Tensor, "au y x"],
    *,
    epochs: int = 40,
    seed: int = 0,
) -> Float[Tensor, "au y x"]:
    """Fit filters so that their maximum over the face separates their action unit.

    Logistic regression of every label on the maximum of its own filter, fitted by Adam. The rarer
    class has a larger weight, and the faces are shifted by up to two pixels.

    Parameters
    ----------
    images, presence
        Of faces that are used for nothing else.
    start
        As `first_filters` gives them.
    epochs
        Passes over the faces.
    seed
        Of the order and shifts of the faces.

    References
    ----------
    Adam [kingma2015]_.
    """
    labels = torch.from_numpy(presence)
    weight = start[:, None].clone().requires_grad_()
    gain = torch.ones(len(start), requires_grad=True)
    offset = torch.zeros(len(start), requires_grad=True)
    slow, fast = {"params": [weight], "lr": 0.003}, {"params": [gain, offset], "lr": 0.05}
    optimiser = torch.optim.Adam([slow, fast])
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, epochs)
    rarer = (labels == 0).sum(dim=0) / labels.sum(dim=0)
    rng = np.random.default_rng(seed)
    for _ in range(epochs):
        for rows in np.array_split(rng.permutation(len(images)), -(-len(images) // _BATCH)):
            down, right = (int(v) for v in rng.integers(-_SHAKE, _SHAKE + 1, 2))
            faces = torch.roll(images[rows], (down, right), (2, 3))
            peaks = functional.conv2d(faces, weight, padding=SIDE // 2).amax(dim=(2, 3))
            loss = functional.binary_cross_entropy_with_logits(
                peaks * gain + offset, labels[rows], pos_weight=rarer
            )
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
        schedule.step()
    return _unit(weight.detach()[:, 0])


def hide(planted: Planted, seed: int, units: int = UNITS) -> tuple[nn.Sequential, dict[str, int]]:
    """Hide filters among random ones.

    Parameters
    ----------
    planted
        The filters.
    seed
        Of the random filters, which have unit length, too, and of the places.
    units
        Filters of the layer.

    Returns
    -------
    network
        One bias-free convolution, ``conv1``, and a rectifier.
    places
        The unit that holds the filter of each action unit.
    """
    rng = np.random.default_rng(seed)
    weights = torch.from_numpy(rng.normal(size=(units, SIDE, SIDE)).astype(np.float32))
    places = rng.permutation(units)[: len(planted.aus)]
    weights[places] = planted.filters
    layer = nn.Conv2d(1, units, SIDE, padding=SIDE // 2, bias=False)
    layer.weight = nn.Parameter(_unit(weights)[:, None])
    network = nn.Sequential()
    network.add_module("conv1", layer)
    network.add_module("relu1", nn.ReLU())
    return network, {au: int(unit) for au, unit in zip(planted.aus, places, strict=True)}


def usable(
    auroc: Float[np.ndarray, "unit au"],
    aus: Sequence[str],
    *,
    least: float = 0.75,
    margin: float = 0.05,
) -> Bool[np.ndarray, " au"]:
    """Say which filters detect their own action unit, and none of the others nearly as well.

    Parameters
    ----------
    auroc
        Of each filter for each action unit, in the same order.
    aus
        Their names; AU25 is never usable, because a dropping jaw parts the lips, too.
    least
        The AUROC that a filter needs.
    margin
        By how much this AUROC has to exceed that for any other action unit.
    """
    own = np.diag(auroc)
    others = np.where(np.eye(len(own), dtype=bool), -np.inf, auroc).max(axis=1)
    followed = (own >= least) & (own >= others + margin) & (np.array(aus) != "AU25")
    return np.asarray(followed)


def _shown(
    here: Float[np.ndarray, " au"], regions: Float[np.ndarray, "au row column"]
) -> Bool[np.ndarray, " au"]:
    """Say whose region a place lies in, in at least half as many faces as its surest pixel."""
    return np.asarray(here >= 0.5 * regions.max(axis=(1, 2)), dtype=bool)


def _unit(filters: Float[Tensor, "filter y x"]) -> Float[Tensor, "filter y x"]:
    length = torch.linalg.vector_norm(filters, dim=(1, 2), keepdim=True)
    unit: Tensor = filters / length.clamp_min(1e-12)
    return unit
