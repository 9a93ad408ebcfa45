"""The settings of all stages of a run, kept in ``run.json``."""

import dataclasses
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from facslens.association.distances.table import DEFAULT, distance_names
from facslens.datasets.stimuli import Stimuli, read_stimuli
from facslens.errors import ArtifactError, CallError
from facslens.experiments.trials import MIN_PEOPLE
from facslens.models.directions import check_has_steps
from facslens.models.initial import architecture_of, initial
from facslens.models.model import Model
from facslens.projection.rules import check_rule
from facslens.runs.folder import Run
from facslens.runs.source import Source
from facslens.training.checkpoints import check_checkpoints
from facslens.training.recipe import Recipe

#: Nulls that every run tests: permutations of all sequences, or within each expression.
NULLS: Final = ("free", "within_expression")
#: Nulls that may decide the mapping.
DECIDING: Final = (*NULLS, "within_subject")
#: What is looked at in a layer: its channels, or mixtures of them.
UNITS: Final = ("channels", "directions")


@dataclass(frozen=True)
class Settings:
    """The settings of a run.

    Parameters
    ----------
    model
        Name of the architecture.
    init
        The network whose weights the training begins from: one in the package or the folder of a
        run; None draws random weights.
    size
        Side of the network's input in pixels.
    recipe
        The settings of the training.
    checkpoints
        Numbers of finished epochs whose networks are kept, or None for none.
    layers
        Layers to record, or None for all; of `units` that are directions, the layers that have
        them, or None for the last.
    units
        One of `UNITS`: what is looked at in an audit, a layer's own maps or directions of it.
    exemplars
        Number of exemplars kept for each unit.
    distance
        The distance that decides the mapping; all distances are computed.
    permutations
        Permutations of each permutation test.
    null
        The null that decides the mapping: ``free``, ``within_expression`` or
        ``within_subject``; the first two are always tested.
    neutral
        Whether neutral faces are included in the association.
    rule
        The projection rule.
    experiment
        Whether the network is shown paired drawn faces.
    stimuli
        The folder of these faces; None takes those in the package.
    people
        How many of the people that these show; None takes all.
    untrained
        With how many untrained networks the network is compared there.
    mechanism
        Names of the parts of the mechanism that are made.
    mechanism_layers
        Convolution layers whose units the mechanism looks at; None takes the last one.
    faces
        Whether the report shows faces of the dataset.
    source
        Where the network of an audit comes from; None for a run that trains its network. An audit
        has no use for the settings of a training.
    """

    model: str = "paper"
    init: str | None = None
    size: int = 48
    recipe: Recipe = field(default_factory=Recipe)
    checkpoints: list[int] | None = None
    layers: list[str] | None = None
    units: str = "channels"
    exemplars: int = 9
    distance: str = DEFAULT
    permutations: int = 1000
    null: str = "free"
    neutral: bool = False
    rule: str = "deconvnet"
    experiment: bool = True
    stimuli: str | None = None
    people: int | None = None
    untrained: int = 5
    mechanism: list[str] = field(default_factory=lambda: ["effects"])
    mechanism_layers: list[str] | None = None
    faces: bool = True
    source: Source | None = None

    def check(self, opened: Model | None = None) -> None:
        """Check the settings before the work.

        Parameters
        ----------
        opened
            The network of an audit; None builds the one that a run would train.

        Raises
        ------
        CallError
            If an architecture, size, layer, distance, null or rule is not known, if the training
            cannot begin from `init`, or has no such epochs as `checkpoints`.
        ArtifactError
            If the weights of `init` are missing or damaged, or there are no such stimuli.
        """
        if opened is None and self.source is None:
            architecture_of(self.model, self.init)
            check_checkpoints(self.checkpoints or (), self.recipe.epochs)
            opened = initial(self.model, ("anger", "happiness"), self.size, 0, self.begin())
        if opened is not None:
            opened.reading.choose(self.layers)
            if self.units == "directions":
                check_has_steps(opened)
        check_units(self.units)
        distance_names([self.distance])  # one: "all" cannot decide
        if self.null not in DECIDING:
            raise CallError(
                f"null {self.null!r} is not known: expected one of {', '.join(DECIDING)}"
            )
        check_rule(self.rule)
        if self.people is not None and self.people < MIN_PEOPLE:
            raise CallError(f"people is {self.people}: expected {MIN_PEOPLE} or more")
        if self.untrained < 1:
            raise CallError(f"untrained is {self.untrained}: expected 1 or more")
        if (self.stimuli, self.people) != (None, None):
            self.drawn()

    def drawn(self) -> Stimuli:
        """Read the paired drawn faces."""
        return read_stimuli(None if self.stimuli is None else Path(self.stimuli), self.people)

    def begin(self) -> Model | None:
        """Load the model that the training begins from, if it begins from one."""
        from facslens.runs.model import open_model  # which reads the settings of a run

        return None if self.init is None else open_model(self.init, "init")

    @classmethod
    def of(cls, run: Run) -> "Settings":
        """Read the settings of a run.

        Raises
        ------
        ArtifactError
            If this version does not know one of them.
        """
        entries: dict[str, Any] = dict(run.info["settings"])
        try:
            recipe, source = (
                Recipe.of(entries.pop("recipe")),
                Source.of(entries.pop("source", None)),
            )
            return cls(recipe=recipe, source=source, **entries)
        except (KeyError, TypeError) as error:
            raise ArtifactError(
                f"{run / 'run.json'} has settings that this version does not know: {error}"
            ) from None

    def entries(self) -> dict[str, Any]:
        """Give the settings as plain values for ``run.json``."""
        return dataclasses.asdict(self)


def check_units(units: str) -> None:
    """Refuse what is none of `UNITS`.

    Raises
    ------
    CallError
        If it is none.
    """
    if units not in UNITS:
        raise CallError(f"units is {units!r}: expected {' or '.join(UNITS)}")
