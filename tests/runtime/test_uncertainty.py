"""Maps of uncertainty: their parts on made-up models, the whole on a real face."""

from collections.abc import Sequence

import numpy as np
import pytest

from dicface import Restorer
from dicface.images.pixels import luma, resize
from dicface.runtime.face_model import FaceSteps
from dicface.runtime.uncertainty import Disagreements, disagreements, expected_error, map_image, moved


def enlarged(crops: Sequence[np.ndarray], steps: int = 2) -> list[FaceSteps]:
    """Bicubic in the place of a model: it does not care which way round a face is."""
    nothing = np.empty((steps, 0, 2), np.float32), np.empty((steps, 0), np.float32)
    return [FaceSteps(np.stack([resize(crop, (128, 128))] * steps), *nothing) for crop in crops]


def lopsided(crops: Sequence[np.ndarray]) -> list[FaceSteps]:
    """The left half of every answer is brighter by 10, and the last step is brighter by 4 at the bottom."""
    results = enlarged(crops)
    for result in results:
        result.sr[:, :, :64] += 10
        result.sr[-1, 64:] += 4
    return results


@pytest.fixture
def crop(portrait: np.ndarray) -> np.ndarray:
    return resize(resize(portrait[74:194, 164:284], (16, 16)) // 2, (16, 16))


def test_a_whole_pixel_is_a_roll(crop: np.ndarray) -> None:
    np.testing.assert_array_equal(moved(crop, 1, 0)[:, 1:], crop[:, :-1])
    np.testing.assert_array_equal(moved(crop, 0, -2)[:-2], crop[2:])


def test_each_disagreement_shows_where_it_is(crop: np.ndarray) -> None:
    (found,) = disagreements(lopsided, [crop], lopsided([crop]))
    (even,) = disagreements(enlarged, [crop], enlarged([crop]))
    assert even.mirror.max() < 0.6
    assert even.step.max() == 0
    np.testing.assert_allclose(found.mirror[:, 20:44], 10, atol=1)
    np.testing.assert_allclose(found.step[80:], 4, atol=0.1)
    assert found.step[:50].max() < 0.1


def test_a_network_of_one_step_has_no_last_change(crop: np.ndarray) -> None:
    (found,) = disagreements(enlarged, [crop], enlarged([crop], steps=1))
    assert found.step.max() == 0


def test_more_disagreement_means_more_expected_error() -> None:
    levels = [np.full((128, 128), level, np.float32) for level in (0, 1, 5)]
    for part in range(3):
        means = [
            expected_error(Disagreements(*np.roll([level, levels[0], levels[0]], part, 0))).mean() for level in levels
        ]
        assert 0 < means[0] < means[1] < means[2]


def test_a_map_has_four_levels_for_a_grey_level() -> None:
    np.testing.assert_array_equal(map_image(np.array([[0, 1, 10.5, 63.75, 200]])), [[0, 4, 42, 255, 255]])


@pytest.mark.slow
def test_it_tells_where_a_real_face_is_wrong(portrait: np.ndarray) -> None:
    hr = np.stack([resize(portrait[74:194, 164:284], (128, 128)), resize(portrait[64:204, 154:294], (128, 128))])
    restorer = Restorer(backend="onnxruntime")
    for size in (16, 32):
        crops = np.stack([resize(face, (size, size)) for face in hr])
        said = restorer.uncertainty(crops)
        assert said.shape == (2, 128, 128)
        error = np.abs(luma(restorer.upscale(crops)) - luma(hr))
        # On celeba-val it is 0.42 and 0.49; error a quarter off is no surprise in two pictures of one face.
        assert np.corrcoef(said.ravel(), error.ravel())[0, 1] > 0.25
        assert said.mean() == pytest.approx(error.mean(), rel=0.5)
    assert restorer.uncertainty(crops[:0]).shape == (0, 128, 128)
