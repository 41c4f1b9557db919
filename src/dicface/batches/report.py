"""Reports of batches: one JSON file, or a line for each photo."""

import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

from dicface.batches.jobs import Failure
from dicface.errors import OutputError
from dicface.files import write_json
from dicface.images.inputs import Job
from dicface.restoration.report import without_landmarks

WRITTEN_EVERY_S = 1.0
WRITING_SHARE = 0.02
"""Largest share of the time that is spent on writing; a long report is written less often."""


class Report(AbstractContextManager["Report"], Protocol):
    """A report of a batch. Rows may be added from several threads, within its context.

    Attributes:
        spent_s: seconds by stage, summed over all finished photos.
    """

    spent_s: Counter[str]

    def in_order_of(self, jobs: Iterable[Job]) -> Iterator[Job]:
        """Pass jobs on. The rows will have their order."""
        ...

    def add(self, job: Job, photo: dict[str, Any]) -> None:
        """Add the `FileResult.report_row` of a finished photo."""
        ...

    def add_skipped(self, job: Job) -> None:
        """Add a photo whose result was there already."""
        ...

    def add_failure(self, failure: Failure) -> None:
        """Add a photo that could not be restored."""
        ...


class BatchReport:
    """The report of a batch, updated on disk while photos are finished: a killed call loses about a second of it.

    It has `"complete": false` until the batch is finished. Rows may be added from several threads.

    Args:
        path: the JSON file; None for none.
        settings: settings of all photos.
        every_s: shortest time between updates in seconds.
        landmarks: with the landmarks of each face.

    Attributes:
        spent_s: seconds by stage, summed over all finished photos.
    """

    def __init__(
        self,
        path: Path | None,
        settings: Mapping[str, Any],
        every_s: float = WRITTEN_EVERY_S,
        *,
        landmarks: bool = True,
    ) -> None:
        self._landmarks = landmarks
        self._path, self._settings, self._every_s = path, settings, every_s
        self._photos: dict[Job, dict[str, Any] | None] = {}
        self._failed: list[dict[str, str]] = []
        self._skipped: list[dict[str, str]] = []
        self.spent_s: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._changed = False
        self._over = threading.Event()
        self._writer = threading.Thread(target=self._keep_writing)

    def in_order_of(self, jobs: Iterable[Job]) -> Iterator[Job]:
        """See `Report.in_order_of`. Two jobs may have the same source, or the same target."""
        for job in jobs:
            if self._path is not None:
                with self._lock:
                    self._photos.setdefault(job, None)
            yield job

    def add(self, job: Job, photo: dict[str, Any]) -> None:
        """See `Report.add`."""
        with self._lock:
            self.spent_s.update(photo["stages_s"])
            # Without a report, keep no rows.
            if self._path is not None:
                self._photos[job] = photo if self._landmarks else without_landmarks(photo)
                self._changed = True

    def add_skipped(self, job: Job) -> None:
        """See `Report.add_skipped`."""
        if self._path is not None:
            with self._lock:
                self._skipped.append({"input": str(job.source), "output": str(job.target)})
                self._changed = True

    def add_failure(self, failure: Failure) -> None:
        """See `Report.add_failure`."""
        with self._lock:
            self._failed.append({"input": str(failure.source), "error": str(failure.error)})
            self._changed = True

    @property
    def photos(self) -> list[dict[str, Any]]:
        """Rows of the finished photos, in order."""
        with self._lock:
            return [photo for photo in self._photos.values() if photo is not None]

    def _write(self, path: Path, *, complete: bool) -> None:
        """Write the current state.

        Raises:
            OutputError: it cannot be written.
        """
        self._changed = False
        state = {} if complete else {"complete": False}
        rows = {"photos": self.photos, "failed": list(self._failed), "skipped": list(self._skipped)}
        write_json(path, {**self._settings, **state, **rows})

    def _keep_writing(self) -> None:
        pause_s = self._every_s
        while self._path is not None and not self._over.wait(pause_s):
            if self._changed:
                start = time.perf_counter()
                # The final write raises the error.
                with suppress(OutputError):
                    self._write(self._path, complete=False)
                pause_s = max(self._every_s, (time.perf_counter() - start) / WRITING_SHARE)

    def __enter__(self) -> Self:
        self._writer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._writer.join()
        if self._path is not None:
            self._write(self._path, complete=kind is None)
