"""Faces that several callers want at the same time go through the network together (ADR 25)."""

import threading
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

Result = TypeVar("Result")


class _Wanted(Generic[Result]):
    """A crop that somebody waits for.

    Attributes:
        crop: (S, S, 3) uint8.
        owner: whose it is.
        results: the one result, once it is there.
        alone: a shared run failed that it was in, so it shares no more.
    """

    def __init__(self, crop: NDArray[np.uint8], owner: object) -> None:
        self.crop, self.owner = crop, owner
        self.results: list[Result] = []
        self.alone = False

    def may_go_with(self, other: "_Wanted[Any]") -> bool:
        """Whether the two may go in one run, if results are the same in any company."""
        together = self.owner is other.owner or not (self.alone or other.alone)
        return together and self.crop.shape == other.crop.shape


class SharedRuns(Generic[Result]):
    """Runs of a network, few at a time; what waits meanwhile and has the same size goes in the next one together.

    It has no thread of its own and nobody waits for company: whoever finds the network free takes what is there. May be
    called from several threads at once; that is what it is for.

    Args:
        run: makes one result each of crops of one size.
        may_share: whether a crop's result is the same in any company. Asked once, when two callers first meet; if not,
            a run holds crops of one caller only.
        at_once: runs at a time.
        largest: crops in a run, at most.
    """

    def __init__(
        self,
        run: Callable[[Sequence[NDArray[np.uint8]]], list[Result]],
        may_share: Callable[[], bool],
        at_once: int,
        largest: int,
    ) -> None:
        self._run, self._ask, self._largest = run, may_share, largest
        self._may_share: bool | None = None
        self._free = at_once
        self._waiting: list[_Wanted[Result]] = []
        self._changed = threading.Condition()

    def __call__(self, crops: Sequence[NDArray[np.uint8]]) -> list[Result]:
        """Every crop's result, in order.

        Args:
            crops: (S, S, 3) uint8 each, of any sizes.

        Raises:
            Exception: what `run` raises of the caller's own crops; never of those of others.
        """
        owner = object()
        wanted = [_Wanted[Result](crop, owner) for crop in crops]
        with self._changed:
            self._waiting += wanted
        try:
            while batch := self._next_batch(wanted):
                self._finish(batch)
        finally:
            # Whoever leaves by an error leaves nothing behind.
            with self._changed:
                self._waiting = [each for each in self._waiting if each.owner is not owner]
        return [result for each in wanted for result in each.results]

    def _next_batch(self, wanted: Sequence[_Wanted[Result]]) -> list[_Wanted[Result]]:
        """Wait until one of a caller's crops can go, and take what goes with it; nothing if all are done."""
        with self._changed:
            while True:
                missing = [each for each in wanted if not each.results]
                first = next((each for each in missing if each in self._waiting), None)
                if not missing:
                    return []
                if first is not None and self._free:
                    break
                self._changed.wait()
            fitting = [each for each in self._waiting if each.may_go_with(first)]
            if any(each.owner is not first.owner for each in fitting):
                if self._may_share is None:
                    self._may_share = self._ask()
                if not self._may_share:
                    fitting = [each for each in fitting if each.owner is first.owner]
            # The caller's own first, so that it is not kept from them by a crowd of others.
            batch = sorted(fitting, key=lambda each: each.owner is not first.owner)[: self._largest]
            self._waiting = [each for each in self._waiting if each not in batch]
            self._free -= 1
            return batch

    def _finish(self, batch: Sequence[_Wanted[Result]]) -> None:
        """Run a batch; if a shared one fails, each caller tries its own again alone, and has its own errors."""
        results: list[Result] = []
        try:
            results = self._run([each.crop for each in batch])
        except Exception:
            if all(each.owner is batch[0].owner for each in batch):
                raise
        finally:
            with self._changed:
                self._free += 1
                if results:
                    for each, result in zip(batch, results, strict=True):
                        each.results.append(result)
                else:
                    for each in batch:
                        each.alone = True
                    self._waiting += batch
                self._changed.notify_all()
