"""The server as a process: its limits, its end, and what it leaves behind."""

import json
import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
from PIL import Image

from dicface.errors import UsageError
from dicface.images.photo import read_photo
from dicface.web.networks import AddedNetworks
from dicface.web.serve import check_root_path
from tests.support.server import Server, asked, load, memory_mb, running, status, uploaded, worker_of

pytestmark = pytest.mark.xdist_group("memory")
BOX = "43,21,64,43"
# Longer than any test works on a file, on whatever machine.
KEPT_S = 100
WEB = Path(__file__).parents[2] / "docs" / "web.md"


@pytest.fixture(scope="module")
def temporary(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the server's files go."""
    return tmp_path_factory.mktemp("served")


@pytest.fixture(scope="module")
def server(temporary: Path) -> Iterator[Server]:
    with running("--keep", str(KEPT_S), "--upload-mb", "2", temporary=temporary) as server:
        yield server
    assert list(temporary.glob("dicface-*")) == [], "a server that ends takes its files with it"


def files_below(folder: Path) -> list[Path]:
    """All files; unlike `rglob`, it bears that folders are deleted meanwhile."""
    return [Path(parent, name) for parent, _, names in os.walk(folder) for name in names]


@pytest.mark.slow
def test_it_restores_and_keeps_nothing_of_a_request(server: Server, temporary: Path, photo: Path) -> None:
    code, report = asked(server, photo.read_bytes(), BOX)
    assert (code, report["faces"][0]["outcome"]) == (200, "restored")
    assert str(temporary) not in json.dumps(report)
    (root,) = temporary.glob("dicface-*")
    assert root.stat().st_mode & 0o077 == 0
    patience = time.monotonic() + 10
    while files_below(root) and time.monotonic() < patience:
        time.sleep(0.05)
    assert files_below(root) == []


def test_an_upload_over_the_limit_is_refused(server: Server, temporary: Path) -> None:
    # By one byte: a server that refuses in the middle may hang up before a reply can be read.
    code, said = uploaded(server, "large.png", bytes((2 << 20) + 1))
    assert (code, said["error"]) == (413, "This file is larger than what can be uploaded here.")


@pytest.mark.slow
def test_uploads_are_deleted_after_a_while(server: Server, temporary: Path, photo: Path) -> None:
    assert uploaded(server, "../../../up.png", photo.read_bytes())[0] == 201
    assert not (temporary.parent / "up.png").exists()
    (root,) = temporary.glob("dicface-*")
    assert files_below(root) != []
    old = time.time() - KEPT_S
    for path in files_below(root):
        with suppress(FileNotFoundError):
            os.utime(path, (old, old))
    patience = time.monotonic() + KEPT_S
    while time.monotonic() < patience and files_below(root):
        time.sleep(0.5)
    assert files_below(root) == []


@pytest.mark.slow
def test_eight_clients_at_once(server: Server, photo: Path) -> None:
    """A small version of what `experiments/serving.py` does."""
    load(server, photo.read_bytes(), BOX, clients=8, requests=8)
    before = memory_mb(server.pid)
    latencies, failures = load(server, photo.read_bytes(), BOX, clients=8, requests=24)
    assert failures == []
    assert len(latencies) == 24
    assert memory_mb(server.pid) - before < 60


def works(process: psutil.Process) -> bool:
    """Whether it goes on; one that has ended is listed until its parent, or the process that adopted it, looks."""
    with suppress(psutil.NoSuchProcess):
        return process.status() != psutil.STATUS_ZOMBIE
    return False


@pytest.mark.slow
def test_a_full_queue_is_said_and_kills_lose_nothing_and_leave_nothing(tmp_path: Path, photo: Path) -> None:
    """The worker's death takes no finished picture with it, the server's takes everything."""
    root = tmp_path / "temporary"
    root.mkdir()
    content = photo.read_bytes()
    with running("--waiting", "2", temporary=root) as server:
        entry = uploaded(server, "face.png", content)[1]
        asking = json.dumps({"scale": 2}).encode()
        assert status(f"{server.url}/photos/{entry['id']}/restored", asking)[0] == 200
        picture = f"{server.url}/photos/{entry['id']}/face-1.png"
        before = status(picture)
        assert before[0] == 200

        # One is served, and two may wait.
        _, failures = load(server, content, BOX, clients=12, requests=12)
        assert 1 <= len(failures) <= 10
        assert all("Many photos are waiting" in failure for failure in failures)

        worker_of(server.pid).kill()
        assert status(picture) == before
        # The first request fails, the next finds a new worker.
        assert 200 in (asked(server, content, BOX)[0], asked(server, content, BOX)[0])
        chosen = json.dumps({"scale": 2, "strengths": {"1": 1}}).encode()
        assert status(f"{server.url}/photos/{entry['id']}/result", chosen)[0] == 200

        worker = worker_of(server.pid)
        os.kill(server.pid, signal.SIGKILL)
        patience = time.monotonic() + 30
        while time.monotonic() < patience and (list(root.iterdir()) or works(worker)):
            time.sleep(0.1)
        assert list(root.iterdir()) == []
        assert not works(worker)


@pytest.mark.slow
def test_a_photo_that_takes_too_long_is_stopped(tmp_path: Path, small_photo: object) -> None:
    from PIL import Image

    # A second is less than the worker takes to start.
    Image.effect_noise((1600, 1200), 60).save(tmp_path / "large.png")
    with running("--time-limit", "1", temporary=tmp_path) as server:
        code, said = status(f"{server.url}/restore?scale=4", (tmp_path / "large.png").read_bytes())
        assert code == 503
        assert json.loads(said)["error"].startswith("This photo takes more time or memory")


@pytest.mark.slow
def test_a_port_that_is_taken_is_said() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        command = [sys.executable, "-m", "dicface", "serve", "--port", str(port)]
        result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=90)
    assert result.returncode == 2
    said = f"cannot listen on 127.0.0.1:{port}: it is taken, or no address of this machine; choose another"
    assert said in " ".join(result.stderr.split())
    assert "http" not in result.stdout


@pytest.mark.slow
def test_the_operators_networks_reach_the_worker(tmp_path: Path, photo: Path, networks: AddedNetworks) -> None:
    assert networks.large_faces is not None
    given = ("--large-faces", str(networks.large_faces), "--background", str(networks.background), "--fidelity", "1")
    with running(*given, temporary=tmp_path) as server:
        settings = json.loads(status(f"{server.url}/settings")[1])
        assert settings["large_faces"] is True
        assert 0 < settings["background"]["s_per_megapixel"] < 600
        assert settings["background"]["limit_s"] == 120
        query = f"scale=2&only_boxes=true&box={BOX}&background=true"
        code, body = status(f"{server.url}/restore?{query}", photo.read_bytes(), {"Accept": "application/json"})
        assert (code, json.loads(body)["model"]) == (200, "lite at sharpness 0.5 + twice.onnx")
    assert list(tmp_path.glob("dicface-*")) == []


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("curl"), reason="needs curl")
def test_the_calls_of_the_documentation(tmp_path: Path, photo: Path, networks: AddedNetworks) -> None:
    calls = [line for line in WEB.read_text(encoding="utf-8").splitlines() if line.startswith("curl ")]
    assert len(calls) == 4
    with Image.open(photo) as image:
        image.convert("RGB").save(tmp_path / "photo.jpg", quality=95)
    given = ("--large-faces", str(networks.large_faces), "--background", str(networks.background), "--fidelity", "1")
    written: list[dict[str, tuple[int, ...]]] = []
    answers: list[str] = []
    with running(*given) as server:
        for number, call in enumerate(calls):
            folder = tmp_path / str(number)
            folder.mkdir()
            shutil.copy(tmp_path / "photo.jpg", folder)
            words = shlex.split(call.replace("http://127.0.0.1:7860", server.url), comments=True)
            words += ["--silent", "--show-error", "--fail-with-body"]
            answers.append(subprocess.run(words, cwd=folder, capture_output=True, text=True, check=True).stdout)
            made = [path for path in folder.iterdir() if path.name != "photo.jpg"]
            written.append({path.name: read_photo(path).pixels.shape for path in made})
    assert written == [
        {"photo-restored.jpg": (484, 484, 3)},
        {"restored.jpg": (242, 242, 3)},
        {},
        {"photo-restored.jpg": (242, 242, 3)},
    ]
    report = json.loads(answers[2])
    assert (report["output"], report["faces"][0]["outcome"]) == ("photo-restored.jpg", "restored")
    assert "no face 3" in report["sentence"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("option", "content", "code", "said"),
    [
        ("--large-faces", None, 2, "expected an ONNX file as --large-faces, there is none at"),
        ("--background", None, 2, "file as --background, got"),
        ("--large-faces", "no network", 1, "expected"),
        ("--background", "no network", 1, "expected"),
    ],
)
def test_a_wrong_network_is_said_before_the_port_is_opened(
    tmp_path: Path, option: str, content: str | None, code: int, said: str
) -> None:
    path = tmp_path / "network.onnx"
    if content is not None:
        path.write_text(content)
    # The port is taken: it is not even tried.
    with socket.create_server(("127.0.0.1", 0)) as taken:
        command = [sys.executable, "-m", "dicface", "serve", "--port", str(taken.getsockname()[1]), option, str(path)]
        environment = {**os.environ, "TMPDIR": str(tmp_path)}
        result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=180, env=environment)
    assert result.returncode == code
    error = " ".join(result.stderr.split())
    assert said in error
    assert "network.onnx" in error
    assert "cannot listen" not in error
    assert "http" not in result.stdout
    assert list(tmp_path.glob("dicface-*")) == []


@pytest.mark.parametrize("prefix", ["faces", "/a b", "/a?b", '/"x', "http://x/"])
def test_a_prefix_that_is_none_is_refused(prefix: str) -> None:
    with pytest.raises(UsageError, match="expected a `root_path` such as /faces, got"):
        check_root_path(prefix)


@pytest.mark.slow
def test_it_opens_the_browser_when_asked(tmp_path: Path) -> None:
    """A program that writes down the address stands for the browser."""
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" > {tmp_path}/opened\n')
    browser.chmod(0o755)
    environment = {"BROWSER": str(browser)}
    with running("--open", "--root-path", "/faces", temporary=tmp_path, environment=environment) as server:
        patience = time.monotonic() + 30
        opened = tmp_path / "opened"
        # The shell makes the file before it writes into it.
        while time.monotonic() < patience and not (opened.exists() and opened.read_text()):
            time.sleep(0.1)
        assert opened.read_text().strip() == f"{server.url}/"
        assert b'<base href="/faces/">' in status(server.url)[1]
        assert status(f"{server.url}/faces/healthz")[0] == 200
