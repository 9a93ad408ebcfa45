"""What candidates without a training do on the same faces, by the same choice and measure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from facslens.experiments.absolute import concordance, separation
from facslens.experiments.specificity import changes, choose, energies, smallest, wins
from facslens.experiments.trials import Trials


@dataclass(frozen=True)
class Control:
    """Candidates that a network's units are compared with.

    Parameters
    ----------
    n
        How many sets of candidates, such as untrained networks, there are.
    candidate
        The candidate of the first set that separates each action unit best; (au,).
    tables
        The `concordance` of the best candidate, averaged over the sets.
    wins
        Share of people in whom the candidate chosen by its wins changes more under the action unit
        than under the strongest rival, averaged over the sets; (au,).
    """

    n: int
    candidate: Int[np.ndarray, " au"]
    tables: Float[np.ndarray, "au person person"]
    wins: Float[np.ndarray, " au"]

    @classmethod
    def of(cls, sets: Sequence[Trials]) -> "Control":
        """Choose on the choosing people and measure on the others, in each set by itself.

        Parameters
        ----------
        sets
            Responses of the candidates of each set, to faces at rest and at full intensity.
        """
        return cls.in_strips([[trials] for trials in sets])

    @classmethod
    def in_strips(cls, sets: Iterable[Sequence[Trials]]) -> "Control":
        """Do as `of` does with sets of many candidates, which are read some at a time.

        Parameters
        ----------
        sets
            Of each set its candidates in parts, such as `facslens.experiments.trials.Strips`.
        """
        tables, candidates, shares = [], [], []
        for strips in sets:
            told = np.concatenate([separation(one, choosing=True) for one in strips], axis=1)
            best = told.argmax(axis=1)
            energy = energies(strips)
            chosen = np.maximum(choose(strips, energy).unit, 0)
            table, share = _measured(strips, energy, best, chosen)
            tables.append(table)
            candidates.append(best)
            shares.append(share)
        return cls(len(candidates), candidates[0], np.mean(tables, axis=0), np.mean(shares, axis=0))


def _measured(
    strips: Sequence[Trials],
    energy: Float[np.ndarray, " au"],
    best: Int[np.ndarray, " au"],
    chosen: Int[np.ndarray, " au"],
) -> tuple[Float[np.ndarray, "au person person"], Float[np.ndarray, " au"]]:
    """Give the concordance of each action unit's best, and the share of wins of its chosen."""
    tables: dict[int, np.ndarray] = {}
    shares: dict[int, float] = {}
    first = 0
    for trials in strips:
        after = first + trials.rest.shape[1]
        for au in np.flatnonzero((first <= best) & (best < after)).tolist():
            tables[au] = concordance(trials, au, int(best[au]) - first)
        own = np.flatnonzero((first <= chosen) & (chosen < after))
        change = changes(trials, choosing=False)[:, :, chosen[own] - first]
        least = smallest(wins(change, energy), trials.rivals).share
        shares |= {au: float(least[au, place]) for place, au in enumerate(own.tolist())}
        first = after
    aus = range(len(best))
    return np.stack([tables[au] for au in aus]), np.array([shares[au] for au in aus])
