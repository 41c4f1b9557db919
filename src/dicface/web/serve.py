"""The web server: local by default, with limits, and without keeping files."""

import os
import shutil
import signal
import tempfile
import threading
import time
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from dicface.errors import UsageError
from dicface.web.worker import Worker

if TYPE_CHECKING:
    from gradio import Blocks

# Set before Gradio is imported: it would send telemetry at every start, and its pages would load fonts.
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
os.environ["HF_HUB_OFFLINE"] = "1"
# Gradio would record every request and build a table of all of them after each.
os.environ["GRADIO_ANALYTICS_MAX_EVENTS"] = "32"

# Content security policy: the page may send requests to this server only.
_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; media-src 'self' blob:; font-src 'self' data:; connect-src 'self'; "
    "worker-src 'self' blob:; object-src 'none'; base-uri 'self'; form-action 'self'"
)
# Longest delay of a file's deletion in seconds.
_SWEEP_S = 5
# Paths by which Gradio fetches pages of other servers.
_FORBIDDEN = ("/file=http", "/proxy=")

Message = MutableMapping[str, Any]
Send = Callable[[Message], Awaitable[None]]


class Limits(NamedTuple):
    """Limits of the server.

    Attributes:
        upload_mb: largest size of an upload in megabytes.
        waiting: length of the queue.
        time_s: longest time of a request in seconds.
        kept_s: time in seconds after which files are deleted.
    """

    upload_mb: int = 32
    waiting: int = 16
    time_s: float = 120
    kept_s: float = 900


class Guard:
    """ASGI middleware: refuses paths that fetch from other servers, and adds a content security policy."""

    def __init__(self, app: Callable[..., Awaitable[None]]) -> None:
        self._app = app

    async def __call__(self, scope: Message, receive: Callable[[], Awaitable[Message]], send: Send) -> None:
        """See the ASGI specification."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if any(part in scope["path"] for part in _FORBIDDEN):
            await send({"type": "http.response.start", "status": 403, "headers": []})
            await send({"type": "http.response.body", "body": b"not here"})
            return

        async def send_with_policy(message: Message) -> None:
            if message["type"] == "http.response.start":
                extra = {
                    b"content-security-policy": _POLICY.encode(),
                    b"referrer-policy": b"no-referrer",
                    b"x-content-type-options": b"nosniff",
                }
                message["headers"] = [*message.get("headers", []), *extra.items()]
            await send(message)

        await self._app(scope, receive, send_with_policy)


def sweep(root: Path, older_than_s: float) -> None:
    """Delete files and empty folders below a folder that were not changed for a while."""
    latest = time.time() - older_than_s
    for parent, _, names in os.walk(root, topdown=False):
        for path in (*(Path(parent, name) for name in names), Path(parent)):
            # Another request may be using it.
            with suppress(OSError):
                if path != root and path.stat().st_mtime < latest:
                    path.rmdir() if path.is_dir() else path.unlink()


def forget_deleted(names: Iterable[set[str]]) -> None:
    """Remove deleted files from sets of file names.

    Gradio keeps such sets for a page, `temp_file_sets`, which would grow with every file. Its manual does not name
    them, so pyproject.toml caps Gradio below its next major version.
    """
    for some in names:
        some.difference_update([name for name in tuple(some) if not Path(name).exists()])


def _keep_clean(root: Path, page: "Blocks", kept_s: float, over: threading.Event) -> None:
    """Sweep periodically until the server ends."""
    while not over.wait(min(kept_s / 5, _SWEEP_S)):
        sweep(root, kept_s)
        forget_deleted(page.temp_file_sets)


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def serve(
    host: str = "127.0.0.1", port: int = 7860, limits: Limits | None = None, ready: Callable[[], None] = lambda: None
) -> None:
    """Serve the page until interrupted.

    Args:
        host: address to listen on; 127.0.0.1 is this machine alone.
        port: to listen on.
        limits: what to allow.
        ready: called once the page can be opened.

    Raises:
        UsageError: the port is in use, or the address is not one of this machine.
    """
    limits = limits or Limits()
    root = Path(tempfile.mkdtemp(prefix="dicface-"))
    os.environ["GRADIO_TEMP_DIR"] = str(root)
    # Gradio reads its settings when it is imported.
    from gradio.themes import Default
    from starlette.middleware import Middleware

    from dicface.web.page import STYLE, build

    # SIGTERM cleans up as Ctrl+C does.
    before = signal.signal(signal.SIGTERM, _interrupt)
    over = threading.Event()
    fonts = ("system-ui", "sans-serif")
    worker = Worker(limits.time_s, root)
    try:
        page = build(worker, root, limits.waiting)
        threading.Thread(target=_keep_clean, args=(root, page, limits.kept_s, over), daemon=True).start()
        page.launch(
            server_name=host,
            server_port=port,
            share=False,
            quiet=True,
            show_error=True,
            theme=Default(font=fonts, font_mono=("ui-monospace", "monospace")),
            css=STYLE,
            footer_links=[],
            max_file_size=f"{limits.upload_mb}mb",
            allowed_paths=[],
            ssr_mode=False,
            pwa=False,
            mcp_server=False,
            enable_monitoring=False,
            run_history=False,
            state_session_capacity=100,
            app_kwargs={"middleware": [Middleware(Guard)]},
            prevent_thread_lock=True,
        )
        ready()
        page.block_thread()
    except OSError as error:
        # Gradio's error names settings that this command does not have.
        reason = "it is taken, or no address of this machine" if "empty port" in str(error) else error
        raise UsageError(f"cannot listen on {host}:{port}: {reason}; choose another `host` or `port`") from error
    finally:
        signal.signal(signal.SIGTERM, before)
        over.set()
        worker.close()
        shutil.rmtree(root, ignore_errors=True)
