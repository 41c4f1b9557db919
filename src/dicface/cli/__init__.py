"""The command line. Heavy rooms are imported by the command that needs them, so that `--help` is quick."""

import typer

from dicface.cli.evaluation import benchmark, evaluate
from dicface.cli.networks import convert, export, models, train
from dicface.cli.photos import restore, upscale
from dicface.cli.preparation import prepare
from dicface.cli.terminal import SOME_FAILED, WRONG_CALL, in_options, say
from dicface.cli.web import serve
from dicface.errors import DicfaceError, UsageError

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Tiny, blurred faces in photos become 128 px faces with landmarks.",
)
for command in (restore, upscale, models, prepare, train, export, convert, evaluate, serve, benchmark):
    app.command()(command)


def main() -> None:
    """Run the command line; wrong calls end with 2, failed inputs with 1."""
    try:
        app()
    except UsageError as error:
        say(in_options(error))
        raise SystemExit(WRONG_CALL) from error
    except DicfaceError as error:
        say(in_options(error))
        raise SystemExit(SOME_FAILED) from error
