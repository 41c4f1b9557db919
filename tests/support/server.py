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
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

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
def running(
    *options: str, temporary: Path | None = None, environment: Mapping[str, str] | None = None
) -> Iterator[Server]:
    """`dicface serve` on a free port, ended politely; with a folder for temporary files, and further variables."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "dicface", "serve", "--port", str(port), *options]
    variables = {**os.environ, **(environment or {})}
    if temporary is not None:
        variables["TMPDIR"] = str(temporary)
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, env=variables)
    server = Server(f"http://127.0.0.1:{port}", process.pid)
    patience = time.monotonic() + 120
    try:
        while status(f"{server.url}/healthz")[0] != 200:
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


def uploaded(server: Server, name: str, content: bytes) -> tuple[int, Any]:
    """Upload a photo; the reply's JSON has its id."""
    code, body = status(f"{server.url}/photos?name={quote(name)}", content)
    return code, json.loads(body) if body else None


def asked(server: Server, content: bytes, box: str) -> tuple[int, Any]:
    """Restore a photo at scale 1, with a box in place of detection; the reply's JSON is the report."""
    query = f"scale=1&only_boxes=true&box={box}"
    code, body = status(f"{server.url}/restore?{query}", content, {"Accept": "application/json"})
    return code, json.loads(body) if body else None


def worker_of(pid: int) -> psutil.Process:
    """The process that does a server's work."""
    alive = (child for child in psutil.Process(pid).children() if child.status() != psutil.STATUS_ZOMBIE)
    (worker,) = (child for child in alive if "spawn_main" in " ".join(child.cmdline()))
    return worker


def memory_mb(pid: int) -> float:
    """Resident memory of a process and all that it started."""
    process = psutil.Process(pid)
    return sum(each.memory_info().rss for each in [process, *process.children(recursive=True)]) / 2**20


def load(server: Server, content: bytes, box: str, clients: int, requests: int) -> tuple[list[float], list[str]]:
    """Latencies in seconds, and what was said where no face was restored.

    Args:
        server: whom to ask.
        content: the bytes of a photo.
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
            code, report = asked(server, content, box)
            latencies.append(time.perf_counter() - start)
            if code != 200 or not report["sentence"].startswith("1 of 1 faces restored"):
                failures.append(f"{code}: {report}")

    threads = [threading.Thread(target=client) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return latencies, failures
