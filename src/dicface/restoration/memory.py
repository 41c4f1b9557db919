"""Limits on the photos held in memory at a time."""

import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from dicface.images.photo import Photo, read_photo
from dicface.restoration.scale import Scale, scale_for
from dicface.restoration.stages import Stages

RESULT_MEGAPIXELS = 64.0
"""Total size of the results in work at a time; a larger one is processed alone. About 10 MB per megapixel."""


class PhotoGate:
    """Admits photos to work: one is read at a time, and large ones are limited by `RESULT_MEGAPIXELS`."""

    def __init__(self) -> None:
        # A decoded photo takes much memory. Waiting for the lock is not measured.
        self._reading = threading.Lock()
        self._budget = PixelBudget(RESULT_MEGAPIXELS)

    @contextmanager
    def photo(self, path: Path, max_megapixels: float, scale: Scale, stages: Stages) -> Generator[Photo]:
        """Read a photo, and wait until there is room for its result.

        Args:
            path: the file.
            max_megapixels: larger ones are refused.
            scale: of the result.
            stages: measures the reading, without the waiting.

        Yields:
            The photo.

        Raises:
            ImageError: it cannot be read.
            UsageError: a wrong scale.
        """
        with self._reading, stages.measure("read"):
            photo = read_photo(path, max_megapixels=max_megapixels)
        height, width = photo.pixels.shape[:2]
        with self._budget.share(height * width * scale_for(scale, width, height) ** 2 / 1e6):
            yield photo


class PixelBudget:
    """A budget of megapixels: several small images at once, large ones one by one."""

    def __init__(self, megapixels: float) -> None:
        self._free = megapixels
        self._whole = megapixels
        self._changed = threading.Condition()

    @contextmanager
    def share(self, megapixels: float) -> Generator[None]:
        """Wait until that much is free; an image above the whole budget waits until it is alone."""
        wanted = min(megapixels, self._whole)
        with self._changed:
            self._changed.wait_for(lambda: self._free >= wanted)
            self._free -= wanted
        try:
            yield
        finally:
            with self._changed:
                self._free += wanted
                self._changed.notify_all()
