"""Alignment of faces to the five-point template that 512 px restorers were trained with."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dicface.faces.geometry import Square, cut
from dicface.images.pixels import resize
from dicface.landmarks import five_points

TEMPLATE_PX = 512
# `five_points` of an aligned face of 512 px: the means of FFHQ's faces. Source: the template of facexlib, which GFPGAN,
# CodeFormer and RestoreFormer++ align by.
TEMPLATE = np.array(
    [
        (192.98138, 239.94708),
        (318.90277, 240.1936),
        (256.63416, 314.01935),
        (201.26117, 371.41043),
        (313.08905, 371.15118),
    ]
)


class Alignment(NamedTuple):
    """A similarity from the photo to the aligned face: aligned = matrix @ photo + offset, edges.

    Attributes:
        matrix: (2, 2) float64, rotation times scale.
        offset: (2,) float64 in pixels of the aligned face.
    """

    matrix: NDArray[np.float64]
    offset: NDArray[np.float64]

    @property
    def scale(self) -> float:
        """Pixels of the aligned face for each of the photo."""
        return float(np.sqrt(abs(np.linalg.det(self.matrix))))

    def inverse(self) -> "Alignment":
        """The similarity from the aligned face to the photo."""
        matrix = np.linalg.inv(self.matrix).astype(np.float64)
        return Alignment(matrix, -matrix @ self.offset)


def align(landmarks: NDArray[np.floating]) -> Alignment:
    """The similarity that brings a face's five points nearest to the template, by least squares.

    Args:
        landmarks: (68, 2) x, y in pixels of the photo, pixel centres at integers.

    Source: Umeyama, "Least-squares estimation of transformation parameters between two point patterns", 1991; without
    reflections, in two dimensions.
    """
    points, template = five_points(landmarks).astype(np.float64) + 0.5, TEMPLATE
    centred, wanted = points - points.mean(axis=0), template - template.mean(axis=0)
    # As complex numbers, a rotation with a scale is one factor.
    source, target = centred @ (1, 1j), wanted @ (1, 1j)
    factor = (target @ source.conj()) / (source @ source.conj())
    matrix = np.array([[factor.real, -factor.imag], [factor.imag, factor.real]])
    return Alignment(matrix, template.mean(axis=0) - matrix @ points.mean(axis=0))


def cut_aligned(pixels: NDArray[np.uint8], alignment: Alignment) -> NDArray[np.uint8]:
    """Cut an aligned face out of a photo. Beyond the edge, the nearest pixel is repeated.

    Args:
        pixels: (H, W, 3) uint8 RGB.
        alignment: of the face.

    Returns:
        (512, 512, 3) uint8 RGB.
    """
    back = alignment.inverse()
    corners = np.array([(0, 0), (0, TEMPLATE_PX), (TEMPLATE_PX, 0), (TEMPLATE_PX, TEMPLATE_PX)]) @ back.matrix.T
    low, high = (corners + back.offset).min(axis=0) - 2, (corners + back.offset).max(axis=0) + 2
    square = Square(int(np.floor(low[0])), int(np.floor(low[1])), int(np.ceil((high - low).max())) + 1)
    around = cut(pixels, square)
    # Pillow's transform does not average, and its cubic filter distorts ramps: the scale comes from resizing.
    side = max(1, round(square.side * alignment.scale))
    around = around if side == square.side else resize(around, (side, side))
    return transform(around, (TEMPLATE_PX, TEMPLATE_PX), back, (square.left, square.top), side / square.side)


def into_square(
    aligned: NDArray[np.uint8], alignment: Alignment, square: Square, plain: NDArray[np.uint8]
) -> NDArray[np.uint8]:
    """An aligned face in the frame of an upright crop of the photo.

    Args:
        aligned: (512, 512, 3) uint8 RGB.
        alignment: of the face.
        square: the crop.
        plain: (N, N, 3) uint8 RGB, the crop; it stays where the aligned face does not reach.

    Returns:
        (N, N, 3) uint8 RGB.
    """
    side = plain.shape[0]
    scale = square.side / side
    to_aligned = Alignment(
        alignment.matrix * scale, alignment.matrix @ np.array([square.left, square.top]) + alignment.offset
    )
    size = (side, side)
    face = transform(aligned, size, to_aligned)
    inside = transform(np.full_like(aligned, 255), size, to_aligned)
    return np.where(inside == 255, face, plain)


def transform(
    image: NDArray[np.uint8],
    size: tuple[int, int],
    to_image: Alignment,
    corner: tuple[float, float] = (0, 0),
    scale: float = 1.0,
) -> NDArray[np.uint8]:
    """Resample an image by a similarity, with Pillow's bicubic filter; 0 outside of it.

    Args:
        image: (H, W, 3) uint8 RGB.
        size: width and height of the result in pixels.
        to_image: from the result to the frame that the image was cut out of.
        corner: left and top edge of the image in that frame.
        scale: pixels of the image for each of that frame.
    """
    (a, b), (c, d) = to_image.matrix * scale
    x, y = (to_image.offset - corner) * scale
    data = (a, b, x, c, d, y)
    made = Image.fromarray(image).transform(size, Image.Transform.AFFINE, data, Image.Resampling.BICUBIC)
    return np.asarray(made)
