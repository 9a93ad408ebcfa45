"""The first stage of an audit: open the network, and note what it is and what it sees."""

from pathlib import Path
from typing import Final

from facslens.artifacts import Json, sha256, write_json, write_table
from facslens.datasets.stimuli import HALVES, Stimuli
from facslens.experiments.decision import can_decide
from facslens.models import model as models
from facslens.models.card import FOLDER, PRETRAINED
from facslens.models.directions import NAMES, WEIGHTS, write_directions
from facslens.models.initial import digest
from facslens.models.model import ARCHITECTURES, Model
from facslens.models.restart import can_restart
from facslens.progress import Report
from facslens.projection.layer_table import describe_layers
from facslens.runs.folder import Run
from facslens.runs.settings import Settings
from facslens.runs.source import IN_PYTHON, Source
from facslens.stages.directions import with_directions
from facslens.stages.reopen import with_network
from facslens.stages.seen import of_drawn

#: The files of a folder that hold a network.
_OF_FOLDER: Final = ("model.safetensors", "model.json")


def run_open(run: Run, progress: Report) -> None:
    """Write what identifies the network of an audit, its layers, and what it sees.

    Leaves ``model.json``; ``network.json``, where the network came from, with the SHA-256 of its
    files and weights; ``layers.csv``; ``seen-drawn.png``, the mean of the drawn faces at rest as
    the network reads them. The weights are kept, too, where the architecture is one of facslens's.
    """
    settings = Settings.of(run)
    network, source = with_network(run).network, settings.source
    assert network is not None  # `Run.is_audit`
    assert source is not None
    model = network()
    stimuli = settings.drawn()
    halves = stimuli.table.drop_duplicates("person")["half"].value_counts()
    with run.stage("open", stimuli=stimuli.sha256) as underway:
        seen = of_drawn(model, stimuli)
        looked_at, whole = model.reading.choose(settings.layers), model
        if settings.units == "directions":
            whole = with_directions(model, stimuli, settings.layers, seed=int(run.info["seed"]))
            looked_at = whole.reading.choose(None)
            write_directions(whole, run.folder)
            underway.left(WEIGHTS)
            underway.left(NAMES)
        layers = describe_layers(whole)
        layers["looked_at"] = layers["layer"].isin(looked_at)
        progress(1, 1, "layers")
        if model.architecture in ARCHITECTURES:
            models.save(model, run.folder)
            underway.left("model.safetensors")
        else:
            write_json(run / "model.json", models.describe(model))
        write_table(run / "layers.csv", layers)
        seen.paint(run / "seen-drawn.png")
        write_json(
            run / "network.json",
            {
                "network": name_of(source, model),
                "files": files_of(source),
                "digest": digest(model),
                "class": str(model.opened.get("class") or _class_of(model)),
                "parameters": model.parameters,
                "expressions": list(model.expressions),
                "output": str(model.opened.get("output", "")),
                "notes": list(model.opened.get("notes", ())),
                "input": [*preprocessing(model), *fitted(stimuli, model)],
                "layers": looked_at,
                "has_untrained": can_restart(model.network),
                "people": {half: int(halves[half]) for half in HALVES},
                "can_decide": can_decide(int(halves[HALVES[1]]), len(stimuli.aus)),
                "seen": seen.numbers(),
            },
        )


def name_of(source: Source, model: Model) -> str:
    """Say what a network is called: as the call named it, or by its class."""
    kind = type(model.network).__name__
    return f"{kind}, given in Python" if source.network == IN_PYTHON else source.network


def files_of(source: Source) -> Json:
    """Give the SHA-256 of the files that a network was opened from, by their paths.

    Examples
    --------
    >>> list(files_of(Source("compact")))
    ['compact.safetensors']
    """
    if source.network in PRETRAINED:
        files = {f"{source.network}.safetensors": FOLDER / f"{source.network}.safetensors"}
    else:
        named = Path(source.network)
        if not named.exists():  # FILE.py:FUNCTION
            named = Path(source.network.rpartition(":")[0])
        folder = [named / name for name in _OF_FOLDER] if named.is_dir() else [named]
        paths = [*folder, *([Path(source.weights)] if source.weights else [])]
        files = {str(path): path for path in paths}
    return {name: sha256(path) for name, path in files.items() if path.is_file()}


def _class_of(model: Model) -> str:
    return f"{type(model.network).__module__}.{type(model.network).__qualname__}"


def preprocessing(model: Model) -> list[str]:
    """Say step by step what becomes of a picture before a network reads it."""
    into = model.input
    size, side = f"{into.height}×{into.width}", f"{into.side}×{into.side}"
    proportions = "whatever its proportions"
    fitted = {
        "centre": f"Its largest central part of the network's proportions is resized to {size}",
        "shortest": f"Its shorter side is resized to {into.side}; cut from its centre: {size}",
        "stretched": f"It is resized to {size}, {proportions}"
        if into.side is None
        else f"It is resized to {side}, {proportions}; cut from its centre: {size}",
    }[into.resize]
    colour = {
        "grey": "It is made grey.",
        "rgb": "Its colours are red, green and blue; a grey one is repeated in all three.",
        "bgr": "Its colours are blue, green and red; a grey one is repeated in all three.",
    }[into.colour]
    if into.contrast:
        values = [
            "Its local contrast is evened out: from each pixel the mean of its surroundings is "
            "taken, and what remains is divided by the root mean square of such remainders."
        ]
    else:
        values = [f"Black becomes {into.black:g}, white {into.white:g}.".replace("-", "−")]
        if into.mean:
            values.append(f"From each channel {_listed(into.mean)} is taken.")
        if into.std:
            values.append(f"Each channel is divided by {_listed(into.std)}.")
    return [f"{fitted} pixels ({into.interpolation}).", colour, *values]


def fitted(stimuli: Stimuli, model: Model) -> list[str]:
    """Say where drawn faces are smaller than what a network reads, or lack its colours."""
    into, said = model.input, []
    if stimuli.size < min(into.height, into.width):
        said.append(f"The drawn faces have {stimuli.size}×{stimuli.size} pixels and are enlarged.")
    if into.colour != "grey" and not stimuli.colour:
        said.append("The drawn faces are grey.")
    return said


def _listed(numbers: tuple[float, ...]) -> str:
    return ", ".join(f"{number:g}" for number in numbers)
