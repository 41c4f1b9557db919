"""Blending of restored faces into the enlarged photo."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dicface.faces.geometry import Square, cut
from dicface.images.pixels import resize
from dicface.restoration.mask import outline_mask, square_mask
from dicface.restoration.results import Face

_COLOURS_PX = 8
"""Side to which a crop is reduced to give a face its colours. A larger one brings back what the network has removed:
noise, and the blocks of JPEG (ADR 44)."""


def match_colours(sr: NDArray[np.uint8], crop: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Correct the low frequencies of a restored face by its crop.

    The difference between the crop and the face, both reduced to 8 px, is enlarged and added, so that detail comes from
    the network and colours from the photo. A grey crop gives a grey face.

    Args:
        sr: (N, N, 3) uint8 RGB.
        crop: (S, S, 3) uint8 RGB, the same square of the photo.

    Returns:
        (N, N, 3) uint8 RGB.
    """
    size = (_COLOURS_PX, _COLOURS_PX)
    wrong = resize(crop, size).astype(np.float32) - resize(sr, size)
    bicubic = Image.Resampling.BICUBIC
    planes = [Image.fromarray(wrong[:, :, k]).resize(sr.shape[1::-1], bicubic) for k in range(3)]
    matched = sr + np.stack([np.asarray(plane) for plane in planes], axis=2)
    if (crop == crop[:, :, :1]).all():
        matched = np.repeat(matched.mean(axis=2, keepdims=True), 3, axis=2)
    return np.rint(np.clip(matched, 0, 255)).astype(np.uint8)


def paste(
    canvas: NDArray[np.uint8],
    face: NDArray[np.uint8],
    square: Square,
    scale: tuple[float, float],
    *,
    mask: NDArray[np.float32],
    strength: float = 1.0,
) -> None:
    """Blend a restored face into the enlarged photo, in place.

    The face is resampled onto the crop's frame with sub-pixel precision. Pixels outside the crop's square are not
    changed.

    Args:
        canvas: (H, W, 3) uint8 RGB, the enlarged photo.
        face: (N, N, 3) uint8 RGB.
        square: where it was cut, in pixels of the photo before enlargement.
        scale: enlargement across and down.
        mask: (M, M) float32, share of the face in each pixel, 0 at the border.
        strength: share of the face where the mask is 1; 0 changes nothing.
    """
    height, width = canvas.shape[:2]
    left, top = square.left * scale[0], square.top * scale[1]
    across, down = square.side * scale[0], square.side * scale[1]
    first_column, last_column = max(0, math.ceil(left)), min(width, math.floor(left + across))
    first_row, last_row = max(0, math.ceil(top)), min(height, math.floor(top + down))
    if first_column >= last_column or first_row >= last_row:
        return
    edges = (
        (first_column - left) / across,
        (first_row - top) / down,
        (last_column - left) / across,
        (last_row - top) / down,
    )
    size = (last_column - first_column, last_row - first_row)
    patch = _part(Image.fromarray(face), size, edges, Image.Resampling.BICUBIC)
    shares = _part(Image.fromarray(mask * np.float32(strength)), size, edges, Image.Resampling.BILINEAR)
    view = canvas[first_row:last_row, first_column:last_column]
    view[:] = np.rint(view + (patch - view) * shares[:, :, None]).astype(np.uint8)


def _part(
    image: Image.Image, size: tuple[int, int], edges: tuple[float, ...], resample: Image.Resampling
) -> NDArray[np.float32]:
    """A part of a square image, given by its edges as shares of the side, resampled to a size."""
    # Rounding errors must not push the box beyond the image.
    left, top, right, bottom = (min(1.0, max(0.0, edge)) * image.width for edge in edges)
    return np.asarray(image.resize(size, resample, box=(left, top, right, bottom)), dtype=np.float32)


def blend_faces(
    canvas: NDArray[np.uint8],
    pixels: NDArray[np.uint8],
    faces: Sequence[Face],
) -> NDArray[np.uint8]:
    """Blend the restored faces of a photo into its enlargement, each with its strength.

    Args:
        canvas: (H', W', 3) uint8 RGB, the enlarged photo; changed.
        pixels: (H, W, 3) uint8 RGB, the photo.
        faces: its faces; those without steps are left out.

    Returns:
        The canvas.
    """
    scale = (canvas.shape[1] / pixels.shape[1], canvas.shape[0] / pixels.shape[0])
    for face in faces:
        if face.steps is not None:
            restored = match_colours(face.steps[-1], cut(pixels, face.square))
            paste(canvas, restored, face.square, scale, mask=mask_of(face), strength=face.strength)
    return canvas


def mask_of(face: Face) -> NDArray[np.float32]:
    """The mask of a face in the frame of its crop: (128, 128) float32."""
    return square_mask() if face.landmarks is None else outline_mask(face.landmarks, face.square)


def face_layer(pixels: NDArray[np.uint8], face: Face) -> NDArray[np.uint8]:
    """A restored face with the mask with which it is blended, in its own resolution.

    Args:
        pixels: (H, W, 3) uint8 RGB, the photo.
        face: one of its faces, with steps.

    Returns:
        (S, S, 4) uint8 RGB and opacity, S being the side of the face's steps.
    """
    assert face.steps is not None
    restored = match_colours(face.steps[-1], cut(pixels, face.square))
    opacity = resize(np.rint(mask_of(face) * 255).astype(np.uint8), (restored.shape[1], restored.shape[0]))
    return np.dstack([restored, opacity])
