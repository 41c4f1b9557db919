"""Claims of jobs, so that several calls on one output folder do not work on the same photo."""

import hashlib
import os
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from dicface.images.inputs import Job

try:
    import fcntl
except ImportError:  # Windows has no such locks
    fcntl = None

LOCK_FILE = ".dicface.lock"
"""File in the output folder whose bytes are locked, one for each photo in work."""
_PRESENT = 0
_ASKED_EVERY_S = 0.2


class Claims:
    """Claims under which every job is free; base class of the claims in an output folder."""

    def take(self, job: Job) -> bool:
        """Claim a job; false if another call works on it."""
        del job
        return True

    def release(self, job: Job) -> None:
        """Give up the claim of a job."""

    def in_turn(self, jobs: Iterable[Job]) -> Iterator[Job]:
        """Claim jobs one by one, and yield them claimed.

        A job that another call works on is tried again before each of the following jobs, and at the end until it is
        free: by then its result is there, or the other call has failed or ended.
        """
        busy: deque[Job] = deque()
        for job in jobs:
            for _ in range(len(busy)):
                if not self.take(busy[0]):
                    break
                yield busy.popleft()
            if self.take(job):
                yield job
            else:
                busy.append(job)
        while busy:
            if self.take(busy[0]):
                yield busy.popleft()
            else:
                time.sleep(_ASKED_EVERY_S)


NO_CLAIMS = Claims()


class FolderClaims(Claims):
    """Claims by locks on bytes of a file in the output folder.

    The system gives up the locks of a process that ends, however it ends; network file systems pass them on to other
    machines. Where a file system or system has no such locks, every job is free, and two calls may do a photo twice.
    One object at a time may lock a folder in a process. Used as a context manager; the last call removes the file.

    Args:
        folder: the output folder; made if missing.
    """

    def __init__(self, folder: Path) -> None:
        self._folder, self._path = folder, folder / LOCK_FILE
        self._file: int | None = None
        self._taken: dict[Job, int] = {}
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        while fcntl is not None and self._file is None:
            try:
                self._folder.mkdir(parents=True, exist_ok=True)
                file = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o666)
            except OSError:
                break  # writing the results will say why
            if not _lock(file, _PRESENT, shared=True, wait=True):
                os.close(file)
                break
            # The last call before may have removed the file meanwhile.
            if _is_at(file, self._path):
                self._file = file
            else:
                os.close(file)
        return self

    def take(self, job: Job) -> bool:
        """See `Claims.take`."""
        if self._file is None:
            return True
        relative = os.path.relpath(job.target, self._folder)
        digest = hashlib.blake2b(os.fsencode(relative), digest_size=8).digest()
        byte = 1 + (int.from_bytes(digest, "big") >> 2)
        with self._lock:
            # A process does not exclude itself. Two inputs with one result are kept apart by the order of jobs.
            if byte not in self._taken.values() and not _lock(self._file, byte):
                return False
            self._taken[job] = byte
            return True

    def release(self, job: Job) -> None:
        """See `Claims.release`."""
        with self._lock:
            byte = self._taken.pop(job, None)
            if byte is not None and self._file is not None and byte not in self._taken.values():
                _unlock(self._file, byte)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is None:
            return
        if _lock(self._file, _PRESENT):  # no other call is there
            self._path.unlink(missing_ok=True)
        os.close(self._file)
        self._file = None


def _is_at(file: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file), path.stat())
    except OSError:
        return False


def _lock(file: int, byte: int, *, shared: bool = False, wait: bool = False) -> bool:
    """Lock a byte of a file; false if another process has it. Where there are no locks, nothing is locked."""
    assert fcntl is not None
    how = (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | (0 if wait else fcntl.LOCK_NB)
    try:
        fcntl.lockf(file, how, 1, byte)
    except (BlockingIOError, PermissionError):
        return False
    except OSError:  # no locks on this file system
        return True
    return True


def _unlock(file: int, byte: int) -> None:
    assert fcntl is not None
    try:
        fcntl.lockf(file, fcntl.LOCK_UN, 1, byte)
    except OSError:
        return
