"""The command line. Heavy rooms are imported by the command that needs them, so that `--help` is quick."""

import sys
from typing import Annotated

import typer

from dicface.cli.crops import upscale
from dicface.cli.evaluation import benchmark, evaluate
from dicface.cli.messages import Messages, escape_what_does_not_fit
from dicface.cli.networks import convert, export, models, train
from dicface.cli.options import CommandGroup, SkippingCommand
from dicface.cli.photos import restore
from dicface.cli.preparation import prepare
from dicface.cli.reports import reports
from dicface.cli.terminal import SOME_FAILED, WRONG_CALL, in_options
from dicface.cli.web import serve
from dicface.errors import DicfaceError, UsageError
from dicface.version import __version__

app = typer.Typer(
    cls=CommandGroup,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


def _say_version(asked: bool) -> None:  # noqa: FBT001 - the callback of an option
    if asked:
        typer.echo(f"dicface {__version__}")
        raise typer.Exit


@app.callback()
def dicface(
    *,
    version: Annotated[
        bool, typer.Option("--version", help="Show the version and exit.", callback=_say_version, is_eager=True)
    ] = False,
) -> None:
    """Tiny, blurred faces in photos become sharp faces with landmarks."""


for command in (restore, upscale):
    app.command(cls=SkippingCommand)(command)
for command in (models, prepare, train, export, convert, evaluate, serve, benchmark):
    app.command()(command)
app.add_typer(reports, name="report")


def main() -> None:
    """Run the command line; wrong calls end with 2, failed inputs with 1."""
    escape_what_does_not_fit()
    try:
        app()
    except DicfaceError as error:
        _say_stopped(in_options(error))
        raise SystemExit(WRONG_CALL if isinstance(error, UsageError) else SOME_FAILED) from error
    except PermissionError as error:
        # No path option is checked by typer, which would answer with a box in place of a line.
        _say_stopped(f"{error.filename or 'a file'}: it may not be read or written; check its permissions")
        raise SystemExit(SOME_FAILED) from error


def _say_stopped(text: str) -> None:
    """Say what stopped the command."""
    # Typer keeps what it has read of the call to itself.
    Messages(log_json="--log-json" in sys.argv).failed(text, event="stopped")
