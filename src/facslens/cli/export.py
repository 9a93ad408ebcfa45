"""``facslens export``: a network as ONNX, for machines without PyTorch."""

from pathlib import Path
from typing import Annotated

import typer

from facslens.errors import CallError


def export(
    model: Annotated[
        str, typer.Argument(metavar="RUN|compact", help="A run's folder, or the packaged network.")
    ],
    onnx: Annotated[Path, typer.Option("--onnx", metavar="FILE", help="The file to write.")],
    labels: Annotated[
        str | None, typer.Option("--labels", help="Of compact: ferplus (the default) or fer2013.")
    ] = None,
) -> None:
    """Write a network as one ONNX file, with its label names and what is known of its units.

    The file takes grey crops and gives probabilities, and the responses of the layer that
    detects action units. Needs the extra: facslens[export].
    """
    from facslens.models.export import export_onnx
    from facslens.stages.open_network import Choice, evidence_of, open_model

    if onnx.suffix.lower() != ".onnx":
        raise CallError(f"--onnx {onnx} ends in {onnx.suffix!r}: expected .onnx")
    choice = Choice(model, labels, "torch")
    opened = open_model(choice)
    evidence = evidence_of(choice)
    head = labels or ("ferplus" if model == "compact" else "expressions")
    export_onnx(
        opened.network,
        onnx,
        size=opened.size,
        labels={head: opened.expressions},
        layer=evidence[0].layer if evidence else None,
        evidence=[entry.entry() for entry in evidence],
    )
    typer.echo(f"exported: {onnx}")
