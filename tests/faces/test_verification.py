"""How detections are judged."""

import math

import pytest

from dicface.errors import CheckpointError, UsageError
from dicface.faces.detection import FaceDetector
from dicface.faces.verification import CalibratedVerification, calibrated, make_verification
from dicface.runtime.cards import Calibration, Coefficients

CALIBRATION = Calibration(Coefficients(0.5, 2), {"lite": Coefficients(-4, 1, 8)}, threshold=0.6)


def test_probabilities_are_those_of_the_regression() -> None:
    verify = CalibratedVerification(Coefficients(-4, 1, 8), Coefficients(0.5, 2), 0.6)
    odds = -4 + math.log(0.3 / 0.7) + 8 * 0.7
    verdict = verify(0.3, 0.7)
    assert verdict.probability == pytest.approx(1 / (1 + math.exp(-odds)))
    assert verdict.is_face
    alone = verify(0.3, None)
    assert alone.probability == pytest.approx(1 / (1 + math.exp(-0.5 - 2 * math.log(0.3 / 0.7))))
    assert not alone.is_face
    assert verify(1.0, 1.0).probability == pytest.approx(1, abs=1e-4)


def test_a_card_knows_some_models_and_the_score_alone() -> None:
    assert calibrated(CALIBRATION, "lite").joint == Coefficients(-4, 1, 8)
    other = calibrated(CALIBRATION, "my/model.onnx", threshold=0.9)
    assert other.joint == other.alone == Coefficients(0.5, 2)
    assert other.threshold == 0.9
    with pytest.raises(CheckpointError, match="whose card holds its verification, found none"):
        calibrated(None, "lite")


def test_the_shipped_card_has_a_calibration() -> None:
    assert make_verification("face", "lite")(0.999, 0.99).is_face
    assert not make_verification("face", "lite")(0.01, 0.1).is_face


def test_dlib_needs_one_sure_opinion() -> None:
    verify = make_verification("dlib", "lite")
    assert [verify(*pair).is_face for pair in ((0.5, 0.1), (0.1, 0.5), (0.1, 0.1), (0.1, None))] == [
        True,
        True,
        False,
        True,
    ]
    assert verify(0.5, 0.5).probability is None


def test_the_face_detector_is_judged_alike_by_its_name_and_as_an_object() -> None:
    assert make_verification(FaceDetector(), "lite") == make_verification("face", "lite")


def test_a_detector_of_ones_own_is_believed_down_to_a_threshold() -> None:
    assert make_verification(lambda pixels: [], "lite")(-3, 0.0).is_face
    assert not make_verification(lambda pixels: [], "lite", threshold=2.5)(2, 0.9).is_face


@pytest.mark.parametrize("threshold", [-0.1, 1.5, float("nan")])
def test_a_threshold_is_a_probability(threshold: float) -> None:
    with pytest.raises(UsageError, match="expected a `detector_threshold` from 0 to 1, got"):
        make_verification("face", "lite", threshold=threshold)
