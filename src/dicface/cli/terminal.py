"""Shared parts of the commands: exit codes, names of options, batches, checks before work starts."""

import re
import signal
from collections.abc import Callable, Collection, Generator, Mapping, Sequence
from contextlib import closing, contextmanager
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from dicface.cli.messages import Messages
from dicface.errors import OutputError, UsageError
from dicface.files import check_target

if TYPE_CHECKING:
    from dicface.images.inputs import Job
    from dicface.restoration.batch import Failure

DONE, SOME_FAILED, WRONG_CALL = 0, 1, 2
_NAMED = (
    "backend background detector detector_threshold faces fidelity host identities jobs landmarks large_faces lr_size "
    "max_face max_megapixels max_outside min_face model out overwrite port provider resume root_path scale split "
    "strength"
)
_OPTIONS = {name: f"--{name.replace('_', '-')}" for name in _NAMED.split()} | {"min_confidence": "--min-peak"}
"""Parameters that errors name, and the options by which they are given."""
_TRAIN = ("torch", "lightning", "pyarrow", "safetensors", "huggingface_hub")


def in_options(error: object) -> str:
    """An error's text with parameter names replaced by options: `scale` becomes --scale."""
    return re.sub(r"`(\w+)`", lambda found: _OPTIONS.get(found[1], found[0]), str(error))


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


class Line(NamedTuple):
    """What is said of a finished job.

    Attributes:
        text: for people.
        fields: for machines, beside the input and the output.
        details: lines about its parts, said below.
    """

    text: str
    fields: "Mapping[str, Any]" = MappingProxyType({})
    details: Sequence[str] = ()


def run(
    jobs: "list[Job]",
    work: "Callable[[Job], Line]",
    *,
    messages: Messages,
    name: "Callable[[Path], str]",
    what: str,
    overwrite: bool,
    workers: int = 1,
    failed: "Callable[[Failure], None] | None" = None,
    finished: "Sequence[Job]" = (),
) -> "list[Failure]":
    """Run all jobs under a progress line, say what comes of each; calls `failed` with failures.

    Args:
        jobs: the jobs.
        work: runs a job.
        messages: says it.
        name: a path as it is said.
        what: the plural of what a job is about.
        overwrite, workers, finished: see `run_jobs`.
        failed: called with each failure.
    """
    from dicface.restoration.batch import Failure, run_jobs

    failures: list[Failure] = []

    def tell_outcome(job: "Job", outcome: "Line | Failure") -> None:
        if isinstance(outcome, Failure):
            failures.append(outcome)
            if failed is not None:
                failed(outcome)
            error = in_options(outcome.error)
            messages.failed(f"{name(outcome.source)}: {error}", input=name(outcome.source), error=error)
        else:
            messages.done(
                outcome.text, input=name(job.source), output=name(job.target), details=outcome.details, **outcome.fields
            )

    # If interrupted, running jobs are finished first, and said.
    running = run_jobs(jobs, work, overwrite=overwrite, workers=workers, finished=finished, late=tell_outcome)
    with messages.progress(what, len(jobs)) as advance, closing(running) as results:
        for job, outcome in results:
            tell_outcome(job, outcome)
            advance(1)
    return failures


def check_free(out: Path, *, overwrite: bool, inputs: Collection[Path] = (), another: str = "another output") -> None:
    """Check a file as `check_target` does, before anything is done: what it refuses is a wrong call."""
    try:
        check_target(out, overwrite=overwrite, inputs=inputs, another=another)
    except OutputError as error:
        raise UsageError(str(error)) from error


def need_train_extra(*modules: str) -> None:
    """Check that modules of the training extra are installed; torch and its like if none are named.

    Raises:
        UsageError: one is missing.
    """
    if any(
        find_spec(name) is None
        for name in modules or ("torch", "lightning", "pyarrow", "safetensors", "huggingface_hub")
    ):
        raise UsageError("this command needs the training extra; pip install 'dicface[train]'")
