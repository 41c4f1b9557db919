"""The whole job: find the small faces of a photo, restore them, put them back."""

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dicface.errors import UsageError
from dicface.faces.detection import DEFAULT_DETECTOR, Detector, make_detector
from dicface.faces.geometry import Box
from dicface.faces.turns import Quarters, turn_box_back, turn_image, turn_points_back, turn_square_back
from dicface.faces.verification import make_verification
from dicface.images.pixels import FACE_PX, resize
from dicface.restoration.passes import FacePasses
from dicface.restoration.paste import match_colours, paste
from dicface.restoration.results import Face, Restoration
from dicface.restoration.search import Search, find_faces
from dicface.runtime.face_model import FaceModel
from dicface.runtime.models import DEFAULT_MODEL
from dicface.runtime.uncertainty import expected_errors

SCALES = (1.0, 8.0)


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
        self,
        model: str = DEFAULT_MODEL,
        backend: str = "auto",
        detector: str | Detector = DEFAULT_DETECTOR,
        several: bool = False,
        detector_threshold: float | None = None,
    ) -> None:
        """Load the model.

        Args:
            model: name of an embedded model (`dicface models` lists them) or path of a model file.
            backend: auto, onnxruntime, openvino or torch; auto takes what is fastest here (ADR 0022).
            detector: face (ours), dlib, dlib-fast or dlib-thorough (see `make_detector`), or a detector of the caller's
                own, whose findings are believed.
            several: photos will be restored several at a time. Then threads that wait leave the cores to others, which
                makes a single photo slower.
            detector_threshold: least probability of a face, from 0 to 1; None takes the one in the finder's card. For
                other detectors than `face` the least score.

        Raises:
            UnknownModelError: no such model.
            UsageError: no such backend or detector, or it is not installed.
            CheckpointError: the file is not a model.
        """
        self.model = FaceModel(model, backend, spinning=not several)
        self._detect = make_detector(detector, spinning=not several)
        self._verify = make_verification(detector, model, detector_threshold)
        self._restore_faces = FacePasses(self.model, self._verify)

    def _search(self, image: NDArray[np.uint8], boxes: Sequence[Box] | None, only_boxes: bool) -> Search:
        _check_pixels(image)
        return find_faces(image, self._detect, self._verify, boxes, only_boxes)

    def faces(
        self,
        image: NDArray[np.uint8],
        boxes: Sequence[Box] | None = None,
        force: bool = False,
        passes: int = 2,
        uncertainty: bool = False,
        only_boxes: bool = False,
    ) -> tuple[Face, ...]:
        """Find and super-resolve the faces of a photo, without putting them back.

        Args:
            image: (H, W, 3) uint8 RGB, upright.
            boxes: faces from brows to chin, in pixels of the photo, besides those that are found.
            force: also faces that are larger than the model can improve, smaller than it knows, seen from the side, or
                doubtful.
            passes: how often a face is super-resolved; after each but the last its crop is set anew by the landmarks.
            uncertainty: also say how far each face may be off, which takes three passes more.
            only_boxes: restore the given boxes and look for no others.

        Returns:
            Every face: those of the boxes, then the others in the detector's order.

        Raises:
            UsageError: wrong pixels, no passes, or a box whose centre does not lie in the photo.
        """
        _check_passes(passes)
        return self._restore_turned(image, self._search(image, boxes, only_boxes), force, passes, uncertainty)

    def _restore_turned(
        self, image: NDArray[np.uint8], search: Search, force: bool, passes: int, uncertainty: bool
    ) -> tuple[Face, ...]:
        """The faces of a photo, restored upright and turned back."""
        upright = turn_image(image, search.quarters) if search.quarters else image
        faces = self._restore_faces(upright, search.faces, force, passes, uncertainty)
        return tuple(_turned_back(face, search.quarters, *image.shape[:2]) for face in faces)

    def restore(
        self,
        image: NDArray[np.uint8],
        scale: float = 4.0,
        boxes: Sequence[Box] | None = None,
        force: bool = False,
        passes: int = 2,
        uncertainty: bool = False,
        only_boxes: bool = False,
    ) -> Restoration:
        """Enlarge a photo and restore its small faces.

        Args:
            image: (H, W, 3) uint8 RGB, upright.
            scale: enlargement of the photo, 1 to 8.
            boxes: faces from brows to chin, in pixels of the photo, besides those that are found.
            force, passes, uncertainty, only_boxes: see `faces`.

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
        search = self._search(image, boxes, only_boxes)
        detected = time.perf_counter()
        faces = self._restore_turned(image, search, force, passes, uncertainty)
        restored_at = time.perf_counter()
        height, width = image.shape[:2]
        size = (round(width * scale), round(height * scale))
        canvas = resize(image, size).copy()
        for face in faces:
            if face.steps is not None:
                restored = match_colours(face.steps[-1], self._restore_faces.crop(image, face.square))
                paste(canvas, restored, face.square, (size[0] / width, size[1] / height))
        ended = time.perf_counter()
        stages_s = {"detect": detected - start, "restore": restored_at - detected, "paste": ended - restored_at}
        return Restoration(canvas, faces, stages_s, 90 * search.quarters)

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


def _turned_back(face: Face, quarters: Quarters, height: int, width: int) -> Face:
    """A face of a turned photo, in the photo before the turn, whose size is given."""
    if not quarters:
        return face

    def back(pictures: NDArray[Any], axes: tuple[int, int]) -> NDArray[Any]:
        return np.ascontiguousarray(np.rot90(pictures, -quarters, axes))

    points = face.landmarks
    return replace(
        face,
        box=turn_box_back(face.box, quarters, height, width),
        square=turn_square_back(face.square, quarters, height, width),
        landmarks=None if points is None else turn_points_back(points + 0.5, quarters, height, width) - 0.5,
        steps=None if face.steps is None else back(face.steps, (1, 2)),
        uncertainty=None if face.uncertainty is None else back(face.uncertainty, (0, 1)),
    )
