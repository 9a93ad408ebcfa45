"""The options that several commands share, with their help.

The commands import what needs PyTorch when they are called, so that a help text or a check of
a dataset does not wait for it.
"""

from pathlib import Path
from typing import Annotated, Final

import typer

from facslens.association.distances.table import DISTANCES
from facslens.projection.rules import RULES

Data = Annotated[
    str,
    typer.Option(
        "--data",
        metavar="NAME[:PATH][,key=value…]",
        help="The faces, such as ck48:PATH; `facslens data list` says what there is.",
    ),
]
Model = Annotated[
    str | None,
    typer.Option(
        "--model", help="The network: paper or compact [default: that of --init, or paper]."
    ),
]
Init = Annotated[
    str | None,
    typer.Option(
        "--init",
        metavar="compact|RUN",
        help="Begin from the network in the package, or from a run's, and fine-tune it.",
    ),
]
Size = Annotated[
    int,
    typer.Option(
        "--size",
        help="Side of its input in pixels: 48 or 96, for the compact network any from 32 up.",
    ),
]
Out = Annotated[
    Path | None,
    typer.Option("--out", metavar="RUN", help="The run's folder [default: runs/DATA-DATE-N]."),
]
Seed = Annotated[int, typer.Option("--seed", min=0, help="Seed of everything random.")]
Epochs = Annotated[
    int | None,
    typer.Option(
        "--epochs",
        min=1,
        help="Passes over the training part [default: 30, down to 8 for many; with --init 12].",
    ),
]
Patience = Annotated[
    int | None,
    typer.Option(
        "--patience", min=1, help="Stop after so many epochs without a better validation."
    ),
]
Layers = Annotated[
    list[str] | None,
    typer.Option("--layer", help="A convolution layer to record; may be repeated [default: all]."),
]
#: Lists the distances, by name and in words.
DISTANCE_HELP: Final = "The distance that decides the mapping: " + ", ".join(
    f"{name} ({distance.label})" for name, distance in DISTANCES.items()
)
Distance = Annotated[
    str,
    typer.Option("--distance", help=DISTANCE_HELP),
]
Null = Annotated[
    str,
    typer.Option(
        "--null",
        help="The null that decides the mapping. Labels are permuted between all sequences "
        "(free), or only between those of one expression (within_expression) or one subject "
        "(within_subject). The first two are always tested.",
    ),
]
Permutations = Annotated[
    int, typer.Option("--permutations", min=1, help="Permutations behind every p-value.")
]
Neutral = Annotated[
    bool,
    typer.Option("--neutral", help="Let neutral faces take part in the association, too."),
]
#: The projection rules that there are, for a help text.
RULE_NAMES = f"{', '.join([*RULES][:-1])} or {[*RULES][-1]}"
Rule = Annotated[str, typer.Option("--rule", help=f"Of the projection: {RULE_NAMES}.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for a machine to read.")]
Accept = Annotated[
    list[str] | None,
    typer.Option(
        "--accept",
        metavar="FILE",
        help="Take a file of the run that you replaced on purpose, such as mapping.csv; the run "
        "says so from then on. May be repeated.",
    ),
]
ExistingRun = Annotated[Path, typer.Argument(metavar="RUN", help="The folder of a run.")]
Detector = Annotated[
    str,
    typer.Option(
        "--detector",
        metavar="NAME",
        help="What finds the faces: blazeface, haar, or what another package brings.",
    ),
]
