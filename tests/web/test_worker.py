"""Work that takes too long, or dies, is over; the next goes on."""

import multiprocessing
import operator
import os
import signal
import time
from pathlib import Path

import psutil
import pytest

from dicface.errors import ImageError
from dicface.web.work import look
from dicface.web.worker import TooLongError, Worker

PATIENCE_S = 120
"""For a process to start, on whatever machine."""


def test_a_time_limit_that_holds(tmp_path: Path) -> None:
    worker = Worker(PATIENCE_S, tmp_path / "served")
    try:
        assert worker(operator.add, 1, 2) == 3
        worker.limit_s = 0.3
        start = time.monotonic()
        with pytest.raises(TooLongError, match=r"expected to be done within 0.3 s; use a smaller photo"):
            worker(time.sleep, 30)
        assert time.monotonic() - start < 10
        worker.limit_s = PATIENCE_S
        assert worker(operator.add, 2, 3) == 5
        with pytest.raises(TooLongError, match="took more than this server has"):
            worker(os._exit, 1)
        (tmp_path / "a.png").write_text("no picture")
        with pytest.raises(ImageError, match="expected an image"):
            worker(look, tmp_path / "a.png", tmp_path)
    finally:
        worker.close()


def test_a_process_that_died_with_nothing_to_do_is_replaced(tmp_path: Path) -> None:
    """A pool that is broken refuses all further work."""
    worker = Worker(PATIENCE_S, tmp_path / "served")
    try:
        first = worker(os.getpid)
        os.kill(first, signal.SIGKILL)
        patience = time.monotonic() + PATIENCE_S
        while not worker._pool._broken:
            assert time.monotonic() < patience
            time.sleep(0.01)
        assert worker(os.getpid) != first
    finally:
        worker.close()


def test_a_closed_worker_is_gone(tmp_path: Path) -> None:
    """What it was writing would stay behind after its folder was cleared."""
    worker = Worker(PATIENCE_S, tmp_path / "served")
    pid = worker(os.getpid)
    worker.close()
    assert not psutil.pid_exists(pid)


def test_there_is_always_a_process_that_would_clear_up(tmp_path: Path) -> None:
    """A server that was killed after its worker was, before anybody asked for anything again, left its files."""
    worker = Worker(PATIENCE_S, tmp_path / "served")
    try:
        first = worker(os.getpid)
        worker.limit_s = 0.3
        with pytest.raises(TooLongError, match=r"within 0\.3 s"):
            worker(time.sleep, 60)
        patience = time.monotonic() + PATIENCE_S
        while first in (left := [child.pid for child in multiprocessing.active_children()]):
            assert time.monotonic() < patience
            time.sleep(0.01)
        assert left
    finally:
        worker.close()
