"""Batches: order, failures, and how much is in hand at a time."""

import threading
import time
from pathlib import Path

from dicface.batches.jobs import Failure, run_jobs
from dicface.errors import ImageError
from dicface.images.inputs import Job


def jobs(count: int) -> list[Job]:
    return [Job(Path(f"in/{number}.png"), Path(f"out/{number}.png")) for number in range(count)]


def test_results_come_in_order_though_the_first_is_slowest() -> None:
    def work(job: Job) -> str:
        time.sleep(0.1 if job.source.stem == "0" else 0)
        if job.source.stem == "3":
            raise ImageError("broken")
        return job.source.stem

    results = [result for _, result in run_jobs(jobs(8), work, overwrite=False, workers=3)]
    assert [r for r in results if not isinstance(r, Failure)] == ["0", "1", "2", "4", "5", "6", "7"]
    assert isinstance(results[3], Failure)
    assert str(results[3].error) == "broken"


def test_jobs_overlap_and_no_more_are_begun_than_said() -> None:
    # Ends only if three are at work at once.
    meeting = threading.Barrier(3, timeout=20)
    begun: list[str] = []

    def work(job: Job) -> str:
        begun.append(job.source.stem)
        meeting.wait()
        return job.source.stem

    running = run_jobs(jobs(30), work, overwrite=False, workers=3)
    next(running)
    assert len(begun) <= 7
    assert len(list(running)) == 29


def test_two_jobs_for_one_name_are_told_apart_by_order(tmp_path: Path) -> None:
    one = tmp_path / "one.png"

    def work(job: Job) -> str:
        if job.source.stem == "a":
            raise ImageError("broken")
        time.sleep(0.05)
        return job.source.stem

    several = [Job(Path("a.png"), one), Job(Path("b.png"), one), Job(Path("c.png"), one)]
    first, second, third = (result for _, result in run_jobs(several, work, overwrite=True, workers=3))
    assert isinstance(first, Failure)
    assert second == "b"
    assert isinstance(third, Failure)
    assert "another input of this call was already written to" in str(third.error)
