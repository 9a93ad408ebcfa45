"""What a run was asked to do: the choices of all its stages, kept in ``run.json``."""

import dataclasses
from dataclasses import dataclass, field
from typing import Any

from facslens.artifacts import Run
from facslens.association.distances import distance_names
from facslens.errors import ArtifactError
from facslens.models.adapter import choose_layers
from facslens.models.model import build
from facslens.projection.deconvnet import check_rule
from facslens.training.recipe import Recipe


@dataclass(frozen=True)
class Settings:
    """The choices of a run; each stage takes its own from here.

    Parameters
    ----------
    model
        Name of the architecture.
    size
        Side of the network's input in pixels.
    recipe
        The numbers of the training.
    layers
        Convolution layers to record, or None for all.
    exemplars
        Exemplars kept for each unit.
    distance
        The distance that decides the mapping; all are measured.
    permutations
        Of the null.
    neutral
        Whether neutral faces take part in the association.
    rule
        Of the projection.
    """

    model: str = "paper"
    size: int = 48
    recipe: Recipe = field(default_factory=Recipe)
    layers: list[str] | None = None
    exemplars: int = 9
    distance: str = "kl"
    permutations: int = 1000
    neutral: bool = False
    rule: str = "deconvnet"

    def check(self) -> None:
        """Find a wrong choice before hours of training do.

        Raises
        ------
        CallError
            If an architecture, size, layer, distance or rule is not known.
        """
        network = build(self.model, ("anger", "happiness"), self.size, seed=0).network
        choose_layers(network, self.layers)
        distance_names([self.distance])  # one: "all" cannot decide
        check_rule(self.rule)

    @classmethod
    def of(cls, run: Run) -> "Settings":
        """Read the settings of a run.

        Raises
        ------
        ArtifactError
            If they are not what this version knows.
        """
        entries: dict[str, Any] = dict(run.info["settings"])
        try:
            return cls(recipe=Recipe.of(entries.pop("recipe")), **entries)
        except (KeyError, TypeError) as error:
            raise ArtifactError(
                f"{run / 'run.json'} has settings not known here: {error}"
            ) from None

    def entries(self) -> dict[str, Any]:
        """Give them as plain values for ``run.json``."""
        return dataclasses.asdict(self)
