"""The wheel, alone with its base dependencies, restores the portrait."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
import venv
import zipfile
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest
from packaging.metadata import parse_email
from packaging.requirements import Requirement
from PIL import Image

from dicface.version import __version__
from tests.support.distributions import build, run

ROOT = Path(__file__).parent.parent
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("distributions")]


@pytest.fixture(scope="module")
def wheel() -> Path:
    """The wheel of this checkout."""
    return build(ROOT).wheel


def needed(requirements: list[str] | None) -> set[str]:
    """Names of the distributions that requirements ask for on this machine, and of those that these ask for."""
    names: set[str] = set()
    for requirement in map(Requirement, requirements or []):
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            names |= {requirement.name} | needed(metadata.requires(requirement.name))
    return names


def link(distribution: str, folder: Path) -> None:
    """Make an installed distribution importable from another folder."""
    files = metadata.files(distribution) or []
    for top in {file.parts[0] for file in files} - {"..", "__pycache__"}:
        here = metadata.distribution(distribution).locate_file(top)
        if not (folder / top).exists():
            (folder / top).symlink_to(str(here))


def test_the_wheel_holds_the_package_alone(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    assert {name.split("/")[0] for name in names} == {"dicface", f"dicface-{__version__}.dist-info"}
    wanted = {path.relative_to(ROOT / "src").as_posix() for path in (ROOT / "src" / "dicface").rglob("*.*")}
    assert names >= {name for name in wanted if "__pycache__" not in name}
    assert f"dicface-{__version__}.dist-info/licenses/LICENSE" in names


@pytest.fixture(scope="module")
def programs(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Programs of an environment with the wheel and its base dependencies: no torch, no extra, none of this checkout.

    That is what `pip install dicface` and `uvx dicface` give.
    """
    folder = tmp_path_factory.mktemp("installed")
    venv.create(folder / "env", with_pip=False)
    python = folder / "env" / "bin" / "python"
    pip = (sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--disable-pip-version-check")
    run(*pip, "--no-deps", "--no-index", wheel)
    packages = Path(run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip())
    with zipfile.ZipFile(wheel) as archive:
        fields, _ = parse_email(archive.read(f"dicface-{__version__}.dist-info/METADATA"))
    names = needed(fields.get("requires_dist"))
    assert {"numpy", "onnxruntime", "uvicorn"} <= names
    assert "torch" not in names
    for name in names:
        link(name, packages)
    where = run(python, "-c", "import dicface; print(dicface.__file__)")
    assert Path(where).is_relative_to(folder)
    return python.parent


def test_the_wheel_restores_the_portrait(programs: Path, tmp_path: Path, small_photo: np.ndarray) -> None:
    Image.fromarray(small_photo).save(tmp_path / "photo.png")
    said = run(programs / "dicface", "restore", tmp_path / "photo.png", "-o", tmp_path / "out.png")
    assert " faces restored" in said
    with Image.open(tmp_path / "out.png") as image:
        assert image.size == (484, 484)


def test_the_wheel_opens_the_page(programs: Path, tmp_path: Path) -> None:
    """What `uvx dicface serve --open` does once it has installed the wheel."""
    browser, opened = tmp_path / "browser", tmp_path / "opened"
    browser.write_text(f'#!/bin/sh\necho "$1" > {opened}.part && mv {opened}.part {opened}\n')
    browser.chmod(0o755)
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    environment["BROWSER"] = f"{browser} %s"
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    command = [programs / "dicface", "serve", "--open", "--port", str(port)]
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as page:
        try:
            deadline = time.monotonic() + 60
            while not opened.exists() and page.poll() is None and time.monotonic() < deadline:
                time.sleep(0.1)
            assert opened.exists(), page.stdout.read() if page.poll() is not None and page.stdout else "no browser came"
            assert opened.read_text() == f"http://127.0.0.1:{port}/\n"
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/") as reply:
                assert b"<title>" in reply.read()
        finally:
            page.terminate()
