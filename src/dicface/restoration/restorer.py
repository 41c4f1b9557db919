"""Restorer: find the small faces of a photo, restore them and paste them into the enlarged photo."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dicface.errors import UsageError
from dicface.faces.detection import Detector, make_detector
from dicface.faces.geometry import Box
from dicface.faces.names import DEFAULT_DETECTOR
from dicface.faces.turns import Quarters, turn_box_back, turn_image, turn_points_back, turn_square_back
from dicface.faces.verification import make_verification
from dicface.images.photo import ImageLike, read_pixels
from dicface.images.pixels import FACE_PX, resize
from dicface.restoration.output import provenance_of
from dicface.restoration.passes import FacePasses
from dicface.restoration.paste import match_colours, paste
from dicface.restoration.results import Face, Outcome, Restoration
from dicface.restoration.search import Located, find_faces, find_turn
from dicface.restoration.stages import Stages
from dicface.runtime.face_model import FaceModel
from dicface.runtime.models import DEFAULT_MODEL
from dicface.runtime.providers import BackendName, ProviderName
from dicface.runtime.uncertainty import expected_errors

SCALE_RANGE = (1.0, 8.0)
_SURE_PROBABILITY = 0.95
"""Probability from which a face shows that a photo lies on its side."""


def _check_passes(passes: int) -> None:
    if passes < 1:
        raise UsageError(f"expected at least one pass, got {passes}")


class _RestoredFaces(NamedTuple):
    """Faces in the frame of the photo, and the quarter turns, anticlockwise, after which they were found."""

    faces: tuple[Face, ...]
    quarters: Quarters = 0


class Restorer:
    """Restores small faces in photos. Holds a model and a detector and no other state; may be shared between threads.

    Attributes:
        model: the face model.
    """

    def __init__(
        self,
        model: str | Path | FaceModel = DEFAULT_MODEL,
        *,
        backend: BackendName = "auto",
        provider: ProviderName = "auto",
        detector: str | Detector = DEFAULT_DETECTOR,
        detector_threshold: float | None = None,
        threads: int | None = None,
        several: bool = False,
    ) -> None:
        """Load the model and the detector.

        Args:
            model: name of an embedded model (`dicface models` lists them), path of a model file, or a loaded model.
            backend: auto takes what is fastest here (ADR 22). A loaded model has one already.
            provider: processor of ONNX Runtime, and of torch (cpu or cuda); auto takes a GPU where one can be used
                (ADR 22). A loaded model has one already.
            detector: face (the embedded network), dlib, dlib-fast or dlib-thorough (see `make_detector`), or any
                `Detector`, whose detections are all taken for faces.
            detector_threshold: least probability of a face, from 0 to 1; None takes that of the face finder's card. For
                detectors other than face it is the least score, and None sets no limit of its own.
            threads: with which each network computes; None takes one for each core. torch has no such setting for one
                network; see `FaceModel`.
            several: photos will be restored several at a time. Then threads that wait leave the cores to others, which
                makes a single photo slower.

        Raises:
            UnknownModelError: no such model.
            UsageError: no such backend, provider or detector, or it is not installed; a threshold that is no
                probability; or a backend beside a loaded model.
            CheckpointError: the file is not a model.
        """
        if not isinstance(model, FaceModel):
            model = FaceModel(model, backend=backend, provider=provider, threads=threads, spinning=not several)
        elif backend != "auto":
            raise UsageError(f"expected no `backend` beside a loaded model, which has its own, got {backend!r}")
        self.model = model
        self._detect = make_detector(detector, threads=threads, spinning=not several, provider=provider)
        self._verify = make_verification(detector, self.model.name, threshold=detector_threshold)
        self._restore_faces = FacePasses(self.model, self._verify)

    def __repr__(self) -> str:
        return f"Restorer({self.model!r})"

    def faces(
        self,
        image: ImageLike,
        *,
        boxes: Sequence[Box] | None = None,
        only_boxes: bool = False,
        force: bool = False,
        passes: int = 2,
        uncertainty: bool = False,
    ) -> tuple[Face, ...]:
        """Find and super-resolve the faces of a photo, without pasting them.

        Args:
            image: a file, a PIL image, or (H, W, 3) uint8 RGB, upright.
            boxes: faces from brows to chin, in pixels of the photo, in addition to those that are found.
            only_boxes: restore the faces of `boxes` alone, without a search for others.
            force: also restore faces that are too large, too small, seen from the side or doubtful for the model.
            passes: how often a face is super-resolved; each pass refines the crop by the landmarks of the one before.
            uncertainty: also estimate the error of each face, which takes three more passes.

        Returns:
            Every face: those of the boxes, then those that were found, in the detector's order.

        Raises:
            UsageError: wrong pixels, no passes, or a box whose centre does not lie in the photo.
            ImageError: a file that cannot be read.
        """
        _check_passes(passes)
        pixels = read_pixels(image)
        work = partial(self._restore_faces, force=force, passes=passes, uncertainty=uncertainty)
        return self._found(pixels, work, Stages(), boxes=boxes, only_boxes=only_boxes).faces

    def _found(
        self,
        pixels: NDArray[np.uint8],
        restore: Callable[[NDArray[np.uint8], list[Located]], tuple[Face, ...]],
        stages: Stages,
        *,
        boxes: Sequence[Box] | None,
        only_boxes: bool,
    ) -> _RestoredFaces:
        """Find and restore faces upright, or, where there is none, in the turn that surely shows some."""
        with stages.measure("detect"):
            located = find_faces(pixels, self._detect, self._verify, boxes=boxes, only_boxes=only_boxes)
        with stages.measure("restore"):
            faces = restore(pixels, located)
        if boxes or only_boxes or any(face.outcome is not Outcome.DOUBTFUL for face in faces):
            return _RestoredFaces(faces)
        with stages.measure("detect"):
            quarters = find_turn(pixels, self._detect, self._verify)
            turned = turn_image(pixels, quarters)
            located = find_faces(turned, self._detect, self._verify) if quarters else []
        with stages.measure("restore"):
            others = restore(turned, located)
        if not any(_is_sure(face) for face in others):
            return _RestoredFaces(faces)
        return _RestoredFaces(tuple(_turned_back(face, quarters, *pixels.shape[:2]) for face in others), quarters)

    def restore(
        self,
        image: ImageLike,
        *,
        scale: float = 4.0,
        boxes: Sequence[Box] | None = None,
        only_boxes: bool = False,
        force: bool = False,
        passes: int = 2,
        uncertainty: bool = False,
    ) -> Restoration:
        """Enlarge a photo and restore its small faces.

        Args:
            image: a file, a PIL image, or (H, W, 3) uint8 RGB, upright.
            scale: enlargement of the photo, 1 to 8.
            boxes: faces from brows to chin, in pixels of the photo, in addition to those that are found.
            only_boxes, force, passes, uncertainty: see `faces`.

        Returns:
            The enlarged photo and its faces. Outside the faces' crops it is Pillow's bicubic enlargement.

        Raises:
            UsageError: wrong pixels or scale, or a box whose centre does not lie in the photo.
            ImageError: a file that cannot be read.
        """
        pixels = read_pixels(image)
        if not SCALE_RANGE[0] <= scale <= SCALE_RANGE[1]:
            raise UsageError(f"expected a scale from {SCALE_RANGE[0]:g} to {SCALE_RANGE[1]:g}, got {scale:g}")
        _check_passes(passes)
        stages = Stages()
        work = partial(self._restore_faces, force=force, passes=passes, uncertainty=uncertainty)
        faces, quarters = self._found(pixels, work, stages, boxes=boxes, only_boxes=only_boxes)
        with stages.measure("paste"):
            canvas = self._put_back(pixels, faces, scale)
        restored = sum(face.outcome is Outcome.RESTORED for face in faces)
        return Restoration(
            canvas,
            faces,
            stages_s=stages.spent_s,
            provenance=provenance_of(self.model, restored),
            turned_degrees=90 * quarters,
        )

    def _put_back(self, pixels: NDArray[np.uint8], faces: Sequence[Face], scale: float) -> NDArray[np.uint8]:
        """The enlarged photo with its restored faces."""
        height, width = pixels.shape[:2]
        size = (round(width * scale), round(height * scale))
        canvas = resize(pixels, size).copy()
        for face in faces:
            if face.steps is not None:
                restored = match_colours(face.steps[-1], self._restore_faces.crop(pixels, face.square))
                paste(canvas, restored, face.square, (size[0] / width, size[1] / height))
        return canvas

    def upscale(self, crops: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Super-resolve aligned face crops. `model` gives every step and the landmarks, too.

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
        """Expected error of the results of `upscale`.

        Args:
            crops: as for `upscale`.

        Returns:
            (N, 128, 128) float32, expected mean absolute error of luma in grey levels.

        Raises:
            UsageError: another shape or type.
        """
        _check_crops(crops)
        found = expected_errors(self.model, list(crops), self.model(list(crops)))
        return np.stack(found) if found else np.empty((0, FACE_PX, FACE_PX), np.float32)


def _check_crops(crops: NDArray[np.uint8]) -> None:
    if crops.ndim != 4 or crops.shape[3] != 3 or crops.dtype != np.uint8:
        raise UsageError(f"expected (N, S, S, 3) uint8 RGB crops, got {crops.dtype} of shape {crops.shape}")


def _is_sure(face: Face) -> bool:
    return face.outcome is not Outcome.DOUBTFUL and (face.probability is None or face.probability >= _SURE_PROBABILITY)


def _turned_back(face: Face, quarters: Quarters, height: int, width: int) -> Face:
    """A face of a turned photo, in the frame of the photo before the turn, which has the given size."""

    def back(images: NDArray[Any], axes: tuple[int, int]) -> NDArray[Any]:
        return np.ascontiguousarray(np.rot90(images, -quarters, axes))

    points = face.landmarks
    return replace(
        face,
        box=turn_box_back(face.box, quarters, height, width),
        square=turn_square_back(face.square, quarters, height, width),
        landmarks=None if points is None else turn_points_back(points + 0.5, quarters, height, width) - 0.5,
        steps=None if face.steps is None else back(face.steps, (1, 2)),
        uncertainty=None if face.uncertainty is None else back(face.uncertainty, (0, 1)),
    )
