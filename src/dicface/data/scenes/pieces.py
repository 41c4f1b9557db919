"""Pieces that scenes are put together from: faces of any size and roll, and what could be taken for one."""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from dicface.data.scenes.occlusion import draw_hand, occlude
from dicface.data.scenes.textures import make_texture
from dicface.landmarks import MIRROR_68

_FILTERS = (Image.Resampling.BOX, Image.Resampling.BILINEAR, Image.Resampling.BICUBIC, Image.Resampling.LANCZOS)
_OCCLUDED_SHARE = 0.25
_SQUARE_SHARE = 0.25
"""Share of the pieces that keep their own background up to the edges of their square."""


class Source(NamedTuple):
    """A face of a pack.

    Attributes:
        image: (H, H, 3) uint8 RGB.
        points: (68, 2) float32 landmarks, x, y in pixels, pixel centres at integers.
    """

    image: NDArray[np.uint8]
    points: NDArray[np.float32]


class Piece(NamedTuple):
    """A cut-out: a face or a distractor with its opacity.

    Attributes:
        image: RGB.
        mask: L, its opacity.
        landmarks: (68, 2) float x, y in pixels of it, edges; None for what is no face.
    """

    image: Image.Image
    mask: Image.Image
    landmarks: NDArray[np.floating] | None


def _opacity(rng: np.random.Generator, size: tuple[int, int], points: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Opacity of a piece, (H, W) uint8: the whole square, or a soft ellipse around the head or the face."""
    width, height = size
    across, down = np.arange(width, dtype=np.float32) + 0.5, np.arange(height, dtype=np.float32)[:, None] + 0.5
    feather = rng.uniform(0.4, 0.06 * width + 0.5)
    border = np.minimum(np.minimum(across, width - across), np.minimum(down, height - down)) / np.float32(feather)
    if rng.random() < _SQUARE_SHARE:
        return (255 * np.clip(border, 0, 1)).astype(np.uint8)
    low, high = points.min(axis=0), points.max(axis=0)
    centre, sides = (low + high) / 2, high - low
    # With hair or without.
    reach, raised = (rng.uniform(0.68, 0.95), 0.12) if rng.random() < 0.6 else (rng.uniform(0.52, 0.62), 0.03)
    ellipse = ((across - centre[0]) / (reach * sides[0])) ** 2 + (
        (down - centre[1] + raised * sides[1]) / (reach * 1.1 * sides[1])
    ) ** 2
    edge = (1 - np.sqrt(ellipse)) * np.float32(reach * sides.mean() / rng.uniform(0.8, 0.15 * sides.mean() + 1.0))
    return (255 * np.clip(np.minimum(edge, border), 0, 1)).astype(np.uint8)


def cut_piece(
    rng: np.random.Generator, source: Source, side: float, roll_degrees: float, occluded_share: float = _OCCLUDED_SHARE
) -> Piece:
    """A face at another size, turned, possibly mirrored and partly covered, without its background or with it.

    Args:
        rng: all randomness comes from it.
        source: the face.
        side: longer side of the landmarks' box in the piece, in pixels.
        roll_degrees: by how much the face is turned, anticlockwise.
        occluded_share: how often something lies on the face.
    """
    image, points = Image.fromarray(source.image), source.points
    if rng.random() < 0.5:
        image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        points = np.stack([image.width - 1 - points[:, 0], points[:, 1]], axis=1)[MIRROR_68]
    if rng.random() < occluded_share:
        image = occlude(rng, image, points)
    roll = math.radians(roll_degrees)
    matrix = np.array([[math.cos(roll), math.sin(roll)], [-math.sin(roll), math.cos(roll)]])
    stretch = math.exp(rng.uniform(-0.08, 0.08))
    factor = side / np.ptp(((points + 0.5) * (stretch, 1 / stretch)) @ matrix.T, axis=0).max()
    size = max(4, round(image.width * factor * stretch)), max(4, round(image.height * factor / stretch))
    moved = (points + 0.5) * (size[0] / image.width, size[1] / image.height)
    # Large steps first: a face of 10 px out of 100 needs no costlier filter.
    resized = image.resize(size, _FILTERS[int(rng.integers(len(_FILTERS)))], reducing_gap=3.0)
    resized.putalpha(Image.fromarray(_opacity(rng, size, moved)))
    if abs(roll_degrees) > 1:
        turned = resized.rotate(roll_degrees, Image.Resampling.BICUBIC, expand=True)
        moved = (moved - np.array(size) / 2) @ matrix.T + np.array(turned.size) / 2
    else:
        turned = resized
    return Piece(turned.convert("RGB"), turned.getchannel("A"), moved)


def _shuffled(rng: np.random.Generator, source: Source) -> NDArray[np.uint8]:
    """A face cut into blocks that are put together in another order."""
    blocks = int(rng.integers(2, 5))
    block = source.image.shape[0] // blocks
    cells = source.image[: block * blocks, : block * blocks].reshape(blocks, block, blocks, block, 3).swapaxes(1, 2)
    order = np.roll(rng.permutation(blocks * blocks), 1)
    mixed = cells.reshape(-1, block, block, 3)[order].reshape(blocks, blocks, block, block, 3)
    return np.ascontiguousarray(mixed.swapaxes(1, 2).reshape(block * blocks, block * blocks, 3))


def _detail(rng: np.random.Generator, source: Source) -> NDArray[np.uint8]:
    """A part of a face or of its surroundings, as a distractor: an eye, hair, a collar."""
    full = source.image.shape[0]
    part = int(rng.integers(full // 10, full // 3))
    left, top = rng.integers(0, full - part, 2)
    return source.image[top : top + part, left : left + part]


def _skin(rng: np.random.Generator, source: Source) -> NDArray[np.uint8]:
    """A part of cheek or forehead, as a distractor of skin colour: hands, arms, backs of heads."""
    centre = source.points[[2, 14, 27, 8][int(rng.integers(4))]]
    reach = max(2, round(0.07 * float(np.ptp(source.points[:, 0]))))
    left, top = np.clip((centre - reach).astype(int), 0, source.image.shape[0] - 2 * reach - 1)
    return source.image[top : top + 2 * reach, left : left + 2 * reach]


def _faceless(rng: np.random.Generator, source: Source) -> NDArray[np.uint8]:
    """A head whose features are blurred away."""
    image = Image.fromarray(source.image)
    radius = float(np.ptp(source.points[:, 0])) * rng.uniform(0.16, 0.3)
    blurred = image.resize((image.width // 4, image.height // 4), Image.Resampling.BOX)
    blurred = blurred.filter(ImageFilter.GaussianBlur(radius / 4)).resize(image.size, Image.Resampling.BILINEAR)
    return np.asarray(blurred)


def _hand(rng: np.random.Generator, source: Source) -> NDArray[np.uint8]:
    """A hand instead of the face."""
    image = Image.fromarray(source.image)
    draw_hand(rng, image, source.points)
    return np.asarray(image)


def cut_distractor(rng: np.random.Generator, source: Source, side: float, hand_share: float = 0.0) -> Piece:
    """A piece in the shape of a face that is not to be found: a hand, an object, a blurred or scrambled face.

    Args:
        rng: all randomness comes from it.
        source: a face to make it of.
        side: longer side of what would be the landmarks' box, in pixels.
        hand_share: how often it is a hand.
    """
    roll, image, points = float(rng.uniform(-40, 40)), source.image, source.points
    kind = 8 if hand_share and rng.random() < hand_share else int(rng.integers(8))
    match kind:
        case 8:
            roll, image = float(rng.uniform(-180, 180)), _hand(rng, source)
        case 0 | 1:
            roll = float(rng.uniform(95, 265))
        case 2:
            image = _shuffled(rng, source)
        case 3 | 4:
            image = _detail(rng, source)
        case 5:
            image = _skin(rng, source)
        case 6:
            image = _faceless(rng, source)
        case _:
            image = np.asarray(make_texture(rng, (image.shape[1], image.shape[0])))
    scale = image.shape[0] / source.image.shape[0]
    cut = cut_piece(rng, Source(np.ascontiguousarray(image), points * np.float32(scale)), side, roll, 0.1)
    return cut._replace(landmarks=None)
