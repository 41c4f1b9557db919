"""Batches: order, failures, and how much is in hand at a time."""

import threading
import time
from pathlib import Path

from dicface.errors import ImageError
from dicface.images.inputs import Job, list_jobs, split_finished
from dicface.restoration.batch import Failure, run_jobs
from dicface.restoration.memory import PixelBudget


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


def test_a_folder_may_have_a_dot(tmp_path: Path) -> None:
    """One that is there, or one for several results."""
    out, one, other = tmp_path / "out.v2", tmp_path / "one.png", tmp_path / "other.png"
    assert list_jobs([one, other], out) == [Job(one, out / "one.png"), Job(other, out / "other.png")]
    out.mkdir()
    assert list_jobs([one], out) == [Job(one, out / "one.png")]


def test_what_is_finished_is_left_out_and_nothing_else(tmp_path: Path) -> None:
    done, folder, absent = tmp_path / "done.png", tmp_path / "folder.png", tmp_path / "absent.png"
    done.touch()
    folder.mkdir()
    left = [
        Job(Path("b.png"), done),
        Job(Path("c.png"), folder),
        Job(Path("d.png"), absent),
        Job(Path("e.png"), tmp_path / "e.png", beside=(done,)),
        Job(Path("f"), tmp_path, "found no image"),
    ]
    finished = Job(Path("a.png"), done)
    assert split_finished([finished, *left]) == (left, [finished])


def test_what_would_be_refused_is_not_finished(tmp_path: Path) -> None:
    photo, other = tmp_path / "photo.png", Job(tmp_path / "other.png", tmp_path / "photo.png")
    photo.touch()
    assert split_finished([other, Job(photo, photo)]) == ([other, Job(photo, photo)], [])


def test_a_large_picture_is_alone() -> None:
    budget = PixelBudget(10)
    inside: list[float] = []
    together: list[float] = []

    def use(megapixels: float) -> None:
        with budget.share(megapixels):
            inside.append(megapixels)
            together.append(sum(inside))
            time.sleep(0.01)
            inside.remove(megapixels)

    threads = [threading.Thread(target=use, args=(megapixels,)) for megapixels in (4, 4, 4, 50, 4, 50, 4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(together) == 7
    assert max(total for total in together if total < 50) <= 10
    assert all(total in (4, 8, 50) for total in together)
