"""Random crops, turns, mirror images and light; landmarks go where their pixels go."""

import math
from dataclasses import dataclass
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn

from dicface.data.damage import fade, luma, sepia
from dicface.errors import ConfigError
from dicface.images.pixels import FACE_PX
from dicface.landmarks import MIRROR_68
from dicface.networks.resize import round_to_8_bits

# Faded prints: what black and white become at most.
_FADED_BLACK_MAX = 0.2
_FADED_WHITE_MIN = 0.7


@dataclass(frozen=True)
class AugmentationConfig:
    """How a face of a pack becomes a 128x128 training face.

    Attributes:
        flip: mirror half of the faces. `exchange` also exchanges the left and right landmarks; `released` leaves them
            as the authors' code does (ADR 0003).
        crop_side_min, crop_side_max: side in pixels of the square that is cut and resized to 128; the nominal crop
            is 128.
        face_width_min, face_width_max: range of the face's width (that of its landmarks) as a share of the square's
            side, drawn evenly; faces are then chosen among those that allow it with a side in the range above, so that
            faces with room around them are seen more often. 0 and 0 draw the side instead, whatever the face's width.
        padding_max: share of the square's side that may lie beyond the image, where it is mirrored, so that the
            square may be larger than the image.
        shift: how far the square may lie from the middle, as a share of the margin that the image leaves; 0 keeps it
            there, 1 takes it to the edges.
        aspect_min, aspect_max: width of what is cut divided by its height, at equal area.
        rotation_degrees: faces are turned by up to that angle to either side.
        quarter_turns: faces are turned by 0, 90, 180 or 270 degrees as well.
        unscaled_share: share of the faces whose square is 128 px and lies on whole pixels, so that it is not resampled
            (but flipped, and turned by quarters), whatever its face's width.
        exposure: brightness is multiplied by up to two to that power, or divided by it; what exceeds white is clipped.
        grey_share: share of the faces that lose their colour.
        sepia_share: share of the faces that turn brown, at equal luma.
        faded_share: share of the faces whose black turns grey and whose white turns dull. Like the other changes of
            light, it is part of the face that is wanted, not a fault to be undone (ADR 0029).
    """

    flip: Literal["none", "exchange", "released"] = "none"
    crop_side_min: float = 128.0
    crop_side_max: float = 128.0
    face_width_min: float = 0.0
    face_width_max: float = 0.0
    padding_max: float = 0.0
    shift: float = 0.0
    aspect_min: float = 1.0
    aspect_max: float = 1.0
    rotation_degrees: float = 0.0
    quarter_turns: bool = False
    unscaled_share: float = 1.0
    exposure: float = 0.0
    grey_share: float = 0.0
    sepia_share: float = 0.0
    faded_share: float = 0.0

    def __post_init__(self) -> None:
        if not (0 < self.crop_side_min <= self.crop_side_max and 0 < self.aspect_min <= self.aspect_max):
            raise ConfigError(f"expected augmentation.*_min above 0 and not above augmentation.*_max, got {self}")
        if not (0 <= self.exposure <= 8 and 0 <= self.rotation_degrees <= 180):
            raise ConfigError(
                f"expected augmentation.exposure from 0 to 8 and rotation_degrees from 0 to 180, got {self}"
            )
        if not (0 < self.face_width_min <= self.face_width_max <= 1 or self.face_width_min == self.face_width_max == 0):
            raise ConfigError(
                "expected augmentation.face_width_min above 0 and not above augmentation.face_width_max, at most 1, or "
                f"both 0, got {self.face_width_min} and {self.face_width_max}"
            )
        if not 0 <= self.padding_max <= 0.5:
            raise ConfigError(f"expected augmentation.padding_max from 0 to 0.5, got {self.padding_max}")
        shares = (self.shift, self.unscaled_share, self.grey_share, self.sepia_share, self.faded_share)
        if not all(0 <= share <= 1 for share in shares):
            raise ConfigError(f"expected augmentation.shift and augmentation.*_share from 0 to 1, got {self}")


class Placement(NamedTuple):
    """Where in its pack image each training face lies.

    Attributes:
        centre: (N, 2) float x, y in pixels of the pack image; 0 is the outer edge of pixel 0.
        matrix: (N, 2, 2) float: an offset from the training face's centre, times this, is the offset from `centre`.
        mirrored: (N,) bool.
    """

    centre: Tensor
    matrix: Tensor
    mirrored: Tensor


class Choice(NamedTuple):
    """Faces of a pack, and how large a square of each is cut.

    Attributes:
        faces: (N,) int64, indices into the pack.
        side_px: (N,) float, side of the square in pixels of the pack image.
    """

    faces: Tensor
    side_px: Tensor


def face_widths(landmarks: Tensor) -> Tensor:
    """(N, K, 2) landmarks -> (N,) width of each face in the same pixels, from its leftmost to its rightmost point."""
    return landmarks[..., 0].amax(dim=-1) - landmarks[..., 0].amin(dim=-1)


def choose_by_width(config: AugmentationConfig, widths_px: Tensor, count: int, generator: torch.Generator) -> Choice:
    """Draw face widths evenly from the configured range, and for each a face that can be cut so.

    Args:
        config: ranges of the face's width and of the square's side.
        widths_px: (M,) float, widths of all faces in pixels of their images; on the CPU.
        count: N, number of faces to draw, each from all of them.
        generator: all randomness comes from it.
    """
    draw = torch.rand(2, count, generator=generator)
    share = config.face_width_min + (config.face_width_max - config.face_width_min) * draw[0]
    ordered, faces = widths_px.sort(stable=True)
    first = torch.searchsorted(ordered, share * config.crop_side_min)
    last = torch.searchsorted(ordered, share * config.crop_side_max, right=True)
    # Where no face allows the width, the nearest one is taken with the nearest side.
    place = (first + (draw[1] * (last - first)).long()).clamp(max=len(ordered) - 1)
    side = (ordered[place] / share).clamp(config.crop_side_min, config.crop_side_max)
    return Choice(faces[place], side)


def draw_placement(
    config: AugmentationConfig,
    count: int,
    image_px: int,
    generator: torch.Generator,
    side_px: Tensor | None = None,
) -> Placement:
    """Draw crops, turns and flips for some faces.

    Args:
        config: their ranges.
        count: N, number of faces.
        image_px: side of the pack images.
        generator: all randomness comes from it.
        side_px: (N,) float, sides of the squares; drawn from the range of the crop's side if None.
    """
    draw = torch.rand(8, count, generator=generator)
    whole = draw[1] < config.unscaled_share
    drawn = config.crop_side_min + (config.crop_side_max - config.crop_side_min) * draw[0]
    side = drawn if side_px is None else side_px
    side = torch.where(whole, torch.tensor(float(FACE_PX)), side)
    corner = (0.5 + config.shift * (draw[2:4] - 0.5)) * (image_px - side)
    corner = torch.where(whole, corner.round(), corner)
    mirrored = draw[4] < 0.5 if config.flip != "none" else torch.zeros(count, dtype=torch.bool)
    aspect = config.aspect_min * (config.aspect_max / config.aspect_min) ** draw[5]
    stretch = torch.where(whole, torch.tensor(1.0), aspect.sqrt())
    angle = torch.deg2rad(config.rotation_degrees * (2 * draw[6] - 1))
    angle = torch.where(whole, torch.tensor(0.0), angle)
    if config.quarter_turns:
        angle = angle + (4 * draw[7]).floor() * (math.pi / 2)
    scale = side / FACE_PX
    across = torch.where(mirrored, -1.0, 1.0) * scale * stretch
    down = scale / stretch
    matrix = torch.stack(
        [
            torch.stack([angle.cos() * across, -angle.sin() * down], dim=-1),
            torch.stack([angle.sin() * across, angle.cos() * down], dim=-1),
        ],
        dim=-2,
    )
    return Placement((corner + side / 2).T, matrix, mirrored)


def cut_faces(images: Tensor, placement: Placement) -> Tensor:
    """Resample faces out of their pack images; what lies outside is mirrored at the edge.

    Args:
        images: (N, 3, H, H) float RGB in [0, 1].
        placement: of N faces, on the same device.

    Returns:
        (N, 3, 128, 128) float, clipped and rounded to 8 bits. Faces on whole pixels are copied exactly.
    """
    side = images.shape[-1]
    # grid_sample counts from -1 to 1 over the whole image, and its own grid of offsets from -1 to 1 over the result.
    matrix = placement.matrix * (FACE_PX / side)
    theta = torch.cat([matrix, (2 * placement.centre / side - 1)[..., None]], dim=-1)
    grid = nn.functional.affine_grid(theta, [len(images), 3, FACE_PX, FACE_PX], align_corners=False)
    cut = nn.functional.grid_sample(images, grid, mode="bicubic", padding_mode="reflection", align_corners=False)
    return round_to_8_bits(cut)


def move_landmarks(landmarks: Tensor, placement: Placement, exchange: bool) -> Tensor:
    """Landmarks of the training faces.

    Args:
        landmarks: (N, 68, 2) float x, y in pixels of the pack image, pixel centres at integers.
        placement: of the N faces.
        exchange: give the points of mirrored faces the names of their counterparts (ADR 0003).

    Returns:
        (N, 68, 2) float x, y in pixels of the 128x128 face, pixel centres at integers.
    """
    offset = landmarks + 0.5 - placement.centre[:, None]
    moved = offset @ torch.linalg.inv(placement.matrix).transpose(-2, -1) + (FACE_PX - 1) / 2
    if not exchange:
        return moved
    renamed = moved[:, torch.from_numpy(MIRROR_68).to(moved.device)]
    return torch.where(placement.mirrored[:, None, None], renamed, moved)


class PhotometricJitter(NamedTuple):
    """How the light and colours of each training face are changed.

    Attributes:
        gain: (N,) float, brightness is multiplied by it.
        grey: (N,) bool, the colours are lost.
        brown: (N,) float, strength of `sepia`; 0 keeps the face's colours.
        black, white: (N,) float, what 0 and 1 become in a faded print.
    """

    gain: Tensor
    grey: Tensor
    brown: Tensor
    black: Tensor
    white: Tensor


def draw_jitter(config: AugmentationConfig, count: int, generator: torch.Generator) -> PhotometricJitter:
    """Draw the light of some faces; arguments as for `draw_placement`."""
    draw = torch.rand(2, count, generator=generator)
    gain, grey = torch.exp2(config.exposure * (2 * draw[0] - 1)), draw[1] < config.grey_share
    if config.sepia_share == config.faded_share == 0:
        # Nothing more is drawn, so that configs without prints give the batches that they always gave.
        return PhotometricJitter(gain, grey, torch.zeros(count), torch.zeros(count), torch.ones(count))
    draw = torch.rand(5, count, generator=generator)
    brown = torch.where(draw[0] < config.sepia_share, 0.3 + 0.6 * draw[1], 0.0)
    faded = draw[2] < config.faded_share
    black = torch.where(faded, _FADED_BLACK_MAX * draw[3], 0.0)
    white = torch.where(faded, 1 - (1 - _FADED_WHITE_MIN) * draw[4], 1.0)
    return PhotometricJitter(gain, grey, brown, black, white)


def apply_jitter(faces: Tensor, jitter: PhotometricJitter) -> Tensor:
    """Change the light and colours of faces.

    Args:
        faces: (N, 3, H, W) float RGB in [0, 1].
        jitter: of N faces, on the same device.

    Returns:
        (N, 3, H, W) float, clipped and rounded to 8 bits; neutral values leave faces of 8 bits as they are.
    """
    lit = faces.clone()
    # Few faces are changed in any one way, so only those are computed.
    if len(grey := jitter.grey.nonzero()[:, 0]):
        lit[grey] = luma(faces[grey]).expand(-1, 3, -1, -1)
    if len(brown := jitter.brown.nonzero()[:, 0]):
        lit[brown] = sepia(faces[brown], jitter.brown[brown])
    if len(faded := ((jitter.black > 0) | (jitter.white < 1)).nonzero()[:, 0]):
        lit[faded] = fade(lit[faded], jitter.black[faded], jitter.white[faded])
    return round_to_8_bits(lit.mul_(jitter.gain[:, None, None, None]))
