"""Parallel work: usable cores, results in order, processes that end with their parent."""

import math
import multiprocessing
import os
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing, suppress
from functools import cache
from pathlib import Path
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


@cache
def usable_cores(root: Path = Path("/")) -> int:
    """Number of cores that this process may use, at least 1.

    The smaller of its CPU affinity and the quota of its control groups, rounded up: a container with half a core has 1.

    Args:
        root: where `proc` and `sys` are mounted; without them there is no quota.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quotas: list[float] = []
    with suppress(OSError, ValueError):
        quotas.extend(_quotas(root))
    return max(1, min([cores, *map(math.ceil, quotas)]))


def _quotas(root: Path) -> Iterator[float]:
    """Quotas in cores of this process's control groups, version 1 or 2."""
    for line in (root / "proc/self/cgroup").read_text(encoding="utf-8").splitlines():
        _, controllers, name = line.split(":", 2)
        if controllers and "cpu" not in controllers.split(","):
            continue
        mount = root / "sys/fs/cgroup" / ("cpu" if controllers else "")
        # In a container the name may be the host's path, of which the mount has only the last part, at its top.
        group = mount / name.lstrip("/")
        for each in (group, *group.parents):
            if each == mount.parent:
                break
            if (quota := _quota(each)) is not None:
                yield quota


def _quota(group: Path) -> float | None:
    """The quota of one control group in cores; None if it has none."""
    if (file := group / "cpu.max").is_file():
        quota, period = file.read_text(encoding="ascii").split()
    elif (file := group / "cpu.cfs_quota_us").is_file():
        quota, period = file.read_text(encoding="ascii"), (group / "cpu.cfs_period_us").read_text(encoding="ascii")
    else:
        return None
    return None if quota == "max" or int(quota) < 0 else int(quota) / int(period)


def _never_waits(_item: object, _started: Sequence[object]) -> bool:
    return False


def in_order(
    items: Iterable[Item],
    start: Callable[[Item], Future[Result]],
    most: int,
    must_wait: Callable[[Item, Sequence[Item]], bool] = _never_waits,
) -> Generator[tuple[Item, Result]]:
    """Process items in parallel and yield the results in the items' order.

    Args:
        items: taken one at a time, when there is room for one.
        start: starts the work on an item.
        most: largest number of items that are started and not yet yielded.
        must_wait: whether an item has to wait for the given started items.

    Yields:
        Each item with its result. When the generator is closed, waiting items are cancelled.
    """
    started: deque[tuple[Item, Future[Result]]] = deque()
    try:
        for item in items:
            while len(started) >= most or must_wait(item, [other for other, _ in started]):
                done, future = started.popleft()
                yield done, future.result()
            started.append((item, start(item)))
        while started:
            done, future = started.popleft()
            yield done, future.result()
    finally:
        for _, future in started:
            future.cancel()


def in_threads(
    items: Iterable[Item],
    work: Callable[[Item], Result],
    workers: int,
    *,
    decide: Callable[[Item], Result | None] = lambda _item: None,
    must_wait: Callable[[Item, Sequence[Item]], bool] = _never_waits,
    late: Callable[[Item, Result], None] = lambda _item, _result: None,
) -> Generator[tuple[Item, Result]]:
    """Process items in threads and yield the results in the items' order.

    Args:
        items: hashable; taken one at a time, when there is room for one.
        work: processes an item; called from `workers` threads at once.
        workers: items at a time. Up to twice as many are started and not yet yielded, which bounds memory.
        decide: gives the result of an item that needs no work, before it is started; None lets it be worked on.
        must_wait: whether an item has to wait for the given started items.
        late: called, in order, with the items that were worked on and not yielded when the generator was closed, once
            all are finished.

    Yields:
        Each item with its result. When the generator is closed, waiting items are cancelled and running ones finished.
    """
    unreported: dict[Item, Future[Result]] = {}

    def report_the_rest() -> None:
        for item, future in unreported.items():
            if not future.cancelled():
                late(item, future.result())

    with ExitStack() as stack:
        stack.callback(report_the_rest)
        pool = stack.enter_context(ThreadPoolExecutor(workers))

        def start(item: Item) -> Future[Result]:
            if (decided := decide(item)) is None:
                unreported[item] = pool.submit(work, item)
                return unreported[item]
            future: Future[Result] = Future()
            future.set_result(decided)
            return future

        with closing(in_order(items, start, 2 * workers, must_wait)) as over:
            for item, result in over:
                unreported.pop(item, None)
                yield item, result


def end_with_parent(before: Callable[[], None] = lambda: None) -> None:
    """End this process when its parent ends, watched from a thread. Otherwise it would wait for work for ever.

    Args:
        before: called first, once the parent is gone.
    """
    parent = multiprocessing.parent_process()
    assert parent is not None

    def wait() -> None:
        parent.join()
        before()
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()
