"""Work spread over processes, its results in the order of the tasks."""

import multiprocessing
import os
import threading
from collections import deque
from collections.abc import Generator, Iterable
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool

from dicface.errors import DicfaceError
from dicface.preparation.cutting import FaceCutter, PhotoFaces, Recipe, Task

# So many tasks a process are under way or done and not yet fetched: enough that a slow photo does not stop the others.
_AHEAD = 8
_cutters: list[FaceCutter] = []
"""The one of this process, if it is a worker."""


def usable_cores() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _start_worker(recipe: Recipe) -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None

    def follow() -> None:
        parent.join()
        os._exit(1)

    # A worker whose parent was killed would wait for tasks for ever.
    threading.Thread(target=follow, daemon=True).start()
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
    waiting: deque[Future[PhotoFaces]] = deque()
    try:
        for task in tasks:
            waiting.append(pool.submit(_work, task))
            if len(waiting) == jobs * _AHEAD:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    except BrokenProcessPool as error:
        raise DicfaceError(
            "a process was killed, perhaps for want of memory; call it again to go on from here, with fewer `jobs`"
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)
