"""The web page in a real browser, and its server as a stranger would try it."""

import io
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from PIL import Image

from tests.support.server import Server, asked, load, memory_mb, running, status, uploaded, worker_of

pytest.importorskip("gradio", reason="the page needs the web extra: pip install 'dicface[web]'")
sync_api = pytest.importorskip("playwright.sync_api", reason="its tests need playwright")

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
needs_browser = pytest.mark.skipif(CHROMIUM is None, reason="CHROMIUM IS MISSING: run `make browser` as root")
# A browser as root, without a screen, that asks nobody for updates.
FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
FLAGS += ["--disable-component-update", "--disable-sync", "--disable-quic"]
PATIENCE_MS = 90_000
# Longer than any test works on a file, on whatever machine.
KEPT_S = 100
# The picture is there, another one than before, and nothing is being done about it.
SHOWN_ANEW = """before => {
    const picture = document.querySelector("#shown img");
    const busy = document.querySelector("#shown [data-testid=status-tracker]:not(.hide)");
    return !busy && picture && picture.src !== before && picture.complete && picture.naturalWidth > 0;
}"""


pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("memory")]
BOX = "43,21,64,43"


@pytest.fixture(scope="module")
def temporary(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the server's files go."""
    return tmp_path_factory.mktemp("served")


@pytest.fixture(scope="module")
def server(temporary: Path) -> Iterator[Server]:
    with running("--keep", str(KEPT_S), "--upload-mb", "2", temporary=temporary) as server:
        yield server
    assert list(temporary.glob("dicface-*")) == [], "a server that ends takes its files with it"


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with sync_api.sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def photo(tmp_path: Path, small_photo: np.ndarray) -> Path:
    path = tmp_path / "small photo.png"
    Image.fromarray(small_photo).save(path)
    return path


def opened(browser: Any, server: Server, **context: Any) -> tuple[Any, list[str]]:
    """The page, and the addresses that it asks for."""
    page = browser.new_context(**context).new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.set_default_timeout(PATIENCE_MS)
    page.goto(server.url)
    page.wait_for_selector("#restore")
    return page, asked


def upload(page: Any, path: Path) -> None:
    page.set_input_files("#photo input[type=file]", path)


@needs_browser
def test_upload_restore_compare_download(
    browser: Any, server: Server, temporary: Path, photo: Path, tmp_path: Path
) -> None:
    page, addresses = opened(browser, server)
    upload(page, photo)
    page.wait_for_selector("#shown img")
    page.click("#restore")
    page.wait_for_selector("#slider img")
    assert page.locator("#slider img").count() >= 2
    page.wait_for_selector("#faces img")
    summary = page.inner_text("#summary")
    assert summary.startswith("1 of ")
    assert "121x121 to 484x484 px in" in summary
    with page.expect_download() as download:
        page.click("#whole")
    download.value.save_as(tmp_path / "result.png")
    with Image.open(tmp_path / "result.png") as image:
        assert image.size == (484, 484)
        assert b"compositeWithTrainedAlgorithmicMedia" in image.info["xmp"]
    with page.expect_download() as download:
        page.click("#report")
    download.value.save_as(tmp_path / "report.json")
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["faces"][0]["outcome"] == "restored"
    assert str(temporary) not in json.dumps(report)
    assert [url for url in addresses if not url.startswith((server.url, "data:", "blob:"))] == []


@needs_browser
@pytest.mark.parametrize("content", [b"this is no picture", b""], ids=["text", "empty"])
def test_a_broken_file_gets_a_readable_message(browser: Any, server: Server, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "broken.jpg").write_bytes(content)
    page, _ = opened(browser, server)
    upload(page, tmp_path / "broken.jpg")
    page.wait_for_selector("text=Expected an image")


@needs_browser
def test_another_photo_takes_the_results_away(browser: Any, server: Server, photo: Path, tmp_path: Path) -> None:
    page, _ = opened(browser, server)
    upload(page, photo)
    page.wait_for_selector("#shown img")
    page.click("#restore")
    page.wait_for_selector("#faces img")
    page.click("#photo button[aria-label=Clear]")
    for part in ("#slider img", "#faces img", "#shown img"):
        page.wait_for_selector(part, state="hidden")
    page.wait_for_selector("#whole[disabled]")
    assert page.inner_text("#summary") == ""
    # Not even a broken one may stand beside them.
    (tmp_path / "broken.jpg").write_bytes(b"this is no picture")
    upload(page, tmp_path / "broken.jpg")
    page.wait_for_selector("text=Expected an image")
    assert page.locator("#whole[disabled]").count() == 1


@needs_browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_phone_and_keyboard(browser: Any, server: Server, scheme: str) -> None:
    """A narrow screen, no mouse: the example, a scale, the result."""
    page, _ = opened(browser, server, viewport={"width": 360, "height": 740}, color_scheme=scheme, has_touch=True)
    page.focus("#example")
    page.keyboard.press("Enter")
    page.wait_for_selector("#shown img")
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.id") == "restore":
            break
    page.keyboard.press("Enter")
    page.wait_for_selector("#slider img")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.wait_for_selector("#faces img")
    label, strip = (page.locator(part).bounding_box() for part in ("#faces label", "#faces img"))
    assert label["y"] + label["height"] <= strip["y"], "the label lies on the faces"
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    brightness = np.mean([int(part) for part in background[background.index("(") + 1 : -1].split(",")[:3]])
    assert (brightness > 128) == (scheme == "light")


@needs_browser
def test_two_clicks_draw_a_face(browser: Any, server: Server, photo: Path) -> None:
    page, _ = opened(browser, server)
    upload(page, photo)
    page.wait_for_function(SHOWN_ANEW, arg="")
    page.click("#draw button")
    page.wait_for_selector("#boxes textarea")
    for x, y in ((43, 21), (64, 43)):
        picture = page.locator("#shown img")
        before = picture.evaluate("picture => picture.src")
        frame = picture.bounding_box()
        # The picture is square and lies in the middle of a wider frame.
        side = min(frame["width"], frame["height"])
        left = frame["x"] + (frame["width"] - side) / 2
        top = frame["y"] + (frame["height"] - side) / 2
        page.mouse.click(left + (x + 0.5) / 121 * side, top + (y + 0.5) / 121 * side)
        # Gradio ignores a click while it is busy with the one before.
        page.wait_for_function(SHOWN_ANEW, arg=before)
    drawn = [float(part) for part in page.input_value("#boxes textarea").split(",")]
    assert np.abs(np.array(drawn) - (43, 21, 64, 43)).max() <= 1.5
    page.click("#restore")
    page.wait_for_selector("#slider img")
    with page.expect_download() as download:
        page.click("#report")
    assert json.loads(Path(download.value.path()).read_text())["faces"][0]["score"] is None


@pytest.mark.parametrize("route", ["file=", "file/", "gradio_api/file=", "gradio_api/file/", "static/", "assets/"])
@pytest.mark.parametrize(
    "path",
    [
        *("/etc/passwd", "../../../../../../etc/passwd", "%2e%2e/%2e%2e/%2e%2e/etc/passwd", __file__, "pyproject.toml"),
        *("http://127.0.0.1:1/", "https://example.org/"),
    ],
)
def test_no_file_and_no_other_server_is_reachable(server: Server, route: str, path: str) -> None:
    code, content = status(f"{server.url}/{route}{path}")
    assert code >= 400
    assert b"root:" not in content
    assert b"hatchling" not in content


def test_pages_may_ask_nobody_else(server: Server) -> None:
    with urllib.request.urlopen(server.url, timeout=30) as reply:
        assert "default-src 'self'" in reply.headers["Content-Security-Policy"]
        page = reply.read().decode()
    assert '"analytics_enabled":true' not in page.replace(" ", "")
    assert "fonts.googleapis.com" not in page


@pytest.mark.parametrize("path", ["/etc/passwd", "http://127.0.0.1:1/a.png", "https://example.org/a.png"])
def test_a_path_or_a_link_in_place_of_an_upload_is_refused(server: Server, path: str) -> None:
    said = asked(server, {"path": path, "url": path, "meta": {"_type": "gradio.FileData"}}, BOX)
    assert "event: error" in said
    assert "faces restored" not in said


def files_below(folder: Path) -> list[Path]:
    """All files; unlike `rglob`, it bears that folders are deleted meanwhile."""
    return [Path(parent, name) for parent, _, names in os.walk(folder) for name in names]


def test_an_upload_over_the_limit_is_refused(server: Server, temporary: Path) -> None:
    # By one byte: a server that refuses in the middle may hang up before a reply can be read.
    assert uploaded(server, "large.png", bytes((2 << 20) + 1))[0] == 413
    assert uploaded(server, "../../../up.png", b"small")[0] == 200
    # The client's path is not followed.
    assert [path for path in files_below(temporary) if path.name == "up.png" and path.parents[2] != temporary] == []
    assert not (temporary.parent / "up.png").exists()


def test_eight_clients_at_once(server: Server, photo: Path) -> None:
    """A small version of what `experiments/serving.py` does."""
    (path,) = json.loads(uploaded(server, "face.png", photo.read_bytes())[1])
    load(server, path, BOX, clients=8, requests=16)
    before = memory_mb(server.pid)
    latencies, failures = load(server, path, BOX, clients=8, requests=32)
    assert failures == []
    assert len(latencies) == 32
    assert memory_mb(server.pid) - before < 60


def test_nothing_is_kept(server: Server, temporary: Path, photo: Path) -> None:
    uploaded(server, "face.png", photo.read_bytes())
    (root,) = temporary.glob("dicface-*")
    assert root.stat().st_mode & 0o077 == 0
    assert files_below(root) != []
    old = time.time() - KEPT_S
    for path in files_below(root):
        with suppress(FileNotFoundError):
            os.utime(path, (old, old))
    patience = time.monotonic() + KEPT_S
    while time.monotonic() < patience and files_below(root):
        time.sleep(0.5)
    assert files_below(root) == []


def works(process: psutil.Process) -> bool:
    """Whether it goes on; one that has ended is listed until its parent, or whoever has taken it over, looks."""
    with suppress(psutil.NoSuchProcess):
        return process.status() != psutil.STATUS_ZOMBIE
    return False


def test_a_full_queue_is_said_and_kills_lose_nothing_and_leave_nothing(tmp_path: Path, photo: Path) -> None:
    """The worker's death takes no finished download with it, the server's takes everything."""
    root = tmp_path / "temporary"
    root.mkdir()
    with running("--waiting", "2", temporary=root) as server:
        (path,) = json.loads(uploaded(server, "face.png", photo.read_bytes())[1])
        file = {"path": path, "meta": {"_type": "gradio.FileData"}}
        said = asked(server, file, BOX)
        assert "1 of 1 faces restored" in said
        urls = [part.split('"')[0] for part in said.split('"url": "')[1:]]
        (whole,) = {url for url in urls if "/restored" in url}
        before = status(whole)
        assert before[0] == 200

        # Two may wait, and those that are begun need not.
        _, failures = load(server, path, BOX, clients=12, requests=12)
        assert 1 <= len(failures) <= 10
        assert all("Queue is full" in failure for failure in failures)

        worker_of(server.pid).kill()
        assert status(whole) == before
        # Whoever comes first learns of it, the next finds a new worker.
        assert "1 of 1 faces restored" in asked(server, file, BOX) + asked(server, file, BOX)

        worker = worker_of(server.pid)
        os.kill(server.pid, signal.SIGKILL)
        patience = time.monotonic() + 30
        while time.monotonic() < patience and (list(root.iterdir()) or works(worker)):
            time.sleep(0.1)
        assert list(root.iterdir()) == []
        assert not works(worker)


def test_a_port_that_is_taken_is_said(server: Server) -> None:
    port = server.url.rsplit(":", 1)[1]
    command = [sys.executable, "-m", "dicface", "serve", "--port", port]
    result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=90)
    assert result.returncode == 2
    said = f"cannot listen on 127.0.0.1:{port}: it is taken, or no address of this machine; choose another"
    assert said in result.stderr.splitlines()[-1]
    assert "http" not in result.stdout


def test_the_example_is_small_and_restorable() -> None:
    from dicface.images.photo import read_photo
    from dicface.web.page import EXAMPLE

    assert EXAMPLE.stat().st_size < 20_000
    assert Image.open(io.BytesIO(EXAMPLE.read_bytes())).size == (121, 121)
    assert read_photo(EXAMPLE).notes == ()
