"""The experiment: show paired faces, and find which action units themselves move a unit."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Final

from facslens.artifacts import (
    Json,
    read_json,
    read_table,
    sha256,
    working,
    write_json,
    write_table,
)
from facslens.datasets.stimuli import Stimuli
from facslens.engines.engine import Engine
from facslens.errors import ArtifactError, CallError
from facslens.experiments.analysis import TEXTS, TYPES, Findings, analyse
from facslens.folders import filling
from facslens.models.initial import digest
from facslens.models.model import Model
from facslens.models.restart import can_restart
from facslens.progress import Report, silent
from facslens.stages.answers import Answers, ask
from facslens.stages.directions import fitted_layers
from facslens.version import __version__

#: The file of each table of `Findings`.
TABLES: Final = {
    field.name: f"{field.name}.{'parquet' if field.name == 'tuning' else 'csv'}"
    for field in fields(Findings)
}
#: Keeps what the networks answered; an interrupted experiment asks them no second time.
ANSWERS: Final = "answers.npz"


@dataclass(frozen=True)
class Plan:
    """How an experiment is made.

    Parameters
    ----------
    layers
        Names of convolution layers; None takes all.
    untrained
        How many networks with random weights the network is compared with. Their batch
        normalisation is set on faces of the choosing people. A network whose weights cannot be
        drawn anew is compared with none: see `others`.
    permutations
        Of the screening test.
    seed
        Of the untrained networks' weights, the rotations, the permutations and the resamples.

    Raises
    ------
    CallError
        If a number is impossible.
    """

    layers: tuple[str, ...] | None = None
    untrained: int = 5
    permutations: int = 1000
    seed: int = 0

    def __post_init__(self) -> None:
        for name, least in (("untrained", 1), ("permutations", 1), ("seed", 0)):
            if getattr(self, name) < least:
                raise CallError(f"{name} is {getattr(self, name)}: expected {least} or more")

    def others(self, model: Model) -> int:
        """Say how many untrained networks there are: none where weights cannot be drawn anew."""
        return self.untrained if can_restart(model.network) else 0

    def chosen(self, model: Model) -> list[str]:
        """Name the layers of a network.

        Raises
        ------
        CallError
            If it lacks one.
        """
        return model.reading.choose(self.layers)


def experiment(
    model: Model,
    stimuli: Stimuli,
    plan: Plan | None = None,
    progress: Report = silent,
    engine: Engine | None = None,
) -> Findings:
    """Find which action units themselves move a unit, on drawn faces that differ in nothing else.

    Parameters
    ----------
    model
        The network.
    stimuli
        The faces; their SHA-256 is checked first.
    plan
        How; None takes the usual one.
    progress
        Called with the number of faces read, by the network and by the untrained ones.
    engine
        Where the faces are read; None is here.

    Raises
    ------
    CallError
        If a layer is not known.
    ArtifactError
        If the stimuli were changed since they were drawn.
    NotEnoughDataError
        If they are too few.
    """
    plan = plan or Plan()
    layers = plan.chosen(model)
    stimuli.check()
    others = plan.others(model)
    answers = ask(model, stimuli, layers, others, plan.seed, progress, engine=engine)
    return analysed(answers, stimuli, plan, fitted_layers(model))


def analysed(
    answers: Answers, stimuli: Stimuli, plan: Plan, fitted: Sequence[str] = ()
) -> Findings:
    """Analyse what a network and its controls answered, layer by layer.

    `fitted` names the layers whose units were fitted to action units.
    """
    return Findings.joined(
        [
            analyse(
                trials,
                answers.controls[layer],
                layer=layer,
                permutations=plan.permutations,
                seed=plan.seed,
                fitted=layer in fitted,
            )
            for layer, trials in answers.trials(stimuli).items()
        ]
    )


def write_experiment(
    model: Model,
    stimuli: Stimuli,
    folder: Path,
    plan: Plan | None = None,
    progress: Report = silent,
    identity: Callable[[Path], Model] | None = None,
    engine: Engine | None = None,
) -> Findings:
    """Make an experiment and write its tables into a folder, with a note of how they were made.

    The folder gets a file of each table of `Findings`, what the networks answered, and
    ``experiment.json`` with the plan and the SHA-256 of the stimuli, the weights and every file.
    The same call again only reads them; after an interruption it goes on.

    Parameters
    ----------
    model, stimuli, plan, progress, engine
        As `experiment` takes them.
    folder
        New, or begun by the same call.
    identity
        Makes a network that has learned who is shown, or reads the one that it has left in the
        folder, such as `facslens.stages.identity.keep_identity`; it is compared with the network as
        the control ``identity``. None leaves it out.

    Raises
    ------
    CallError
        If the folder holds anything else, or a layer is not known.
    ArtifactError
        If it cannot be written, or a table was changed since.
    """
    plan = plan or Plan()
    layers = plan.chosen(model)
    order = order_of(model, stimuli, plan) | ({"identity": True} if identity else {})
    with filling(folder, "experiment.json", order, "an experiment") as noted:
        if "sha256" in noted:
            return read_experiment(folder)
        answers = _kept(folder / ANSWERS)
        if answers is None:
            stimuli.check()
            other = identity(folder) if identity else None
            others = plan.others(model)
            with working(folder / ANSWERS) as place:
                asked = (stimuli, layers, others, plan.seed, progress, other, engine, place)
                ask(model, *asked).write(folder / ANSWERS)
            answers = Answers.read(folder / ANSWERS)
        findings = analysed(answers, stimuli, plan, fitted_layers(model))
        for name, file in TABLES.items():
            write_table(folder / file, getattr(findings, name))
        hashes = {file: sha256(folder / file) for file in (ANSWERS, *TABLES.values())}
        write_json(folder / "experiment.json", {**order, "sha256": hashes})
    return findings


def _kept(file: Path) -> Answers | None:
    """Read what an interrupted experiment kept, if anything; what is damaged is asked again."""
    try:
        return Answers.read(file)
    except ArtifactError:
        return None


def order_of(model: Model, stimuli: Stimuli, plan: Plan) -> Json:
    """Describe an experiment: two with the same description have the same findings."""
    return {
        **{name: list(v) if isinstance(v, tuple) else v for name, v in asdict(plan).items()},
        "stimuli": stimuli.sha256,
        "network": digest(model),
        "input": model.input.name,
        "facslens": __version__,
    }


def read_experiment(folder: Path) -> Findings:
    """Read the tables of a finished experiment, after checking them.

    Raises
    ------
    ArtifactError
        If the experiment is not finished, or a table is missing or was changed.
    """
    hashes = read_json(folder / "experiment.json").get("sha256")
    if hashes is None:
        raise ArtifactError(f"{folder} holds no finished experiment: make it again to go on")
    for file in (ANSWERS, *TABLES.values()):
        if sha256(folder / file) != hashes.get(file):
            raise ArtifactError(
                f"{folder / file} is not what the experiment left, by its SHA-256: make it again "
                f"into a new folder"
            )
    tables = {name: read_table(folder / file, TYPES) for name, file in TABLES.items()}
    tables["caused"] = tables["caused"].fillna(dict.fromkeys(TEXTS, ""))
    return Findings(**tables)
