"""Cutting in several processes, with results in the order of the photos."""

import multiprocessing
from collections.abc import Generator, Iterable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool

from dicface.errors import DicfaceError
from dicface.preparation.cutting import FaceCutter, PhotoFaces, PhotoTask, Recipe
from dicface.runtime.parallel import end_with_parent, in_order

# Tasks per process that are running or finished and not yet fetched: enough that a slow photo does not block others.
_AHEAD = 8
_cutters: list[FaceCutter] = []
"""The cutter of this process, if it is a worker."""


def _start_worker(recipe: Recipe) -> None:
    end_with_parent()
    _cutters.append(FaceCutter(recipe))


def _work(task: PhotoTask) -> PhotoFaces:
    return _cutters[0](task)


def cut_in_order(tasks: Iterable[PhotoTask], recipe: Recipe, jobs: int) -> Generator[PhotoFaces]:
    """Cut the faces out of photos.

    Args:
        tasks: the photos; taken a few at a time.
        recipe: see `FaceCutter`.
        jobs: number of processes; 1 works in this process.

    Yields:
        One result per task, in their order.

    Raises:
        DicfaceError: a worker process was killed.
    """
    if jobs == 1:
        yield from map(FaceCutter(recipe), tasks)
        return
    # A forked copy of a process with threads may deadlock; spawning costs a second.
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(jobs, context, _start_worker, (recipe,))
    try:
        for _, faces in in_order(tasks, lambda task: pool.submit(_work, task), jobs * _AHEAD):
            yield faces
    except BrokenProcessPool as error:
        raise DicfaceError(
            "a process was killed, perhaps out of memory; call it again to continue from here, with fewer `jobs`"
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)
