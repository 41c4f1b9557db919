"""Faces beyond our models, by a network of the signature of other people's."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dicface import Box, Outcome, Restorer, read_photo, restore_file
from dicface.errors import UsageError
from dicface.images.pixels import resize
from dicface.runtime.models import find_model
from tests.support.face_restorers import write_face_restorer

FACE = Box(176, 84, 266, 174)


@pytest.fixture(scope="module")
def restorer(tmp_path_factory: pytest.TempPathFactory) -> Restorer:
    # By its path, `lite` is a model alone, without a larger one beside it.
    path = write_face_restorer(tmp_path_factory.mktemp("networks") / "negative.onnx", fidelity="vector")
    return Restorer(find_model("lite"), backend="onnxruntime", large_faces=path, fidelity=1, detector=lambda pixels: [])


def test_a_large_face_is_restored_in_its_place(restorer: Restorer, portrait: np.ndarray) -> None:
    result = restorer.restore(portrait, scale=2, boxes=[FACE])
    (face,) = result.faces
    assert (face.outcome, face.model) == (Outcome.RESTORED, "negative.onnx")
    assert face.steps is not None
    assert face.landmarks is not None
    # The network's negative lies exactly over the face, at least as fine as the photo.
    made = face.steps[0]
    left, top, side = face.square
    assert made.shape[0] > side
    crop = resize(portrait[top : top + side, left : left + side], (made.shape[1], made.shape[0]))
    middle = np.s_[40:-40, 40:-40]
    assert np.abs(made.astype(int) - (255 - crop))[middle].mean() < 2
    # Outside of the crop it is the plain enlargement; inside, detail is negated and colours stay.
    plain = resize(portrait, (1024, 1024))
    outside = np.ones((1024, 1024), dtype=bool)
    outside[2 * top : 2 * (top + side), 2 * left : 2 * (left + side)] = False
    np.testing.assert_array_equal(result.image[outside], plain[outside])
    face_of = np.s_[2 * top + 60 : 2 * (top + side) - 60, 2 * left + 60 : 2 * (left + side) - 60]
    assert not np.array_equal(result.image[face_of], plain[face_of])
    assert abs(result.image[face_of].mean() - plain[face_of].mean()) < 3


def test_choice_and_strength_hold_for_large_faces(restorer: Restorer, portrait: np.ndarray) -> None:
    def outcome(**choice: Any) -> Outcome:
        (found,) = restorer.find(portrait, boxes=[FACE], **choice).faces
        assert found.steps is None
        return found.outcome

    assert outcome() is Outcome.RESTORED
    assert outcome(faces=[2]) is Outcome.NOT_CHOSEN
    assert outcome(strength=0) is Outcome.NOT_CHOSEN
    plain = resize(portrait, (512, 512)).astype(float)
    whole = restorer.restore(portrait, scale=1, boxes=[FACE]).image
    half = restorer.restore(portrait, scale=1, boxes=[FACE], strength=0.5).image
    assert np.abs(half - (plain + whole) / 2).max() <= 1


def test_a_face_that_would_be_reduced_much_is_left_alone(restorer: Restorer, portrait: np.ndarray) -> None:
    huge = resize(portrait[60:200, 150:290], (1400, 1400))
    (face,) = restorer.faces(huge, boxes=[Box(260, 240, 1160, 1140)])
    assert face.outcome is Outcome.TOO_LARGE


def test_a_grey_photo_stays_grey(restorer: Restorer, portrait: np.ndarray) -> None:
    grey = np.repeat(portrait.mean(axis=2, keepdims=True).astype(np.uint8), 3, axis=2)
    image = restorer.restore(grey, scale=1, boxes=[FACE]).image
    assert (image == image[:, :, :1]).all()


def test_the_result_says_which_networks_made_it(restorer: Restorer, portrait: np.ndarray, tmp_path: Path) -> None:
    small = resize(portrait, (121, 121))
    both = portrait.copy()
    both[300:421, 300:421] = small
    boxes = [FACE, Box(343, 321, 364, 343)]
    result = restorer.restore(both, scale=1, boxes=boxes)
    assert [face.model for face in result.faces] == ["negative.onnx", ""]
    assert result.provenance is not None
    assert (result.provenance.model, result.provenance.faces) == ("lite.onnx + negative.onnx", 2)
    assert result.provenance.model_sha256.count(" + ") == 1
    result.save(tmp_path / "a.png")
    assert "lite.onnx + negative.onnx" in read_photo(tmp_path / "a.png").metadata.xmp.decode()
    row = restore_file(tmp_path / "a.png", tmp_path / "b.png", restorer=restorer, boxes=[FACE], scale=1).report_row()
    assert (row["model"], row["faces"][0]["model"]) == ("negative.onnx", "negative.onnx")


def test_fidelity_is_from_0_to_1() -> None:
    with pytest.raises(UsageError, match="expected a `fidelity` from 0 to 1, got 2"):
        Restorer(fidelity=2)
