"""Requests wait in a line, and not too many of them."""

import asyncio
from collections.abc import Callable
from typing import Any, cast

import pytest
from starlette.requests import ClientDisconnect

from dicface.web.desk import BusyError, Desk
from dicface.web.worker import Worker


class SlowWorker:
    """Works until it is told to end."""

    def __init__(self) -> None:
        self.done: list[str] = []

    def __call__(self, work: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        self.done.append(args[0])
        return work(*args, **kwargs)


async def _here() -> bool:
    return False


async def _gone() -> bool:
    return True


def test_work_is_done_in_the_order_of_arrival_and_the_line_is_bounded() -> None:
    worker = SlowWorker()

    async def visit() -> None:
        desk = Desk(cast(Worker, worker), waiting=2)
        visits = [asyncio.create_task(desk(name, _here, str.upper, name)) for name in ("a", "b", "c")]
        await asyncio.sleep(0)
        assert [desk.ahead(name) for name in ("a", "b", "c", "z")] == [0, 1, 2, 0]
        with pytest.raises(BusyError):
            await desk("d", _here, str.upper, "d")
        assert await asyncio.gather(*visits) == ["A", "B", "C"]
        assert await desk("d", _here, str.upper, "d") == "D"

    asyncio.run(visit())
    assert worker.done == ["a", "b", "c", "d"]


def test_nothing_is_done_for_a_client_that_has_gone() -> None:
    worker = SlowWorker()

    async def visit() -> None:
        desk = Desk(cast(Worker, worker), waiting=2)
        with pytest.raises(ClientDisconnect):
            await desk("a", _gone, str.upper, "a")
        assert desk.ahead("a") == 0

    asyncio.run(visit())
    assert worker.done == []
