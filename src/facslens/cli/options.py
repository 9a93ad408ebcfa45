"""The options that several commands share, with their help.

The commands import PyTorch only when they are called, so that help texts and the check of a
dataset need not wait for it.
"""

from pathlib import Path
from typing import Annotated, Final

import typer

from facslens.projection.rules import RULES

Network = Annotated[
    str,
    typer.Argument(
        metavar="NETWORK",
        help="compact for the network in the package, the folder of a run or of a saved model, "
        "FILE.py:FUNCTION, a .pt2 or .onnx file, or the folder of a transformers model. The code "
        "of a FILE.py is run: open no file that you do not trust.",
        show_default=False,
    ),
]
Weights = Annotated[
    str | None,
    typer.Option(
        "--weights",
        metavar="FILE",
        help="The weights for FILE.py:FUNCTION: safetensors, or .pth and .pt with weights alone.",
    ),
]
Input = Annotated[
    str | None,
    typer.Option(
        "--input",
        metavar="NAME",
        help="What the network reads, such as rgb224-imagenet or grey48.",
    ),
]
Expressions = Annotated[
    str | None,
    typer.Option(
        "--expressions",
        metavar="NAME,…",
        help="The names of its classes, in their order: happy or happiness; a class that is no "
        "expression known here keeps its own name.",
    ),
]
Output = Annotated[
    str | None,
    typer.Option(
        "--output",
        metavar="[PART:]NUMBERS",
        help="Which part of its answer is read (a key, attribute or number), and what its numbers "
        "are: logits, probabilities, independent, chances or regression, such as "
        "head1:probabilities; of compact ferplus or fer2013.",
    ),
]
Data = Annotated[
    str,
    typer.Option(
        "--data",
        metavar="NAME[:PATH][,key=value…]",
        help="The dataset, such as ck48:PATH; `facslens data list` names all layouts.",
    ),
]
Model = Annotated[
    str | None,
    typer.Option(
        "--model",
        help="The architecture: paper or compact [default: that of --init, or paper].",
    ),
]
Init = Annotated[
    str | None,
    typer.Option(
        "--init",
        metavar="compact|RUN",
        help="Fine-tune the network in the package, or that of a run, instead of training anew.",
    ),
]
Size = Annotated[
    int,
    typer.Option(
        "--size",
        help="Side of the network's input in pixels: 48 or 96; for compact any from 32 up.",
    ),
]
Out = Annotated[
    Path | None,
    typer.Option("--out", metavar="RUN", help="The run's folder [default: runs/DATA-DATE-N]."),
]
Seed = Annotated[int, typer.Option("--seed", min=0, help="Seed of all random numbers.")]
Epochs = Annotated[
    int | None,
    typer.Option(
        "--epochs",
        min=1,
        help="Passes over the training faces [default: 30, for large datasets fewer, down to 8; "
        "with --init 12].",
    ),
]
Patience = Annotated[
    int | None,
    typer.Option(
        "--patience",
        min=1,
        help="Stop after this many epochs without improvement on the validation faces.",
    ),
]
Checkpoints = Annotated[
    str | None,
    typer.Option(
        "--checkpoints",
        metavar="EPOCH,…",
        help="Keep the network after these epochs, too, in RUN/checkpoints: numbers of finished "
        "epochs, 0 before the training; none keeps none.",
    ),
]
Units = Annotated[
    str,
    typer.Option(
        "--units",
        metavar="channels|directions",
        help="What is looked at: a layer's own maps, or directions, mixtures of its maps that are "
        "fitted to drawn faces. Directions are those of the last layer unless --layer names "
        "others.",
    ),
]
Layers = Annotated[
    list[str] | None,
    typer.Option(
        "--layer",
        help="A layer to record, or a pattern such as layer4.*; may be repeated [default: all].",
    ),
]


def names_in(text: str | None) -> list[str] | None:
    """Split names at commas."""
    return None if text is None else text.split(",")


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
    int, typer.Option("--permutations", min=1, help="Permutations of each permutation test.")
]
Neutral = Annotated[
    bool,
    typer.Option("--neutral", help="Include neutral faces in the association."),
]
#: Lists the projection rules.
RULE_HELP: Final = f"The projection rule: {', '.join([*RULES][:-1])} or {[*RULES][-1]}."
Rule = Annotated[str, typer.Option("--rule", help=RULE_HELP)]
Stimuli = Annotated[
    Path | None,
    typer.Option(
        "--stimuli",
        metavar="DIR",
        help="Drawn faces of facslens data stimuli [default: those in the package].",
    ),
]
EngineName = Annotated[
    str,
    typer.Option(
        "--engine",
        metavar="local|ray",
        help="Where the work is done: on this machine, or with Ray on the machines of a cluster. "
        "The results are the same.",
    ),
]
Address = Annotated[
    str | None,
    typer.Option(
        "--address",
        metavar="auto|HOST:PORT",
        help="The Ray cluster for --engine ray; auto is the one that this machine belongs to "
        "[default: Ray is started on this machine alone].",
    ),
]
Device = Annotated[
    str,
    typer.Option(
        "--device",
        metavar="auto|cpu|cuda|mps",
        help="Where networks compute; auto takes an accelerator where PyTorch sees one.",
    ),
]
Devices = Annotated[
    int,
    typer.Option(
        "--devices",
        metavar="N",
        help="Train with so many processes on this machine, each with its share of every batch.",
    ),
]
Nodes = Annotated[
    int,
    typer.Option(
        "--nodes",
        metavar="N",
        help="Train on so many machines. Run the same command on each, with NODE_RANK, MASTER_ADDR "
        "and MASTER_PORT set; the first one writes the run, which all have to see.",
    ),
]
Strategy = Annotated[
    str,
    typer.Option("--strategy", help="How they train together, by Lightning's name: auto or ddp."),
]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
Accept = Annotated[
    list[str] | None,
    typer.Option(
        "--accept",
        metavar="FILE",
        help="Use a file of the run that you replaced on purpose, such as mapping.csv; run.json "
        "notes that it was replaced. May be repeated.",
    ),
]
ExistingRun = Annotated[Path, typer.Argument(metavar="RUN", help="The folder of a run.")]
Detector = Annotated[
    str,
    typer.Option(
        "--detector",
        metavar="NAME",
        help="The face detector: blazeface, haar, or one from another package.",
    ),
]
