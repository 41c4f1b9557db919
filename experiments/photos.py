"""Photos with hand-made landmarks, shrunk until the face has a given width."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dicface.images.photo import read_photo
from dicface.images.pixels import resize
from dicface.preparation.annotations import read_pts


class ShrunkPhoto(NamedTuple):
    """A photo whose annotated face has a known size.

    Attributes:
        name: of the file.
        pixels: (H, W, 3) uint8 RGB, shrunk.
        landmarks: (68, 2) x, y in pixels of `pixels`, pixel centres at integers.
        original: (H', W', 3) uint8 RGB, before shrinking.
        landmarks_original: (68, 2) in pixels of `original`.
    """

    name: str
    pixels: NDArray[np.uint8]
    landmarks: NDArray[np.float32]
    original: NDArray[np.uint8]
    landmarks_original: NDArray[np.float32]


def shrunk_photos(folder: Path, face_width_px: float) -> Iterator[ShrunkPhoto]:
    """Every photo of a folder that has a `.pts` file, shrunk with Pillow's bicubic.

    Args:
        folder: photos with a `.pts` file of the same name each.
        face_width_px: width of the landmarks' box after shrinking. Photos with a smaller face are left out, or, if it
            is infinite, all are left as they are.
    """
    for annotation in sorted(folder.glob("*.pts")):
        original = read_photo(annotation.with_suffix(".jpg")).pixels
        landmarks = read_pts(annotation)
        factor = 1.0 if face_width_px == float("inf") else face_width_px / float(np.ptp(landmarks[:, 0]))
        if factor > 1:
            continue
        height, width = (max(1, round(side * factor)) for side in original.shape[:2])
        # Rounding the size makes the scale differ a little between the axes.
        scale = np.array([width / original.shape[1], height / original.shape[0]])
        shrunk = ((landmarks + 0.5) * scale - 0.5).astype(np.float32)
        yield ShrunkPhoto(annotation.stem, resize(original, (width, height)), shrunk, original, landmarks)
