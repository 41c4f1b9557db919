"""Batches of files: what goes in, where it comes out, what failed."""

from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import NamedTuple, TypeVar

from dicface.errors import DicfaceError, ImageError, OutputError
from dicface.files import real_path
from dicface.images.inputs import Job, results_of
from dicface.runtime.parallel import in_order, usable_cores

Result = TypeVar("Result")
WORKERS = min(4, usable_cores() + 1)
"""Photos at a time: one more than cores, since somebody always waits for a disk."""


class Failure(NamedTuple):
    """A job that could not be done, and why."""

    source: Path
    error: DicfaceError


def run_jobs(
    jobs: Sequence[Job],
    work: Callable[[Job], Result],
    overwrite: bool,
    workers: int = 1,
    finished: Sequence[Job] = (),
) -> Generator[tuple[Job, Result | Failure]]:
    """Do jobs, several at a time; a failed one does not stop the rest.

    Reading, searching, restoring and writing leave Python most of the time, so that workers at different stages
    keep all cores busy. Results come in the order of the jobs and are those of one job after the other.

    Args:
        jobs: what to do.
        work: does one, raising `DicfaceError` if it cannot be done; called from `workers` threads at once.
        overwrite: existing results may be replaced; inputs of any of the jobs never are.
        workers: jobs at a time. Twice as many are begun or wait to be handed out, so memory does not grow with jobs.
        finished: were done by an earlier call; neither their inputs nor their results are replaced.

    Yields:
        Each job when it and those before it are over, with what `work` gave or its failure.
    """
    sources = {real_path(job.source) for job in (*jobs, *finished)}
    written = {result for job in finished for result in results_of(job)}

    def attempt(job: Job) -> Result | Failure:
        return _outcome(job, lambda: work(job))

    def must_wait(job: Job, started: Sequence[Job]) -> bool:
        """Whether a name is taken is known only when the job that would take it is over."""
        return any(results_of(job) & results_of(other) for other in started)

    with ThreadPoolExecutor(workers) as pool:

        def start(job: Job) -> Future[Result | Failure]:
            refused = _outcome(job, lambda: _check(job, sources, written, overwrite))
            if not isinstance(refused, Failure):
                return pool.submit(attempt, job)
            future: Future[Result | Failure] = Future()
            future.set_result(refused)
            return future

        # Interrupted, it finishes what is in hand and begins nothing more.
        with closing(in_order(jobs, start, 2 * workers, must_wait)) as over:
            for job, result in over:
                if not isinstance(result, Failure):
                    written.update(results_of(job))
                yield job, result


def _outcome(job: Job, work: Callable[[], Result]) -> Result | Failure:
    try:
        return work()
    except DicfaceError as error:
        return Failure(job.source, error)
    except MemoryError:
        return Failure(job.source, ImageError("not enough memory; use a smaller `scale` or shrink the photo"))
    except OSError as error:
        return Failure(job.source, OutputError(f"{error.strerror}: {error.filename!r}"))


def _check(job: Job, sources: set[Path], written: set[Path], overwrite: bool) -> None:
    if job.problem:
        raise ImageError(job.problem)
    for path in (job.target, *job.beside):
        target = real_path(path)
        if target in written:
            raise OutputError(f"another input of this call was already written to {str(path)!r}; rename one")
        if target in sources:
            raise OutputError("the result would replace an input; choose another output")
        if path.is_dir():
            raise OutputError(f"expected a file name to write to, {str(path)!r} is a folder")
        if path.exists() and not overwrite:
            raise OutputError(f"{str(path)!r} exists; add `overwrite` to replace it, or choose another output")
