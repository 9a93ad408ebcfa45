"""The ``facslens`` command."""

import io
import os
import sys
from typing import Annotated, Final

import typer

from facslens.cli.commands import Commands
from facslens.errors import CallError, FacslensError
from facslens.names import one_line
from facslens.version import __version__

#: The options that are called otherwise than the argument of the library that they give.
_OPTIONS: Final = {"spec": "data"}

app = typer.Typer(
    name="facslens",
    cls=Commands,
    help="Find which feature map of a facial expression network detects which action unit.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)


@app.callback(invoke_without_command=True)
def options(
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks of errors.")] = False,
) -> None:
    """Find which feature map of a facial expression network detects which action unit."""
    if version:
        print(__version__)  # noqa: T201 - the answer
        raise typer.Exit
    if debug:
        os.environ["FACSLENS_DEBUG"] = "1"


def main() -> None:
    """Run the command line; exit with 1 if the work failed, with 2 if the call was wrong."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a path may be no text in any encoding
    try:
        app()
    except FacslensError as error:
        if os.environ.get("FACSLENS_DEBUG"):
            raise
        _say_error(_sentence_of(error))
        sys.exit(2 if isinstance(error, CallError) else 1)
    except OSError as error:
        if os.environ.get("FACSLENS_DEBUG"):
            raise
        what = one_line(f"{error.filename or 'a file'} cannot be read or written: {error.strerror}")
        _say_error(what)
        sys.exit(1)
    except Exception as error:
        if os.environ.get("FACSLENS_DEBUG"):
            raise
        _say_error(
            f"{one_line(f'{type(error).__name__}: {error}')} "
            f"(not foreseen: please report it, with what --debug prints)"
        )
        sys.exit(1)
    except KeyboardInterrupt:
        _say("stopped; continue a run with `facslens run --resume --out RUN`")
        sys.exit(1)


def _say_error(sentence: str) -> None:
    from rich.markup import escape

    _say(f"[bold red]error:[/] {escape(sentence)}")


def _say(text: str) -> None:
    from rich.console import Console  # most calls have nothing to say

    Console(stderr=True, soft_wrap=True).print(text, highlight=False)


def _sentence_of(error: FacslensError) -> str:
    """Give an error's sentence; an argument that was given as an option is named as the option."""
    argument, blank, rest = str(error).partition(" ")
    option = "--" + _OPTIONS.get(argument, argument).replace("_", "-")
    given = {word.partition("=")[0] for word in sys.argv[1:]}
    return f"{option if option in given else argument}{blank}{rest}"
