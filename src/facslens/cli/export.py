"""``facslens export``: a network as ONNX, or a run as pages that open from the disk."""

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
    onnx: Annotated[
        Path | None,
        typer.Option("--onnx", metavar="FILE", help="Write the network into this file."),
    ] = None,
    site: Annotated[
        Path | None,
        typer.Option("--site", metavar="DIR", help="Write the explorer of a run into this folder."),
    ] = None,
    labels: Annotated[
        str | None,
        typer.Option(
            "--labels",
            help="The labels that compact gives: ferplus (the default) or fer2013.",
        ),
    ] = None,
    against: Annotated[
        list[Path] | None,
        typer.Option(
            "--against",
            metavar="RUN",
            help="With --site: another run to stand beside; may be repeated.",
        ),
    ] = None,
    no_faces: Annotated[
        bool,
        typer.Option("--no-faces", help="With --site: leave out every face of the dataset."),
    ] = False,
) -> None:
    """Write a network as one ONNX file, or the explorer of a run as a folder of pages.

    The file takes grey crops of faces. It gives the probability of each expression, and the
    responses of the layer whose units detect action units. The names of the expressions and the
    evidence of the units are in it, too. This needs the extra facslens[export].

    The folder has a page for every unit, action unit and expression, and an experiment to play
    with. Its index.html opens from the disk, and nothing in it asks the network for anything.
    """
    if (onnx is None) == (site is None):
        given = "both" if onnx else "neither"
        raise CallError(f"--onnx FILE or --site DIR is what to write: {given} was given")
    if site is not None:
        if labels is not None:
            raise CallError(f"--labels {labels} is for --onnx: a run has the labels it has")
        _write_site(model, site, against or [], no_faces)
        return
    if against or no_faces:
        raise CallError("--against and --no-faces are for --site: --onnx was given")
    assert onnx is not None
    _write_onnx(model, onnx, labels)


def _write_site(run: str, folder: Path, against: list[Path], no_faces: bool) -> None:
    from facslens.explorer.site import Site, write_site
    from facslens.progress import shown

    site = Site.of(Path(run), against, no_faces=no_faces)
    with shown("site") as progress:
        index = write_site(site, folder, progress)
    typer.echo(f"explorer: {index}")


def _write_onnx(model: str, onnx: Path, labels: str | None) -> None:
    from facslens.models.export import export_onnx
    from facslens.models.scale import SCALES
    from facslens.runs.model import open_model
    from facslens.stages.open_network import Choice, evidence_of

    if onnx.suffix.lower() != ".onnx":
        raise CallError(f"--onnx {onnx} ends in {onnx.suffix!r}: expected .onnx")
    choice = Choice(model, labels, "torch")
    opened = open_model(model, labels=labels)
    if opened.scale != "softmax":
        raise CallError(
            f"model is {model!r}, whose network gives {SCALES[opened.scale].label}: the file would "
            f"hold probabilities that sum to 1"
        )
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
