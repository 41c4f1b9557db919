"""Photos to cropped, landmarked faces, each kept or skipped with a reason."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dicface.data.pack_writing import CROP_FORMATS, encode_crop
from dicface.errors import DicfaceError, UsageError
from dicface.faces.detection import make_detector
from dicface.faces.geometry import Box, Square, cut, landmark_box, square_of_box, square_of_landmarks
from dicface.faces.landmarks import locate
from dicface.faces.names import DEFAULT_DETECTOR
from dicface.images.photo import MAX_MEGAPIXELS, read_photo
from dicface.images.pixels import FACE_PX
from dicface.preparation.annotations import Annotation
from dicface.preparation.duplicates import face_hashes
from dicface.preparation.parts import CutFace, Skipped
from dicface.runtime.landmark_model import LandmarkModel

# Crops whose side by the detector's box is below this share of the minimum are also too small by their landmarks.
_MIN_BOX_SHARE = 0.7
# Annotated boxes differ more from landmark boxes than detected ones.
_PASSES_FROM_DETECTION, _PASSES_FROM_ANNOTATION = 2, 3
_SMALLEST_PX = 40.0
"""Side of the smallest face that is looked for; packs are made of large faces."""
_MIN_SCORE = 0.3
"""Least score of the face finder; afterwards only the landmarks can reject a detection."""
MAX_SIZE = 512


class Reason(StrEnum):
    """Why a face or a photo was skipped."""

    UNREADABLE = "unreadable photo"
    BAD_ANNOTATION = "unusable annotation"
    NOT_ANNOTATED = "not annotated"
    NO_FACE = "no face found"
    TOO_SMALL = "too small"
    OUTSIDE = "outside the image"
    UNSURE = "landmarks unsure"
    DUPLICATE = "nearly a duplicate"
    HELD_OUT = "like a face of another split"
    NO_SPLIT = "not in the partition list"


FAILURES = (Reason.UNREADABLE, Reason.BAD_ANNOTATION)
"""Reasons that count as failed inputs."""


@dataclass(frozen=True)
class Recipe:
    """How a face becomes a row of a pack.

    Attributes:
        enlargement: margin of the nominal crop around the landmarks' square, as a share of its side; 0.3 in the paper.
        size: side of the stored image in pixels, even; its central 128 px are the nominal crop.
        min_crop: smallest side of a nominal crop in the photo, in pixels; smaller faces are skipped.
        max_outside: largest share of the nominal crop's area beyond the photo.
        min_confidence: smallest mean heatmap confidence of detected landmarks, 0 to 1.
        format, quality: encoding of the stored image, see `encode_crop`.
        detector: see `make_detector`.
        max_megapixels: largest photo that is read.
    """

    enlargement: float = 0.3
    size: int = 144
    min_crop: int = FACE_PX
    max_outside: float = 0.1
    min_confidence: float = 0.6
    format: str = "webp"
    quality: int = 90
    detector: str = DEFAULT_DETECTOR
    max_megapixels: float = MAX_MEGAPIXELS

    def __post_init__(self) -> None:
        if not FACE_PX <= self.size <= MAX_SIZE or self.size % 2:
            raise UsageError(f"expected an even size from {FACE_PX} to {MAX_SIZE} px, got {self.size}")
        if not 0 <= self.enlargement <= 2:
            raise UsageError(f"expected an enlargement from 0 to 2, got {self.enlargement:g}")
        if not (self.min_crop >= 1 and 1 <= self.quality <= 100):
            raise UsageError(
                f"expected a smallest crop from 1 px and a quality from 1 to 100, got {self.min_crop} and "
                f"{self.quality}"
            )
        if not (0 <= self.max_outside <= 1 and 0 <= self.min_confidence <= 1):
            raise UsageError(
                f"expected `max_outside` and `min_confidence` from 0 to 1, got "
                f"{self.max_outside:g} and {self.min_confidence:g}"
            )
        if self.format not in CROP_FORMATS:
            raise UsageError(f"expected a format, one of {', '.join(CROP_FORMATS)}, got {self.format!r}")


class PhotoTask(NamedTuple):
    """A photo to cut faces from.

    Attributes:
        path: its file.
        name: its name in the pack.
        annotation: the annotation of its face; None to detect faces.
        verdict: why it is skipped without being read; None otherwise.
    """

    path: Path
    name: str
    annotation: Annotation | None
    verdict: Skipped | None = None


class PhotoFaces(NamedTuple):
    """The faces cut from a photo, and what was skipped."""

    faces: list[CutFace]
    skipped: list[Skipped]


class _Located(NamedTuple):
    """Landmarks of a face in the photo, (68, 2), and their mean heatmap confidence; 1 for annotated landmarks."""

    landmarks: NDArray[np.float32]
    heatmap_confidence: float


def share_outside(square: Square, height: int, width: int) -> float:
    """Share of a crop's area beyond a photo of this height and width, 0 to 1."""
    across = min(square.left + square.side, width) - max(square.left, 0)
    down = min(square.top + square.side, height) - max(square.top, 0)
    return 1 - max(0, across) * max(0, down) / square.side**2


def cut_face(
    pixels: NDArray[np.uint8], landmarks: NDArray[np.floating], square: Square, size: int
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Cut a face at 128 px with a margin around it.

    Args:
        pixels: (H, W, 3) uint8 RGB.
        landmarks: (68, 2) x, y in pixels of the photo, pixel centres at integers.
        square: the nominal crop, which is resized to 128 px.
        size: side of the result in pixels, 128 and a margin, half on each side. Beyond the photo, edge pixels repeat.

    Returns:
        (size, size, 3) uint8 RGB, resized with Pillow's bicubic in one go, and (68, 2) float32 landmarks in its pixels.
    """
    scale = square.side / FACE_PX
    margin = (size - FACE_PX) / 2 * scale
    # Whole pixels that contain the margin and the support of the filter.
    reach = int(np.ceil(margin + 2 * max(scale, 1)))
    wide = Square(square.left - reach, square.top - reach, square.side + 2 * reach)
    box = (reach - margin, reach - margin, reach + square.side + margin, reach + square.side + margin)
    image = Image.fromarray(cut(pixels, wide)).resize((size, size), Image.Resampling.BICUBIC, box=box)
    corner = np.array([square.left - margin, square.top - margin])
    return np.asarray(image), ((landmarks + 0.5 - corner) / scale - 0.5).astype(np.float32)


class FaceCutter:
    """Cuts the faces out of photos. Deterministic: one thread, one photo at a time."""

    def __init__(self, recipe: Recipe) -> None:
        """Load detector and landmark model.

        Raises:
            UsageError: an unknown detector.
        """
        self.recipe = recipe
        self._detect = make_detector(recipe.detector, threads=1, smallest_px=_SMALLEST_PX, min_score=_MIN_SCORE)
        self._model = LandmarkModel(threads=1)

    def __call__(self, task: PhotoTask) -> PhotoFaces:
        """Cut all faces of a photo. A photo that cannot be read is skipped, with the error as detail."""
        if task.verdict is not None:
            return PhotoFaces([], [task.verdict])
        try:
            pixels = read_photo(task.path, max_megapixels=self.recipe.max_megapixels).pixels
            faces = self._faces(pixels, task.annotation)
            return self._sorted_out(task.name, pixels, faces)
        except DicfaceError as error:
            return PhotoFaces([], [Skipped(task.name, None, Reason.UNREADABLE, str(error))])
        except MemoryError:
            detail = "not enough memory; use fewer `jobs` or shrink the photo"
            return PhotoFaces([], [Skipped(task.name, None, Reason.UNREADABLE, detail)])

    def _faces(self, pixels: NDArray[np.uint8], annotation: Annotation | None) -> Iterator[tuple[Box, _Located | None]]:
        """Box and landmarks of each face; None for landmarks if the face is far too small."""
        if annotation is not None and annotation.landmarks is not None:
            yield landmark_box(annotation.landmarks), _Located(annotation.landmarks, 1.0)
            return
        if annotation is not None and annotation.box is not None:
            boxes, passes = [Box(*annotation.box)], _PASSES_FROM_ANNOTATION
        else:
            boxes, passes = [detection.box for detection in self._detect(pixels)], _PASSES_FROM_DETECTION
        height, width = pixels.shape[:2]
        for box in boxes:
            square = square_of_box(box)
            if square.side < self.recipe.min_crop * _MIN_BOX_SHARE or share_outside(square, height, width) == 1:
                yield box, None
            else:
                found = locate(self._model, pixels, box, passes=passes)
                yield box, _Located(found.points, float(found.heatmap_confidence.mean()))

    def _sorted_out(
        self, name: str, pixels: NDArray[np.uint8], faces: Iterator[tuple[Box, _Located | None]]
    ) -> PhotoFaces:
        result = PhotoFaces([], [])
        for number, (box, located) in enumerate(faces, 1):
            if located is None:
                square = square_of_box(box)
            else:
                square = square_of_landmarks(located.landmarks, 1 + self.recipe.enlargement)
            reason, detail = self._objection(square, located, pixels.shape[0], pixels.shape[1])
            if reason is not None:
                edges = Box(*(round(edge, 1) for edge in box))
                result.skipped.append(Skipped(name, number, reason, detail, edges))
                continue
            assert located is not None
            result.faces.append(self._cut(name, number, pixels, located, square))
        if not result.faces and not result.skipped:
            result.skipped.append(Skipped(name, None, Reason.NO_FACE))
        return result

    def _objection(
        self, square: Square, located: _Located | None, height: int, width: int
    ) -> tuple[Reason | None, str]:
        recipe = self.recipe
        outside = share_outside(square, height, width)
        if outside > recipe.max_outside or (located is None and outside == 1):
            # Rounded away from the limit, so that the two never read the same.
            share = math.ceil(1000 * outside) / 10
            return Reason.OUTSIDE, f"{share:g}% of the crop beyond the photo, at most {100 * recipe.max_outside:g}%"
        if located is None or square.side < recipe.min_crop:
            return Reason.TOO_SMALL, f"crop of {square.side} px, at least {recipe.min_crop} px"
        if located.heatmap_confidence < recipe.min_confidence:
            confidence = math.floor(1000 * located.heatmap_confidence) / 1000
            return Reason.UNSURE, f"mean heatmap confidence {confidence:g}, at least {recipe.min_confidence:g}"
        return None, ""

    def _cut(self, name: str, number: int, pixels: NDArray[np.uint8], located: _Located, square: Square) -> CutFace:
        size = self.recipe.size
        image, inside = cut_face(pixels, located.landmarks, square, size)
        margin = (size - FACE_PX) // 2
        nominal = np.ascontiguousarray(image[margin : margin + FACE_PX, margin : margin + FACE_PX])
        encoded = encode_crop(image, self.recipe.format, self.recipe.quality)
        return CutFace(name, number, encoded, inside, face_hashes(nominal), square, located.heatmap_confidence)
