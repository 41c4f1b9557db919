"""Claims: no two processes have one job, and a process that dies leaves none behind."""

import multiprocessing
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from dicface.batches.claims import LOCK_FILE, FolderClaims
from dicface.images.inputs import Job

SPAWN = multiprocessing.get_context("spawn")


def job(folder: Path, number: int) -> Job:
    return Job(Path(f"{number}.png"), folder / f"{number}.png", alone=True)


def hold(folder: Path, number: int, pipe: Any) -> None:
    """Claim a job in another process until told to let it go."""
    with FolderClaims(folder) as claims:
        pipe.send(claims.take(job(folder, number)))
        pipe.recv()
        claims.release(job(folder, number))
        pipe.send("released")
        pipe.recv()


@pytest.mark.parametrize("killed", [False, True])
def test_a_job_of_another_process_comes_when_it_is_free(tmp_path: Path, killed: bool) -> None:
    here, there = SPAWN.Pipe()
    other = SPAWN.Process(target=hold, args=(tmp_path, 0, there))
    other.start()
    assert here.recv() is True
    with FolderClaims(tmp_path) as claims:
        turns = claims.in_turn(job(tmp_path, number) for number in range(4))
        assert next(turns).source.stem == "1"
        if killed:
            os.kill(other.pid or 0, signal.SIGKILL)
            other.join()
        else:
            here.send("release")
            assert here.recv() == "released"
        assert [each.source.stem for each in turns] == ["0", "2", "3"]
        assert (tmp_path / LOCK_FILE).exists()
    if not killed:
        # The other call is still there and removes the file in its turn.
        assert (tmp_path / LOCK_FILE).exists()
        here.send("end")
        other.join()
    assert other.exitcode == (-signal.SIGKILL if killed else 0)
    assert list(tmp_path.iterdir()) == []


def test_at_the_end_it_waits_for_the_other(tmp_path: Path) -> None:
    here, there = SPAWN.Pipe()
    other = SPAWN.Process(target=hold, args=(tmp_path, 0, there))
    other.start()
    assert here.recv() is True
    with FolderClaims(tmp_path) as claims:
        assert not claims.take(job(tmp_path, 0))
        here.send("release")
        assert [each.source.stem for each in claims.in_turn([job(tmp_path, 0)])] == ["0"]
    here.send("end")
    other.join()


def test_without_locks_every_job_is_free(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dicface.batches.claims.fcntl", None)
    with FolderClaims(tmp_path / "out") as claims:
        assert claims.take(job(tmp_path, 0))
        assert claims.take(job(tmp_path, 0))
        claims.release(job(tmp_path, 0))
    assert not (tmp_path / "out").exists()
