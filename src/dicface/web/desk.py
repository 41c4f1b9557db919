"""The queue in front of the worker: one photo at a time, in the order of arrival, and not too many waiting."""

import asyncio
from collections.abc import Awaitable, Callable

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from dicface.runtime.parallel import Result
from dicface.web.worker import Arguments, Worker


class BusyError(Exception):
    """The queue is full."""


class Desk:
    """Hands work to the worker.

    Args:
        worker: does the work.
        waiting: length of the queue; further requests are refused.
    """

    def __init__(self, worker: Worker, waiting: int) -> None:
        self._worker = worker
        self._waiting = waiting
        self._line: list[str] = []
        self._turn = asyncio.Lock()

    def ahead(self, owner: str) -> int:
        """How many others are served before an owner's request; 0 if it is being served or there is none."""
        return self._line.index(owner) if owner in self._line else 0

    async def __call__(
        self,
        owner: str,
        is_gone: Callable[[], Awaitable[bool]],
        work: Callable[Arguments, Result],
        *args: Arguments.args,
        **kwargs: Arguments.kwargs,
    ) -> Result:
        """Wait for its turn, and run a function in the worker.

        Args:
            owner: for `ahead`.
            is_gone: whether the client has hung up; then nothing is done.
            work, args, kwargs: the function, and what it is called with.

        Raises:
            BusyError: too many are waiting.
            ClientDisconnect: the client hung up while it was waiting.
            DicfaceError: raised by the function, or the work took too long.
        """
        if len(self._line) > self._waiting:
            raise BusyError
        self._line.append(owner)
        try:
            async with self._turn:
                if await is_gone():
                    raise ClientDisconnect
                return await run_in_threadpool(lambda: self._worker(work, *args, **kwargs))
        finally:
            self._line.remove(owner)
