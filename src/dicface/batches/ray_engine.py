"""Ray Data as the engine: an actor pool over stored photos, with rows of the report streamed back."""

import json
import logging
import os
import socket
import warnings
from collections.abc import Generator, Iterable, Iterator
from dataclasses import asdict
from importlib.util import find_spec
from typing import Any, NamedTuple

from dicface.batches.report_lines import encoded, failed_row
from dicface.batches.storage import Store, without_credentials
from dicface.batches.stored import StoreWork
from dicface.batches.stored_photos import StoredPhoto, table_photos
from dicface.errors import DicfaceError, UsageError
from dicface.images.inputs import ALL_INPUTS, Shard

MAX_BLOCK = 16
"""Most photos that are handed to an actor at a time, and repeated if its node dies."""


class RayPool(NamedTuple):
    """Where and on how many actors Ray works.

    Attributes:
        address: of the cluster, auto for the one that this machine belongs to; None starts one on this machine.
        smallest, largest: number of actors; Ray scales between.
        progress: show Ray's progress bars, and what it says besides errors.
        retries: how often a block is tried again whose actor or node has died; then its photos are failures. One node's
            death costs several, until Ray knows of it: at least six were counted on one machine.
    """

    address: str | None = None
    smallest: int = 1
    largest: int = 1
    progress: bool = True
    retries: int = 60


class RayActor:
    """An actor: loads the models once, and restores block after block."""

    def __init__(self, work: StoreWork) -> None:
        self._work = work
        work.batch.opened()

    def __call__(self, block: dict[str, Any]) -> dict[str, Any]:
        """Restore a block of photos: a block of JSON texts in, their rows as JSON out."""
        photos = [StoredPhoto(**json.loads(text)) for text in block["photo"]]
        return {"number": block["number"], "row": [encoded(self._work(photo)).decode() for photo in photos]}


class RayTableActor:
    """As `RayActor`, for row groups of a Parquet table, of which it reads a few photos at a time.

    Args:
        work: does a photo.
        table: the table.
        photos: by their paths; others are passed over.
    """

    def __init__(self, work: StoreWork, table: Store, photos: dict[str, StoredPhoto]) -> None:
        self._work, self._table, self._photos = work, table, photos
        work.batch.opened()

    def __call__(self, block: dict[str, Any]) -> dict[str, Any]:
        """From a block of row groups to rows as JSON."""
        done: list[tuple[str, str]] = []
        for file, group in zip(block["file"].tolist(), block["group"].tolist(), strict=True):
            for path, content in _photos_of_group(self._table, file, group):
                if photo := self._photos.get(path):
                    done.append((path, encoded(self._work(photo, content or b"")).decode()))
        return {"path": [path for path, _ in done], "row": [row for _, row in done]}


def _photos_of_group(table: Store, file: str, group: int) -> Iterator[tuple[str, bytes | None]]:
    from pyarrow import parquet

    with table.open(file) as source:
        for part in parquet.ParquetFile(source).iter_batches(MAX_BLOCK, [group], columns=["path", "bytes"]):
            yield from zip(part.column("path").to_pylist(), part.column("bytes").to_pylist(), strict=True)


def _groups_of(table: Store) -> Iterator[tuple[str, int, list[str]]]:
    """Files of a table, their row groups, and the paths of the photos in each."""
    from pyarrow import parquet

    files = [""] if table.has("") else [name for name in table.files("") if name.endswith(".parquet")]
    for file in files:
        with table.open(file) as source:
            content = parquet.ParquetFile(source)
            for group in range(content.num_row_groups):
                yield file, group, content.read_row_group(group, columns=["path"]).column("path").to_pylist()


def table_in_ray(place: str, work: StoreWork, pool: RayPool, *, shard: Shard = ALL_INPUTS) -> Generator[dict[str, Any]]:
    """Do the photos of a Parquet table with the columns path and bytes on a Ray cluster; see `in_ray`.

    Row groups are handed to the actors, which read them, so that reading needs no cores besides theirs.

    Args:
        place: address of a Parquet file, or of a folder of them.
        work: loads its models in each actor.
        pool: the actors. Each keeps the names of all photos.
        shard: the part of the photos that is done.

    Raises:
        UsageError: Ray is not installed, the table cannot be read, or two photos have one result.
    """
    data, table = _start(pool), Store(place)
    import pyarrow as arrow

    try:
        groups = list(_groups_of(table))
    except (OSError, ValueError, KeyError) as error:
        told = f"expected a Parquet table with path and bytes, could not read {table.shown('')!r}: {error}"
        raise UsageError(without_credentials(told)) from error
    names = [name for _, _, paths in groups for name in paths]
    listed = table_photos(place, names, work.out, shard=shard, maps=work.batch.has_maps)
    photos = {photo.name: photo for photo in listed}
    blocks = [arrow.table({"file": [file], "group": [group]}) for file, group, _ in groups]
    rows = _mapped(data, blocks, pool, RayTableActor, work, table, photos) if photos else []
    yield from _each_once(rows, "path", dict(photos))


def in_ray(photos: Iterable[StoredPhoto], work: StoreWork, pool: RayPool) -> Generator[dict[str, Any]]:
    """Do photos on a Ray cluster.

    Photos are read and written by the actors: only names and rows pass through Ray, and a photo that cannot be read is
    a row. Ray repeats the blocks of a node that dies on others; results are replaced as a whole, by equal ones.

    Args:
        photos: all are listed before the work begins; the driver keeps them.
        work: loads its models in each actor.
        pool: the actors.

    Yields:
        The row of each photo once, as photos are finished. Photos that Ray lost are failures.

    Raises:
        UsageError: Ray is not installed, or there is no cluster at the address.
        DicfaceError: the cluster is lost, or its actors cannot be started.
    """
    data = _start(pool)
    import pyarrow as arrow

    listed = dict(enumerate(photos))
    if not listed:
        return
    size = max(1, min(MAX_BLOCK, len(listed) // (4 * pool.largest)))
    blocks: list[Any] = []
    for first in range(0, len(listed), size):
        numbers = range(first, min(first + size, len(listed)))
        texts = [json.dumps(asdict(listed[number])) for number in numbers]
        blocks.append(arrow.table({"number": list(numbers), "photo": texts}))
    yield from _each_once(_mapped(data, blocks, pool, RayActor, work), "number", listed)


def _mapped(data: Any, blocks: list[Any], pool: RayPool, actor: type, *arguments: object) -> Iterable[dict[str, Any]]:
    """Rows of the blocks, as actors finish them."""
    with warnings.catch_warnings():
        # Ray names no other way to bound the attempts, which are endless by default.
        warnings.filterwarnings("ignore", "`ray_remote_args` is deprecated")
        made = data.from_arrow(blocks).map_batches(
            actor,
            fn_constructor_args=arguments,
            compute=data.ActorPoolStrategy(
                min_size=pool.smallest,
                max_size=pool.largest,
                max_tasks_in_flight_per_actor=1,  # a block that ends its actor costs no other block an attempt
            ),
            batch_size=None,
            batch_format="numpy",
            num_cpus=1,
            max_task_retries=pool.retries,
        )
    return _until_it_ends(made.iter_rows())


def _until_it_ends(rows: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Rows as they come, with an error of ours if the cluster is lost or its actors cannot be started."""
    from ray.exceptions import RayError

    try:
        yield from rows
    except RayError as error:
        why = str(error).strip().rpartition("\n")[2].strip()
        raise DicfaceError(
            f"Ray ended before all photos were done: {why}; call again with `skip_existing` for what is missing"
        ) from error


def _check_reachable(address: str) -> None:
    """Refuse the address of a machine that does not answer, which Ray would try for minutes.

    Raises:
        UsageError: there is no connection within 10 s.
    """
    host, colon, port = address.removeprefix("ray://").rpartition(":")
    if not (colon and port.isdecimal()):
        return
    try:
        socket.create_connection((host.strip("[]"), int(port)), 10).close()
    except OSError as error:
        raise UsageError(f"expected a Ray cluster at {address!r}, could not connect: {error}") from error


def _start(pool: RayPool) -> Any:
    """Join or start the cluster; gives Ray's module of data.

    Raises:
        UsageError: Ray is not installed, or there is no cluster at the address.
    """
    if find_spec("ray") is None:
        raise UsageError("the engine ray needs the extra ray; pip install 'dicface[ray]'")
    _check_reachable(pool.address or "")
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_TQDM_PATCH_PRINT", "0")  # the caller's print stays Python's
    import ray
    from ray import data

    if not ray.is_initialized():
        # Without an address Ray would join a cluster that this machine has known, dead or alive.
        level = logging.INFO if pool.progress else logging.ERROR
        try:
            ray.init(address=pool.address or "local", log_to_driver=False, logging_level=level)
        except ConnectionError as error:
            raise UsageError(f"expected a Ray cluster at {pool.address!r}: {error}") from error
    if not pool.progress:
        logging.getLogger("ray.data").setLevel(logging.ERROR)
    context = data.DataContext.get_current()
    # Actors have one task each, so that the pool is never more than fully used. Ray would wait for more to add actors.
    context.autoscaling_config.actor_pool_util_upscaling_threshold = 0.75
    context.enable_progress_bars = pool.progress
    context.max_errored_blocks = -1  # photos of a lost block are failures, and the others go on
    return data


def _each_once(rows: Iterable[dict[str, Any]], key: str, missing: dict[Any, StoredPhoto]) -> Iterator[dict[str, Any]]:
    """The row of each photo once; what is missing at the end is a failure."""
    for each in rows:
        if missing.pop(each[key], None) is not None:
            yield json.loads(each["row"])
    for photo in missing.values():
        yield failed_row(photo.shown, "the engine has lost it, since its worker died each time; repeat the call")
