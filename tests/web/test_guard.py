"""Bodies have a size and must keep coming."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from dicface.web import guard
from dicface.web.guard import Guard, IdleError, TooManyBytesError


async def reads(scope: Any, receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Awaitable[None]]) -> None:
    """An application that reads the whole body."""
    while (await receive()).get("more_body", False):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b""})


def asked(messages: list[Any], headers: list[tuple[bytes, bytes]] | None = None) -> list[Any]:
    """What is sent to a request whose body arrives in pieces, the last of which may never come."""
    sent: list[Any] = []

    async def receive() -> Any:
        if not messages:
            await asyncio.sleep(60)
        return messages.pop(0)

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/", "headers": headers or []}
    asyncio.run(Guard(reads, upload_mb=1)(scope, receive, send))
    return sent


def test_a_body_that_lies_about_its_length_is_cut_off() -> None:
    piece = {"type": "http.request", "body": bytes(1 << 19), "more_body": True}
    with pytest.raises(TooManyBytesError):
        asked([piece, piece, piece])
    sent = asked([piece], [(b"content-length", b"9999999")])
    assert sent[0]["status"] == 413


def test_an_upload_that_stops_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "_IDLE_S", 0.05)
    with pytest.raises(IdleError):
        asked([{"type": "http.request", "body": b"a", "more_body": True}])


def test_every_answer_has_the_headers_of_privacy() -> None:
    headers = dict(asked([{"type": "http.request", "body": b"", "more_body": False}])[0]["headers"])
    assert headers[b"referrer-policy"] == b"no-referrer"
    assert headers[b"x-content-type-options"] == b"nosniff"
    assert b"frame-ancestors 'none'" in headers[b"content-security-policy"]
