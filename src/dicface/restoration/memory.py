"""How many photos are held in memory at a time."""

import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from dicface.images.photo import Photo, read_photo

RESULT_MEGAPIXELS = 64.0
"""Size of the results that are worked on at a time, together; a larger one is alone. About 10 MB a megapixel."""


class PhotoGate:
    """Where photos come in: one is read at a time, and of large ones only few are worked on at once."""

    def __init__(self) -> None:
        # Reading hushes Python's warnings, which is a matter of the whole process.
        self._reading = threading.Lock()
        self._budget = PixelBudget(RESULT_MEGAPIXELS)

    @contextmanager
    def photo(self, path: Path, max_megapixels: float, scale: float) -> Generator[tuple[Photo, float]]:
        """Read a photo, and wait until there is room for its result.

        Yields:
            The photo, and the seconds that reading took.

        Raises:
            ImageError: it cannot be read.
        """
        with self._reading:
            start = time.perf_counter()
            photo = read_photo(path, max_megapixels)
            read_s = time.perf_counter() - start
        height, width = photo.pixels.shape[:2]
        with self._budget.share(height * width * scale**2 / 1e6):
            yield photo, read_s


class PixelBudget:
    """Lets several small pictures through at once, and large ones one by one."""

    def __init__(self, megapixels: float) -> None:
        self._free = megapixels
        self._whole = megapixels
        self._changed = threading.Condition()

    @contextmanager
    def share(self, megapixels: float) -> Generator[None]:
        """Wait until that much is free; what exceeds the whole budget waits until it is alone."""
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
