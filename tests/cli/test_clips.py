"""Clips on the command line."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.support.clips import frames_of, moving_face, stamps_of, write_clip
from tests.support.command import dicface
from tests.support.lanes import slow

QUICK = ("--backend", "onnxruntime", "--threads", "1")


@pytest.fixture
def clip(portrait: np.ndarray, tmp_path: Path) -> Path:
    return write_clip(tmp_path / "clip.mp4", moving_face(portrait, 4), sound=True)


@pytest.mark.slow
def test_a_clip_is_restored_and_reported(clip: Path, tmp_path: Path) -> None:
    out, report = tmp_path / "out.mp4", tmp_path / "report.json"
    result = dicface("restore", clip, "-o", out, "--report", report, *QUICK)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.startswith(f"{clip}: 1 of 1 faces restored in 4 frames, ")
    assert result.stdout.endswith(f" frames/s) -> {out}\n")
    (row,) = json.loads(report.read_text())["photos"]
    assert (row["frames"], row["tracks"][0]["restored_frames"], row["scale"]) == (4, 4, 1)
    again = dicface("restore", clip, "-o", out, "--skip-existing", *QUICK)
    assert (again.returncode, again.stdout) == (0, "skipped 1 of 1, whose results are there\n")
    other = dicface("restore", clip, "-o", out, "--skip-existing", "--crf", "30", *QUICK)
    assert other.returncode == 1
    assert "was made with other settings" in other.stderr


@pytest.mark.slow
def test_clips_among_photos(clip: Path, tmp_path: Path) -> None:
    folder = tmp_path / "album"
    folder.mkdir()
    clip.rename(folder / "clip.mp4")
    Image.new("RGB", (30, 20)).save(folder / "dark.png")
    (folder / "broken.mov").write_bytes(b"nothing")
    options = ("--start", "0.03", "--end", "0.1", "--codec", "h265")
    result = dicface("restore", folder, "-o", tmp_path / "out", *options, *QUICK)
    assert result.returncode == 1
    said = f"dicface: {folder / 'broken.mov'}: expected a clip (MP4, MOV, MKV, WebM), it cannot be read: "
    assert result.stderr.startswith(said)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["clip.mp4", "dark.png"], result.stderr
    assert len(frames_of(tmp_path / "out" / "clip.mp4")) == 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--start", "2", "--end", "1"), "expected --end after the start at 2 s, got 1"),
        (("--crf", "99"), "expected a --crf from 0 to 51 for h264, got 99"),
    ],
)
def test_wrong_options_are_refused_before_any_work(clip: Path, tmp_path: Path, options: tuple, message: str) -> None:
    result = dicface("restore", clip, "-o", tmp_path / "out.mp4", *options)
    assert (result.returncode, result.stderr) == (2, f"dicface: {message}\n")


def test_options_that_clips_do_not_have(clip: Path, tmp_path: Path) -> None:
    for options, named in ((("--box", "1,1,30,30"), "--box"), (("--uncertainty",), "--uncertainty")):
        result = dicface("restore", clip, "-o", tmp_path / "out.mp4", *options, *QUICK)
        assert result.returncode == 1
        assert f"expected no {named} for a clip" in result.stderr


def test_without_the_extra(clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dicface.images.clips.find_spec", lambda _: None)
    result = dicface("restore", clip, "-o", tmp_path / "out.mp4")
    assert (result.returncode, result.stderr) == (
        2,
        "dicface: clips need the extra video; pip install 'dicface[video]'\n",
    )


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGTERM, *slow([signal.SIGINT])])
def test_a_stopped_call_leaves_a_playable_clip(portrait: np.ndarray, tmp_path: Path, how: signal.Signals) -> None:
    count = 200
    source = write_clip(tmp_path / "long.mp4", moving_face(portrait, 8) * (count // 8))
    out = tmp_path / "out"
    command = [sys.executable, "-m", "dicface", "restore", source, "-o", out / "long.mp4", *QUICK]
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    process = subprocess.Popen([*map(str, command)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=os.environ)
    signal.signal(signal.SIGINT, before)
    try:
        while not (out.exists() and any(path.stat().st_size for path in out.iterdir())):
            assert process.poll() is None
            time.sleep(0.01)
        time.sleep(0.3)
        process.send_signal(how)
        said, _ = process.communicate(timeout=120)
    finally:
        process.kill()
    assert process.returncode == {signal.SIGTERM: 143, signal.SIGINT: 130}[how]
    assert b"stopped early: the result ends there" in said
    assert [path.name for path in out.iterdir()] == ["long.mp4"]
    assert 0 < len(stamps_of(out / "long.mp4")) < count
