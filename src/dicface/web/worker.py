"""Work in a process of its own, which can be stopped when it takes too long."""

import multiprocessing
import threading
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import ParamSpec, TypeVar

from dicface.errors import DicfaceError

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


class TooLongError(DicfaceError):
    """The work took longer than it may."""


class Worker:
    """One process that does one thing after the other. A thread cannot be stopped; a process can.

    It also keeps the decoders of strangers' files, and their memory, out of the server.

    Args:
        limit_s: how long one piece of work may take, in seconds.
    """

    def __init__(self, limit_s: float) -> None:
        self.limit_s = limit_s
        self._one = threading.Lock()
        self._pool = self._start()

    def _start(self) -> ProcessPoolExecutor:
        # A fork of a server with threads may hang.
        return ProcessPoolExecutor(1, multiprocessing.get_context("spawn"))

    def __call__(self, work: Callable[Arguments, Result], *args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        """Do it, or raise what it raises.

        Raises:
            TooLongError: it took too long, or the process died over it. The next piece of work gets a new process.
        """
        with self._one:
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
        """Stop the process, whatever it is doing."""
        # `ProcessPoolExecutor.kill_workers` does this from Python 3.14 on.
        for process in list((getattr(self._pool, "_processes", None) or {}).values()):
            process.kill()
        self._pool.shutdown(wait=False, cancel_futures=True)
