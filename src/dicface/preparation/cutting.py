"""Photos to cropped, landmarked faces, each kept or skipped with a reason."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dicface.data.packs import CROP_FORMATS, encode_crop
from dicface.errors import DicfaceError, UsageError
from dicface.faces.detection import DEFAULT_DETECTOR, make_detector
from dicface.faces.geometry import Box, Square, cut, landmark_box, square_of_box, square_of_landmarks
from dicface.faces.landmarks import locate
from dicface.images.photo import MAX_MEGAPIXELS, read_photo
from dicface.images.pixels import FACE_PX
from dicface.preparation.annotations import Annotation
from dicface.preparation.duplicates import face_hashes
from dicface.preparation.parts import CutFace, Skipped
from dicface.runtime.landmark_model import LandmarkModel

# A detector's box is about that of the landmarks; a crop this much too small by it is so by the landmarks, too.
_FIRST_GUESS = 0.7
# Annotated boxes are less like those of the landmarks than the detector's.
_PASSES_FROM_DETECTION, _PASSES_FROM_ANNOTATION = 2, 3
_SMALLEST_PX = 40.0
"""Smaller faces are not looked for, since packs are made of large ones."""
_LEAST_SCORE = 0.5
"""Of the face finder. No second opinion follows but that of the landmarks."""
MAX_SIZE = 512


class Reason(StrEnum):
    """Why a face or a photo is not in the pack."""

    UNREADABLE = "unreadable photo"
    BAD_ANNOTATION = "unusable annotation"
    NOT_ANNOTATED = "not annotated"
    NO_FACE = "no face found"
    TOO_SMALL = "too small"
    OUTSIDE = "outside the image"
    UNSURE = "landmarks unsure"
    DUPLICATE = "nearly a duplicate"
    HELD_BACK = "like a face of another split"
    NO_SIDE = "not in the partition list"


FAILURES = (Reason.UNREADABLE, Reason.BAD_ANNOTATION)
"""Inputs that could not be used; the others are results."""


@dataclass(frozen=True)
class Recipe:
    """How a face becomes a row of a pack.

    Attributes:
        enlargement: the nominal crop is that much larger than the landmarks' square; 0.3 in the paper.
        size: side of the stored image in pixels, even; its central 128 are the nominal crop.
        min_crop: faces whose nominal crop has a smaller side in the photo, in pixels, are skipped.
        max_outside: share of the nominal crop's area that may lie beyond the photo.
        min_peak: landmarks whose heatmaps' peaks are lower on average are unsure.
        format, quality: of the stored image; see `encode_crop`.
        detector: see `make_detector`.
        max_megapixels: larger photos are not read.
    """

    enlargement: float = 0.3
    size: int = 144
    min_crop: int = FACE_PX
    max_outside: float = 0.1
    min_peak: float = 0.6
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
        if not (0 <= self.max_outside <= 1 and 0 <= self.min_peak <= 1):
            raise UsageError(
                f"expected shares from 0 to 1 as the most outside the photo and the least peak, got "
                f"{self.max_outside:g} and {self.min_peak:g}"
            )
        if self.format not in CROP_FORMATS:
            raise UsageError(f"expected a format, one of {', '.join(CROP_FORMATS)}, got {self.format!r}")


class Task(NamedTuple):
    """A photo to work on.

    Attributes:
        path: its file.
        name: under which it is known in the pack.
        annotation: what is known of its face; None to detect faces.
        verdict: why it cannot be worked on, if that is known beforehand.
    """

    path: Path
    name: str
    annotation: Annotation | None
    verdict: Skipped | None = None


class PhotoFaces(NamedTuple):
    """What a photo gave."""

    faces: list[CutFace]
    skipped: list[Skipped]


class _Located(NamedTuple):
    """A face's landmarks in the photo, (68, 2), and how sure they are: 1 if somebody made them."""

    landmarks: NDArray[np.float32]
    peak: float


def share_outside(square: Square, height: int, width: int) -> float:
    """Share of a crop's area that lies beyond a photo."""
    across = min(square.left + square.side, width) - max(square.left, 0)
    down = min(square.top + square.side, height) - max(square.top, 0)
    return 1 - max(0, across) * max(0, down) / square.side**2


def cut_face(
    pixels: NDArray[np.uint8], landmarks: NDArray[np.floating], square: Square, size: int
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """A face at 128 px with a margin about it.

    Args:
        pixels: (H, W, 3) uint8 RGB.
        landmarks: (68, 2) x, y in pixels of the photo, pixel centres at integers.
        square: the nominal crop, which becomes 128 px.
        size: side of the result; what exceeds 128 is margin, half on each side. Beyond the photo pixels repeat.

    Returns:
        (size, size, 3) uint8 RGB, resized with Pillow's bicubic in one go, and (68, 2) float32 landmarks in its pixels.
    """
    scale = square.side / FACE_PX
    margin = (size - FACE_PX) / 2 * scale
    # Whole pixels that hold the margin and what the filter looks at beyond it.
    reach = int(np.ceil(margin + 2 * max(scale, 1)))
    wide = Square(square.left - reach, square.top - reach, square.side + 2 * reach)
    box = (reach - margin, reach - margin, reach + square.side + margin, reach + square.side + margin)
    image = Image.fromarray(cut(pixels, wide)).resize((size, size), Image.Resampling.BICUBIC, box=box)
    corner = np.array([square.left - margin, square.top - margin])
    return np.asarray(image), ((landmarks + 0.5 - corner) / scale - 0.5).astype(np.float32)


class FaceCutter:
    """Cuts the faces out of photos. Deterministic: computes with one thread, photo by photo."""

    def __init__(self, recipe: Recipe) -> None:
        """Load what finds faces and landmarks.

        Raises:
            UsageError: an unknown detector.
        """
        self.recipe = recipe
        self._detect = make_detector(recipe.detector, threads=1, smallest_px=_SMALLEST_PX, least_score=_LEAST_SCORE)
        self._model = LandmarkModel(threads=1)

    def __call__(self, task: Task) -> PhotoFaces:
        """All faces of a photo; one that cannot be read is skipped with the error as detail."""
        if task.verdict is not None:
            return PhotoFaces([], [task.verdict])
        try:
            pixels = read_photo(task.path, self.recipe.max_megapixels).pixels
            faces = self._faces(pixels, task.annotation)
            return self._sorted_out(task.name, pixels, faces)
        except DicfaceError as error:
            return PhotoFaces([], [Skipped(task.name, None, Reason.UNREADABLE, str(error))])
        except MemoryError:
            detail = "not enough memory; use fewer `jobs` or shrink the photo"
            return PhotoFaces([], [Skipped(task.name, None, Reason.UNREADABLE, detail)])

    def _faces(self, pixels: NDArray[np.uint8], annotation: Annotation | None) -> Iterator[tuple[Box, _Located | None]]:
        """Each face's box, and its landmarks unless it is far too small to look for them."""
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
            if square.side < self.recipe.min_crop * _FIRST_GUESS or share_outside(square, height, width) == 1:
                yield box, None
            else:
                found = locate(self._model, pixels, box, passes)
                yield box, _Located(found.points, float(found.peaks.mean()))

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
            return Reason.OUTSIDE, f"{outside:.0%} of the crop beyond the photo, at most {recipe.max_outside:.0%}"
        if located is None or square.side < recipe.min_crop:
            return Reason.TOO_SMALL, f"crop of {square.side} px, at least {recipe.min_crop} px"
        if located.peak < recipe.min_peak:
            return Reason.UNSURE, f"mean peak {located.peak:.2f}, at least {recipe.min_peak:.2f}"
        return None, ""

    def _cut(self, name: str, number: int, pixels: NDArray[np.uint8], located: _Located, square: Square) -> CutFace:
        size = self.recipe.size
        image, inside = cut_face(pixels, located.landmarks, square, size)
        margin = (size - FACE_PX) // 2
        nominal = np.ascontiguousarray(image[margin : margin + FACE_PX, margin : margin + FACE_PX])
        encoded = encode_crop(image, self.recipe.format, self.recipe.quality)
        return CutFace(name, number, encoded, inside, face_hashes(nominal), square, located.peak)
