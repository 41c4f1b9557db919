"""Strength by the expected error."""

import numpy as np
import pytest

from dicface import FaceModel, FaceSteps
from dicface.images.pixels import resize
from dicface.restoration.doubt import LEAST_STRENGTH, NONE_FROM, WHOLE_UNTIL, doubts, strength_by


def test_the_share_falls_from_one_to_the_least() -> None:
    assert strength_by(0) == strength_by(WHOLE_UNTIL) == 1
    assert strength_by((WHOLE_UNTIL + NONE_FROM) / 2) == pytest.approx(0.5)
    assert strength_by(NONE_FROM) == strength_by(9) == LEAST_STRENGTH


def steps(*images: np.ndarray) -> FaceSteps:
    return FaceSteps(
        np.stack(images), np.zeros((len(images), 68, 2), np.float32), np.ones((len(images), 68), np.float32)
    )


def test_doubt_is_disagreement_over_change(portrait: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stand-in for the model says how its mirrored answer looks."""
    face = resize(portrait[60:190, 150:280], (128, 128))
    crop = resize(face, (16, 16))
    model = FaceModel(backend="onnxruntime")

    def doubt(last: np.ndarray, before: np.ndarray, mirrored: np.ndarray) -> float:
        monkeypatch.setattr(FaceModel, "__call__", lambda self, crops: [steps(mirrored[:, ::-1])])
        return doubts(model, [crop], [steps(before, last)])[0]

    noise = np.random.default_rng(0).integers(-8, 9, face.shape)
    other = np.clip(face + noise, 0, 255).astype(np.uint8)
    assert doubt(face, face, face) == 0
    by_mirror, by_step = doubt(face, face, other), doubt(face, other, face)
    assert by_mirror == pytest.approx(by_step)
    assert by_mirror > 0.1
    # A result that changes little for as much disagreement is more doubtful.
    blurred = resize(resize(face, (40, 40)), (128, 128))
    nearer = np.clip(blurred + noise, 0, 255).astype(np.uint8)
    assert doubt(blurred, blurred, nearer) > by_mirror
