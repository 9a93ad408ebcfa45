"""The table of the commands: the name of each, where it is, and what a list says of it.

A command's module, and with it what the texts of its options come from, is imported when the
command is called or its own help is asked for, so that no command waits for another.
"""

import pkgutil
from typing import Any, Final, NamedTuple

import typer
from typer.core import TyperCommand, TyperGroup


class Command(NamedTuple):
    """A command: ``module:name`` of its function or of an app of several, and what is said of it.

    `summary` is the first line of its help, and `examples` are shown below its options.
    """

    place: str
    summary: str
    examples: tuple[str, ...]


COMMANDS: Final[dict[str, Command]] = {
    "run": Command(
        "run:run",
        "Run all stages on a dataset, from the training to the report.",
        (
            "facslens run",
            "facslens run --data ck48:PATH/TO/ck48 --out mine",
            "facslens run --resume --out mine",
        ),
    ),
    "audit": Command(
        "audit:audit",
        "Open a network that was trained elsewhere, and find what its units detect.",
        (
            "facslens audit compact --out found",
            "facslens audit emotion.onnx --input grey64 --expressions happiness,sadness,anger",
        ),
    ),
    "train": Command(
        "stages:train",
        "Train the network again; the results of later stages are then out of date.",
        ("facslens train mine --epochs 12",),
    ),
    "record": Command(
        "stages:record",
        "Record the response of every unit to every face.",
        ("facslens record mine --layer conv3",),
    ),
    "associate": Command(
        "stages:associate",
        "Test which units detect which action units, and confirm the mapping on other people.",
        ("facslens associate mine --distance wasserstein --null within_expression",),
    ),
    "project": Command(
        "stages:project",
        "Project the strongest responses of the mapped units back to pixels.",
        ("facslens project mine --rule guided",),
    ),
    "verify": Command(
        "stages:verify",
        "Compare a finished run with controls, and check it by ablation, place and random weights.",
        (
            "facslens verify mine",
            "facslens verify mine --only controls,ablation",
            "facslens verify mine --truth",
        ),
    ),
    "report": Command(
        "stages:report",
        "Write the report from the results that the run has so far.",
        ("facslens report mine --no-faces",),
    ),
    "experiment": Command(
        "experiment:experiment",
        "Switch one action unit at a time on drawn faces, and find the units that it moves.",
        (
            "facslens experiment compact --out found",
            "facslens experiment mine --layer conv3",
        ),
    ),
    "mechanism": Command(
        "mechanism:mechanism",
        "Measure what each action unit does to the expression, and through which units.",
        (
            "facslens mechanism compact --only effects --out chain",
            "facslens mechanism mine",
        ),
    ),
    "crossval": Command(
        "crossval:crossval",
        "Train and test subject-independent folds: accuracy, spread, confusion and F1.",
        (
            "facslens crossval --data ck48:PATH/TO/ck48 --folds 10",
            "facslens crossval --data ck48:PATH/TO/ck48 --aus --controls 5",
        ),
    ),
    "predict": Command(
        "predict:predict_command",
        "Read the expression of every face in photographs and videos, and which action units show.",
        (
            'facslens predict holiday/ "clips/*.mp4" --out faces.csv --overlay drawn/',
            "facslens predict face.png --faces-are-cropped --json",
        ),
    ),
    "serve": Command(
        "serve:serve_command",
        "Show a run, and read faces of photographs and of a camera, in a browser on this machine.",
        ("facslens serve", "facslens serve mine", "facslens serve mine --against other"),
    ),
    "export": Command(
        "export:export",
        "Write a network as one ONNX file, or the explorer of a run as a folder of pages.",
        (
            "facslens export compact --onnx compact.onnx",
            "facslens export mine --site pages",
        ),
    ),
    "layers": Command(
        "layers:layers",
        "List the layers of a network, and what can be done in each.",
        (
            "facslens layers compact",
            "facslens layers my_model.py:build --weights w.safetensors --input rgb224-imagenet",
        ),
    ),
    "data": Command(
        "data:app",
        "List the dataset layouts, check or describe a dataset, or make one.",
        (
            "facslens data list",
            "facslens data check ck48:PATH/TO/ck48",
            "facslens data describe ck48:PATH/TO/ck48 --out faces.html",
            "facslens data crop photographs/ --out crops",
            "facslens data convert ck48:PATH/TO/ck48 --to netfacs --out matrix.csv",
        ),
    ),
}


def load(name: str) -> Any:
    """Import a command of `COMMANDS`, ready to be called."""
    found = pkgutil.resolve_name(f"facslens.cli.{COMMANDS[name].place}")
    if not isinstance(found, typer.Typer):
        alone = typer.Typer(add_completion=False, rich_markup_mode="markdown")
        alone.command(name)(found)
        found = alone
    command = typer.main.get_command(found)
    command.epilog = _listed(COMMANDS[name].examples)
    return command


def _listed(examples: tuple[str, ...]) -> str:
    """Write examples as a list in Markdown, which stands below a command's options."""
    heading = "Example:" if len(examples) == 1 else "Examples:"
    return "\n\n".join((heading, *(f"- `{example}`" for example in examples)))


class Commands(TyperGroup):
    """The commands of `COMMANDS`, listed by their first lines and imported when called."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.commands = {
            name: TyperCommand(name, help=command.summary) for name, command in COMMANDS.items()
        }

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Import the command that is called."""
        name, command, rest = super().resolve_command(ctx, args)
        return name, command and load(command.name or ""), rest
