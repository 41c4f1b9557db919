"""What commands say never stops them, and can be read by people and by machines."""

import io
import json
import os
import re
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from rich.console import Console
from rich.progress import Progress

from dicface.batches.jobs import Failure
from dicface.cli import messages
from dicface.cli.messages import Messages, progress_bar
from dicface.errors import ImageError
from dicface.images.inputs import Job
from tests.support.command import PLAIN, dicface


@pytest.mark.parametrize("encoding", ["cp1252", pytest.param("cp437", marks=pytest.mark.slow)])
def test_names_beyond_the_consoles_letters_are_escaped(tmp_path: Path, encoding: str) -> None:
    """All of a batch is done, and every line is there."""
    for name in ("01 写真", "02", "03 ß"):
        Image.new("RGB", (20, 20)).save(tmp_path / f"{name}.png")
    (tmp_path / "04 写真.png").write_text("not a picture")
    command = [sys.executable, "-m", "dicface", "restore", tmp_path, "-o", tmp_path / "out", "--detector", "dlib-fast"]
    environment = os.environ | PLAIN | {"PYTHONIOENCODING": encoding}
    result = subprocess.run(command, capture_output=True, check=False, env=environment)
    assert result.returncode == 1
    lines = result.stdout.decode(encoding).splitlines()
    assert [line.count("no face found") for line in lines] == [1, 1, 1]
    assert "01 \\u5199\\u771f.png" in lines[0]
    assert "03 ß.png" in lines[2]
    (said,) = result.stderr.decode(encoding).splitlines()
    assert "04 \\u5199\\u771f.png: expected an image" in said
    assert len(list((tmp_path / "out").iterdir())) == 3


@pytest.mark.slow
def test_prepare_goes_on_as_well(tmp_path: Path) -> None:
    Image.new("RGB", (20, 20)).save(tmp_path / "a.png")
    command = [sys.executable, "-m", "dicface", "prepare", "写真.jpg", "a.png", "-o", "データ.parquet", "--jobs", "1"]
    environment = os.environ | PLAIN | {"PYTHONIOENCODING": "cp1252"}
    result = subprocess.run(command, capture_output=True, check=False, env=environment, cwd=tmp_path)
    assert result.returncode == 1
    assert b"Traceback" not in result.stderr
    assert result.stderr.decode("cp1252").splitlines()[0] == (
        "dicface: \\u5199\\u771f.jpg: expected an image file, found nothing of that name"
    )
    assert b"\\u30c7\\u30fc\\u30bf.skipped.csv" in result.stdout


@pytest.mark.parametrize("way", ["closed", "full"])
def test_a_stream_that_cannot_be_written_stops_nothing(way: str) -> None:
    if way == "full" and not Path("/dev/full").exists():
        pytest.skip("this system has no full device")
    script = (
        "import sys\nfrom dicface.cli.messages import Messages\nsaid = Messages()\n"
        "for number in range(3):\n    said.done('a' * 9000)\n    said.failed('b')\n"
    )
    reader, writer = os.pipe()
    os.close(reader)
    if way == "full":
        os.close(writer)
        writer = os.open("/dev/full", os.O_WRONLY)
    result = subprocess.run([sys.executable, "-c", script], stdout=writer, stderr=subprocess.PIPE, check=False)
    os.close(writer)
    assert (result.returncode, result.stderr.decode()) == (0, "dicface: b\n" * 3)


def test_quiet_says_what_failed_alone(photo: Path, tmp_path: Path) -> None:
    (photo.parent / "text.png").write_text("not a picture")
    result = dicface("restore", photo.parent, "-o", tmp_path / "out", "--quiet", "--box", "43,21,64,43")
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.startswith("dicface: ")
    assert result.stderr.count("\n") == 1
    assert (tmp_path / "out" / "photo.png").exists()


def test_machines_are_told_in_json(photo: Path, tmp_path: Path) -> None:
    (photo.parent / "text.png").write_text("not a picture")
    result = dicface("restore", photo.parent, "-o", tmp_path / "out", "--log-json", "--box", "43,21,64,43")
    assert (result.returncode, result.stdout) == (1, "")
    done, failed = map(json.loads, result.stderr.splitlines())
    assert (done["level"], done["event"], done["faces"]) == ("info", "done", 1)
    assert (done["input"], done["output"]) == (str(photo), str(tmp_path / "out" / "photo.png"))
    assert done["elapsed_s"] > 0
    assert (failed["level"], failed["event"]) == ("error", "failed")
    assert failed["error"].startswith("expected an image")
    result = dicface("restore", photo, "-o", tmp_path / "out.xyz", "--log-json")
    assert result.returncode == 2
    (stopped,) = map(json.loads, result.stderr.splitlines())
    assert (stopped["level"], stopped["event"]) == ("error", "stopped")


def test_a_terminal_shows_rate_and_time_left(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = io.StringIO()
    monkeypatch.setattr(messages, "errors", Console(file=shown, force_terminal=True, width=100))
    clock = iter(range(1000))
    progress = Progress.__init__

    def timed(self: Progress, *columns: Any, **options: Any) -> None:
        progress(self, *columns, get_time=lambda: float(next(clock)), **options)

    monkeypatch.setattr(Progress, "__init__", timed)
    with progress_bar("photos", 10) as advance:
        for _ in range(4):
            advance(1)
    assert "photos" in shown.getvalue()
    assert "4/10" in shown.getvalue()
    assert "1.0/s" in shown.getvalue()
    assert "0:00" in shown.getvalue()
    # What is counted beside the work has a total once it is known.
    with progress_bar("crops", lambda: 7) as advance:
        for thread in threading.enumerate():
            if thread.name == "count":
                thread.join(20)
        for _ in range(2):
            advance(1)
    assert "2/7" in shown.getvalue()
    shown.truncate(0)
    with Messages(quiet=True).progress("photos", 10) as advance:
        advance(1)
    assert "1/10" not in shown.getvalue()


def test_a_clip_has_a_line_with_frames_rate_and_time_left(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = io.StringIO()
    monkeypatch.setattr(messages, "errors", Console(file=shown, force_terminal=True, width=100))
    clock = iter(range(1000))
    progress = Progress.__init__

    def timed(self: Progress, *columns: Any, **options: Any) -> None:
        progress(self, *columns, get_time=lambda: next(clock) / 100, **options)

    monkeypatch.setattr(Progress, "__init__", timed)
    said = Messages()
    with said.progress("photos and clips", 1):
        with said.part("a [walk].mp4") as frames:
            for done in range(1, 5):
                frames(done, 40)
            assert said._progress is not None
            said._progress.refresh()
        assert "a [walk].mp4" in shown.getvalue()
        assert "4/40" in shown.getvalue()
        assert re.search(r"4/40.* \d+\.\d/s.* 0:00:0\d", re.sub(r"\x1b\[[^m]*m", "", shown.getvalue()))
        # A file that does not say its length has no time left.
        with said.part("b.mkv") as frames:
            frames(3, None)
            said._progress.refresh()
        assert "3/?" in shown.getvalue()


def test_what_was_in_hand_is_said(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Photos that are finished after SIGTERM or Ctrl-C."""
    import threading

    from dicface.cli.terminal import Line, run

    started, in_hand, go_on = threading.Event(), threading.Event(), threading.Event()
    jobs = [Job(Path(f"{number}.png"), Path(f"out/{number}.png")) for number in range(9)]

    def work(job: Job) -> Line:
        if job is jobs[0]:
            return Line("first")
        if job is jobs[1]:
            started.set()
            go_on.wait(20)
            raise ImageError("damaged")
        in_hand.set()
        started.wait(20)
        return Line(f"{job.source.stem} in hand")

    def interrupted(text: str, event: str = "done", **_: object) -> None:
        sys.stdout.write(f"{text}\n")
        if text == "first":
            started.wait(20)
            in_hand.wait(20)
            go_on.set()
            raise SystemExit(143)

    said = Messages()
    monkeypatch.setattr(said, "done", interrupted)
    failures: list[Failure] = []
    with pytest.raises(SystemExit):
        run(jobs, work, messages=said, name=str, what="photos", overwrite=False, workers=2, failed=failures.append)
    written = capsys.readouterr()
    assert "dicface: 1.png: damaged\n" in written.err
    assert [failure.source.name for failure in failures] == ["1.png"]
    finished = written.out.splitlines()
    assert finished[:2] == ["first", "2 in hand"]
    assert len(finished) < len(jobs)
