"""What every request passes: headers for privacy, limits of its body, no requests by other sites, a path prefix."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; "
    "base-uri 'self'; form-action 'none'; frame-ancestors 'none'"
)
"""Content security policy: the page may send requests to this server only, and holds no code but its own."""
_HEADERS = {
    b"content-security-policy": _POLICY.encode(),
    b"referrer-policy": b"no-referrer",
    b"x-content-type-options": b"nosniff",
    b"cross-origin-resource-policy": b"same-origin",
}
_MULTIPART_BYTES = 64 << 10
"""What a form may add to the bytes of its file."""
_IDLE_S = 30.0
"""Longest pause in seconds within an upload."""
_READING = ("GET", "HEAD", "OPTIONS")

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]


class TooManyBytesError(Exception):
    """The body of a request is larger than what may be uploaded."""


class IdleError(Exception):
    """The client stopped in the middle of an upload."""


class Guard:
    """ASGI middleware.

    Args:
        app: the application.
        upload_mb: largest upload in megabytes.
        root_path: prefix under which a proxy serves the page, such as /faces; it may arrive with or without it.
    """

    def __init__(self, app: App, upload_mb: int, root_path: str = "") -> None:
        self._app = app
        self._limit = (upload_mb << 20) + _MULTIPART_BYTES
        self._root_path = root_path

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """See the ASGI specification."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope = self._without_prefix(scope)
        headers = dict(scope["headers"])
        if scope["method"] not in _READING and headers.get(b"sec-fetch-site") == b"cross-site":
            await _refuse(send, 403, b"requests by other sites are refused")
            return
        if int(headers.get(b"content-length", b"0")) > self._limit:
            await _refuse(send, 413, b"too large")
            return
        await self._app(scope, self._limited(receive), _with_headers(send))

    def _without_prefix(self, scope: Message) -> Message:
        path, prefix = scope["path"], self._root_path
        if prefix and (path == prefix or path.startswith(f"{prefix}/")):
            return {**scope, "path": path[len(prefix) :] or "/", "raw_path": None}
        return scope

    def _limited(self, receive: Receive) -> Receive:
        """Wrap a receiver: the body has a largest size, and pauses within it a longest duration.

        Raises (when called):
            TooManyBytesError: the body is too large.
            IdleError: the client stopped sending.
        """
        count, complete = 0, False

        async def limited() -> Message:
            nonlocal count, complete
            if complete:  # what follows is the end of the connection, whenever it comes
                return await receive()
            try:
                message = await asyncio.wait_for(receive(), _IDLE_S)
            except TimeoutError as error:
                raise IdleError from error
            count += len(message.get("body", b""))
            complete = not message.get("more_body", False)
            if count > self._limit:
                raise TooManyBytesError
            return message

        return limited


def _with_headers(send: Send) -> Send:
    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            given = [(name, value) for name, value in message.get("headers", []) if name not in _HEADERS]
            message = {**message, "headers": [*given, *_HEADERS.items()]}
        await send(message)

    return send_with_headers


async def _refuse(send: Send, status: int, said: bytes) -> None:
    headers = [(b"content-type", b"application/json"), *_HEADERS.items()]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b'{"error": "%s"}' % said})
