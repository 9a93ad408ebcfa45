"""The table of the commands: the name of each, where it is, and what a list says of it.

A command's module, and with it what the texts of its options come from, is imported when the
command is called or its own help is asked for, so that no command waits for another.
"""

import pkgutil
from typing import Any, Final, NamedTuple

import typer
from typer.core import TyperCommand, TyperGroup


class Command(NamedTuple):
    """A command: ``module:name`` of its function or of an app of several, and its first line."""

    place: str
    summary: str


COMMANDS: Final[dict[str, Command]] = {
    "run": Command("run:run", "Run all stages on a dataset, from the training to the report."),
    "audit": Command(
        "audit:audit",
        "Open a network that was trained elsewhere, and find what its units detect.",
    ),
    "train": Command(
        "stages:train", "Train the network again; the results of later stages are then out of date."
    ),
    "record": Command("stages:record", "Record the response of every unit to every face."),
    "associate": Command(
        "stages:associate",
        "Test which units detect which action units, and confirm the mapping on other people.",
    ),
    "project": Command(
        "stages:project", "Project the strongest responses of the mapped units back to pixels."
    ),
    "verify": Command(
        "stages:verify",
        "Compare a finished run with controls, and check it by ablation, place and random weights.",
    ),
    "report": Command(
        "stages:report", "Write the report from the results that the run has so far."
    ),
    "experiment": Command(
        "experiment:experiment",
        "Switch one action unit at a time on drawn faces, and find the units that it moves.",
    ),
    "mechanism": Command(
        "mechanism:mechanism",
        "Measure what each action unit does to the expression, and through which units.",
    ),
    "crossval": Command(
        "crossval:crossval",
        "Train and test subject-independent folds: accuracy, spread, confusion and F1.",
    ),
    "predict": Command(
        "predict:predict_command",
        "Read the expression of every face in photographs and videos, and which action units show.",
    ),
    "serve": Command(
        "serve:serve_command",
        "Show a run, and read faces of photographs and of a camera, in a browser on this machine.",
    ),
    "export": Command(
        "export:export", "Write a network as one ONNX file, for machines without PyTorch."
    ),
    "layers": Command(
        "layers:layers", "List the layers of a network, and what can be done in each."
    ),
    "data": Command("data:app", "List the dataset layouts, check a dataset, or make one."),
}


def load(name: str) -> Any:
    """Import a command of `COMMANDS`, ready to be called."""
    found = pkgutil.resolve_name(f"facslens.cli.{COMMANDS[name].place}")
    if not isinstance(found, typer.Typer):
        alone = typer.Typer(add_completion=False, rich_markup_mode="markdown")
        alone.command(name)(found)
        found = alone
    return typer.main.get_command(found)


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
