"""Dynamic batching: crops of concurrent callers share runs of a network (ADR 25)."""

import threading
from collections.abc import Callable, Sequence
from typing import Any, Generic

import numpy as np
from numpy.typing import NDArray

from dicface.runtime.parallel import Result


class _Wanted(Generic[Result]):
    """A crop in the queue.

    Attributes:
        crop: (S, S, 3) uint8.
        owner: identifies its caller.
        results: its result, once there is one.
        alone: a shared run with it failed; it is run again with crops of its caller only.
    """

    def __init__(self, crop: NDArray[np.uint8], owner: object) -> None:
        self.crop, self.owner = crop, owner
        self.results: list[Result] = []
        self.alone = False

    def may_go_with(self, other: "_Wanted[Any]") -> bool:
        """Whether two crops may share a run, provided that results do not depend on the batch."""
        together = self.owner is other.owner or not (self.alone or other.alone)
        return together and self.crop.shape == other.crop.shape


class SharedRuns(Generic[Result]):
    """Runs of a network, a few at a time. Crops of equal size that wait meanwhile share the next run.

    There is no thread and no waiting for full batches: the caller that finds the network free runs the crops in the
    queue. Made to be called from several threads at once.

    Args:
        run: gives one result for each crop, of crops of one size.
        may_share: whether results do not depend on the batch. Called once, when two callers first meet; if not, a run
            has crops of one caller only.
        at_once: number of simultaneous runs.
        largest: largest number of crops in a run.
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
        """Run crops.

        Args:
            crops: (S, S, 3) uint8 each, of any sizes.

        Returns:
            One result per crop, in order.

        Raises:
            Exception: raised by `run` for the caller's own crops; never for those of others.
        """
        owner = object()
        wanted = [_Wanted[Result](crop, owner) for crop in crops]
        with self._changed:
            self._waiting += wanted
        try:
            while batch := self._next_batch(wanted):
                self._finish(batch)
        finally:
            # On error, withdraw this caller's crops.
            with self._changed:
                self._waiting = [each for each in self._waiting if each.owner is not owner]
        return [result for each in wanted for result in each.results]

    def _next_batch(self, wanted: Sequence[_Wanted[Result]]) -> list[_Wanted[Result]]:
        """Wait until one of a caller's crops can run, and take its batch from the queue; empty if all are done."""
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
            # The caller's own crops come first, so that others cannot delay it.
            batch = sorted(fitting, key=lambda each: each.owner is not first.owner)[: self._largest]
            self._waiting = [each for each in self._waiting if each not in batch]
            self._free -= 1
            return batch

    def _finish(self, batch: Sequence[_Wanted[Result]]) -> None:
        """Run a batch. After the failure of a shared batch, each caller runs its own crops alone."""
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
