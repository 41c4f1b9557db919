"""What several tests need: the portrait, packs of generated faces, small networks."""

import os
from collections.abc import Generator
from functools import cache
from pathlib import Path

# Tiny networks gain nothing from threads, and threads that wait for each other cost a busy machine minutes.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from onnxruntime import InferenceSession, SessionOptions

from dicface.faces.detection import make_detector
from dicface.images.photo import read_photo
from dicface.images.pixels import resize
from dicface.runtime.backends import OpenVinoBackend
from dicface.runtime.models import DEFAULT_MODEL, find_model
from tests.support.packs import write_pack

# A busy machine makes no test fail.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")

PORTRAIT = Path(__file__).parent.parent / "examples" / "portrait.jpg"


@pytest.hookimpl(tryfirst=True)  # before the names of groups become part of the tests'
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that share what their module makes go to one process, which makes it once."""
    for item in items:
        if not isinstance(item, pytest.Function) or item.get_closest_marker("xdist_group"):
            continue
        known = item._fixtureinfo.name2fixturedefs
        if any(known[name][-1].scope == "module" for name in item.fixturenames if name in known):
            item.add_marker(pytest.mark.xdist_group(item.nodeid.partition("::")[0]))


@pytest.fixture(scope="session", autouse=True)
def loaded_once() -> Generator[None]:
    """Restorers of one process share detectors, sessions, and what OpenVINO compiled of embedded models.

    Each saves up to half a second. The choice of backend and provider still happens in each call.
    """
    compiled = cache(OpenVinoBackend)
    embedded = find_model(DEFAULT_MODEL).parent
    sessions: dict[tuple[object, ...], InferenceSession] = {}

    def load(path: Path, *, graph: bytes | None = None, threads: int | None = None) -> OpenVinoBackend:
        if graph is not None or path.parent != embedded:
            return OpenVinoBackend(path, graph=graph, threads=threads)
        return compiled(path, threads=threads)

    # A page of the docs opens a file by its name alone.
    def open_once(
        source: str | Path | bytes, options: SessionOptions | None = None, providers: list[str] | None = None
    ) -> InferenceSession:
        known = not isinstance(source, bytes) and Path(source).parent == embedded
        if options is None or providers is None or not known:
            return InferenceSession(source, options, providers=providers)
        spinning = options.get_session_config_entry("session.intra_op.allow_spinning")
        key = (source, options.intra_op_num_threads, spinning, *providers)
        if key not in sessions:
            sessions[key] = InferenceSession(source, options, providers=providers)
        return sessions[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("dicface.runtime.face_model.OpenVinoBackend", load)
        patch.setattr("dicface.runtime.sessions.onnxruntime.InferenceSession", open_once)
        patch.setattr("dicface.restoration.restorer.make_detector", cache(make_detector))
        yield


@pytest.fixture(scope="session")
def portrait() -> np.ndarray:
    """(512, 512, 3) uint8: NASA's portrait, one face of 105 px."""
    return read_photo(PORTRAIT).pixels


@pytest.fixture(scope="session")
def small_photo(portrait: np.ndarray) -> np.ndarray:
    """(121, 121, 3) uint8: the portrait, its face 22 px wide."""
    return resize(portrait, (121, 121))


@pytest.fixture(scope="session")
def large_photo(portrait: np.ndarray) -> np.ndarray:
    """(1152, 1152, 3) uint8: the portrait, the crop of its face 308 px wide, larger than any of our models takes."""
    return resize(portrait, (1152, 1152))


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    """A pack of ten generated faces."""
    return write_pack(tmp_path / "faces.parquet", 10)
