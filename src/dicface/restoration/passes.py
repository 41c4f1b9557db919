"""From faces that were located to faces that are restored: judged, refined, finished."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dicface.faces.geometry import Square, cut, intersection_over_union, square_of_box, square_of_landmarks, to_photo
from dicface.faces.pose import yaw_degrees
from dicface.faces.verification import Verdict, Verification
from dicface.images.pixels import luma, resize
from dicface.restoration.quality import Doubt, doubts, signs
from dicface.restoration.results import Face, Outcome
from dicface.restoration.search import Located
from dicface.runtime.face_model import FaceModel, FaceSteps
from dicface.runtime.uncertainty import expected_errors

LARGEST_SIDE = 64
"""Largest crop that is restored, in pixels. Beyond it the network no longer beats the plain enlargement (ADR 0005)."""
LARGEST_SQUEEZE = 1.5
"""A network of one input size gets crops up to that many times its size; beyond, squeezing costs more than it gains."""
LEAST_CONTRAST = 8
"""A crop whose brightest and darkest luma differ by less, in grey levels, holds nothing to restore."""
LARGEST_YAW_DEGREES = 60.0
"""Faces turned further to the side are left alone: the models have learned from none."""
LEAST_PROBABILITY = 0.3
"""A detection that is less likely a face, by detector and landmarks, is not mentioned, nor restored if forced."""
_KEEP_OVERLAP = 0.35
_FIRST_GUESS = 1.15
"""How much larger than allowed a crop may be before the landmarks have set it."""


@dataclass
class _Candidate:
    """A face on its way.

    Attributes:
        located: where it was given or found.
        square: its crop, which the passes refine.
        verdict: whether it is a face.
        outcome: what becomes of it, as far as that is known.
        steps: what the last pass made of it.
        uncertainty: its map.
    """

    located: Located
    square: Square
    verdict: Verdict
    outcome: Outcome = Outcome.RESTORED
    steps: FaceSteps | None = None
    uncertainty: NDArray[np.float32] | None = None


class FacePasses:
    """Restores the faces of a photo pass by pass. Holds no state but what it is made of.

    Args:
        model: restores crops.
        verify: says which detections are faces.
    """

    def __init__(self, model: FaceModel, verify: Verification) -> None:
        self.model = model
        self._verify = verify

    def __call__(
        self, pixels: NDArray[np.uint8], located: Sequence[Located], force: bool, passes: int, uncertainty: bool
    ) -> tuple[Face, ...]:
        """Restore faces.

        Args:
            pixels: (H, W, 3) uint8 RGB.
            located: the faces.
            force, passes, uncertainty: see `Restorer.faces`.

        Returns:
            One for each, in their order, but for those that are hardly faces.
        """
        faces = [_Candidate(face, square_of_box(face.box), self._verdict(face.score, None)) for face in located]
        for face in faces:
            face.outcome = self._first_outcome(pixels, face, force)
        for number in range(passes):
            if number:
                _refine(_left(faces))
            if number == passes - 1 and not force:
                for face in _left(faces):
                    face.outcome = Outcome.TOO_LARGE if self._is_too_large(face.square) else face.outcome
            self._run(pixels, _left(faces))
            if not number:
                self._judge(_left(faces), force)
                faces = [face for face in faces if _is_mentioned(face.verdict)]
        if uncertainty:
            left = _left(faces)
            steps = [face.steps for face in left if face.steps is not None]
            maps = expected_errors(self.model, [self.crop(pixels, face.square) for face in left], steps)
            for face, errors in zip(left, maps, strict=True):
                face.uncertainty = errors
        return tuple(self._finished(pixels, face) for face in faces)

    def _verdict(self, score: float | None, steps: FaceSteps | None) -> Verdict:
        """Whether it is a face; a box that a user drew is never doubted."""
        if score is None:
            return Verdict(True, None)
        return self._verify(score, None if steps is None else float(steps.peaks[-1].mean()))

    def _is_too_large(self, square: Square, slack: float = 1.0) -> bool:
        low, high = self.model.lr_sizes
        largest = LARGEST_SIDE if high > low else high * LARGEST_SQUEEZE
        return square.side > largest * slack

    def _first_outcome(self, pixels: NDArray[np.uint8], face: _Candidate, force: bool) -> Outcome:
        """What the detector's crop allows to expect; the landmarks may still move a border case."""
        low, _ = self.model.lr_sizes
        outcome = Outcome.RESTORED
        if np.ptp(luma(cut(pixels, face.square), np.float64)) < LEAST_CONTRAST:
            outcome = Outcome.FLAT
        elif force:
            return outcome
        elif self._is_too_large(face.square, _FIRST_GUESS):
            outcome = Outcome.TOO_LARGE
        # A smaller crop can only be enlarged before it goes in, by at most a half.
        elif face.square.side * LARGEST_SQUEEZE < low:
            outcome = Outcome.TOO_SMALL
        # No landmarks will be found in those, so that the detector decides.
        if outcome is not Outcome.RESTORED and not face.verdict.is_face and not force:
            return Outcome.DOUBTFUL
        return Outcome.PROFILE if outcome is Outcome.RESTORED and _is_profile(face.located) else outcome

    def _run(self, pixels: NDArray[np.uint8], faces: Sequence[_Candidate]) -> None:
        for face, steps in zip(faces, self.model([self.crop(pixels, face.square) for face in faces]), strict=True):
            face.steps = steps

    def _judge(self, faces: Sequence[_Candidate], force: bool) -> None:
        """What the first pass found may not look like a face's landmarks."""
        for face in faces:
            face.verdict = self._verdict(face.located.score, face.steps)
            if not force and not face.verdict.is_face:
                face.outcome = Outcome.DOUBTFUL

    def crop(self, pixels: NDArray[np.uint8], square: Square) -> NDArray[np.uint8]:
        """A square at its own resolution if the model takes it, else at the nearest size that it takes."""
        low, high = self.model.lr_sizes
        crop = cut(pixels, square)
        side = min(max(square.side, low), high)
        return crop if side == square.side else resize(crop, (side, side))

    def _doubts(self, pixels: NDArray[np.uint8], square: Square, steps: FaceSteps) -> tuple[Doubt, ...]:
        found = doubts(signs(pixels, square, self.crop(pixels, square), steps))
        # Comes this far only if it was forced.
        return (Doubt.TOO_LARGE, *found) if self._is_too_large(square) else found

    def _finished(self, pixels: NDArray[np.uint8], face: _Candidate) -> Face:
        located, steps, probability = face.located, face.steps, face.verdict.probability
        if face.outcome is not Outcome.RESTORED or steps is None:
            return Face(located.box, located.score, face.outcome, face.square, probability=probability)
        return Face(
            located.box,
            located.score,
            face.outcome,
            face.square,
            to_photo(steps.landmarks[-1], face.square),
            steps.sr,
            face.uncertainty,
            self._doubts(pixels, face.square, steps),
            probability,
        )


def _is_mentioned(verdict: Verdict) -> bool:
    return verdict.is_face or verdict.probability is None or verdict.probability >= LEAST_PROBABILITY


def _left(faces: Sequence[_Candidate]) -> list[_Candidate]:
    """Those that are still to be restored."""
    return [face for face in faces if face.outcome is Outcome.RESTORED]


def _refine(faces: Sequence[_Candidate]) -> None:
    """Crops by the training recipe, from the landmarks that the pass before found."""
    for face in faces:
        assert face.steps is not None
        better = square_of_landmarks(to_photo(face.steps.landmarks[-1], face.square))
        # Landmarks that throw the crop far off were not found on a face.
        if intersection_over_union(better.box, face.square.box) >= _KEEP_OVERLAP:
            face.square = better


def _is_profile(face: Located) -> bool:
    return face.points is not None and abs(yaw_degrees(face.points)) > LARGEST_YAW_DEGREES
