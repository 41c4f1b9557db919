"""Cores are counted as containers have them, and results come in order."""

import itertools
import os
import threading
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from dicface.runtime.parallel import in_order, in_threads, usable_cores


@pytest.fixture(autouse=True)
def eight_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)


def cgroups(root: Path, told: str, files: dict[str, str]) -> Path:
    for name, content in {"proc/self/cgroup": told, **files}.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return root


def test_without_control_groups_the_affinity_counts(tmp_path: Path) -> None:
    assert usable_cores(tmp_path) == 8


@pytest.mark.parametrize(("quota", "cores"), [("max", 8), ("150000", 2), ("50000", 1), ("1600000", 8)])
def test_a_quota_of_version_2(tmp_path: Path, quota: str, cores: int) -> None:
    root = cgroups(tmp_path, "0::/\n", {"sys/fs/cgroup/cpu.max": f"{quota} 100000\n"})
    assert usable_cores(root) == cores


def test_the_smallest_quota_of_nested_groups_counts(tmp_path: Path) -> None:
    groups = {"sys/fs/cgroup/a/cpu.max": "300000 100000\n", "sys/fs/cgroup/a/b/cpu.max": "max 100000\n"}
    assert usable_cores(cgroups(tmp_path, "0::/a/b\n", groups)) == 3


@pytest.mark.parametrize(("quota", "cores"), [("-1", 8), ("200000", 2)])
def test_a_quota_of_version_1_under_the_hosts_name(tmp_path: Path, quota: str, cores: int) -> None:
    folder = "sys/fs/cgroup/cpu"
    files = {f"{folder}/cpu.cfs_quota_us": f"{quota}\n", f"{folder}/cpu.cfs_period_us": "100000\n"}
    root = cgroups(tmp_path, "5:memory:/x\n4:cpu,cpuacct:/docker/0123\n0::/docker/0123\n", files)
    assert usable_cores(root) == cores


def test_no_more_are_started_than_said_and_none_beside_what_it_waits_for() -> None:
    waiting: list[int] = []

    def start(item: int) -> Future[int]:
        waiting.append(item)
        assert len(waiting) <= 3
        future: Future[int] = Future()
        future.set_result(item * item)
        return future

    def must_wait(item: int, started: Sequence[int]) -> bool:
        return item == 4 and 3 in started

    for item, result in in_order(range(8), start, 3, must_wait):
        assert result == item * item
        if item == 3:
            assert 4 not in waiting
        waiting.remove(item)
    assert waiting == []


def test_a_closed_generator_cancels_what_was_not_started() -> None:
    with ThreadPoolExecutor(1) as pool:
        gate: Future[None] = Future()
        submitted: list[Future[None]] = []

        def start(_: int) -> Future[None]:
            submitted.append(pool.submit(gate.result) if submitted else pool.submit(lambda: None))
            return submitted[-1]

        results = in_order(range(4), start, 4)
        assert next(results)[0] == 0
        results.close()
        gate.set_result(None)
    assert submitted[-1].cancelled()


def test_results_of_threads_come_in_order_and_none_of_a_closed_generator_is_lost() -> None:
    gate, late = threading.Event(), dict[int, str]()

    def work(item: int) -> str:
        if item:
            gate.wait()
        return f"worked on {item}"

    over = in_threads(
        itertools.count(), work, 2, decide=lambda item: "decided" if item == 1 else None, late=late.__setitem__
    )
    assert [next(over), next(over)] == [(0, "worked on 0"), (1, "decided")]
    closing = threading.Thread(target=over.close)
    closing.start()
    gate.set()
    closing.join()
    assert list(late) == sorted(late)
    assert {2} <= set(late) <= {2, 3, 4}
    assert all(result == f"worked on {item}" for item, result in late.items())
