"""A photo with one small face, which most calls are about."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image


@pytest.fixture
def photo(tmp_path: Path, small_photo: np.ndarray) -> Path:
    path = tmp_path / "in" / "photo.png"
    path.parent.mkdir()
    Image.fromarray(small_photo).save(path)
    return path
