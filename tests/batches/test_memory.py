"""The memory of a worker of an engine, over a hundred photos."""

import json
import subprocess
import sys

import pytest

WORKER = """
import io, json, sys
import numpy, psutil
from PIL import Image
from dicface import Box, RestoreBatch

batch = RestoreBatch(boxes=[Box(8, 8, 24, 24)], only_boxes=True, scale=1, passes=1, backend="onnxruntime")
random, resident = numpy.random.default_rng(0), []

def noise():
    file = io.BytesIO()
    Image.fromarray(random.integers(0, 256, (128, 128, 3), dtype=numpy.uint8)).save(file, "PNG", compress_level=0)
    return file.getvalue()

for _ in range(int(sys.argv[1])):
    made = batch({"bytes": [noise() for _ in range(8)], "path": ["a.png"] * 8})
    assert made["outcome"] == ["done"] * 8, made["error"]
    assert min(map(len, made["bytes"])) > 40_000
    resident.append(psutil.Process().memory_info().rss / 1e6)
print(json.dumps(resident))
"""
"""Each photo is another one, and neither it nor its result shrinks by compression: 50 kB each."""
BATCHES = 14
MAX_GROWTH_MB = 2.0


@pytest.mark.slow
def test_a_worker_keeps_nothing_of_its_photos() -> None:
    """112 photos with the network. After 32 of them, what was kept of the others would be 4 MB or more."""
    call = [sys.executable, "-c", WORKER, str(BATCHES)]
    worker = subprocess.run(call, capture_output=True, text=True, check=True)
    resident_mb = json.loads(worker.stdout)
    assert resident_mb[-1] - resident_mb[3] < MAX_GROWTH_MB, resident_mb
