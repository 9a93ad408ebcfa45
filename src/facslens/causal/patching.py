"""Put some units' maps of one face into another, and see what becomes of the scores."""

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from facslens.causal.cut import VALUES, Cut, Held


def patched(
    cut: Cut,
    held: Held,
    others: Float[Tensor, "image unit row column"],
    sets: Bool[np.ndarray, "set unit"],
) -> Float[np.ndarray, "set image class"]:
    """Give the scores of faces in which the maps of some units are those of other faces.

    Parameters
    ----------
    cut
        Where the network is cut.
    held
        The faces. What goes round the layer stays theirs.
    others
        Maps of the other faces, one for each.
    sets
        Which units' maps are replaced, in each of several sets.

    Returns
    -------
    numpy.ndarray
        Of type float64.

    References
    ----------
    Interchange interventions: [geiger2021]_; [vig2020]_.

    Examples
    --------
    Two units, whose sum is the score; the second one's map is replaced.

    >>> cut = Cut(lambda images: [images], lambda maps: maps.sum(dim=(1, 2, 3))[:, None])
    >>> face, other = torch.tensor([[[[1.0]], [[2.0]]]]), torch.tensor([[[[10.0]], [[20.0]]]])
    >>> held = Held(face, (), torch.tensor([[3.0]]))
    >>> patched(cut, held, other, np.array([[False, True]])).item()
    21.0
    """
    faces = len(held)
    at_once = max(1, VALUES // held.maps.numel())
    found = []
    with torch.no_grad():
        for some in torch.split(torch.from_numpy(sets), at_once):
            rows = torch.arange(faces).repeat(len(some))
            mask = some.repeat_interleave(faces, dim=0)[:, :, None, None]
            repeated = held.take(rows)
            scores = cut.scores(torch.where(mask, others[rows], repeated.maps), repeated)
            found.append(scores.reshape(len(some), faces, -1))
    return torch.cat(found).double().numpy()


def attribution(cut: Cut, rest: Held, shown: Held) -> Float[np.ndarray, "image class unit"]:
    """Approximate what each unit's change adds to the change of each centred score.

    Parameters
    ----------
    cut
        Where the network is cut.
    rest, shown
        The same people at rest, and with an action unit.

    Returns
    -------
    numpy.ndarray
        Gradient times change, summed over the map, where the gradient is the mean of those at rest
        and with the action unit; float64. For scores that are linear in the maps it is exact.

    Notes
    -----
    Scores are centred over classes first. One gradient stands for the patching of every unit, which
    would take a pass each [syed2024]_.
    """
    change = (shown.maps - rest.maps).double()
    found = torch.zeros(len(rest), rest.scores.shape[1], rest.maps.shape[1], dtype=torch.float64)
    for held in (rest, shown):
        maps = held.maps.detach().requires_grad_()
        scores = cut.scores(maps, held)
        centred = scores - scores.mean(dim=1, keepdim=True)
        for number in range(scores.shape[1]):
            (gradient,) = torch.autograd.grad(centred[:, number].sum(), maps, retain_graph=True)
            found[:, number] += 0.5 * (gradient.double() * change).sum(dim=(2, 3))
    return found.numpy()


def energy(rest: Held, shown: Held) -> Float[np.ndarray, " unit"]:
    """Give the size of each unit's change: the sum of squares over its map, mean over faces.

    The sizes of units add up: that of a set is the squared Euclidean length of its change.
    """
    square: np.ndarray = (
        (shown.maps - rest.maps).double().square().sum(dim=(2, 3)).mean(dim=0).numpy()
    )
    return square
