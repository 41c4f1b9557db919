"""Ray Data on two nodes of this machine, one of which dies."""

import json
import logging
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from dicface.batches.ray_engine import RayPool, in_ray, table_in_ray
from dicface.batches.storage import Store
from dicface.batches.stored import StoreWork
from dicface.batches.stored_photos import stored_photos, table_photos
from dicface.errors import DicfaceError, UnknownModelError, UsageError
from dicface.images.inputs import Shard
from tests.support.command import dicface
from tests.support.stored import CopyBatch

ray = pytest.importorskip("ray")
pytestmark = [
    pytest.mark.ray,
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore"),  # Ray's own
]


@pytest.fixture(scope="module")
def cluster() -> Generator[Any]:
    """A head with a core, where the driver is, and nodes to be added.

    Ray's handler of SIGTERM ends the process. The one before is put back, for tests of runs that are told to stop.
    """
    from ray.cluster_utils import Cluster

    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    os.environ["RAY_TQDM_PATCH_PRINT"] = "0"  # the print of this process stays Python's
    handler = signal.getsignal(signal.SIGTERM)
    # A node that died is noticed after a second or two instead of fifteen.
    settings = {"health_check_initial_delay_ms": 0, "health_check_period_ms": 500, "health_check_failure_threshold": 3}
    head = {"num_cpus": 1, "object_store_memory": 2**27, "_system_config": settings}
    cluster = Cluster(initialize_head=True, head_node_args=head)
    ray.init(address=cluster.address, log_to_driver=False)
    yield cluster
    ray.shutdown()
    cluster.shutdown()
    signal.signal(signal.SIGTERM, handler)


def test_a_node_dies_in_the_middle(cluster: Any, tmp_path: Path) -> None:
    """Every photo has one row and one result, a photo that is cut off is a row, and a restart does what is missing."""
    node = cluster.add_node(num_cpus=1, object_store_memory=2**27)
    cluster.wait_for_nodes()
    log, out = tmp_path / "log", f"{tmp_path}/out"
    log.mkdir()
    names = [f"{number % 5}/{number:03}.png" for number in range(60)]
    for number, name in enumerate(names):
        Store(f"{tmp_path}/in").write(name, b"broken" if number == 30 else b"x" * (number * 97))
    work = StoreWork(CopyBatch(log, pause_s=0.1), out, look_again=False)
    rows: list[dict[str, Any]] = []
    nodes = 0
    for row in in_ray(stored_photos([f"{tmp_path}/in"], out), work, RayPool(smallest=2, largest=2, progress=False)):
        rows.append(row)
        if len(rows) == 10:
            nodes = sum(each["Alive"] for each in ray.nodes())
            cluster.remove_node(node, allow_graceful=False)
    assert nodes == 2
    assert sum(each["Alive"] for each in ray.nodes()) == 1
    assert sorted(row["input"] for row in rows) == sorted(f"{tmp_path}/in/{name}" for name in names)
    assert Counter(row["outcome"] for row in rows) == {"done": 59, "failed": 1}
    assert all(Store(out).read(name) == b"x" * (number * 97) for number, name in enumerate(names) if number != 30)
    # Only what the dead node had in hand was done again.
    assert 59 <= len(list(log.iterdir())) < 59 + 40
    Path(out, names[0]).unlink()
    before = len(list(log.iterdir()))
    again = StoreWork(CopyBatch(log), out, skip="any", look_again=False)
    restarted = list(in_ray(stored_photos([f"{tmp_path}/in"], out), again, RayPool(progress=False)))
    assert Counter(row["outcome"] for row in restarted) == {"done": 1, "failed": 1, "skipped": 58}
    assert len(list(log.iterdir())) == before + 1


def test_actors_are_added_while_there_is_work(cluster: Any, tmp_path: Path) -> None:
    """From the least number to the greatest. Told to be quiet, Ray says nothing of it."""
    node = cluster.add_node(num_cpus=1, object_store_memory=2**27)
    cluster.wait_for_nodes()
    (tmp_path / "log").mkdir()
    for number in range(80):
        Store(f"{tmp_path}/in").write(f"{number}.png", b"x")
    said: list[logging.LogRecord] = []
    handler = logging.Handler()
    handler.emit = said.append
    logging.getLogger("ray.data").addHandler(handler)
    work = StoreWork(CopyBatch(tmp_path / "log", pause_s=0.3), f"{tmp_path}/out", look_again=False)
    photos = stored_photos([f"{tmp_path}/in"], f"{tmp_path}/out")
    rows = list(in_ray(photos, work, RayPool(smallest=1, largest=2, progress=False)))
    logging.getLogger("ray.data").removeHandler(handler)
    assert Counter(row["outcome"] for row in rows) == {"done": 80}
    assert len({path.name.split("-")[1] for path in (tmp_path / "log").iterdir()}) == 2
    assert not said
    cluster.remove_node(node)


class Missing(CopyBatch):
    """A batch whose models are on this machine and on no other."""

    def _open(self) -> str:
        raise UnknownModelError("expected a model, found no 'mine'")


def test_actors_that_cannot_start_are_told(cluster: Any, tmp_path: Path) -> None:
    del cluster
    Store(f"{tmp_path}/in").write("1.png", b"x")
    work = StoreWork(Missing(tmp_path), f"{tmp_path}/out", look_again=False)
    with pytest.raises(DicfaceError, match=r"Ray ended before all photos were done: .*found no 'mine'; call again"):
        list(in_ray(stored_photos([f"{tmp_path}/in"], f"{tmp_path}/out"), work, RayPool(progress=False)))


@pytest.mark.parametrize("address", ["127.0.0.1:1", "ray://[::1]:1", "ray://nowhere.invalid:10001"])
def test_a_cluster_that_does_not_answer_is_told_at_once(tmp_path: Path, address: str) -> None:
    Store(f"{tmp_path}/in").write("1.png", b"x")
    work = StoreWork(CopyBatch(tmp_path), f"{tmp_path}/out")
    with pytest.raises(UsageError, match=r"expected a Ray cluster at .*, could not connect"):
        list(in_ray(stored_photos([f"{tmp_path}/in"], f"{tmp_path}/out"), work, RayPool(address)))


def test_a_photo_that_ends_its_process_is_a_failure(cluster: Any, tmp_path: Path) -> None:
    del cluster
    (tmp_path / "log").mkdir()
    for number in range(6):
        Store(f"{tmp_path}/in").write(f"{number}.png", b"deadly" if number == 2 else b"x")
    work = StoreWork(CopyBatch(tmp_path / "log"), f"{tmp_path}/out", look_again=False)
    photos = stored_photos([f"{tmp_path}/in"], f"{tmp_path}/out")
    rows = list(in_ray(photos, work, RayPool(progress=False, retries=2)))
    (failed,) = (row for row in rows if row["outcome"] == "failed")
    assert failed["input"] == f"{tmp_path}/in/2.png"
    assert "its worker died each time" in failed["error"]
    assert Counter(row["outcome"] for row in rows) == {"done": 5, "failed": 1}


def test_the_command_works_on_ray(cluster: Any, small_photo: Any, tmp_path: Path) -> None:
    from PIL import Image

    del cluster
    (tmp_path / "in").mkdir()
    Image.fromarray(small_photo).save(tmp_path / "in" / "a.png")
    (tmp_path / "in" / "cut.png").write_bytes((tmp_path / "in" / "a.png").read_bytes()[:900])
    Image.fromarray(small_photo[:70]).save(tmp_path / "in" / "short.png")
    settings = ("--box", "43,21,64,43", "--only-boxes", "--scale", "1", "--backend", "onnxruntime")
    report = tmp_path / "report.jsonl"
    call = ("restore", tmp_path / "in", *settings, "--engine", "ray", "--concurrency", "1", "--report", report)
    result = dicface(*call, "-o", tmp_path / "out")
    assert result.returncode == 1, result.stderr
    assert "cut.png: the image is damaged or cut off" in result.stderr
    assert dicface("restore", tmp_path / "in" / "a.png", "-o", tmp_path / "here", *settings).returncode == 0
    assert (tmp_path / "out" / "a.png").read_bytes() == (tmp_path / "here" / "a.png").read_bytes()
    rows = [json.loads(line) for line in report.read_text().splitlines()]
    assert sorted(row["outcome"] for row in rows) == ["done", "done", "failed"]


def test_photos_in_a_parquet_table(cluster: Any, tmp_path: Path) -> None:
    """Of two row groups; what is there is skipped, and of a shard only its part is done."""
    import pyarrow as arrow
    from pyarrow import parquet

    del cluster
    (tmp_path / "log").mkdir()
    place, out = f"{tmp_path}/photos.parquet", f"{tmp_path}/out"
    paths = [f"{number % 2}/{number}.png" for number in range(20)]
    contents = [b"broken" if number == 3 else b"x" * number for number in range(20)]
    parquet.write_table(arrow.table({"id": range(20), "path": paths, "bytes": contents}), place, row_group_size=10)
    Store(out).write(paths[4], b"precious")
    work = StoreWork(CopyBatch(tmp_path / "log"), out, skip="any", look_again=False)
    rows = [
        row for index in range(2) for row in table_in_ray(place, work, RayPool(progress=False), shard=Shard(index, 2))
    ]
    assert Counter(row["outcome"] for row in rows) == {"done": 18, "failed": 1, "skipped": 1}
    assert sorted(row["input"] for row in rows) == sorted(f"{place}/{path}" for path in paths)
    assert Store(out).read(paths[19]) == b"x" * 19
    assert Store(out).read(paths[4]) == b"precious"


def test_paths_in_a_table_stay_below_the_output(tmp_path: Path) -> None:
    for names, text in (
        (["../a.png"], "relative paths"),
        (["/a.png"], "relative paths"),
        (["s3://bucket/a.png"], "relative paths"),
        ([None], "relative paths in 't.parquet', got None"),
        (["a.gif", "a.png"], "got several"),
    ):
        with pytest.raises(UsageError, match=text):
            list(table_photos("t.parquet", names, str(tmp_path)))


def test_maps_of_a_table_are_known(tmp_path: Path) -> None:
    Store(str(tmp_path)).write("b/1.uncertainty.png", b"map")
    photos = list(table_photos("t.parquet", ["b/1.jpg", "b/2.jpg"], str(tmp_path), maps=True))
    assert [(photo.exists, photo.map_exists) for photo in photos] == [(False, True), (False, False)]
    with pytest.raises(UsageError, match=r"the result '1.uncertainty.png', got several"):
        list(table_photos("t.parquet", ["1.jpg", "1.png"], str(tmp_path), maps=True))


def test_without_ray_it_is_said(tmp_path: Path) -> None:
    code = "import sys; sys.modules['ray'] = None\nfrom dicface.cli import main\nmain()"
    call = ["restore", "a.png", "-o", "out", "--engine", "ray"]
    result = subprocess.run(
        [sys.executable, "-c", code, *call], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert result.returncode == 2
    assert "the engine ray needs the extra ray; pip install 'dicface[ray]'" in result.stderr
