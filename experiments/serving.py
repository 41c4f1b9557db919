"""A server under load: many small requests from several clients, their latencies, and its memory.

    python -m experiments.serving PHOTO --requests 1000 --clients 8

Starts `dicface serve` on a free port of this machine, uploads PHOTO once, and asks for it again and again at scale 1,
with a box in place of detection. Prints JSON: latencies in seconds (they include the wait for the other clients'
turns), requests that failed, and by the number of requests before it the resident memory of the server and its worker,
in MB.
"""

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
from typing import Annotated, Any, NamedTuple

import numpy as np
import psutil
import typer

WARM_UP, EVERY = 50, 250
"""Requests before memory is looked at for the first time, and between one time and the next."""


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


def main(
    photo: Annotated[Path, typer.Argument(help="A photo with a face; the page's example will do.")],
    box: Annotated[str, typer.Option(help="The face.")] = "43,21,64,43",
    requests: Annotated[int, typer.Option(min=1, help="Of all clients together.")] = 1000,
    clients: Annotated[int, typer.Option(min=1, help="How many at once.")] = 8,
) -> None:
    """Ask a server many things at once; print latencies and memory."""
    with running("--keep", "60") as server:
        (path,) = json.loads(uploaded(server, photo.name, photo.read_bytes())[1])
        load(server, path, box, clients, WARM_UP)  # imports, models, first pages of memory
        memory = {WARM_UP: round(memory_mb(server.pid))}
        start = time.perf_counter()
        latencies: list[float] = []
        failures: list[str] = []
        while (left := requests - len(latencies)) > 0:
            more, failed = load(server, path, box, clients, min(left, EVERY))
            latencies += more
            failures += failed
            memory[WARM_UP + len(latencies)] = round(memory_mb(server.pid))
        elapsed_s = time.perf_counter() - start
    centiles = {f"p{share}": round(float(np.percentile(latencies, share)), 3) for share in (50, 90, 99, 100)}
    result = {
        "requests": len(latencies),
        "clients": clients,
        "failed": len(failures),
        "first_failure": failures[0] if failures else None,
        "elapsed_s": round(elapsed_s, 1),
        "latency_s": centiles,
        "memory_mb": memory,
    }
    print(json.dumps(result, indent=2))
    if failures:
        raise typer.Exit(1)


if __name__ == "__main__":
    typer.run(main)
