"""Strength by the expected error."""

import numpy as np
import pytest

from dicface import FaceModel, FaceSteps
from dicface.images.pixels import resize
from dicface.restoration.adaptive_strength import (
    LEAST_STRENGTH,
    NONE_FROM,
    WHOLE_UNTIL,
    relative_errors,
    strength_share,
)


def test_the_share_falls_from_one_to_the_least() -> None:
    assert strength_share(0) == strength_share(WHOLE_UNTIL) == 1
    assert strength_share((WHOLE_UNTIL + NONE_FROM) / 2) == pytest.approx(0.5)
    assert strength_share(NONE_FROM) == strength_share(9) == LEAST_STRENGTH


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
