"""The JSON report of a restoration."""

import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from dicface.errors import OutputError
from dicface.files import write_json
from dicface.images.inputs import Job
from dicface.restoration.batch import Failure
from dicface.restoration.results import Face

WRITTEN_EVERY_S = 1.0
WRITING_SHARE = 0.02
"""Largest share of the time that is spent on writing; a long report is written less often."""


def face_row(face: Face) -> dict[str, Any]:
    """A face's part of the report, JSON-ready; see `FileResult.report_row`."""
    return {
        "number": face.number,
        "box": [round(edge, 2) for edge in face.box],
        "score": face.score,
        "probability": None if face.probability is None else round(face.probability, 4),
        "outcome": face.outcome.name.lower(),
        "reason": face.outcome.value,
        "size_px": round(face.size_px, 2),
        "strength": round(face.strength, 3),
        "strength_share": round(face.strength_share, 3),
        "model": face.model or None,
        "crop": {"left": face.square.left, "top": face.square.top, "side": face.square.side},
        "landmarks": None if face.landmarks is None else face.landmarks.astype(float).round(2).tolist(),
        "quality_warnings": [
            {"kind": warning.name.lower(), "reason": warning.value} for warning in face.quality_warnings
        ],
        "uncertainty": None if face.uncertainty is None else round(float(face.uncertainty.mean()), 2),
    }


class BatchReport:
    """The report of a batch, updated on disk while photos are finished: a killed call loses about a second of it.

    It has `"complete": false` until the batch is finished. Rows may be added from several threads.

    Args:
        path: the JSON file; None for none.
        settings: settings of all photos.
        jobs: determine the order of the rows. Two may have the same source, or the same target.
        every_s: shortest time between updates in seconds.

    Attributes:
        spent_s: seconds by stage, summed over all finished photos.
    """

    def __init__(
        self, path: Path | None, settings: Mapping[str, Any], jobs: Sequence[Job], every_s: float = WRITTEN_EVERY_S
    ) -> None:
        self._path, self._settings, self._every_s = path, settings, every_s
        self._photos: dict[Job, dict[str, Any] | None] = dict.fromkeys(jobs)
        self._failed: list[dict[str, str]] = []
        self.spent_s: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._changed = False
        self._over = threading.Event()
        self._writer = threading.Thread(target=self._keep_writing)

    def add(self, job: Job, photo: dict[str, Any]) -> None:
        """Add the `FileResult.report_row` of a finished photo."""
        with self._lock:
            self.spent_s.update(photo["stages_s"])
            # Without a report, keep no rows.
            if self._path is not None:
                self._photos[job] = photo
                self._changed = True

    def add_failure(self, failure: Failure) -> None:
        """Add a photo that could not be restored."""
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
        write_json(path, {**self._settings, **state, "photos": self.photos, "failed": list(self._failed)})

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
