"""Batches of files: jobs in parallel, with results and failures in order."""

import logging
from collections.abc import Callable, Container, Generator, Iterable, Sequence
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from dicface.batches.claims import NO_CLAIMS, Claims
from dicface.errors import DicfaceError, ImageError, OutputError
from dicface.files import check_target, real_path
from dicface.images.inputs import Job, results_of
from dicface.runtime.parallel import Result, in_threads, usable_cores

_log = logging.getLogger(__name__)
WORKERS = min(4, usable_cores() + 1)
"""Photos at a time: one more than cores, since one of them usually waits for the disk."""


class Failure(NamedTuple):
    """A failed job and its error."""

    source: Path
    error: DicfaceError


class AlreadyDone(NamedTuple):
    """A job whose results are there already, made by an earlier call or meanwhile by another one."""

    source: Path


def _never(_: Job) -> bool:
    return False


class _Rules(NamedTuple):
    """When a job may run; see `run_jobs`."""

    inputs: Container[Path]
    overwrite: bool
    is_done: Callable[[Job], bool]
    is_unfinished: Callable[[Job], bool]
    written: set[Path]

    def refuse(self, job: Job) -> None:
        """Refuse a job that cannot be read, would replace an input, or has the result of another job."""
        if job.problem:
            raise ImageError(job.problem)
        for path in (job.target, *job.beside):
            target = real_path(path)
            if not job.alone and target in self.written:
                raise OutputError(f"another input of this call was already written to {str(path)!r}; rename one")
            if target in self.inputs:
                raise OutputError("the result would replace an input; choose another output")

    def check(self, job: Job) -> AlreadyDone | None:
        """Decide about a job before it runs; None lets it run.

        Raises:
            DicfaceError: it must not run.
        """
        self.refuse(job)
        if self.is_done(job):
            return AlreadyDone(job.source)
        overwrite = self.overwrite or self.is_unfinished(job)
        for path in (job.target, *job.beside):
            check_target(path, overwrite=overwrite)
        return None

    def remember(self, job: Job) -> None:
        """Remember the results of a job, if other jobs may have the same."""
        if not job.alone:
            self.written.update(results_of(job))


def run_jobs(
    jobs: Iterable[Job],
    work: Callable[[Job], Result],
    *,
    overwrite: bool,
    workers: int = 1,
    inputs: Container[Path] = (),
    is_done: Callable[[Job], bool] = _never,
    is_unfinished: Callable[[Job], bool] = _never,
    claims: Claims = NO_CLAIMS,
    late: Callable[[Job, Result | Failure | AlreadyDone], None] = lambda _job, _result: None,
) -> Generator[tuple[Job, Result | Failure | AlreadyDone]]:
    """Run jobs in parallel threads. A failed job does not stop the others.

    Reading, detecting, restoring and writing release the interpreter lock, so that workers at different stages keep all
    cores busy. Results come in the order of the jobs and equal those of running one job after the other.

    Args:
        jobs: the jobs; taken one at a time, when there is room for one.
        work: runs a job, raises `DicfaceError` on failure; called from `workers` threads at once.
        overwrite: existing results may be replaced; inputs of any job never are.
        workers: jobs at a time. Up to twice as many are started or wait to be yielded, which bounds memory.
        inputs: real paths of all inputs.
        is_done: whether the results of a job are there already, so that it is skipped. Asked when its turn comes, and
            again if it fails. It may raise `DicfaceError`.
        is_unfinished: whether what is there of the results of a job was left by a call that was cut off, so that it may
            be replaced. It may raise `DicfaceError`.
        claims: claims against other calls; jobs that another call works on run once they are free, at the latest after
            all others.
        late: called, in order, with the jobs that were running when the generator was closed, once all are finished.

    Yields:
        Each job in order, with the result of `work`, its failure, or that it was skipped.
    """
    rules = _Rules(inputs, overwrite, is_done, is_unfinished, set())

    def attempt(job: Job) -> Result | Failure | AlreadyDone:
        try:
            came = _outcome(job, lambda: work(job))
            appeared = isinstance(came, Failure) and _outcome(job, lambda: is_done(job)) is True
            return AlreadyDone(job.source) if appeared else came
        finally:
            claims.release(job)

    def must_wait(job: Job, started: Sequence[Job]) -> bool:
        """Whether a job has a result in common with a started one, which must be finished first."""
        return not job.alone and any(results_of(job) & results_of(other) for other in started)

    def decide(job: Job) -> Failure | AlreadyDone | None:
        decided = _outcome(job, lambda: rules.check(job))
        if decided is not None:
            claims.release(job)
        return decided

    # If interrupted, running jobs are finished and no further job is started.
    running = in_threads(claims.in_turn(jobs), attempt, workers, decide=decide, must_wait=must_wait, late=late)
    with closing(running) as over:
        for job, came in over:
            if not isinstance(came, Failure):
                rules.remember(job)
            yield job, came


def _outcome(job: Job, work: Callable[[], Result]) -> Result | Failure:
    try:
        return work()
    except DicfaceError as error:
        return Failure(job.source, error)
    except MemoryError:
        return Failure(job.source, ImageError("not enough memory; use a smaller `scale` or shrink the photo"))
    except OSError as error:
        said = f"{error.strerror}: {error.filename!r}" if error.strerror else str(error)
        return Failure(job.source, OutputError(said))
    except Exception as error:  # one photo must not end the batch
        _log.exception("%s", job.source)
        return Failure(job.source, DicfaceError(f"{type(error).__name__}: {error}"))
