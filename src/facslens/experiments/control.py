"""What candidates without a training do on the same faces, by the same choice and measure."""

from collections.abc import Sequence
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
        tables, candidates, shares = [], [], []
        for trials in sets:
            aus = range(len(trials.aus))
            best = separation(trials, choosing=True).argmax(axis=1)
            tables.append([concordance(trials, j, int(best[j])) for j in aus])
            candidates.append(best)
            energy = energies(trials)
            chosen = np.maximum(choose(trials, energy).unit, 0)
            won = wins(changes(trials, choosing=False), energy)
            shares.append(smallest(won, trials.rivals).share[list(aus), chosen])
        return cls(len(sets), candidates[0], np.mean(tables, axis=0), np.mean(shares, axis=0))
