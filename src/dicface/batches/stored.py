"""Restoring a photo at an address: from storage to storage, with its row of the report."""

import logging
import traceback
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from dicface.batches.file_batch import FileBatch
from dicface.batches.names import SkipMode
from dicface.batches.report_lines import done_row, failed_row, skipped_row
from dicface.batches.skipping import check_left_over, may_skip
from dicface.batches.storage import Store, without_credentials
from dicface.batches.stored_photos import StoredPhoto
from dicface.errors import DicfaceError, InputError, OutputError
from dicface.restoration.settings import stated_digest

_log = logging.getLogger(__name__)


def _in_the_way(shown: str) -> OutputError:
    """The error for a result that exists and may not be replaced."""
    return OutputError(f"{shown!r} exists; add `overwrite` to replace it")


@dataclass(frozen=True)
class StoreWork:
    """From a stored photo to its stored result and its row of the report. Picklable; a photo never raises.

    Attributes:
        batch: restores or upscales.
        out: address or path of the output folder.
        skip: which results that were there when the photo was listed are skipped; None skips none.
        overwrite: other results that were there are replaced.
        landmarks: rows have the landmarks.
        look_again: skipping, look for a result that appeared since the photo was listed. Not in an engine that repeats
            a photo after a node has died, whose row would be lost.
    """

    batch: FileBatch
    out: str
    skip: SkipMode | None = None
    overwrite: bool = False
    landmarks: bool = True
    look_again: bool = True

    def __call__(self, photo: StoredPhoto, content: bytes | None = None) -> dict[str, Any]:
        """Do one photo.

        Args:
            photo: the photo.
            content: its file; None reads it.

        Returns:
            Its row, see `dicface.batches.report_lines`.
        """
        try:
            return self._do(photo, content)
        except (DicfaceError, OSError) as error:
            return failed_row(photo.shown, without_credentials(str(error)))
        except Exception as error:  # storage drivers raise errors of their own, and one photo must not end the batch
            _log.error("%s\n%s", photo.shown, without_credentials(traceback.format_exc()))
            return failed_row(photo.shown, without_credentials(f"{type(error).__name__}: {error}"))

    def _do(self, photo: StoredPhoto, content: bytes | None) -> dict[str, Any]:
        if photo.problem:
            raise InputError(photo.problem)
        results = Store(self.out)
        exists = photo.exists or (self.skip is not None and self.look_again and results.has(photo.output))
        if exists and self._is_done(results, photo):
            return skipped_row(photo.shown, results.shown(photo.output))
        if photo.map_exists and not exists:
            self._check_left_over(results, photo)
        if content is None:
            content = Store(photo.root).read(photo.name)
        item = self.batch.run_one(content, photo.name or PurePosixPath(photo.shown).name)
        if item.outcome == "failed":
            return failed_row(photo.shown, item.error)
        pictures = {photo.output: item.content}
        if item.map:
            pictures[photo.map] = item.map
        if not self.overwrite and not exists and self.look_again and self._appeared(results, photo):
            return skipped_row(photo.shown, results.shown(photo.output))
        for name in reversed(pictures):
            results.write(name, pictures[name])
        paths = {"input": photo.shown, "output": results.shown(photo.output)}
        return done_row(item.row | paths, landmarks=self.landmarks)

    def _is_done(self, results: Store, photo: StoredPhoto) -> bool:
        """Whether a result that is there is to be left; False lets it be replaced."""
        shown = results.shown(photo.output)
        if self.skip is not None and (not self.batch.has_maps or results.has(photo.map)):

            def is_same() -> bool:
                with results.open(photo.output) as file:
                    return stated_digest(file) == self.batch.settings_sha256

            return may_skip(self.skip, is_same, shown=shown, overwrite=self.overwrite)
        if not self.overwrite:
            raise _in_the_way(shown)
        return False

    def _check_left_over(self, results: Store, photo: StoredPhoto) -> None:
        """Refuse a map that was there without its photo, unless it may be replaced."""
        if self.overwrite:
            return
        shown = results.shown(photo.map)
        if self.skip is None:
            raise _in_the_way(shown)

        def is_same() -> bool:
            with results.open(photo.map) as file:
                return stated_digest(file) == self.batch.settings_sha256

        check_left_over(self.skip, is_same, shown=shown)

    def _appeared(self, results: Store, photo: StoredPhoto) -> bool:
        """Whether another call has done the photo meanwhile.

        Raises:
            OutputError: what appeared is not to be skipped.
        """
        if results.has(photo.output):
            return self._is_done(results, photo)
        if self.skip is None and self.batch.has_maps and results.has(photo.map):
            raise _in_the_way(results.shown(photo.map))
        return False
