"""`dicface serve` as a process, and requests to it."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import psutil


class Server(NamedTuple):
    """One that runs.

    Attributes:
        url: without a slash at its end.
        pid: of its process.
    """

    url: str
    pid: int


@contextmanager
def running(*options: str, temporary: Path | None = None) -> Iterator[Server]:
    """`dicface serve` on a free port, ended politely."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "dicface", "serve", "--port", str(port), *options]
    environment = os.environ if temporary is None else os.environ | {"TMPDIR": str(temporary)}
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, env=environment)
    server = Server(f"http://127.0.0.1:{port}", process.pid)
    patience = time.monotonic() + 120
    try:
        while status(server.url)[0] != 200:
            if time.monotonic() > patience or process.poll() is not None:
                raise SystemExit("the server did not start")
            time.sleep(0.2)
        yield server
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def status(url: str, data: bytes | None = None, headers: dict[str, str] | None = None) -> tuple[int, bytes]:
    """Status and body of a reply; 0 if there is none."""
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data, headers or {}), timeout=120) as reply:
            return reply.status, reply.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()
    except OSError:
        return 0, b""


def uploaded(server: Server, name: str, content: bytes) -> tuple[int, bytes]:
    """Upload a file; the reply's body is a JSON list with its path on the server."""
    head = f'--limit\r\nContent-Disposition: form-data; name="files"; filename="{name}"\r\n\r\n'
    body = head.encode() + content + b"\r\n--limit--\r\n"
    return status(f"{server.url}/gradio_api/upload", body, {"Content-Type": "multipart/form-data; boundary=limit"})


def asked(server: Server, file: dict[str, Any], box: str) -> str:
    """What the server says to a request for a restoration at scale 1."""
    body = json.dumps({"data": [file, "lite", 1, box]}).encode()
    code, reply = status(f"{server.url}/gradio_api/call/restore", body, {"Content-Type": "application/json"})
    if code != 200:
        return f"status {code}: {reply.decode()}"
    return status(f"{server.url}/gradio_api/call/restore/{json.loads(reply)['event_id']}")[1].decode()


def worker_of(pid: int) -> psutil.Process:
    """The process that does a server's work."""
    alive = (child for child in psutil.Process(pid).children() if child.status() != psutil.STATUS_ZOMBIE)
    (worker,) = (child for child in alive if "spawn_main" in " ".join(child.cmdline()))
    return worker


def memory_mb(pid: int) -> float:
    """Resident memory of a process and all that it started."""
    process = psutil.Process(pid)
    return sum(each.memory_info().rss for each in [process, *process.children(recursive=True)]) / 2**20


def load(server: Server, path: str, box: str, clients: int, requests: int) -> tuple[list[float], list[str]]:
    """Latencies in seconds, and what was said where no face was restored.

    Args:
        server: whom to ask.
        path: of an uploaded photo.
        box: a face in it.
        clients: how many at once.
        requests: of all clients together.
    """
    latencies: list[float] = []
    failures: list[str] = []
    left = iter(range(requests))

    def client() -> None:
        for _ in left:
            start = time.perf_counter()
            said = asked(server, {"path": path, "meta": {"_type": "gradio.FileData"}}, box)
            latencies.append(time.perf_counter() - start)
            if "1 of 1 faces restored" not in said:
                failures.append(said)

    threads = [threading.Thread(target=client) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return latencies, failures
