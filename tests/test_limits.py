"""Limits hold: memory, many faces, a full disk, a kill in the middle of a batch."""

import contextlib
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dicface.faces.geometry import Box
from dicface.images.photo import WRITE_SUFFIXES
from dicface.restoration.restorer import Restorer
from dicface.restoration.results import Outcome

# With the browser in one process: both take much memory.
pytestmark = pytest.mark.xdist_group("memory")
LIMIT_MB = 1400
"""Memory within which a photo of 60 megapixels is restored at scale 1 (it takes about 970 MB with two threads)."""
STACK_MB = 10
"""What a thread takes of a limit, whether it uses it or not. ONNX Runtime starts one for each core."""


def within(limit_mb: int) -> Callable[[], None]:
    """Limit the memory of a process: what it may take on two cores, and the stacks of further ones."""
    limit = (limit_mb + STACK_MB * max(0, (os.cpu_count() or 1) - 2)) << 20
    return lambda: resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))


def start(*arguments: object, limit: Callable[[], None] | None = None) -> subprocess.Popen[str]:
    """The command line as a process, in ONNX Runtime, which loads fastest."""
    command = [sys.executable, "-m", "dicface", "restore", *map(str, arguments), "--backend", "onnxruntime"]
    return subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=limit,  # noqa: PLW1509 - sets a limit of the child alone, takes no lock that a thread may hold
    )


@pytest.mark.slow
def test_60_megapixels_within_the_stated_memory(tmp_path: Path, small_photo: np.ndarray) -> None:
    large = Image.linear_gradient("L").resize((9000, 6667)).convert("RGB")
    large.paste(Image.fromarray(small_photo), (4000, 3000))
    large.save(tmp_path / "large.jpg")
    box = ("--scale", 1, "--box", "4043,3021,4064,3043")
    process = start(tmp_path / "large.jpg", "-o", tmp_path / "out.jpg", *box, limit=within(LIMIT_MB))
    said, failed = process.communicate()
    assert (process.returncode, failed) == (0, "")
    # A badge on the portrait is doubtful.
    assert ": 1 of " in said
    with Image.open(tmp_path / "out.jpg") as image:
        assert image.size == (9000, 6667)


@pytest.mark.slow
def test_memory_that_runs_out_is_one_line(tmp_path: Path) -> None:
    Image.new("RGB", (9000, 6667)).save(tmp_path / "large.jpg")
    process = start(tmp_path / "large.jpg", "-o", tmp_path / "out.jpg", "--box", "10,10,40,40", limit=within(500))
    _, failed = process.communicate()
    assert process.returncode == 1
    assert failed.endswith("large.jpg: not enough memory; use a smaller --scale or shrink the photo\n")
    assert failed.count("\n") == 1
    assert list(tmp_path.iterdir()) == [tmp_path / "large.jpg"]


@pytest.mark.slow
def test_dozens_of_faces_in_one_photo(small_photo: np.ndarray) -> None:
    """Each is made as if it were alone, whatever batches they go through the network in."""
    one = np.ascontiguousarray(small_photo[:64, 20:84])
    boxes = [Box(23 + left, 21 + top, 44 + left, 43 + top) for top in range(0, 384, 64) for left in range(0, 384, 64)]
    restorer = Restorer(backend="onnxruntime")
    restoration = restorer.restore(np.tile(one, (6, 6, 1)), scale=2, boxes=boxes, only_boxes=True, passes=1)
    alone = restorer.restore(one, scale=2, boxes=boxes[:1], only_boxes=True, passes=1)
    assert [face.outcome for face in restoration.faces] == [Outcome.RESTORED] * 36
    # Less the edges, which other faces' neighbours reach into.
    inner = restoration.image.reshape(6, 128, 6, 128, 3)[:, 20:100, :, 20:100]
    assert np.abs(inner.astype(int) - alone.image[20:100, 20:100][None, :, None]).max() <= 2


@pytest.mark.parametrize("suffix", WRITE_SUFFIXES)
def test_a_disk_that_fills_up_leaves_nothing(tmp_path: Path, suffix: str) -> None:
    """The kernel refuses to make a file longer than 3000 bytes, in the middle of writing it."""
    from dicface.errors import OutputError
    from dicface.images.photo import Photo, write_photo

    noise = np.random.default_rng(0).integers(0, 256, (200, 200, 3), dtype=np.uint8)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    old = tmp_path / f"old{suffix}"
    old.write_bytes(b"precious")
    resource.setrlimit(resource.RLIMIT_FSIZE, (3000, before[1]))
    try:
        for name in (old.name, f"new{suffix}"):
            with pytest.raises(OutputError, match=r"could not (write|encode) '.*'.*; (choose another|try another)"):
                write_photo(tmp_path / name, Photo(noise))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert list(tmp_path.iterdir()) == [old]
    assert old.read_bytes() == b"precious"


@pytest.mark.slow
def test_a_kill_in_the_middle_loses_nothing_that_was_finished(tmp_path: Path, small_photo: np.ndarray) -> None:
    photos, out = tmp_path / "in", tmp_path / "out"
    photos.mkdir()
    for number in range(8):
        Image.fromarray(small_photo).save(photos / f"{number:02}.png")
    arguments = (photos, "-o", out, "--box", "43,21,64,43", "--scale", 8)
    process = start(*arguments)
    patience = time.monotonic() + 60
    while time.monotonic() < patience and not list(out.glob("[!.]*")) and process.poll() is None:
        time.sleep(0.005)
    with contextlib.suppress(ProcessLookupError):
        os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    finished = {path: path.read_bytes() for path in out.glob("[!.]*.png")}
    assert 1 <= len(finished) < 8
    for path in finished:
        with Image.open(path) as image:
            image.load()
            assert image.size == (968, 968)
    process = start(*arguments)
    _, failed = process.communicate()
    assert process.returncode == 1
    assert failed.count("exists; add --overwrite to replace it") == failed.count("\n") == len(finished)
    assert len(list(out.glob("[!.]*.png"))) == 8
    assert all(path.read_bytes() == content for path, content in finished.items())
