"""A server under load: many small requests from several clients, their latencies, and its memory.

    python -m experiments.serving PHOTO --requests 1000 --clients 8

Starts `dicface serve` on a free port of this machine, and sends PHOTO to `POST /restore` again and again, at scale 1
and with a box in place of detection. Prints JSON: latencies in seconds (they include the wait for the other clients'
turns), requests that failed, and by the number of requests before it the resident memory of the server and its worker,
in MB.
"""

import json
import time
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from tests.support.server import load, memory_mb, running

WARM_UP, EVERY = 50, 250
"""Number of requests before the first measurement of memory, and between two measurements."""


def main(
    photo: Annotated[Path, typer.Argument(help="A photo with a face; the page's example will do.")],
    box: Annotated[str, typer.Option(help="The face.")] = "43,21,64,43",
    requests: Annotated[int, typer.Option(min=1, help="Of all clients together.")] = 1000,
    clients: Annotated[int, typer.Option(min=1, help="How many at once.")] = 8,
) -> None:
    """Ask a server many things at once; print latencies and memory."""
    with running("--keep", "60") as server:
        content = photo.read_bytes()
        load(server, content, box, clients, WARM_UP)  # imports, models, first pages of memory
        memory = {WARM_UP: round(memory_mb(server.pid))}
        start = time.perf_counter()
        latencies: list[float] = []
        failures: list[str] = []
        while (left := requests - len(latencies)) > 0:
            more, failed = load(server, content, box, clients, min(left, EVERY))
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
