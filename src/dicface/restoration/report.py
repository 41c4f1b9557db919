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
from dicface.files import file_digest, write_json
from dicface.images.inputs import Job
from dicface.images.xmp import Mark
from dicface.restoration.batch import Failure
from dicface.restoration.results import Face, Restoration

WRITTEN_EVERY_S = 1.0
WRITING_SHARE = 0.02
"""A long report is written less often, so that writing takes no more of the time than this."""


def _face(face: Face) -> dict[str, Any]:
    return {
        "box": [round(edge, 2) for edge in face.box],
        "score": face.score,
        "probability": None if face.probability is None else round(face.probability, 4),
        "outcome": face.outcome.name.lower(),
        "reason": face.outcome.value,
        "crop": {"left": face.square.left, "top": face.square.top, "side": face.square.side},
        "landmarks": None if face.landmarks is None else face.landmarks.astype(float).round(2).tolist(),
        "doubts": [{"kind": doubt.name.lower(), "reason": doubt.value} for doubt in face.doubts],
        "uncertainty": None if face.uncertainty is None else round(float(face.uncertainty.mean()), 2),
    }


def photo_report(
    source: Path,
    target: Path,
    restoration: Restoration,
    mark: Mark,
    scale: float,
    notes: tuple[str, ...],
    stages_s: Mapping[str, float],
) -> dict[str, Any]:
    """What was found in one photo and what became of it.

    Args:
        source, target: input and output file.
        restoration: the result.
        mark: what the output says about itself, unless it was told not to.
        scale: enlargement that was asked for.
        notes: on reading and writing the photo.
        stages_s: seconds that each stage took; other photos may have been worked on meanwhile.

    Returns:
        JSON-ready. Boxes are left, top, right, bottom in pixels of the input, edges; landmarks are 68 x, y in pixels of
        the input, pixel centres at integers; uncertainty is the mean of a face's map, in grey levels; probability is
        that of being a face.
    """
    height, width = restoration.image.shape[:2]
    return {
        "input": str(source),
        "input_sha256": file_digest(source),
        "output": str(target),
        "output_size": [width, height],
        "digital_source_type": mark.source_type,
        "model": mark.model,
        "model_sha256": mark.model_sha256,
        "version": mark.version,
        "scale": scale,
        "turned_degrees": restoration.turned_degrees,
        "notes": list(notes),
        "elapsed_s": round(sum(stages_s.values()), 3),
        "stages_s": {stage: round(spent_s, 3) for stage, spent_s in stages_s.items()},
        "faces": [_face(face) for face in restoration.faces],
    }


class BatchReport:
    """The report of a batch, kept on disk as photos are finished, so that a killed call loses about a second of it.

    Until the batch is over, it says `"complete": false`. May be added to from several threads.

    Args:
        path: the JSON file; None for none.
        settings: what holds for all photos.
        jobs: in the order in which their photos shall stand. Two may have the same source, or the same target.
        every_s: how often it is written at most, in seconds.

    Attributes:
        spent_s: seconds by stage, all finished photos together.
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
        """Take in what `photo_report` says of a photo that is finished."""
        with self._lock:
            self.spent_s.update(photo["stages_s"])
            # Of a thousand photos that nobody asked about nothing is kept.
            if self._path is not None:
                self._photos[job] = photo
                self._changed = True

    def add_failure(self, failure: Failure) -> None:
        """Take in a photo that could not be restored."""
        with self._lock:
            self._failed.append({"input": str(failure.source), "error": str(failure.error)})
            self._changed = True

    @property
    def photos(self) -> list[dict[str, Any]]:
        """The photos that are finished, in order."""
        with self._lock:
            return [photo for photo in self._photos.values() if photo is not None]

    def _write(self, path: Path, complete: bool) -> None:
        """The file as it is now.

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
                # The last time says whether it cannot be written.
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
