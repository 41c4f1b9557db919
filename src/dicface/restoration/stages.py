"""Timing of the stages of the work on a photo."""

import time
from collections.abc import Generator
from contextlib import contextmanager


class Stages:
    """Measures stages.

    Attributes:
        spent_s: seconds by stage, in the order of their starts.
    """

    def __init__(self) -> None:
        self.spent_s: dict[str, float] = {}

    @contextmanager
    def measure(self, stage: str) -> Generator[None]:
        """Add to a stage the time that the block takes, unless it raises."""
        start = time.perf_counter()
        yield
        self.spent_s[stage] = self.spent_s.get(stage, 0.0) + time.perf_counter() - start
