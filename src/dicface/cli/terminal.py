"""Shared parts of the commands: exit codes, names of options, batches, checks before work starts."""

import re
import signal
from collections.abc import Callable, Collection, Container, Generator, Iterable, Mapping, Sequence
from contextlib import closing, contextmanager
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from dicface.cli.messages import Messages
from dicface.errors import OutputError, UsageError
from dicface.files import check_target

if TYPE_CHECKING:
    from dicface.batches.claims import Claims
    from dicface.batches.jobs import AlreadyDone, Failure
    from dicface.images.inputs import Job

DONE, SOME_FAILED, WRONG_CALL = 0, 1, 2
_NAMED = (
    "backend background detector detector_threshold faces fidelity host identities jobs landmarks large_faces lr_size "
    "codec crf max_face max_megapixels max_outside min_face model out overwrite port provider resume root_path scale "
    "sharpness skip_existing split strength"
)
_OPTIONS = {name: f"--{name.replace('_', '-')}" for name in _NAMED.split()} | {
    "boxes": "--box",
    "min_confidence": "--min-peak",
    "start_s": "--start",
    "end_s": "--end",
}
"""Parameters that errors name, and the options by which they are given."""
_TRAIN = ("torch", "lightning", "pyarrow", "safetensors", "huggingface_hub")
"""Modules that every command of the training extra needs."""


def in_options(error: object) -> str:
    """An error's text with parameter names replaced by options: `scale` becomes --scale."""
    return re.sub(r"`(\w+)`", lambda found: _OPTIONS.get(found[1], found[0]), str(error))


@contextmanager
def ended_in_order(told: Callable[[], None] = lambda: None) -> Generator[None]:
    """Let SIGTERM end a command as Ctrl-C does: running jobs are finished, no further job is started.

    Args:
        told: called at once on either, for jobs that can finish early.
    """

    def end(number: int, _frame: object) -> None:
        told()
        raise SystemExit(128 + number)

    def interrupt(_number: int, _frame: object) -> None:
        told()
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, end)
    # In the background of a script SIGINT is ignored, and stays so.
    on_interrupt = signal.getsignal(signal.SIGINT)
    if on_interrupt is signal.default_int_handler:
        signal.signal(signal.SIGINT, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
        signal.signal(signal.SIGINT, on_interrupt)


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


class Tally:
    """What came of the jobs of a call.

    Attributes:
        done, skipped, failed: numbers of jobs.
    """

    def __init__(self) -> None:
        self.done = self.skipped = self.failed = 0


def run(
    jobs: "Iterable[Job]",
    work: "Callable[[Job], Line]",
    *,
    messages: Messages,
    name: "Callable[[Path], str]",
    what: str,
    overwrite: bool,
    workers: int = 1,
    count: "int | Callable[[], int]" = 0,
    inputs: "Container[Path]" = (),
    is_done: "Callable[[Job], bool]" = lambda _: False,
    is_unfinished: "Callable[[Job], bool]" = lambda _: False,
    claims: "Claims | None" = None,
    failed: "Callable[[Failure], None]" = lambda _: None,
    skipped: "Callable[[Job], None]" = lambda _: None,
) -> Tally:
    """Run all jobs under a progress line, say what comes of each, and at the end how many were skipped.

    Args:
        jobs: the jobs.
        work: runs a job.
        messages: says it.
        name: a path as it is said.
        what: the plural of what a job is about.
        overwrite, workers, inputs, is_done, is_unfinished, claims: see `run_jobs`.
        count: number of the jobs, or a function that counts them.
        failed, skipped: called with each failure and each skipped job.
    """
    from dicface.batches.claims import NO_CLAIMS
    from dicface.batches.jobs import AlreadyDone, Failure, run_jobs

    tally = Tally()

    def tell_outcome(job: "Job", outcome: "Line | Failure | AlreadyDone") -> None:
        if isinstance(outcome, AlreadyDone):
            tally.skipped += 1
            skipped(job)
        elif isinstance(outcome, Failure):
            tally.failed += 1
            failed(outcome)
            error = in_options(outcome.error)
            messages.failed(f"{name(outcome.source)}: {error}", input=name(outcome.source), error=error)
        else:
            tally.done += 1
            messages.done(
                outcome.text, input=name(job.source), output=name(job.target), details=outcome.details, **outcome.fields
            )

    # If interrupted, running jobs are finished first, and said.
    running = run_jobs(
        jobs,
        work,
        overwrite=overwrite,
        workers=workers,
        inputs=inputs,
        is_done=is_done,
        is_unfinished=is_unfinished,
        claims=claims or NO_CLAIMS,
        late=tell_outcome,
    )
    with messages.progress(what, count) as advance, closing(running) as results:
        for job, outcome in results:
            tell_outcome(job, outcome)
            advance(1)
    if tally.skipped:
        total = tally.done + tally.skipped + tally.failed
        messages.done(f"skipped {tally.skipped} of {total}, whose results are there", event="skipped")
    return tally


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
    if any(find_spec(name) is None for name in modules or _TRAIN):
        raise UsageError("this command needs the training extra; pip install 'dicface[train]'")
