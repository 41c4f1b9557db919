"""How the outcome of a face is decided."""

import numpy as np
import pytest

from dicface.faces.geometry import Box
from dicface.faces.verification import CalibratedVerification
from dicface.restoration.passes import FacePasses
from dicface.restoration.results import Outcome
from dicface.restoration.search import Located
from dicface.restoration.sized_models import SizedModels
from dicface.runtime.cards import Coefficients
from dicface.runtime.face_model import FaceModel

SCORE_DECIDES = CalibratedVerification(Coefficients(0, 1), Coefficients(0, 1), threshold=0.5)
FACE = Box(45, 22, 66, 44)
FROM_THE_SIDE = np.array([(60, 28), (62, 28), (66, 32), (60, 37), (62, 37)], dtype=np.float32)


@pytest.mark.parametrize(("score", "outcome"), [(0.6, Outcome.PROFILE), (0.4, Outcome.DOUBTFUL)])
def test_a_profile_is_one_if_it_is_a_face(small_photo: np.ndarray, score: float, outcome: Outcome) -> None:
    restore = FacePasses(SizedModels(FaceModel(backend="onnxruntime")), SCORE_DECIDES)
    located = [Located(FACE, score, FROM_THE_SIDE)]
    (face,) = restore(small_photo, located, passes=1)
    assert face.outcome is outcome
    assert face.probability == pytest.approx(score)
