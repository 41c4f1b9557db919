"""The web server: local by default, with limits, and without keeping files."""

import shutil
import signal
import socket
import tempfile
import threading
import webbrowser
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from dicface.errors import UsageError
from dicface.web.album import Album, sweep
from dicface.web.networks import NO_NETWORKS, AddedNetworks, BackgroundWait, open_networks
from dicface.web.worker import Worker

# Longest delay of a file's deletion in seconds.
_SWEEP_S = 5
_BACKLOG = 128
# Seconds that requests may take to finish after the server was told to end.
_GRACE_S = 2
# Longest time in seconds that loading the operator's networks may take.
_LOADING_S = 600


class Limits(NamedTuple):
    """Limits of the server.

    Attributes:
        upload_mb: largest size of an upload in megabytes.
        waiting: length of the queue.
        time_s: longest time of a request in seconds.
        kept_s: time in seconds after which files are deleted.
    """

    upload_mb: int = 128
    waiting: int = 16
    time_s: float = 120
    kept_s: float = 900


def _keep_clean(root: Path, kept_s: float, over: threading.Event) -> None:
    """Sweep periodically until the server ends."""
    while not over.wait(min(kept_s / 5, _SWEEP_S)):
        sweep(root, kept_s)


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def _listen(host: str, port: int) -> socket.socket:
    """Take the port.

    Raises:
        UsageError: it is in use, or the address is not one of this machine.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        return socket.create_server(address[:2], family=family, backlog=_BACKLOG)
    except OSError as error:
        raise UsageError(
            f"cannot listen on {host}:{port}: it is taken, or no address of this machine; "
            "choose another `host` or `port`"
        ) from error


def _open_networks(worker: Worker, networks: AddedNetworks, limit_s: float) -> BackgroundWait | None:
    """Load the operator's networks in the worker's process; how long that for the background takes, if there is one."""
    if networks.large_faces is None and networks.background is None:
        return None
    worker.limit_s = max(limit_s, _LOADING_S)
    s_per_megapixel = worker(open_networks, networks)
    worker.limit_s = limit_s
    return None if s_per_megapixel is None else BackgroundWait(s_per_megapixel, limit_s)


def check_root_path(root_path: str) -> str:
    """A prefix without a slash at its end; empty for none.

    Raises:
        UsageError: it does not begin with a slash, or holds characters that addresses do not.

    >>> check_root_path("/faces/")
    '/faces'
    """
    prefix = root_path.rstrip("/")
    known = prefix.replace("/", "").replace("-", "").replace("_", "").replace(".", "").replace("~", "")
    if prefix and not (prefix.startswith("/") and known.isalnum() and known.isascii()):
        raise UsageError(f"expected a `root_path` such as /faces, got {root_path!r}")
    return prefix


def serve(
    host: str = "127.0.0.1",
    port: int = 7860,
    limits: Limits | None = None,
    *,
    root_path: str = "",
    networks: AddedNetworks = NO_NETWORKS,
    open_browser: bool = False,
    ready: Callable[[], None] = lambda: None,
) -> None:
    """Serve the page until interrupted.

    Args:
        host: address to listen on; 127.0.0.1 is this machine alone.
        port: to listen on.
        limits: what to allow.
        root_path: prefix under which a proxy serves the page, such as /faces.
        networks: networks beside the face models, which visitors can switch on. They are loaded before the port is
            opened.
        open_browser: open the page in this machine's browser.
        ready: called once the page can be opened.

    Raises:
        UsageError: the port is in use, the address is not one of this machine, a prefix that is none, or a network's
            file that does not exist.
        CheckpointError: a network of another kind.
    """
    # Takes a moment, which other commands would wait for.
    import uvicorn

    from dicface.web.app import make_app
    from dicface.web.desk import Desk

    limits, root_path = limits or Limits(), check_root_path(root_path)
    root = Path(tempfile.mkdtemp(prefix="dicface-"))
    # SIGTERM cleans up as Ctrl+C does.
    before = signal.signal(signal.SIGTERM, _interrupt)
    over = threading.Event()
    worker = Worker(limits.time_s, root)

    def started() -> None:
        ready()
        if open_browser:
            shown_host = "127.0.0.1" if host in ("0.0.0.0", "::") else host
            threading.Thread(target=webbrowser.open, args=(f"http://{shown_host}:{port}/",), daemon=True).start()

    try:
        wait = _open_networks(worker, networks, limits.time_s)
        app = make_app(
            Album(root),
            Desk(worker, limits.waiting),
            upload_mb=limits.upload_mb,
            root_path=root_path,
            networks=networks,
            wait=wait,
            started=started,
        )
        settings = uvicorn.Config(
            app,
            log_level="warning",
            access_log=False,
            server_header=False,
            ws="none",
            timeout_graceful_shutdown=_GRACE_S,
        )
        with _listen(host, port) as listening:
            threading.Thread(target=_keep_clean, args=(root, limits.kept_s, over), daemon=True).start()
            uvicorn.Server(settings).run(sockets=[listening])
    finally:
        signal.signal(signal.SIGTERM, before)
        over.set()
        worker.close()
        shutil.rmtree(root, ignore_errors=True)
