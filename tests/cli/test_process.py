"""The command as a process: exit codes, streams and signals."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from PIL import Image

from tests.support.command import dicface_process
from tests.support.lanes import slow

ONNX_RUNTIME = ("--backend", "onnxruntime")
"""Loads fastest, for what does not depend on the backend."""


@pytest.mark.slow
def test_a_photo_is_restored_without_a_word_on_stderr(photo: Path, tmp_path: Path) -> None:
    """Below Python, too, where ONNX Runtime and the image libraries write."""
    result = dicface_process("restore", photo, "-o", tmp_path / "out.png")
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.endswith(f" -> {tmp_path / 'out.png'}\n")


def test_a_wrong_call_ends_with_2(photo: Path, tmp_path: Path) -> None:
    result = dicface_process("restore", photo, "-o", tmp_path / "out.png", "--box", "1,2,3")
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr == "dicface: expected --box X0,Y0,X1,Y1 in pixels of the photo, got '1,2,3'\n"


@pytest.mark.slow
def test_names_that_are_no_text_are_printed(photo: Path, tmp_path: Path) -> None:
    name = os.fsdecode(b"\xff\xfe.png")
    photo.rename(photo.parent / name)
    result = dicface_process("restore", name, "-o", tmp_path / "out", *ONNX_RUNTIME, cwd=photo.parent)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.startswith("\\udcff\\udcfe.png: ")
    assert (tmp_path / "out" / name).exists()


@pytest.mark.slow
def test_a_bad_batch_goes_on_and_says_what_failed(photo: Path, tmp_path: Path) -> None:
    folder = photo.parent
    whole = photo.read_bytes()
    (folder / "cut.png").write_bytes(whole[: len(whole) // 2])
    (folder / "empty.jpg").write_bytes(b"")
    (folder / "text.png").write_text("not a picture")
    (folder / "notes.txt").write_text("ignored: no image's suffix")
    (folder / "below").mkdir()
    Image.new("RGB", (30, 20)).save(folder / "below" / "dark.bmp")
    report = tmp_path / "report.json"
    result = dicface_process("restore", folder, "-o", tmp_path / "out", "--report", report, *ONNX_RUNTIME)
    assert result.returncode == 1
    lines = result.stderr.splitlines()
    assert len(lines) == 3
    assert [Path(entry["input"]).name for entry in json.loads(report.read_text())["failed"]] == [
        "cut.png",
        "empty.jpg",
        "text.png",
    ]
    assert "cut.png: the image is damaged or cut off" in lines[0]
    assert "empty.jpg: expected an image, got an empty file" in lines[1]
    assert "text.png: expected an image (JPEG, PNG, WEBP, AVIF, TIFF, BMP, GIF), got something else" in lines[2]
    written = sorted(str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*.*"))
    assert written == ["below/dark.bmp", "photo.png"]


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGTERM, *slow([signal.SIGKILL, signal.SIGINT])])
def test_a_stopped_batch_leaves_its_report(photo: Path, tmp_path: Path, how: signal.Signals) -> None:
    folder, report, count = tmp_path / "many", tmp_path / "report.json", 2000
    folder.mkdir()
    for number in range(count):
        (folder / f"{number:04}.png").hardlink_to(photo)
    command = [sys.executable, "-m", "dicface", "restore", folder, "-o", tmp_path / "out", "--report", report]
    # A process would go on ignoring SIGINT if the tests do, as everything in the background of a script does.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    process = subprocess.Popen(
        [*map(str, command), *ONNX_RUNTIME, "--box", "43,21,64,43", "--scale", "1"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    signal.signal(signal.SIGINT, before)
    try:
        while not report.exists():
            assert process.poll() is None
            time.sleep(0.002)
        process.send_signal(how)
        assert process.wait(120) == {signal.SIGKILL: -9, signal.SIGTERM: 143, signal.SIGINT: 130}[how]
    finally:
        process.kill()
        process.communicate()
    written = json.loads(report.read_text())
    assert written["complete"] is False
    assert 0 < len(written["photos"]) < count
    assert all(Path(made["output"]).exists() for made in written["photos"])
    if how is not signal.SIGKILL:
        # What was in hand was finished first.
        assert len(written["photos"]) == len(list((tmp_path / "out").iterdir()))
