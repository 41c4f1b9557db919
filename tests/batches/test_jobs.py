"""Batches: order, failures, and how much is in hand at a time."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

from dicface.batches.jobs import AlreadyDone, Failure, run_jobs
from dicface.errors import ImageError, OutputError
from dicface.images.inputs import Job


def jobs(count: int) -> list[Job]:
    return [Job(Path(f"in/{number}.png"), Path(f"out/{number}.png")) for number in range(count)]


def test_results_come_in_order_though_the_first_is_slowest() -> None:
    def work(job: Job) -> str:
        time.sleep(0.1 if job.source.stem == "0" else 0)
        if job.source.stem == "3":
            raise ImageError("broken")
        if job.source.stem == "5":
            raise ZeroDivisionError("of a library")
        return job.source.stem

    results = [result for _, result in run_jobs(jobs(8), work, overwrite=False, workers=3)]
    assert [r for r in results if not isinstance(r, Failure)] == ["0", "1", "2", "4", "6", "7"]
    assert isinstance(results[3], Failure)
    assert isinstance(results[5], Failure)
    assert str(results[5].error) == "ZeroDivisionError: of a library"
    assert str(results[3].error) == "broken"


def test_jobs_overlap_and_no_more_are_started_than_said() -> None:
    # Ends only if three are at work at once.
    meeting = threading.Barrier(3, timeout=20)
    started: list[str] = []

    def work(job: Job) -> str:
        started.append(job.source.stem)
        meeting.wait()
        return job.source.stem

    running = run_jobs(jobs(30), work, overwrite=False, workers=3)
    next(running)
    assert len(started) <= 7
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


def test_what_is_there_is_skipped_also_if_it_appears_meanwhile(tmp_path: Path) -> None:
    """Another call may write a result while this one works on it."""
    there = [Job(Path(f"{number}.png"), tmp_path / f"{number}.png", alone=True) for number in range(4)]
    there[0].target.touch()

    def work(job: Job) -> str:
        if job is there[1]:
            job.target.touch()
            raise OutputError("exists")
        if job is there[2]:
            raise ImageError("broken")
        return "done"

    def is_done(job: Job) -> bool:
        return job.target.exists()

    came = [result for _, result in run_jobs(there, work, overwrite=False, is_done=is_done)]
    assert came[:2] == [AlreadyDone(Path("0.png")), AlreadyDone(Path("1.png"))]
    assert isinstance(came[2], Failure)
    assert came[3] == "done"


def test_inputs_are_not_replaced_and_jobs_are_taken_one_by_one(tmp_path: Path) -> None:
    taken: list[int] = []

    def listed() -> Iterator[Job]:
        for number in range(100):
            taken.append(number)
            yield Job(Path(f"{number}.png"), tmp_path / f"{number}.png", alone=True)

    running = run_jobs(listed(), lambda _: "done", overwrite=True, inputs={tmp_path / "0.png"})
    _, first = next(running)
    assert isinstance(first, Failure)
    assert "would replace an input" in str(first.error)
    assert len(taken) <= 4
    running.close()
