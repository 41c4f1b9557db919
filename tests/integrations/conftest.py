"""A command `dicface` on the path, as programs call it."""

import os
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

SOURCE = Path(__file__).parent.parent.parent / "src"


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Path of the command; its folder is on the path."""
    folder = tmp_path / "programs"
    folder.mkdir()
    path = folder / "dicface"
    # ONNX Runtime starts fastest.
    path.write_text(f'#!/bin/sh\nPYTHONPATH={SOURCE} exec {sys.executable} -m dicface "$@" --backend onnxruntime\n')
    path.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return path


@pytest.fixture
def photo(tmp_path: Path, small_photo: np.ndarray) -> Path:
    """The small photo in a folder whose name shells would take apart."""
    path = tmp_path / 'mum\'s "best" $HOME; photos' / "a b.png"
    path.parent.mkdir()
    Image.fromarray(small_photo).save(path)
    return path
