"""Many photos: how many a second by shards and by Ray, and the memory of one worker over thousands.

    python -m experiments.many_photos speed FOLDER
    python -m experiments.many_photos memory PHOTO --count 2000

`speed` restores FOLDER by one call, by two shards at once, and by one and two actors of Ray on this machine, all with
one thread a network, the default settings, and one photo at a time a process. It prints JSON: seconds of each with the
start of processes, and from the report the seconds of work a photo. `memory` sends one photo again and again through a
`RestoreBatch` at scale 1 with a box in place of detection, as a worker of an engine does with different ones, and
prints its resident memory in MB by the number of photos.
"""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Annotated, Any

import psutil
import typer

from dicface import Box, RestoreBatch

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False)


def _run(calls: list[list[str]]) -> float:
    """Seconds that calls of `restore` take that run at once."""
    start = time.perf_counter()
    running = [
        subprocess.Popen([sys.executable, "-m", "dicface", "restore", *call], stdout=subprocess.DEVNULL)
        for call in calls
    ]
    if any(process.wait() for process in running):
        raise SystemExit("a call failed")
    return round(time.perf_counter() - start, 2)


def _work_s(reports: list[Path]) -> tuple[int, float]:
    """Number of photos in some reports, and the mean time spent on one in seconds."""
    spent = [json.loads(line)["elapsed_s"] for report in reports for line in report.read_text().splitlines()]
    return len(spent), round(sum(spent) / len(spent), 3)


@app.command()
def speed(folder: Annotated[Path, typer.Argument(help="Photos; the same ones for every way.")]) -> None:
    """Restore a folder in several ways; print seconds."""
    results: dict[str, Any] = {}
    one = ["--jobs", "1", "--threads", "1", "--backend", "onnxruntime", "--quiet"]
    ways: dict[str, list[list[str]]] = {
        "one call": [[]],
        "two shards": [["--shard", "0/2"], ["--shard", "1/2"]],
        "ray, one actor": [["--engine", "ray", "--concurrency", "1"]],
        "ray, two actors": [["--engine", "ray", "--concurrency", "2"]],
    }
    for way, options in ways.items():
        with tempfile.TemporaryDirectory() as name:
            reports = [Path(name, f"{number}.jsonl") for number in range(len(options))]
            calls = [
                [str(folder), "-o", f"{name}/out", *each, *one, "--report", str(report)]
                for each, report in zip(options, reports, strict=True)
            ]
            elapsed_s = _run(calls)
            photos, work_s = _work_s(reports)
        results[way] = {"photos": photos, "elapsed_s": elapsed_s, "work_s_a_photo": work_s}
    print(json.dumps(results, indent=2))


@app.command()
def memory(
    photo: Annotated[Path, typer.Argument(help="A photo with a face; the page's example will do.")],
    box: Annotated[str, typer.Option(help="The face.")] = "43,21,64,43",
    count: Annotated[int, typer.Option(min=100, help="Number of photos.")] = 2000,
    batch: Annotated[int, typer.Option(min=1, help="Photos in a batch.")] = 16,
) -> None:
    """Restore a photo many times in one worker; print its memory."""
    left, top, right, bottom = map(float, box.split(","))
    restore = RestoreBatch(
        boxes=[Box(left, top, right, bottom)], only_boxes=True, scale=1, backend="onnxruntime"
    ).opened()
    content, process = photo.read_bytes(), psutil.Process()
    resident: dict[int, float] = {}
    done, start = 0, time.perf_counter()
    while done < count:
        made = restore({"bytes": [content] * batch, "path": [photo.name] * batch})
        if any(outcome != "done" for outcome in made["outcome"]):
            raise SystemExit(f"a photo failed: {made['error'][0]}")
        for number in range(done, done + batch):
            if number % (count // 10) == 0:
                resident[number] = round(process.memory_info().rss / 1e6, 1)
        done += batch
    resident[done] = round(process.memory_info().rss / 1e6, 1)
    print(json.dumps({"memory_mb": resident, "elapsed_s": round(time.perf_counter() - start, 1)}, indent=2))


if __name__ == "__main__":
    app()
