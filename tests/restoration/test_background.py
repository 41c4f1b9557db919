"""The rest of the photo by another network."""

from pathlib import Path

import numpy as np

from dicface import Box, Restorer
from dicface.runtime.background import BackgroundModel, enlarge_to
from tests.support.enlargers import write_enlarger

FACE = Box(43, 21, 64, 43)


def test_faces_are_blended_over_the_networks_photo(small_photo: np.ndarray, tmp_path: Path) -> None:
    path = write_enlarger(tmp_path / "a.onnx")
    restorer = Restorer(backend="onnxruntime", background=path, detector=lambda pixels: [])
    result = restorer.restore(small_photo, scale=3, boxes=[FACE])
    expected = enlarge_to(small_photo, (363, 363), BackgroundModel(path))
    left, top, side = (3 * edge for edge in result.faces[0].square)
    outside = np.ones((363, 363), dtype=bool)
    outside[top : top + side, left : left + side] = False
    np.testing.assert_array_equal(result.image[outside], expected[outside])
    assert not np.array_equal(result.image, expected)
    assert result.provenance is not None
    assert result.provenance.model == "lite + a.onnx"
    # A photo that keeps its size is not the network's.
    same = restorer.restore(small_photo, scale=1, boxes=[FACE], strength=0)
    np.testing.assert_array_equal(same.image, small_photo)
    assert same.provenance is not None
    assert same.provenance.model == "lite"
