"""Things that lie on faces."""

import numpy as np
import pytest
from PIL import Image

from dicface.data.scenes.occlusion import occlude


@pytest.mark.parametrize("downwards", [1, -1])
def test_faces_are_covered_either_way_up(downwards: int) -> None:
    """The landmarks of an upright face run down its height; those of one upside down run up."""
    points = np.stack([30 + np.arange(68) % 17 * 5, 64 + downwards * np.linspace(40, -40, 68)], axis=1)
    plain = Image.new("RGB", (128, 128), (120, 120, 120))
    covered = [occlude(np.random.default_rng(seed), plain, points.astype(np.float32)) for seed in range(40)]
    changed = [bool((np.asarray(image) != 120).any()) for image in covered]
    assert sum(changed) > 30
