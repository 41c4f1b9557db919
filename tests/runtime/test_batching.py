"""Runs shared by several callers: what goes together, and whose errors are whose."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
import pytest
from numpy.typing import NDArray

from dicface.runtime.batching import SharedRuns

Crops = Sequence[NDArray[np.uint8]]


def crops(*values: int, side: int = 8) -> list[NDArray[np.uint8]]:
    return [np.full((side, side, 3), value, np.uint8) for value in values]


class Network:
    """Doubles each crop's value. Its first run lasts until so many crops of others wait as a test wants."""

    def __init__(self, may_share: Callable[[], bool] = lambda: True, largest: int = 16) -> None:
        self.started, self.go_on = threading.Event(), threading.Event()
        self.runs: list[list[int]] = []
        self.shared = SharedRuns(self.run, may_share, 1, largest)

    def run(self, batch: Crops) -> list[int]:
        assert len({crop.shape for crop in batch}) == 1
        values = [int(crop[0, 0, 0]) for crop in batch]
        self.runs.append(values)
        self.started.set()
        assert self.go_on.wait(20)
        if 13 in values:
            raise MemoryError("13")
        return [2 * value for value in values]

    def together(self, pool: ThreadPoolExecutor, first: Crops, *others: Crops) -> list[Future[list[int]]]:
        """One caller comes first; all others come while its run is going on."""
        futures = [pool.submit(self.shared, first)]
        assert self.started.wait(20)
        expected = len(self.shared._waiting)
        for other in others:
            futures.append(pool.submit(self.shared, other))
            expected += len(other)
            while len(self.shared._waiting) < expected:
                assert not threading.Event().wait(0.001)
        self.go_on.set()
        return futures


@pytest.fixture
def pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(8)


def test_what_waits_goes_together_by_size(pool: ThreadPoolExecutor) -> None:
    network = Network()
    mixed = [*crops(3), *crops(4, side=9), *crops(5)]
    futures = network.together(pool, crops(1), crops(2), mixed, crops(6, side=9))
    assert [future.result(20) for future in futures] == [[2], [4], [6, 8, 10], [12]]
    assert network.runs[0] == [1]
    assert sorted(map(sorted, network.runs[1:])) == [[2, 3, 5], [4, 6]]


def test_a_run_has_a_largest_size(pool: ThreadPoolExecutor) -> None:
    network = Network(largest=4)
    futures = network.together(pool, crops(1, 2, 3, 4, 5, 6), crops(7, 8, 9))
    assert [future.result(20) for future in futures] == [[2, 4, 6, 8, 10, 12], [14, 16, 18]]
    assert max(len(run) for run in network.runs) == 4
    assert len(network.runs) == 3


def test_callers_are_kept_apart_if_company_matters(pool: ThreadPoolExecutor) -> None:
    asked: list[str] = []

    def never() -> bool:
        asked.append("once")
        return False

    network = Network(never)
    futures = network.together(pool, crops(1), crops(2, 3), crops(4), crops(5))
    assert [future.result(20) for future in futures] == [[2], [4, 6], [8], [10]]
    assert sorted(network.runs) == [[1], [2, 3], [4], [5]]
    assert asked == ["once"]


def test_one_callers_error_stays_its_own(pool: ThreadPoolExecutor) -> None:
    network = Network()
    futures = network.together(pool, crops(1), crops(2), crops(13, 14), crops(3))
    assert [futures[k].result(20) for k in (0, 1, 3)] == [[2], [4], [6]]
    with pytest.raises(MemoryError, match="13"):
        futures[2].result(20)
    assert network.shared(crops(7)) == [14]


def test_an_interrupted_caller_leaves_the_others_their_turn(pool: ThreadPoolExecutor) -> None:
    interrupted = threading.Event()

    def run(batch: Crops) -> list[int]:
        if len(batch) > 1 and not interrupted.is_set():
            interrupted.set()
            raise KeyboardInterrupt
        return network.run(batch)

    network = Network()
    network.shared = SharedRuns(run, lambda: True, 1, 16)
    first, *others = network.together(pool, crops(1), crops(2), crops(3))
    assert first.result(20) == [2]
    # One of the two was interrupted while it ran both.
    outcomes = [future.exception(20) or future.result() for future in others]
    assert sorted(str(type(outcome).__name__) for outcome in outcomes) == ["KeyboardInterrupt", "list"]
    assert network.shared._waiting == []


def test_as_many_run_at_once_as_said(pool: ThreadPoolExecutor) -> None:
    # Ends only if two are in hand at once.
    meeting = threading.Barrier(2, timeout=20)
    running: list[int] = []

    def run(batch: Crops) -> list[int]:
        running.append(len(batch))
        meeting.wait()
        assert len(running) <= 2
        meeting.wait()
        running.pop()
        return [0] * len(batch)

    shared = SharedRuns(run, lambda: False, 2, 16)
    assert [future.result(20) for future in [pool.submit(shared, crops(k)) for k in range(6)]] == [[0]] * 6


def test_nothing_is_nothing() -> None:
    assert Network().shared([]) == []
