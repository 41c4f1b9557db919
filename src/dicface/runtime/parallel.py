"""Work on several cores: how many there are, results in order, processes that end with their parent."""

import math
import multiprocessing
import os
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


@cache
def usable_cores(root: Path = Path("/")) -> int:
    """Cores that this process may use, at least 1.

    Counts those of its affinity, and no more than the CPU quota of the control groups around it, rounded up: a
    container with half a core has 1, whatever its host has.

    Args:
        root: where `proc` and `sys` are mounted; there is no quota where they are not.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quotas: list[float] = []
    with suppress(OSError, ValueError):
        quotas.extend(_quotas(root))
    return max(1, min([cores, *map(math.ceil, quotas)]))


def _quotas(root: Path) -> Iterator[float]:
    """Quotas in cores of the control groups that this process is in, of version 1 or 2."""
    for line in (root / "proc/self/cgroup").read_text(encoding="utf-8").splitlines():
        _, controllers, name = line.split(":", 2)
        if controllers and "cpu" not in controllers.split(","):
            continue
        mount = root / "sys/fs/cgroup" / ("cpu" if controllers else "")
        # A container may be told the name that its host uses, of which its own mount has only the end: the top.
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


def in_order(
    items: Iterable[Item],
    start: Callable[[Item], Future[Result]],
    most: int,
    must_wait: Callable[[Item, Sequence[Item]], bool] = lambda _item, _started: False,
) -> Generator[tuple[Item, Result]]:
    """Start work on items and hand the results out in the items' order.

    Args:
        items: taken one at a time, when there is room for one.
        start: begins the work on one.
        most: items that are started and not yet handed out, at most.
        must_wait: whether an item may not be started beside those that are.

    Yields:
        Each item with its result. When the generator is closed, what has not been begun is cancelled.
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


def end_with_parent(before: Callable[[], None] = lambda: None) -> None:
    """End this process when the one that started it is gone, watched from a thread.

    A worker whose parent was killed would wait for work for ever.

    Args:
        before: done first, once the parent is gone.
    """
    parent = multiprocessing.parent_process()
    assert parent is not None

    def wait() -> None:
        parent.join()
        before()
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()
