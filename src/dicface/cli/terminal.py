"""Shared parts of the commands: exit codes, messages, progress bars, checks before work starts."""

import re
import signal
from collections.abc import Callable, Generator, Sequence
from contextlib import closing, contextmanager
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from dicface.errors import OutputError, UsageError
from dicface.files import check_target

if TYPE_CHECKING:
    from dicface.images.inputs import Job
    from dicface.restoration.batch import Failure

errors = Console(stderr=True, highlight=False, soft_wrap=True)

DONE, SOME_FAILED, WRONG_CALL = 0, 1, 2
_NAMED = (
    "backend background detector detector_threshold faces fidelity host identities jobs landmarks large_faces lr_size "
    "max_face max_megapixels max_outside min_face model out overwrite port provider resume scale split strength"
)
_OPTIONS = {name: f"--{name.replace('_', '-')}" for name in _NAMED.split()} | {"min_confidence": "--min-peak"}
"""Parameters that errors name, and the options by which they are given."""


def one_line(text: str) -> str:
    """Escape line breaks and undecodable bytes, which file names may contain."""
    whole = text.encode("utf-8", "backslashreplace").decode("utf-8")
    return whole.replace("\n", "\\n").replace("\r", "\\r")


def in_options(error: object) -> str:
    """An error's text with parameter names replaced by options: `scale` becomes --scale."""
    return re.sub(r"`(\w+)`", lambda found: _OPTIONS.get(found[1], found[0]), str(error))


def say(text: str) -> None:
    errors.print(f"dicface: {one_line(text)}", markup=False, emoji=False)


@contextmanager
def progress_bar(what: str, total: int) -> Generator[Callable[[int], None]]:
    """Show a progress bar on a terminal; yields a function to be called with the number of items done."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=errors, transient=True, disable=not errors.is_terminal) as progress:
        yield partial(progress.advance, progress.add_task(what, total=total))


@contextmanager
def ended_in_order() -> Generator[None]:
    """Let SIGTERM end a command as Ctrl-C does: running jobs are finished, no further job is started."""

    def end(number: int, _frame: object) -> None:
        raise SystemExit(128 + number)

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def run(
    jobs: "list[Job]",
    work: "Callable[[Job], str]",
    *,
    overwrite: bool,
    workers: int = 1,
    failed: "Callable[[Failure], None] | None" = None,
    finished: "Sequence[Job]" = (),
    escaped: bool = False,
) -> "list[Failure]":
    """Run all jobs under a progress bar, print each job's line and each failure; calls `failed` with failures.

    Lines are made single ones unless the caller has `escaped` their parts already.
    """
    from dicface.restoration.batch import Failure, run_jobs

    failures: list[Failure] = []
    # If interrupted, running jobs are finished first.
    running = run_jobs(jobs, work, overwrite=overwrite, workers=workers, finished=finished)
    with progress_bar("faces", len(jobs)) as advance, closing(running) as results:
        for _, result in results:
            if isinstance(result, Failure):
                failures.append(result)
                if failed is not None:
                    failed(result)
                say(f"{result.source}: {in_options(result.error)}")
            else:
                typer.echo(result if escaped else one_line(result))
            advance(1)
    return failures


def check_free(out: Path, *, overwrite: bool, another: str = "another output") -> None:
    """As `check_target`, but the call is wrong: nothing is done yet."""
    try:
        check_target(out, overwrite=overwrite, another=another)
    except OutputError as error:
        raise UsageError(str(error)) from error


def need_train_extra(*modules: str) -> None:
    if any(find_spec(name) is None for name in modules or ("torch", "lightning", "pyarrow", "safetensors")):
        raise UsageError("this command needs the training extra; pip install 'dicface[train]'")
