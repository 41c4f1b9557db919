"""The report of a batch: on disk before the batch is over."""

import json
import threading
from pathlib import Path
from typing import Any

import pytest

from dicface.batches.jobs import Failure
from dicface.batches.report import BatchReport
from dicface.errors import ImageError, OutputError
from dicface.images.inputs import Job

JOBS = [Job(Path(f"{number}.png"), Path("out", f"{number}.png")) for number in range(3)]


def wait_for(path: Path, photos: int) -> dict[str, object]:
    """What is in the report once it has so many photos."""
    for _ in range(20_000):
        if path.exists() and len(json.loads(path.read_text())["photos"]) == photos:
            return json.loads(path.read_text())
        threading.Event().wait(0.001)
    raise AssertionError("the report was not written in time")


def photo(name: str) -> dict[str, Any]:
    return {"input": name, "stages_s": {}}


def test_it_is_written_as_photos_are_finished(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    with BatchReport(path, {"scale": 4}, every_s=0.001) as report:
        list(report.in_order_of(JOBS))
        report.add(JOBS[2], photo("2.png"))
        assert wait_for(path, 1) == {
            "scale": 4,
            "complete": False,
            "photos": [photo("2.png")],
            "failed": [],
            "skipped": [],
        }
        report.add_failure(Failure(JOBS[1].source, ImageError("broken")))
        report.add_skipped(Job(Path("3.png"), Path("out/3.png")))
        report.add(JOBS[0], photo("0.png"))
        assert wait_for(path, 2)["photos"] == [photo("0.png"), photo("2.png")]
    assert json.loads(path.read_text()) == {
        "scale": 4,
        "photos": [photo("0.png"), photo("2.png")],
        "failed": [{"input": "1.png", "error": "broken"}],
        "skipped": [{"input": "3.png", "output": "out/3.png"}],
    }
    assert list(tmp_path.iterdir()) == [path]


def test_every_result_stands_once(tmp_path: Path) -> None:
    """Of a photo that is restored twice, and of two inputs of which only the first may take the name."""
    again = JOBS[0]._replace(target=Path("out", "again.png"))
    with BatchReport(tmp_path / "r.json", {}) as report:
        list(report.in_order_of([JOBS[0], JOBS[1], again, JOBS[1]]))
        report.add(again, photo("again.png"))
        report.add(JOBS[1], photo("1.png"))
        report.add(JOBS[0], photo("0.png"))
    assert [of["input"] for of in report.photos] == ["0.png", "1.png", "again.png"]


def test_an_interrupted_batch_says_so(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    report = BatchReport(path, {})
    report.add(JOBS[0], photo("0.png"))
    with pytest.raises(KeyboardInterrupt), report:
        raise KeyboardInterrupt
    assert json.loads(path.read_text()) == {"complete": False, "photos": [photo("0.png")], "failed": [], "skipped": []}


def test_a_report_that_cannot_be_written_is_said_in_the_end(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    report = BatchReport(tmp_path / "file" / "r.json", {}, 0.001)
    report.add(JOBS[0], photo("0.png"))
    with pytest.raises(OutputError, match="could not write"), report:
        threading.Event().wait(0.02)


def test_without_a_path_nothing_is_written_or_kept_but_times(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with BatchReport(None, {}) as report:
        report.add(JOBS[1], {"input": "1.png", "stages_s": {"read": 1.0, "write": 0.5}})
        report.add(JOBS[0], {"input": "0.png", "stages_s": {"read": 2.0}})
    assert report.photos == []
    assert report.spent_s == {"read": 3.0, "write": 0.5}
    assert list(tmp_path.iterdir()) == []
