"""``facslens serve``: the explorer of a run and the live page, in a browser."""

import os
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from facslens.errors import CallError

if TYPE_CHECKING:
    from facslens.server.app import Pages


def serve_command(
    run: Annotated[
        Path | None,
        typer.Argument(
            metavar="[RUN]",
            help="The folder of a run. Without one, only the live page is served.",
            show_default=False,
        ),
    ] = None,
    against: Annotated[
        list[Path] | None,
        typer.Option(
            "--against", metavar="RUN", help="Another run to compare with; may be repeated."
        ),
    ] = None,
    no_faces: Annotated[
        bool, typer.Option("--no-faces", help="Leave out every face of the dataset.")
    ] = False,
    host: Annotated[
        str,
        typer.Option(
            "--host",
            metavar="ADDRESS",
            help="The address to listen on. One that other machines can reach needs the token that "
            "is printed.",
        ),
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option("--port", metavar="N", help="The port; 0 takes a free one.")
    ] = 0,
    token: Annotated[
        bool,
        typer.Option(
            "--token",
            help="Ask for a token on the loopback address, too, where others use this machine.",
        ),
    ] = False,
    no_browser: Annotated[
        bool, typer.Option("--no-browser", help="Open no browser; print the address alone.")
    ] = False,
) -> None:
    """Show a run, and read faces of photographs and of a camera, in a browser on this machine.

    The explorer of the run is at the address that is printed, the live page at live/ below it. On
    the live page, drop a photograph or turn the camera on. Pictures are read in memory and
    forgotten: nothing is stored, and nothing is sent anywhere else. Ctrl-C ends it.

    An expression label says how a face looks to raters, not what the person feels. Do not use it to
    infer emotions at work or in schools: the European Union forbids that (Regulation (EU)
    2024/1689, Article 5(1)(f)).
    """
    try:
        from facslens.server.serve import bind, browser, serve
    except ImportError as error:
        raise CallError(
            f"serving needs the package {error.name}: install it with pip install 'facslens[serve]'"
        ) from error
    site = _site(run, against or [], no_faces)
    bound = bind(host, port, token=token)
    page, _, shown = bound.address.partition("?")
    if site is None:
        typer.echo(f"live page: {bound.address}")
    else:
        typer.echo(f"explorer: {bound.address}")
        typer.echo(f"live page: {page}live/{'?' + shown if shown else ''}")
    if not bound.door.loopback:
        _say("note: what is shown travels unencrypted; ssh -L to the loopback address encrypts it")
    found = None if no_browser else browser()
    if found is not None:
        threading.Thread(target=found.open, args=[bound.address], daemon=True).start()
    ended = serve(bound, site)
    _say("stopped")
    sys.stdout.flush()
    if not ended:
        os._exit(0)  # a thread still reads a picture, and holds nothing that has to be kept


def _say(text: str) -> None:
    typer.echo(text, err=True)


def _site(run: Path | None, against: list[Path], no_faces: bool) -> "Pages | None":
    """Open the pages of a run; without one, see that pictures can be read."""
    if run is None:
        if against or no_faces:
            named = "--against" if against else "--no-faces"
            raise CallError(f"{named} is for the explorer: name a RUN before it")
        from facslens.server.live import Live

        Live().open()
        return None
    from facslens.explorer.site import Site

    return Site.of(run, against, no_faces=no_faces)
