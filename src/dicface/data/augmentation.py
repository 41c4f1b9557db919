"""Geometric and photometric augmentation of faces and their landmarks."""

import math
from dataclasses import dataclass
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn

from dicface.data.damage import fade, luma_channel, sepia
from dicface.errors import ConfigError
from dicface.images.pixels import FACE_PX
from dicface.landmarks import MIRROR_68
from dicface.networks.resize import round_to_8_bits

# Faded prints: largest value of black and smallest of white.
_FADED_BLACK_MAX = 0.2
_FADED_WHITE_MIN = 0.7


@dataclass(frozen=True)
class AugmentationConfig:
    """Augmentation that makes a training face of a pack's face.

    Attributes:
        flip: mirror half of the faces. `exchange` also exchanges the left and right landmarks; `released` leaves them
            as the authors' code does (ADR 3).
        crop_side_min, crop_side_max: side in pixels of the square that is cut and resized to 128; the nominal crop
            is 128.
        face_width_min, face_width_max: range of the face's width (that of its landmarks) as a share of the square's
            side, drawn uniformly. Faces are chosen among those that allow it with a side in the range above, so that
            faces with room around them are seen more often. 0 and 0 draw the side instead.
        padding_max: largest share of the square's side beyond the image, which is mirrored there.
        shift: range of the square's offset from the middle, as a share of the margin in the image, 0 to 1.
        aspect_min, aspect_max: range of the square's width divided by its height, at equal area.
        rotation_degrees: range of the rotation, to either side.
        quarter_turns: also rotate by 0, 90, 180 or 270 degrees.
        unscaled_share: share of faces whose square is 128 px on whole pixels, so that it is not resampled (but flipped
            and rotated by quarters), whatever the face's width.
        exposure: brightness is multiplied by up to 2 ** exposure, or divided by it, and clipped.
        grey_share: share of faces converted to grey.
        sepia_share: share of faces toned brown at equal luma.
        faded_share: share of faces with faded black and white. As with the other photometric changes, the reference
            face is changed, too: networks do not learn to undo them (ADR 29).
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
    """Affine placement of N training faces in their pack images.

    Attributes:
        centre: (N, 2) float x, y in pixels of the pack image; 0 is the outer edge of pixel 0.
        matrix: (N, 2, 2) float: an offset from the training face's centre, times this, is the offset from `centre`.
        mirrored: (N,) bool.
    """

    centre: Tensor
    matrix: Tensor
    mirrored: Tensor


class ChosenFaces(NamedTuple):
    """Faces drawn from a pack, with the sides of their squares.

    Attributes:
        faces: (N,) int64, indices into the pack.
        side_px: (N,) float, sides in pixels of the pack image.
    """

    faces: Tensor
    side_px: Tensor


def face_widths(landmarks: Tensor) -> Tensor:
    """Width of faces, from the leftmost to the rightmost landmark: (N, K, 2) float in pixels -> (N,) float pixels."""
    return landmarks[..., 0].amax(dim=-1) - landmarks[..., 0].amin(dim=-1)


def choose_by_width(
    config: AugmentationConfig, widths_px: Tensor, count: int, generator: torch.Generator
) -> ChosenFaces:
    """Draw face widths uniformly from the configured range, and for each a face that allows it.

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
    # If no face allows the width, the nearest face is taken with the nearest side.
    place = (first + (draw[1] * (last - first)).long()).clamp(max=len(ordered) - 1)
    side = (ordered[place] / share).clamp(config.crop_side_min, config.crop_side_max)
    return ChosenFaces(faces[place], side)


def draw_placement(
    config: AugmentationConfig,
    count: int,
    image_px: int,
    generator: torch.Generator,
    side_px: Tensor | None = None,
    face_px: int = FACE_PX,
) -> Placement:
    """Draw placements for N faces.

    Args:
        config: the ranges.
        count: N, number of faces.
        image_px: side of the pack images.
        generator: all randomness comes from it.
        side_px: (N,) float, sides of the squares; drawn from the range of the crop's side if None.
        face_px: side of the training faces.
    """
    draw = torch.rand(8, count, generator=generator)
    whole = draw[1] < config.unscaled_share
    drawn = config.crop_side_min + (config.crop_side_max - config.crop_side_min) * draw[0]
    side = drawn if side_px is None else side_px
    side = torch.where(whole, torch.tensor(float(face_px)), side)
    corner = (0.5 + config.shift * (draw[2:4] - 0.5)) * (image_px - side)
    corner = torch.where(whole, corner.round(), corner)
    mirrored = draw[4] < 0.5 if config.flip != "none" else torch.zeros(count, dtype=torch.bool)
    aspect = config.aspect_min * (config.aspect_max / config.aspect_min) ** draw[5]
    stretch = torch.where(whole, torch.tensor(1.0), aspect.sqrt())
    angle = torch.deg2rad(config.rotation_degrees * (2 * draw[6] - 1))
    angle = torch.where(whole, torch.tensor(0.0), angle)
    if config.quarter_turns:
        angle = angle + (4 * draw[7]).floor() * (math.pi / 2)
    scale = side / face_px
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


def cut_faces(images: Tensor, placement: Placement, face_px: int = FACE_PX) -> Tensor:
    """Resample faces from their pack images, which are mirrored at their edges.

    Args:
        images: (N, 3, H, H) float RGB in [0, 1].
        placement: of N faces, on the same device, drawn for the same `face_px`.
        face_px: R, side of the training faces.

    Returns:
        (N, 3, R, R) float, clipped and rounded to 8 bits. Faces on whole pixels are copied exactly.
    """
    side = images.shape[-1]
    # grid_sample's coordinates go from -1 to 1 over the whole image, and over the result.
    matrix = placement.matrix * (face_px / side)
    theta = torch.cat([matrix, (2 * placement.centre / side - 1)[..., None]], dim=-1)
    grid = nn.functional.affine_grid(theta, [len(images), 3, face_px, face_px], align_corners=False)
    cut = nn.functional.grid_sample(images, grid, mode="bicubic", padding_mode="reflection", align_corners=False)
    return round_to_8_bits(cut)


def move_landmarks(landmarks: Tensor, placement: Placement, *, exchange: bool, face_px: int = FACE_PX) -> Tensor:
    """Transform landmarks from pack images to training faces.

    Args:
        landmarks: (N, 68, 2) float x, y in pixels of the pack image, pixel centres at integers.
        placement: of the N faces.
        exchange: exchange left and right points of mirrored faces (ADR 3).
        face_px: side of the training faces, for which the placement was drawn.

    Returns:
        (N, 68, 2) float x, y in pixels of the training face, pixel centres at integers.
    """
    offset = landmarks + 0.5 - placement.centre[:, None]
    moved = offset @ torch.linalg.inv(placement.matrix).transpose(-2, -1) + (face_px - 1) / 2
    if not exchange:
        return moved
    renamed = moved[:, torch.from_numpy(MIRROR_68).to(moved.device)]
    return torch.where(placement.mirrored[:, None, None], renamed, moved)


class PhotometricJitter(NamedTuple):
    """Photometric changes of N training faces.

    Attributes:
        gain: (N,) float, factor of the brightness.
        grey: (N,) bool, converted to grey.
        brown: (N,) float, strength of `sepia`; 0 keeps the colours.
        black, white: (N,) float, values of 0 and 1 after fading.
    """

    gain: Tensor
    grey: Tensor
    brown: Tensor
    black: Tensor
    white: Tensor


def draw_jitter(config: AugmentationConfig, count: int, generator: torch.Generator) -> PhotometricJitter:
    """Draw photometric changes; arguments as for `draw_placement`."""
    draw = torch.rand(2, count, generator=generator)
    gain, grey = torch.exp2(config.exposure * (2 * draw[0] - 1)), draw[1] < config.grey_share
    if config.sepia_share == config.faded_share == 0:
        # Without prints nothing more is drawn, so that batches of older configs stay the same.
        return PhotometricJitter(gain, grey, torch.zeros(count), torch.zeros(count), torch.ones(count))
    draw = torch.rand(5, count, generator=generator)
    brown = torch.where(draw[0] < config.sepia_share, 0.3 + 0.6 * draw[1], 0.0)
    faded = draw[2] < config.faded_share
    black = torch.where(faded, _FADED_BLACK_MAX * draw[3], 0.0)
    white = torch.where(faded, 1 - (1 - _FADED_WHITE_MIN) * draw[4], 1.0)
    return PhotometricJitter(gain, grey, brown, black, white)


def apply_jitter(faces: Tensor, jitter: PhotometricJitter) -> Tensor:
    """Apply photometric changes to faces.

    Args:
        faces: (N, 3, H, W) float RGB in [0, 1].
        jitter: changes of the N faces, on the same device.

    Returns:
        (N, 3, H, W) float, clipped and rounded to 8 bits; neutral values leave faces of 8 bits as they are.
    """
    lit = faces.clone()
    # Each change concerns few faces; only these are computed.
    if len(grey := jitter.grey.nonzero()[:, 0]):
        lit[grey] = luma_channel(faces[grey]).expand(-1, 3, -1, -1)
    if len(brown := jitter.brown.nonzero()[:, 0]):
        lit[brown] = sepia(faces[brown], jitter.brown[brown])
    if len(faded := ((jitter.black > 0) | (jitter.white < 1)).nonzero()[:, 0]):
        lit[faded] = fade(lit[faded], jitter.black[faded], jitter.white[faded])
    return round_to_8_bits(lit.mul_(jitter.gain[:, None, None, None]))
