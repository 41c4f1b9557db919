"""Work in a process of its own, which can be stopped when it takes too long."""

import multiprocessing
import os
import shutil
import threading
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import ParamSpec, TypeVar

from dicface.errors import DicfaceError
from dicface.runtime.parallel import end_with_parent

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")
_PATIENCE_S = 10.0
"""How long the work in hand may go on writing after the server is gone, and a killed process may take to end."""


class TooLongError(DicfaceError):
    """The work took longer than it may."""


def _end_with_the_server(folder: Path) -> None:
    """When the server is gone, clear up after it and end; a server that is killed can do neither."""

    def clear_up() -> None:
        patience = time.monotonic() + _PATIENCE_S
        while folder.exists() and time.monotonic() < patience:
            shutil.rmtree(folder, ignore_errors=True)
            time.sleep(0.1)

    end_with_parent(clear_up)


class Worker:
    """One process that does one thing after the other. A thread cannot be stopped; a process can.

    It also keeps the decoders of strangers' files, and their memory, out of the server.

    Args:
        limit_s: how long one piece of work may take, in seconds.
        folder: for its files; deleted by the process if its parent is killed.
    """

    def __init__(self, limit_s: float, folder: Path) -> None:
        self.limit_s = limit_s
        self._folder = folder
        self._one = threading.Lock()
        self._pool = self._start()

    def _start(self) -> ProcessPoolExecutor:
        # A fork of a server with threads may hang.
        spawn = multiprocessing.get_context("spawn")
        pool = ProcessPoolExecutor(1, spawn, _end_with_the_server, (self._folder,))
        # A process starts with its first work, and clears up only from then on.
        pool.submit(os.getpid)
        return pool

    def __call__(self, work: Callable[Arguments, Result], *args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        """Do it, or raise what it raises.

        Raises:
            TooLongError: it took too long, or the process died over it. The next piece of work gets a new process.
        """
        with self._one:
            try:
                future = self._pool.submit(work, *args, **kwargs)
            except BrokenProcessPool:  # it died while it had nothing to do
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
        """Stop the process, whatever it is doing. It writes nothing more once this returns."""
        # `ProcessPoolExecutor.kill_workers` does this from Python 3.14 on.
        processes = list((getattr(self._pool, "_processes", None) or {}).values())
        for process in processes:
            process.kill()
        for process in processes:
            process.join(_PATIENCE_S)
        self._pool.shutdown(wait=False, cancel_futures=True)
