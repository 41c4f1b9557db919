"""Ray Data on two nodes of this machine, one of which dies."""

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from dicface.batches.ray_engine import RayPool, in_ray
from dicface.batches.storage import Store, stored_photos
from dicface.batches.stored import StoreWork
from tests.support.command import dicface
from tests.support.stored import CopyBatch

ray = pytest.importorskip("ray")
pytestmark = [
    pytest.mark.ray,
    pytest.mark.slow,
    pytest.mark.xdist_group("ray"),
    pytest.mark.filterwarnings("ignore"),  # Ray's own
]


@pytest.fixture(scope="module")
def cluster() -> Generator[Any]:
    """A head with a core, where the driver is, and nodes to be added."""
    from ray.cluster_utils import Cluster

    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "object_store_memory": 2**27})
    ray.init(address=cluster.address, log_to_driver=False)
    yield cluster
    ray.shutdown()
    cluster.shutdown()


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


def test_without_ray_it_is_said(tmp_path: Path) -> None:
    code = "import sys; sys.modules['ray'] = None\nfrom dicface.cli import main\nmain()"
    call = ["restore", "a.png", "-o", "out", "--engine", "ray"]
    result = subprocess.run(
        [sys.executable, "-c", code, *call], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert result.returncode == 2
    assert "the engine ray needs the extra ray; pip install 'dicface[ray]'" in result.stderr
