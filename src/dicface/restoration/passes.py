"""Restoration of located faces in passes: judge, refine, finish."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from dicface.errors import UsageError
from dicface.faces.geometry import Square, cut, intersection_over_union, square_of_box, square_of_landmarks, to_photo
from dicface.faces.pose import yaw_degrees
from dicface.faces.verification import Verdict, Verification
from dicface.images.pixels import luma, resize
from dicface.restoration.adaptive_strength import relative_errors, strength_share
from dicface.restoration.choice import FaceChoice
from dicface.restoration.quality import QualityWarning, quality_measures, quality_warnings
from dicface.restoration.results import Face, Outcome
from dicface.restoration.search import Located, is_reported
from dicface.restoration.sized_models import LARGEST_SQUEEZE, SizedModels
from dicface.runtime.face_model import FaceModel, FaceSteps
from dicface.runtime.uncertainty import expected_errors

MIN_LUMA_RANGE = 8
"""Smallest difference of the brightest and darkest luma of a crop, in grey levels; crops below it are left alone."""
MAX_PROFILE_YAW_DEGREES = 60.0
"""Largest yaw of faces that are restored; the models were trained on none beyond it."""
EVERY_FACE = FaceChoice()
_KEEP_OVERLAP = 0.35
_SIZE_SLACK = 1.15
"""Slack of the size limits before the landmarks have refined the crop."""


def check_passes(passes: int) -> None:
    """Check a number of passes.

    Raises:
        UsageError: less than one.
    """
    if passes < 1:
        raise UsageError(f"expected at least one pass, got {passes}")


@dataclass
class _Candidate:
    """A face in work.

    Attributes:
        located: the given or found face.
        square: its crop, which the passes refine.
        verdict: whether it is a face.
        outcome: its outcome so far.
        steps: result of the last pass.
        uncertainty: its map of expected errors.
        cut: the crop of the last pass.
        share: of the chosen strength, by the expected error.
        model: the model of the last pass.
        known: the model knows how to restore it; false if it is restored by force alone.
    """

    located: Located
    square: Square
    verdict: Verdict
    outcome: Outcome = Outcome.RESTORED
    steps: FaceSteps | None = None
    uncertainty: NDArray[np.float32] | None = None
    cut: Square | None = None
    known: bool = True
    share: float = 1.0
    model: FaceModel | None = None


class FacePasses:
    """Restores the faces of a photo pass by pass. Holds no state but its models and its verification.

    The restorer's own model makes the first pass over every face, since landmarks are verified by its confidence; a
    larger model makes the passes after it over the crops that it takes.

    Args:
        models: the face models.
        verify: decides which detections are faces.
    """

    def __init__(self, models: SizedModels, verify: Verification) -> None:
        self.models = models
        self._verify = verify

    def __call__(
        self,
        pixels: NDArray[np.uint8],
        located: Sequence[Located],
        *,
        choice: FaceChoice = EVERY_FACE,
        passes: int = 2,
        uncertainty: bool = False,
    ) -> tuple[Face, ...]:
        """Restore faces.

        Args:
            pixels: (H, W, 3) uint8 RGB.
            located: the faces.
            choice: which of them are restored.
            passes, uncertainty: see `Restorer.faces`.

        Returns:
            One per located face, in order, without those of a probability below `MIN_PROBABILITY`.
        """
        faces = self._judged(pixels, located, choice)
        for number in range(1, passes):
            _refine(_left(faces))
            if number == passes - 1:
                self._check_sizes(faces, choice)
            self._run(pixels, _left(faces), by_size=True)
        if passes == 1:
            self._check_sizes(faces, choice)
            others = [face for face in _left(faces) if self.models.for_side(face.square.side) is not self.models.model]
            self._run(pixels, others, by_size=True)
        if choice.adaptive and not choice.force:
            self._weigh(pixels, _left(faces))
        if uncertainty:
            self._map(pixels, _left(faces))
        return tuple(self._finished(pixels, number, face, choice) for number, face in enumerate(faces, 1))

    def find(
        self, pixels: NDArray[np.uint8], located: Sequence[Located], *, choice: FaceChoice = EVERY_FACE
    ) -> tuple[Face, ...]:
        """Decide the outcomes of faces without restoring them, by the first pass alone.

        Args:
            pixels, located, choice: see `__call__`.

        Returns:
            As `__call__` with two passes, without steps. Landmarks and quality warnings are those of the first pass.
        """
        faces = self._judged(pixels, located, choice)
        _refine(_left(faces))
        self._check_sizes(faces, choice)
        found = (self._finished(pixels, number, face, choice) for number, face in enumerate(faces, 1))
        return tuple(replace(face, steps=None) for face in found)

    def _judged(self, pixels: NDArray[np.uint8], located: Sequence[Located], choice: FaceChoice) -> list[_Candidate]:
        """The faces to report after the first pass, with outcomes; those not chosen are judged as the others are."""
        faces = [_Candidate(face, square_of_box(face.box), self._verdict(face.score)) for face in located]
        for face in faces:
            face.outcome = self._first_outcome(pixels, face)
            face.known = face.outcome is Outcome.RESTORED
            if choice.force and face.outcome is not Outcome.FLAT:
                face.outcome = Outcome.RESTORED
        self._run(pixels, _left(faces))
        self._judge(_left(faces), force=choice.force)
        faces = [face for face in faces if is_reported(face.verdict)]
        for number, face in enumerate(faces, 1):
            if face.outcome is not Outcome.RESTORED:
                continue
            if not choice.takes_number(number):
                face.outcome = Outcome.NOT_CHOSEN
            elif face.located.score is not None and not choice.takes_size(face.located.box):
                face.outcome = Outcome.OTHER_SIZE
        return faces

    def _check_sizes(self, faces: Sequence[_Candidate], choice: FaceChoice) -> None:
        """Leave faces alone whose refined crop is too large."""
        for face in _left(faces):
            if self._is_too_large(face.square) and not choice.force:
                face.outcome = Outcome.TOO_LARGE

    def _verdict(self, score: float | None, steps: FaceSteps | None = None) -> Verdict:
        """Whether a detection is a face; a given box always is one."""
        if score is None:
            return Verdict(is_face=True, probability=None)
        return self._verify(score, None if steps is None else float(steps.heatmap_confidence[-1].mean()))

    def _is_too_large(self, square: Square, slack: float = 1.0) -> bool:
        return square.side > self.models.largest_side * slack

    def _first_outcome(self, pixels: NDArray[np.uint8], face: _Candidate) -> Outcome:
        """Outcome by the detector's crop; refinement by landmarks may change a borderline case."""
        outcome = self._outcome_of_crop(pixels, face.square)
        if outcome is Outcome.RESTORED:
            if not _is_profile(face.located):
                return outcome
            outcome = Outcome.PROFILE
        # The landmarks of the model will not be known: the score decides alone.
        return outcome if face.verdict.is_face else Outcome.DOUBTFUL

    def _outcome_of_crop(self, pixels: NDArray[np.uint8], square: Square) -> Outcome:
        low, _ = self.models.model.lr_sizes
        if np.ptp(luma(cut(pixels, square), np.float64)) < MIN_LUMA_RANGE:
            return Outcome.FLAT
        if self._is_too_large(square, _SIZE_SLACK):
            return Outcome.TOO_LARGE
        # A smaller crop is enlarged first, by at most a half.
        if square.side * LARGEST_SQUEEZE < low:
            return Outcome.TOO_SMALL
        return Outcome.RESTORED

    def _run(self, pixels: NDArray[np.uint8], faces: Sequence[_Candidate], *, by_size: bool = False) -> None:
        for face in faces:
            face.cut = face.square
            face.model = self.models.for_side(face.square.side) if by_size else self.models.model
        for model, group in _by_model(faces):
            for face, steps in zip(group, model(_crops(pixels, model, group)), strict=True):
                face.steps = steps

    def _judge(self, faces: Sequence[_Candidate], *, force: bool) -> None:
        """Verify detections by the landmarks of the first pass; those restored by force alone keep their verdict."""
        for face in faces:
            if face.known:
                face.verdict = self._verdict(face.located.score, face.steps)
            if not force and not face.verdict.is_face:
                face.outcome = Outcome.DOUBTFUL

    def _weigh(self, pixels: NDArray[np.uint8], faces: Sequence[_Candidate]) -> None:
        """Lower the strength of faces whose expected error is large."""
        for model, group in _by_model(faces):
            found = relative_errors(model, _crops(pixels, model, group), _steps(group))
            for face, error in zip(group, found, strict=True):
                face.share = strength_share(error)

    def _map(self, pixels: NDArray[np.uint8], faces: Sequence[_Candidate]) -> None:
        for model, group in _by_model(faces):
            maps = expected_errors(model, _crops(pixels, model, group), _steps(group))
            for face, errors in zip(group, maps, strict=True):
                face.uncertainty = errors

    def _finished(self, pixels: NDArray[np.uint8], number: int, face: _Candidate, choice: FaceChoice) -> Face:
        located, steps, probability = face.located, face.steps, face.verdict.probability
        left = Face(
            located.box, located.score, face.outcome, face.square, probability=probability, number=number, strength=0.0
        )
        if face.outcome is not Outcome.RESTORED or steps is None or face.cut is None or face.model is None:
            return left
        return replace(
            left,
            landmarks=to_photo(steps.landmarks[-1], face.cut, face.model.face_px),
            steps=steps.sr,
            uncertainty=face.uncertainty,
            quality_warnings=self._quality_warnings(pixels, face.cut, steps, face.model),
            strength=choice.strength_of(number) * face.share,
            strength_share=face.share,
            model=self.models.said_of(face.model),
            invents=face.model.invented_detail(face.cut.side),
        )

    def _quality_warnings(
        self, pixels: NDArray[np.uint8], square: Square, steps: FaceSteps, model: FaceModel
    ) -> tuple[QualityWarning, ...]:
        found = quality_warnings(quality_measures(pixels, square, model_crop(pixels, model, square), steps))
        # Only forced faces are this large here.
        return (QualityWarning.TOO_LARGE, *found) if self._is_too_large(square) else found


def _left(faces: Sequence[_Candidate]) -> list[_Candidate]:
    """Candidates that are still to be restored."""
    return [face for face in faces if face.outcome is Outcome.RESTORED]


def _by_model(faces: Sequence[_Candidate]) -> list[tuple[FaceModel, list[_Candidate]]]:
    """Candidates by the model of their last pass."""
    models = {id(face.model): face.model for face in faces if face.model is not None}
    return [(model, [face for face in faces if face.model is model]) for model in models.values()]


def _steps(faces: Sequence[_Candidate]) -> list[FaceSteps]:
    return [face.steps for face in faces if face.steps is not None]


def model_crop(pixels: NDArray[np.uint8], model: FaceModel, square: Square) -> NDArray[np.uint8]:
    """Cut out a square, resized to the nearest size that a model takes if necessary."""
    low, high = model.lr_sizes
    crop = cut(pixels, square)
    side = min(max(square.side, low), high)
    return crop if side == square.side else resize(crop, (side, side))


def _crops(pixels: NDArray[np.uint8], model: FaceModel, faces: Sequence[_Candidate]) -> list[NDArray[np.uint8]]:
    """The crops of the last pass, which `model` made."""
    return [model_crop(pixels, model, face.cut or face.square) for face in faces]


def _refine(faces: Sequence[_Candidate]) -> None:
    """Refine the crops by the landmarks of the pass before, as in training."""
    for face in faces:
        assert face.steps is not None
        better = square_of_landmarks(to_photo(face.steps.landmarks[-1], face.square, face.steps.sr.shape[1]))
        # Landmarks that move the crop far were not found on a face.
        if intersection_over_union(better.box, face.square.box) >= _KEEP_OVERLAP:
            face.square = better


def _is_profile(face: Located) -> bool:
    return face.points is not None and abs(yaw_degrees(face.points)) > MAX_PROFILE_YAW_DEGREES
