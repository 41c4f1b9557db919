"""The whole job: find the small faces of a photo, restore them, put them back."""

import time
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from dicface.errors import UsageError
from dicface.faces.detection import make_detector
from dicface.faces.geometry import (
    Box,
    Square,
    cut,
    intersection_over_union,
    square_of_box,
    square_of_landmarks,
    to_photo,
)
from dicface.images.pixels import FACE_PX, luma, resize
from dicface.restoration.paste import match_colours, paste
from dicface.restoration.quality import Doubt, doubts, signs
from dicface.restoration.results import Face, Outcome, Restoration
from dicface.runtime.face_model import FaceModel, FaceSteps
from dicface.runtime.models import DEFAULT_MODEL
from dicface.runtime.uncertainty import expected_errors

SCALES = (1.0, 8.0)
LARGEST_SIDE = 64
"""Largest crop that is restored, in pixels. Beyond it the network no longer beats the plain enlargement (ADR 0005)."""
LARGEST_SQUEEZE = 1.5
"""A network of one input size gets crops up to that many times its size; beyond, squeezing costs more than it gains."""
LEAST_CONTRAST = 8
"""A crop whose brightest and darkest luma differ by less, in grey levels, holds nothing to restore."""
SURE_SCORE, SURE_PEAK = 0.4, 0.42
"""A detection counts as a face if the detector's score or the mean peak of its landmark heatmaps reaches this."""
_KEEP_OVERLAP = 0.35
_FIRST_GUESS = 1.15
"""How much larger than allowed a crop may be before the landmarks have set it."""


def _check_pixels(image: object) -> None:
    if not isinstance(image, np.ndarray):
        raise UsageError(
            f"expected (H, W, 3) uint8 RGB pixels, got {type(image).__name__}; see dicface.images.photo.read_photo"
        )
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or image.size == 0:
        raise UsageError(f"expected (H, W, 3) uint8 RGB pixels, got {image.dtype} of shape {image.shape}")


def _check_passes(passes: int) -> None:
    if passes < 1:
        raise UsageError(f"expected at least one pass, got {passes}")


class Restorer:
    """Restores small faces in photos. Holds a model and a detector, no other state; may be shared between threads."""

    def __init__(
        self, model: str = DEFAULT_MODEL, backend: str = "auto", detector: str = "dlib", several: bool = False
    ) -> None:
        """Load the model.

        Args:
            model: name of an embedded model (`dicface models` lists them) or path of a model file.
            backend: auto, onnxruntime, openvino or torch; auto takes what is fastest here (ADR 0022).
            detector: dlib (faces from 16 px, where the face finder sees one), dlib-fast (from 40 px) or dlib-thorough
                (from 16 px, everywhere; about 2 s a megapixel).
            several: photos will be restored several at a time. Then threads that wait leave the cores to others, which
                makes a single photo slower.

        Raises:
            UnknownModelError: no such model.
            UsageError: no such backend or detector, or it is not installed.
            CheckpointError: the file is not a model.
        """
        self.model = FaceModel(model, backend, spinning=not several)
        self._detect = make_detector(detector, spinning=not several)

    def _is_too_large(self, square: Square, slack: float = 1.0) -> bool:
        low, high = self.model.lr_sizes
        largest = LARGEST_SIDE if high > low else high * LARGEST_SQUEEZE
        return square.side > largest * slack

    def _first_outcome(self, pixels: NDArray[np.uint8], square: Square, force: bool) -> Outcome:
        """What the detector's crop allows to expect; the landmarks may still move a border case."""
        low, _ = self.model.lr_sizes
        if np.ptp(luma(cut(pixels, square), np.float64)) < LEAST_CONTRAST:
            return Outcome.FLAT
        if self._is_too_large(square, _FIRST_GUESS) and not force:
            return Outcome.TOO_LARGE
        # A smaller crop can only be enlarged before it goes in, by at most a half.
        if square.side * LARGEST_SQUEEZE < low and not force:
            return Outcome.TOO_SMALL
        return Outcome.RESTORED

    def _locate(self, image: NDArray[np.uint8], boxes: Sequence[Box] | None) -> list[tuple[Box, float | None]]:
        """Boxes with the detector's score, or the given ones without."""
        _check_pixels(image)
        if boxes is None:
            return [(detection.box, detection.score) for detection in self._detect(image)]
        for box in boxes:
            check_box(Box(*box), image.shape[1], image.shape[0])
        return [(Box(*box), None) for box in boxes]

    def _crop(self, pixels: NDArray[np.uint8], square: Square) -> NDArray[np.uint8]:
        """A square at its own resolution if the model takes it, else at the nearest size that it takes."""
        low, high = self.model.lr_sizes
        crop = cut(pixels, square)
        side = min(max(square.side, low), high)
        return crop if side == square.side else resize(crop, (side, side))

    def _refine(self, squares: Sequence[Square], found: Sequence[FaceSteps]) -> list[Square]:
        """Crops by the training recipe, from the landmarks that the first pass found."""
        refined: list[Square] = []
        for square, steps in zip(squares, found, strict=True):
            better = square_of_landmarks(to_photo(steps.landmarks[-1], square))
            # Landmarks that throw the crop far off were not found on a face.
            refined.append(better if intersection_over_union(better.box, square.box) >= _KEEP_OVERLAP else square)
        return refined

    def _doubts(self, pixels: NDArray[np.uint8], square: Square, result: FaceSteps) -> tuple[Doubt, ...]:
        found = doubts(signs(pixels, square, self._crop(pixels, square), result))
        # Comes this far only if it was forced.
        return (Doubt.TOO_LARGE, *found) if self._is_too_large(square) else found

    def faces(
        self,
        image: NDArray[np.uint8],
        boxes: Sequence[Box] | None = None,
        force: bool = False,
        passes: int = 2,
        uncertainty: bool = False,
    ) -> tuple[Face, ...]:
        """Find and super-resolve the faces of a photo, without putting them back.

        Args:
            image: (H, W, 3) uint8 RGB, upright.
            boxes: faces from brows to chin, in pixels of the photo; None detects them.
            force: also faces that are larger than the model can improve, smaller than it knows, or doubtful.
            passes: how often a face is super-resolved; after each but the last its crop is set anew by the landmarks.
            uncertainty: also say how far each face may be off, which takes three passes more.

        Returns:
            Every face, in the detector's order or that of the boxes.

        Raises:
            UsageError: wrong pixels, no passes, or a box whose centre does not lie in the photo.
        """
        _check_passes(passes)
        return self._restore_found(image, self._locate(image, boxes), force, passes, uncertainty)

    def _restore_found(
        self,
        image: NDArray[np.uint8],
        found: Sequence[tuple[Box, float | None]],
        force: bool,
        passes: int,
        uncertainty: bool,
    ) -> tuple[Face, ...]:
        squares = [square_of_box(box) for box, _ in found]
        outcomes = [self._first_outcome(image, square, force) for square in squares]
        chosen = [index for index, outcome in enumerate(outcomes) if outcome is Outcome.RESTORED]
        steps: list[FaceSteps] = []
        for number in range(passes):
            if number:
                refined = self._refine([squares[index] for index in chosen], steps)
                for index, square in zip(chosen, refined, strict=True):
                    squares[index] = square
            if number == passes - 1 and not force:
                for index in chosen:
                    if self._is_too_large(squares[index]):
                        outcomes[index] = Outcome.TOO_LARGE
                chosen = [index for index in chosen if outcomes[index] is Outcome.RESTORED]
            steps = self.model([self._crop(image, squares[index]) for index in chosen])
        results = dict(zip(chosen, steps, strict=True))
        maps: dict[int, NDArray[np.float32]] = {}
        if uncertainty:
            crops = [self._crop(image, squares[index]) for index in chosen]
            maps = dict(zip(chosen, expected_errors(self.model, crops, steps), strict=True))
        faces: list[Face] = []
        for index, ((box, score), square, outcome) in enumerate(zip(found, squares, outcomes, strict=True)):
            if (result := results.get(index)) is None:
                faces.append(Face(box, score, outcome, square))
            elif not force and _is_doubtful(score, result):
                faces.append(Face(box, score, Outcome.DOUBTFUL, square))
            else:
                landmarks = to_photo(result.landmarks[-1], square)
                why = self._doubts(image, square, result)
                faces.append(Face(box, score, outcome, square, landmarks, result.sr, maps.get(index), why))
        return tuple(faces)

    def restore(
        self,
        image: NDArray[np.uint8],
        scale: float = 4.0,
        boxes: Sequence[Box] | None = None,
        force: bool = False,
        passes: int = 2,
        uncertainty: bool = False,
    ) -> Restoration:
        """Enlarge a photo and restore its small faces.

        Args:
            image: (H, W, 3) uint8 RGB, upright.
            scale: enlargement of the photo, 1 to 8.
            boxes: faces from brows to chin, in pixels of the photo; None detects them.
            force, passes, uncertainty: see `faces`.

        Returns:
            The enlarged photo and its faces. Outside the faces' crops it is Pillow's bicubic enlargement.

        Raises:
            UsageError: wrong pixels or scale, or a box whose centre does not lie in the photo.
        """
        _check_pixels(image)
        if not SCALES[0] <= scale <= SCALES[1]:
            raise UsageError(f"expected a scale from {SCALES[0]:g} to {SCALES[1]:g}, got {scale:g}")
        _check_passes(passes)
        start = time.perf_counter()
        found = self._locate(image, boxes)
        detected = time.perf_counter()
        faces = self._restore_found(image, found, force, passes, uncertainty)
        restored_at = time.perf_counter()
        height, width = image.shape[:2]
        size = (round(width * scale), round(height * scale))
        canvas = resize(image, size).copy()
        for face in faces:
            if face.steps is not None:
                restored = match_colours(face.steps[-1], self._crop(image, face.square))
                paste(canvas, restored, face.square, (size[0] / width, size[1] / height))
        ended = time.perf_counter()
        stages_s = {"detect": detected - start, "restore": restored_at - detected, "paste": ended - restored_at}
        return Restoration(canvas, faces, stages_s)

    def upscale(self, crops: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Super-resolve aligned face crops.

        Args:
            crops: (N, S, S, 3) uint8 RGB, S from 8 to 64 (16 for the paper's networks).

        Returns:
            (N, 128, 128, 3) uint8 RGB.

        Raises:
            UsageError: another shape or type.
        """
        _check_crops(crops)
        results = self.model(list(crops))
        return (
            np.stack([result.sr[-1] for result in results]) if results else np.empty((0, FACE_PX, FACE_PX, 3), np.uint8)
        )

    def uncertainty(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        """How far what `upscale` makes of crops may be off.

        Args:
            crops: as for `upscale`.

        Returns:
            (N, 128, 128) float32, the mean absolute error of luma to expect, in grey levels.

        Raises:
            UsageError: another shape or type.
        """
        _check_crops(crops)
        found = expected_errors(self.model, list(crops), self.model(list(crops)))
        return np.stack(found) if found else np.empty((0, FACE_PX, FACE_PX), np.float32)


def _check_crops(crops: NDArray[np.uint8]) -> None:
    if crops.ndim != 4 or crops.shape[3] != 3 or crops.dtype != np.uint8:
        raise UsageError(f"expected (N, S, S, 3) uint8 RGB crops, got {crops.dtype} of shape {crops.shape}")


def _is_doubtful(score: float | None, steps: FaceSteps) -> bool:
    """A faint detection in which the landmarks are faint, too; a box that a user drew is never doubted."""
    return score is not None and score < SURE_SCORE and float(steps.peaks[-1].mean()) < SURE_PEAK


def check_box(box: Box, width: int, height: int) -> None:
    """Refuse a box that is empty or whose centre does not lie in the photo; a face at the edge may reach beyond.

    Raises:
        UsageError: saying what the photo's size is.
    """
    values = ",".join(f"{edge:g}" for edge in box)
    if not (box.left < box.right and box.top < box.bottom):
        raise UsageError(f"expected a box X0,Y0,X1,Y1 with X0 < X1 and Y0 < Y1, got {values}")
    if not (0 < box.left + box.right < 2 * width and 0 < box.top + box.bottom < 2 * height):
        raise UsageError(f"expected a box whose centre lies in the photo of {width}x{height} px, got {values}")
