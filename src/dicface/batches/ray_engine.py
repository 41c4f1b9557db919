"""Ray Data as the engine: an actor pool over stored photos, with rows of the report streamed back."""

import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from importlib.util import find_spec
from typing import Any, NamedTuple

from dicface.batches.report_lines import encoded, failed_row
from dicface.batches.storage import StoredPhoto
from dicface.batches.stored import StoreWork
from dicface.errors import UsageError

MAX_BLOCK = 16
"""Photos that are handed to an actor, and repeated if its node dies."""


class RayPool(NamedTuple):
    """Where and on how many actors Ray works.

    Attributes:
        address: of the cluster, auto for the one that this machine belongs to; None starts one on this machine.
        smallest, largest: number of actors; Ray scales between.
        progress: show Ray's progress bars.
    """

    address: str | None = None
    smallest: int = 1
    largest: int = 1
    progress: bool = True


class RayActor:
    """What an actor does: it loads the models once, and does block after block."""

    def __init__(self, work: StoreWork) -> None:
        self._work = work
        work.batch.opened()

    def __call__(self, block: dict[str, Any]) -> dict[str, Any]:
        """From a block of photos as JSON to their rows as JSON."""
        photos = [StoredPhoto(**json.loads(text)) for text in block["photo"]]
        return {"number": block["number"], "row": [encoded(self._work(photo)).decode() for photo in photos]}


def in_ray(photos: Iterable[StoredPhoto], work: StoreWork, pool: RayPool) -> Iterator[dict[str, Any]]:
    """Do photos on a Ray cluster.

    Photos are read and written by the actors: only names and rows pass through Ray, and a photo that cannot be read is
    a row. Ray repeats the blocks of a node that dies on others; results are replaced as a whole, by equal ones.

    Args:
        photos: all are listed before the work begins; the driver keeps about 200 bytes for each.
        work: loads its models in each actor.
        pool: the actors.

    Yields:
        The row of each photo once, as photos are finished. What Ray lost is a failure.

    Raises:
        UsageError: Ray is not installed.
    """
    if find_spec("ray") is None:
        raise UsageError("the engine ray needs the extra ray; pip install 'dicface[ray]'")
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    import pyarrow as arrow
    import ray
    from ray import data

    listed = list(photos)
    if not listed:
        return
    if not ray.is_initialized():
        ray.init(address=pool.address, log_to_driver=False)
    context = data.DataContext.get_current()
    context.enable_progress_bars = pool.progress
    size = max(1, min(MAX_BLOCK, len(listed) // (4 * pool.largest)))
    blocks = [
        arrow.table(
            {
                "number": list(range(first, min(first + size, len(listed)))),
                "photo": [json.dumps(asdict(photo)) for photo in listed[first : first + size]],
            }
        )
        for first in range(0, len(listed), size)
    ]
    actors = data.ActorPoolStrategy(min_size=pool.smallest, max_size=pool.largest)
    rows = data.from_arrow(blocks).map_batches(
        RayActor, fn_constructor_args=(work,), compute=actors, batch_size=None, batch_format="numpy", num_cpus=1
    )
    missing = set(range(len(listed)))
    for each in rows.iter_rows():
        if each["number"] in missing:
            missing.discard(each["number"])
            yield json.loads(each["row"])
    for number in sorted(missing):
        yield failed_row(listed[number].shown, "the engine has lost it; repeat the call")
