"""A stand-in for the Hugging Face hub: the few answers by which `huggingface_hub` downloads a file."""

import hashlib
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Self

_COMMIT = "0123456789abcdef0123456789abcdef01234567"


class Hub:
    """A server on 127.0.0.1 with repositories, until the block ends.

    Attributes:
        address: of the server.
        asked: method and path of every request, in order.
    """

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []
        self._files: dict[str, bytes] = {}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.address = f"http://127.0.0.1:{self._server.server_port}"

    def publish(self, repository: str, folder: Path, *, revision: str = "main") -> None:
        """Put the files of a folder into a repository."""
        for path in folder.iterdir():
            if path.is_file():
                self._files[f"/{repository}/resolve/{revision}/{path.name}"] = path.read_bytes()

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        hub = self

        class Handler(BaseHTTPRequestHandler):
            def _head(self) -> bytes:
                hub.asked.append((self.command, self.path))
                content = hub._files.get(self.path)
                self.send_response(HTTPStatus.OK if content is not None else HTTPStatus.NOT_FOUND)
                self.send_header("X-Repo-Commit", _COMMIT)
                if content is None:
                    self.send_header("X-Error-Code", "EntryNotFound")
                content = content or b""
                self.send_header("ETag", f'"{hashlib.sha256(content).hexdigest()}"')
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                return content

            def do_HEAD(self) -> None:
                self._head()

            def do_GET(self) -> None:
                self.wfile.write(self._head())

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
                """Nothing: requests are in `asked`."""

        return Handler
