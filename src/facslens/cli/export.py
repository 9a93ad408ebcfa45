"""``facslens export``: write a network as ONNX, for machines without PyTorch."""

from pathlib import Path
from typing import Annotated

import typer

from facslens.errors import CallError


def export(
    model: Annotated[
        str,
        typer.Argument(
            metavar="RUN|compact", help="The folder of a run, or compact, which is in the package."
        ),
    ],
    onnx: Annotated[Path, typer.Option("--onnx", metavar="FILE", help="The file to write.")],
    labels: Annotated[
        str | None,
        typer.Option(
            "--labels",
            help="The labels that compact gives: ferplus (the default) or fer2013.",
        ),
    ] = None,
) -> None:
    """Write a network as one ONNX file, for machines without PyTorch.

    The file takes grey crops of faces. It gives the probability of each expression, and the
    responses of the layer whose units detect action units. The names of the expressions and the
    evidence of the units are in it, too. This needs the extra facslens[export].
    """
    from facslens.models.export import export_onnx
    from facslens.runs.model import open_model
    from facslens.stages.open_network import Choice, evidence_of

    if onnx.suffix.lower() != ".onnx":
        raise CallError(f"--onnx {onnx} ends in {onnx.suffix!r}: expected .onnx")
    choice = Choice(model, labels, "torch")
    opened = open_model(model, labels=labels)
    evidence = evidence_of(choice)
    head = labels or ("ferplus" if model == "compact" else "expressions")
    export_onnx(
        opened.network,
        onnx,
        into=opened.input,
        labels={head: opened.expressions},
        layer=evidence[0].layer if evidence else None,
        evidence=[entry.entry() for entry in evidence],
    )
    typer.echo(f"exported: {onnx}")
