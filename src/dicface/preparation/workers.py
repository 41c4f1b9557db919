"""Work spread over processes, its results in the order of the tasks."""

import multiprocessing
from collections.abc import Generator, Iterable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool

from dicface.errors import DicfaceError
from dicface.preparation.cutting import FaceCutter, PhotoFaces, Recipe, Task
from dicface.runtime.parallel import end_with_parent, in_order

# So many tasks a process are under way or done and not yet fetched: enough that a slow photo does not stop the others.
_AHEAD = 8
_cutters: list[FaceCutter] = []
"""The one of this process, if it is a worker."""


def _start_worker(recipe: Recipe) -> None:
    end_with_parent()
    _cutters.append(FaceCutter(recipe))


def _work(task: Task) -> PhotoFaces:
    return _cutters[0](task)


def cut_in_order(tasks: Iterable[Task], recipe: Recipe, jobs: int) -> Generator[PhotoFaces]:
    """Cut the faces out of photos.

    Args:
        tasks: taken a few at a time.
        recipe: see `FaceCutter`.
        jobs: processes; 1 works in this one.

    Yields:
        One result a task, in their order.

    Raises:
        DicfaceError: a process was killed.
    """
    if jobs == 1:
        yield from map(FaceCutter(recipe), tasks)
        return
    # Forked copies of a process with threads may lock up; a fresh start costs a second.
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(jobs, context, _start_worker, (recipe,))
    try:
        for _, faces in in_order(tasks, lambda task: pool.submit(_work, task), jobs * _AHEAD):
            yield faces
    except BrokenProcessPool as error:
        raise DicfaceError(
            "a process was killed, perhaps for want of memory; call it again to go on from here, with fewer `jobs`"
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)
