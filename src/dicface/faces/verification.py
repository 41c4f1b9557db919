"""Whether a detection is a face, by the detector's score and the confidence of the landmarks found in it."""

import math
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from dicface.errors import CheckpointError, UsageError
from dicface.faces.detection import FaceDetector
from dicface.runtime.cards import Calibration, Coefficients
from dicface.runtime.face_finder import FINDER_MODEL
from dicface.runtime.models import embedded_models

_SURE_SCORE, _SURE_CONFIDENCE = 0.4, 0.42
"""A detection of dlib is a face if its score or the confidence of its landmarks reaches this."""


class Verdict(NamedTuple):
    """Whether a detection is taken for a face.

    Attributes:
        is_face: whether it is.
        probability: that it is one, calibrated; None if the detector has no calibration.
    """

    is_face: bool
    probability: float | None


class Verification(Protocol):
    """Judges detections."""

    def __call__(self, score: float, confidence: float | None) -> Verdict:
        """Judge one.

        Args:
            score: the detector's.
            confidence: mean heatmap confidence of its landmarks; None if there are none.
        """
        ...


@dataclass(frozen=True)
class CalibratedVerification:
    """Probabilities for the face finder, by logistic regression.

    Attributes:
        joint: coefficients where a confidence is known.
        alone: coefficients where it is not.
        threshold: probability from which a detection is a face.

    Source: Platt, "Probabilistic outputs for support vector machines", 1999; ADR 32.
    """

    joint: Coefficients
    alone: Coefficients
    threshold: float

    def __call__(self, score: float, confidence: float | None) -> Verdict:
        """See `Verification`."""
        by = self.alone if confidence is None else self.joint
        bounded = min(max(score, 1e-6), 1 - 1e-6)
        odds = by.bias + by.score * math.log(bounded / (1 - bounded)) + by.confidence * (confidence or 0.0)
        probability = 1 / (1 + math.exp(-max(-50.0, min(50.0, odds))))
        return Verdict(probability >= self.threshold, probability)


@dataclass(frozen=True)
class DlibVerification:
    """Two opinions for dlib: its score or the landmarks have to be sure.

    Attributes:
        min_score: if it is given, it decides alone: detections from this score on are faces.
    """

    min_score: float | None = None

    def __call__(self, score: float, confidence: float | None) -> Verdict:
        """See `Verification`."""
        if self.min_score is not None:
            return Verdict(score >= self.min_score, None)
        return Verdict(score >= _SURE_SCORE or confidence is None or confidence >= _SURE_CONFIDENCE, None)


@dataclass(frozen=True)
class OwnVerification:
    """For a detector of the caller's own, all of whose detections count as faces.

    Attributes:
        min_score: detections with a lower score do not count; None for no limit.
    """

    min_score: float | None = None

    def __call__(self, score: float, confidence: float | None) -> Verdict:
        """See `Verification`."""
        return Verdict(self.min_score is None or score >= self.min_score, None)


def calibrated(
    calibration: Calibration | None, model: str, *, threshold: float | None = None
) -> CalibratedVerification:
    """Verification by a face finder's card.

    Args:
        calibration: of the card.
        model: name of the restoration model, whose landmarks give the confidence. For a model that the card does not
            have, the score decides alone.
        threshold: replaces that of the card; None keeps it.

    Raises:
        CheckpointError: the card has no calibration.
    """
    if calibration is None:
        raise CheckpointError("expected a face finder whose card holds its verification, found none")
    joint = calibration.joint.get(model, calibration.alone)
    return CalibratedVerification(joint, calibration.alone, calibration.threshold if threshold is None else threshold)


def make_verification(detector: object, model: str, *, threshold: float | None = None) -> Verification:
    """How the detections of a detector are judged.

    Args:
        detector: its name, a `FaceDetector`, which is judged as the name face is, or a detector of the caller's own.
        model: name of the restoration model.
        threshold: least probability of a face (of other detectors than `face`: least score); None takes the usual one.

    Raises:
        UsageError: the threshold is NaN, or no probability.
    """
    is_finder = detector == "face" or isinstance(detector, FaceDetector)
    if threshold is not None and (math.isnan(threshold) or (is_finder and not 0 <= threshold <= 1)):
        raise UsageError(f"expected a `detector_threshold` from 0 to 1, got {threshold:g}")
    if is_finder:
        return calibrated(embedded_models("finder")[FINDER_MODEL].calibration, model, threshold=threshold)
    return DlibVerification(threshold) if isinstance(detector, str) else OwnVerification(threshold)
