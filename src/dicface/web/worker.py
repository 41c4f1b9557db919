"""A worker process that can be stopped when work takes too long."""

import multiprocessing
import os
import shutil
import threading
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import ParamSpec

from dicface.errors import TooLongError
from dicface.runtime.parallel import Result, end_with_parent

Arguments = ParamSpec("Arguments")
_PATIENCE_S = 10.0
"""Seconds that running work may go on writing after the server has ended, and that a killed process may take to end."""


def _end_with_the_server(folder: Path) -> None:
    """End when the server ends, and delete its files: a server that is killed cannot."""

    def clear_up() -> None:
        patience = time.monotonic() + _PATIENCE_S
        while folder.exists() and time.monotonic() < patience:
            shutil.rmtree(folder, ignore_errors=True)
            time.sleep(0.1)

    end_with_parent(clear_up)


class Worker:
    """One process that does one piece of work at a time. Unlike a thread, it can be stopped.

    It also keeps the decoding of untrusted files, and its memory, out of the server.

    Args:
        limit_s: longest time of one piece of work in seconds.
        folder: folder for its files; deleted by the process if its parent is killed.
    """

    def __init__(self, limit_s: float, folder: Path) -> None:
        self.limit_s = limit_s
        self._folder = folder
        self._one = threading.Lock()
        self._pool = self._start()

    def _start(self) -> ProcessPoolExecutor:
        # A forked copy of a server with threads may deadlock.
        spawn = multiprocessing.get_context("spawn")
        pool = ProcessPoolExecutor(1, spawn, _end_with_the_server, (self._folder,))
        # The process starts with its first work, and watches its parent from then on.
        pool.submit(os.getpid)
        return pool

    def __call__(self, work: Callable[Arguments, Result], *args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        """Run a function in the process; its exceptions are raised here.

        Raises:
            TooLongError: it took too long, or the process died. The next piece of work gets a new process.
        """
        with self._one:
            try:
                future = self._pool.submit(work, *args, **kwargs)
            except BrokenProcessPool:  # it died while idle
                self._replace()
                future = self._pool.submit(work, *args, **kwargs)
            try:
                return future.result(self.limit_s)
            except TimeoutError as error:
                self._replace()
                raise TooLongError(
                    f"expected to be done within {self.limit_s:g} s; use a smaller photo or `dicface restore`"
                ) from error
            except BrokenProcessPool as error:
                self._replace()
                raise TooLongError("the photo took more than this server has; use a smaller one") from error

    def _replace(self) -> None:
        self.close()
        self._pool = self._start()

    def close(self) -> None:
        """Kill the process. It writes nothing more once this returns."""
        # `ProcessPoolExecutor.kill_workers` does this from Python 3.14 on.
        processes = list((getattr(self._pool, "_processes", None) or {}).values())
        for process in processes:
            process.kill()
        for process in processes:
            process.join(_PATIENCE_S)
        self._pool.shutdown(wait=False, cancel_futures=True)
