"""Batches of files: jobs in parallel, with results and failures in order."""

from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path
from typing import NamedTuple

from dicface.errors import DicfaceError, ImageError, OutputError
from dicface.files import check_target, real_path
from dicface.images.inputs import Job, results_of
from dicface.runtime.parallel import Result, in_order, usable_cores

WORKERS = min(4, usable_cores() + 1)
"""Photos at a time: one more than cores, since one of them usually waits for the disk."""


class Failure(NamedTuple):
    """A failed job and its error."""

    source: Path
    error: DicfaceError


def run_jobs(
    jobs: Sequence[Job],
    work: Callable[[Job], Result],
    *,
    overwrite: bool,
    workers: int = 1,
    finished: Sequence[Job] = (),
    late: Callable[[Job, Result | Failure], None] = lambda _job, _result: None,
) -> Generator[tuple[Job, Result | Failure]]:
    """Run jobs in parallel threads. A failed job does not stop the others.

    Reading, detecting, restoring and writing release the interpreter lock, so that workers at different stages keep all
    cores busy. Results come in the order of the jobs and equal those of running one job after the other.

    Args:
        jobs: the jobs.
        work: runs a job, raises `DicfaceError` on failure; called from `workers` threads at once.
        overwrite: existing results may be replaced; inputs of any job never are.
        workers: jobs at a time. Up to twice as many are started or wait to be yielded, which bounds memory.
        finished: jobs of an earlier call; neither their inputs nor their results are replaced.
        late: called, in order, with the jobs that were running when the generator was closed, once all are finished.

    Yields:
        Each job in order, with the result of `work` or its failure.
    """
    sources = {real_path(job.source) for job in (*jobs, *finished)}
    written = {result for job in finished for result in results_of(job)}

    def attempt(job: Job) -> Result | Failure:
        return _outcome(job, lambda: work(job))

    def must_wait(job: Job, started: Sequence[Job]) -> bool:
        """Whether a job has a result in common with a started one, which must be finished first."""
        return any(results_of(job) & results_of(other) for other in started)

    unreported: dict[Job, Future[Result | Failure]] = {}

    def report_the_rest() -> None:
        for job, future in unreported.items():
            if not future.cancelled():
                late(job, future.result())

    with ExitStack() as stack:
        stack.callback(report_the_rest)
        pool = stack.enter_context(ThreadPoolExecutor(workers))

        def start(job: Job) -> Future[Result | Failure]:
            refused = _outcome(job, lambda: _check(job, sources, written, overwrite=overwrite))
            if not isinstance(refused, Failure):
                unreported[job] = pool.submit(attempt, job)
                return unreported[job]
            future: Future[Result | Failure] = Future()
            future.set_result(refused)
            return future

        # If interrupted, running jobs are finished and no further job is started.
        with closing(in_order(jobs, start, 2 * workers, must_wait)) as over:
            for job, result in over:
                if not isinstance(result, Failure):
                    written.update(results_of(job))
                unreported.pop(job, None)
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


def _check(job: Job, sources: set[Path], written: set[Path], *, overwrite: bool) -> None:
    if job.problem:
        raise ImageError(job.problem)
    for path in (job.target, *job.beside):
        target = real_path(path)
        if target in written:
            raise OutputError(f"another input of this call was already written to {str(path)!r}; rename one")
        check_target(path, overwrite=overwrite, inputs=sources)
