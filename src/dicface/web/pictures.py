"""Pictures that the page shows of a photo and its faces."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dicface.faces.geometry import cut
from dicface.images.draw import draw_landmarks, side_by_side
from dicface.images.photo import Photo, write_photo
from dicface.images.pixels import resize
from dicface.images.xmp import Provenance
from dicface.restoration.output import with_provenance
from dicface.restoration.results import Face

SHOWN_PX = 1600
"""Longest side of an uploaded photo's preview, in pixels."""
RESULT_PX = 2048
"""Longest side of the picture in which results are shown, in pixels; downloads have the full size."""


def shown(pixels: NDArray[np.uint8], longest_px: int) -> NDArray[np.uint8]:
    """Reduce an image to at most a longest side."""
    height, width = pixels.shape[:2]
    factor = min(1.0, longest_px / max(height, width))
    return pixels if factor == 1 else resize(pixels, (max(1, round(width * factor)), max(1, round(height * factor))))


def write_plain(path: Path, pixels: NDArray[np.uint8], size: tuple[int, ...], provenance: Provenance) -> None:
    """Write the photo enlarged without its faces restored, at most as large as it is shown.

    Args:
        path: the file.
        pixels: (H, W, 3) uint8 RGB, the photo, enlarged or not.
        size: height and width of the result in pixels.
        provenance: of the result.
    """
    height, width = size
    factor = min(1.0, RESULT_PX / max(height, width))
    plain = resize(pixels, (max(1, round(width * factor)), max(1, round(height * factor))))
    write_photo(path, with_provenance(plain, provenance._replace(faces=0), "the photo, enlarged"))


def write_face_pictures(
    folder: Path, face: Face, pixels: NDArray[np.uint8], layer: NDArray[np.uint8], provenance: Provenance
) -> None:
    """Write a restored face as a layer over the photo, as it was found, and after each step.

    Args:
        folder: for `face-N.png`, `face-N-before.png` and `face-N-steps.png`, N being the face's number.
        face: the face.
        pixels: (H, W, 3) uint8 RGB, the photo.
        layer: see `Restorer.layer`.
        provenance: of the result.
    """
    assert face.steps is not None
    assert face.landmarks is not None
    side = layer.shape[0]
    crop = cut(pixels, face.square)
    made = with_provenance(np.ascontiguousarray(layer[:, :, :3]), provenance, "a restored face")
    write_photo(folder / f"face-{face.number}.png", Photo(made.pixels, layer[:, :, 3], metadata=made.metadata))
    before = with_provenance(resize(crop, (side, side)), provenance._replace(faces=0), "a face as it was found")
    write_photo(folder / f"face-{face.number}-before.png", before)
    height = face.steps.shape[1]
    rows = np.arange(height) * face.square.side // height
    points = (face.landmarks + 0.5 - (face.square.left, face.square.top)) * (height / face.square.side) - 0.5
    strip = side_by_side([crop[rows][:, rows], *face.steps, draw_landmarks(face.steps[-1], points)])
    steps = with_provenance(strip, provenance, "a face as it was found, after each step, with landmarks")
    write_photo(folder / f"face-{face.number}-steps.png", steps)
