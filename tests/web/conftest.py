"""The application without a server: its requests are answered in this process."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from PIL import Image
from starlette.testclient import TestClient

from dicface.web.album import Album
from dicface.web.app import make_app
from dicface.web.desk import Desk
from dicface.web.networks import AddedNetworks, BackgroundWait
from dicface.web.request import Request
from dicface.web.worker import Worker
from tests.support.browser import VIEWS, Visit, chromium
from tests.support.enlargers import write_enlarger
from tests.support.face_restorers import write_face_restorer
from tests.support.server import Server

UPLOAD_MB = 2


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Chromium."""
    with chromium() as browser:
        yield browser


@pytest.fixture(params=["phone-light", "desktop-dark"])
def visit(request: pytest.FixtureRequest, browser: Any, server: Server) -> Iterator[Visit]:
    """A visit to the module's server on a phone, and one at a desk in the dark; tests of the server's work take one."""
    visit = Visit(browser, server.url, **VIEWS[request.param])
    yield visit
    visit.page.context.close()
    assert visit.faults == []


class DirectWorker:
    """Works in this process."""

    def __call__(self, work: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        return work(*args, **kwargs)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Where uploads go."""
    folder = tmp_path / "served"
    folder.mkdir()
    return folder


@pytest.fixture
def client(root: Path) -> Iterator[TestClient]:
    """A client of the application with a limit of 2 MB."""
    desk = Desk(cast(Worker, DirectWorker()), waiting=2)
    with TestClient(make_app(Album(root), desk, upload_mb=UPLOAD_MB), raise_server_exceptions=False) as client:
        yield client


@pytest.fixture(scope="session")
def networks(tmp_path_factory: pytest.TempPathFactory) -> AddedNetworks:
    """An operator's networks: one that gives the negative of a large face, one that blurs and enlarges twice."""
    folder = tmp_path_factory.mktemp("networks")
    large_faces = write_face_restorer(folder / "negative.onnx", fidelity="scalar")
    return AddedNetworks(large_faces, write_enlarger(folder / "twice.onnx"), fidelity=1)


@pytest.fixture
def client_with_networks(root: Path, networks: AddedNetworks) -> Iterator[TestClient]:
    """A client of the application whose operator has given both networks."""
    desk = Desk(cast(Worker, DirectWorker()), waiting=2)
    wait = BackgroundWait(30, 120)
    with TestClient(make_app(Album(root), desk, upload_mb=UPLOAD_MB, networks=networks, wait=wait)) as client:
        yield client


@pytest.fixture
def photo(tmp_path: Path, small_photo: np.ndarray) -> Path:
    """A file of the small portrait."""
    path = tmp_path / "small photo.png"
    Image.fromarray(small_photo).save(path)
    return path


@pytest.fixture
def request_at_2(photo: Path, tmp_path: Path) -> Request:
    """A request to enlarge the small portrait twice."""
    folder = tmp_path / "entry"
    folder.mkdir()
    return Request(photo, folder, "Aunt Eileen.png", scale=2)
