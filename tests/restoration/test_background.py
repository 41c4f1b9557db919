"""The rest of the photo by another network."""

from pathlib import Path

import numpy as np
import pytest

from dicface import Box, Outcome, Restorer
from dicface.restoration.large_faces import open_large_faces
from dicface.runtime.background import BackgroundModel, enlarge_to
from tests.support.enlargers import write_enlarger
from tests.support.face_restorers import write_face_restorer

FACE = Box(43, 21, 64, 43)


def test_faces_are_blended_over_the_networks_photo(small_photo: np.ndarray, tmp_path: Path) -> None:
    path = write_enlarger(tmp_path / "a.onnx")
    restorer = Restorer(backend="onnxruntime", background=path, detector=lambda pixels: [], sharpness=0)
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


@pytest.mark.slow
def test_restorers_with_other_networks_share_the_model(
    small_photo: np.ndarray, large_photo: np.ndarray, tmp_path: Path
) -> None:
    background, large = write_enlarger(tmp_path / "a.onnx"), write_face_restorer(tmp_path / "b.onnx", fidelity="scalar")
    alone = Restorer(backend="onnxruntime", detector=lambda pixels: [], sharpness=0)
    opened = open_large_faces(large, fidelity=0.7, provider="cpu", threads=1, spinning=True)
    both = alone.with_networks(large_faces=opened, background=BackgroundModel(background))
    whole = Restorer(
        alone.model,
        detector=lambda pixels: [],
        large_faces=large,
        fidelity=0.7,
        background=background,
        sharpness=0,
    )
    assert both.model is alone.model
    assert {name: both.settings[name] for name in ("large_faces", "fidelity", "background")} == {
        name: whole.settings[name] for name in ("large_faces", "fidelity", "background")
    }
    result, expected = (each.restore(small_photo, scale=2, boxes=[FACE]) for each in (both, whole))
    np.testing.assert_array_equal(result.image, expected.image)
    assert result.provenance == expected.provenance
    # The first restorer, and one without them again, use neither.
    box = Box(403, 194, 610, 396)
    for each, outcome in (
        (alone, Outcome.TOO_LARGE),
        (both, Outcome.RESTORED),
        (both.with_networks(), Outcome.TOO_LARGE),
    ):
        assert [face.outcome for face in each.find(large_photo, boxes=[box]).faces] == [outcome]
    again = both.with_networks()
    assert again.settings == alone.settings
    provenance = again.restore(small_photo, scale=2, boxes=[FACE]).provenance
    assert provenance is not None
    assert provenance.model == "lite"
