"""Strength by the expected error, and by contrast."""

import numpy as np
import pytest

from dicface import Box, FaceModel, FaceSteps, QualityWarning, Restorer
from dicface.images.pixels import resize
from dicface.restoration.adaptive_strength import (
    LEAST_CONTRAST,
    LEAST_STRENGTH,
    NONE_FROM,
    WHOLE_UNTIL,
    contrast_share,
    relative_errors,
    strength_share,
)
from dicface.restoration.quality import MIN_CONTRAST


def test_the_share_falls_from_one_to_the_least() -> None:
    assert strength_share(0) == strength_share(WHOLE_UNTIL) == 1
    assert strength_share((WHOLE_UNTIL + NONE_FROM) / 2) == pytest.approx(0.5)
    assert strength_share(NONE_FROM) == strength_share(9) == LEAST_STRENGTH


def test_the_share_falls_with_the_contrast() -> None:
    def crop(contrast: float) -> np.ndarray:
        """Half of it is darker and half brighter than a middle grey by the contrast."""
        return np.tile(np.array([[[100 - contrast], [100 + contrast]]], np.uint8), (2, 1, 3))

    assert contrast_share(crop(50)) == contrast_share(crop(MIN_CONTRAST + 1)) == 1
    assert contrast_share(crop((MIN_CONTRAST + LEAST_CONTRAST) / 2)) == pytest.approx(0.5, abs=0.01)
    assert contrast_share(crop(LEAST_CONTRAST - 1)) == contrast_share(crop(1)) == LEAST_STRENGTH


def test_a_face_in_fog_is_not_disfigured(small_photo: np.ndarray) -> None:
    """Its network's face would have more contrast than the photo."""
    fog = (150 + (small_photo.astype(float) - 128) * 0.1).round().astype(np.uint8)
    restorer, box = Restorer(sharpness=0), Box(49, 21, 70, 43)
    (face,) = restorer.restore(fog, scale=1, boxes=[box], only_boxes=True).faces
    assert face.strength == face.strength_share == LEAST_STRENGTH
    assert QualityWarning.LOW_CONTRAST in face.quality_warnings
    (whole,) = restorer.restore(fog, scale=1, boxes=[box], only_boxes=True, adaptive=False).faces
    assert whole.strength == 1


def steps(*images: np.ndarray) -> FaceSteps:
    return FaceSteps(
        np.stack(images), np.zeros((len(images), 68, 2), np.float32), np.ones((len(images), 68), np.float32)
    )


def test_the_relative_error_is_disagreement_over_change(portrait: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stand-in for the model says how its mirrored result looks."""
    face = resize(portrait[60:190, 150:280], (128, 128))
    crop = resize(face, (16, 16))
    model = FaceModel(backend="onnxruntime")

    def error_of(last: np.ndarray, before: np.ndarray, mirrored: np.ndarray) -> float:
        monkeypatch.setattr(FaceModel, "__call__", lambda self, crops: [steps(mirrored[:, ::-1])])
        return relative_errors(model, [crop], [steps(before, last)])[0]

    noise = np.random.default_rng(0).integers(-8, 9, face.shape)
    other = np.clip(face + noise, 0, 255).astype(np.uint8)
    assert error_of(face, face, face) == 0
    by_mirror, by_step = error_of(face, face, other), error_of(face, other, face)
    assert by_mirror == pytest.approx(by_step)
    assert by_mirror > 0.1
    # A result that changes little for as much disagreement may be further off.
    blurred = resize(resize(face, (40, 40)), (128, 128))
    nearer = np.clip(blurred + noise, 0, 255).astype(np.uint8)
    assert error_of(blurred, blurred, nearer) > by_mirror
