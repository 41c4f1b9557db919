"""Random crops, turns, mirror images and light; landmarks go where their pixels go."""

import math
from dataclasses import dataclass
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn

from dicface.errors import ConfigError
from dicface.images.pixels import FACE_PX, LUMA_WEIGHTS
from dicface.landmarks import MIRROR_68
from dicface.networks.resize import round_to_8_bits


@dataclass(frozen=True)
class AugmentationConfig:
    """How a face of a pack becomes a 128x128 training face.

    Attributes:
        flip: mirror half of the faces. `exchange` also exchanges the left and right landmarks; `released` leaves them
            as the authors' code does (ADR 0003).
        crop_side_min, crop_side_max: side in pixels of the square that is cut and resized to 128; the nominal crop
            is 128.
        shift: how far the square may lie from the middle, as a share of the margin that the image leaves; 0 keeps it
            there, 1 takes it to the edges.
        aspect_min, aspect_max: width of what is cut divided by its height, at equal area.
        rotation_degrees: faces are turned by up to that angle to either side.
        quarter_turns: faces are turned by 0, 90, 180 or 270 degrees as well.
        unscaled_share: share of the faces whose square is 128 px and lies on whole pixels, so that it is not resampled
            (but flipped, and turned by quarters).
        exposure: brightness is multiplied by up to two to that power, or divided by it; what exceeds white is clipped.
        grey_share: share of the faces that lose their colour.
    """

    flip: Literal["none", "exchange", "released"] = "none"
    crop_side_min: float = 128.0
    crop_side_max: float = 128.0
    shift: float = 0.0
    aspect_min: float = 1.0
    aspect_max: float = 1.0
    rotation_degrees: float = 0.0
    quarter_turns: bool = False
    unscaled_share: float = 1.0
    exposure: float = 0.0
    grey_share: float = 0.0

    def __post_init__(self) -> None:
        if not (0 < self.crop_side_min <= self.crop_side_max and 0 < self.aspect_min <= self.aspect_max):
            raise ConfigError(f"expected augmentation.*_min above 0 and not above augmentation.*_max, got {self}")
        if not (0 <= self.exposure <= 8 and 0 <= self.rotation_degrees <= 180):
            raise ConfigError(
                f"expected augmentation.exposure from 0 to 8 and rotation_degrees from 0 to 180, got {self}"
            )
        if not all(0 <= share <= 1 for share in (self.shift, self.unscaled_share, self.grey_share)):
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


def draw_placement(config: AugmentationConfig, count: int, image_px: int, generator: torch.Generator) -> Placement:
    """Draw crops, turns and flips for some faces.

    Args:
        config: their ranges.
        count: N, number of faces.
        image_px: side of the pack images.
        generator: all randomness comes from it.
    """
    draw = torch.rand(8, count, generator=generator)
    whole = draw[1] < config.unscaled_share
    side = config.crop_side_min + (config.crop_side_max - config.crop_side_min) * draw[0]
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


class Light(NamedTuple):
    """How each training face is lit.

    Attributes:
        gain: (N,) float, brightness is multiplied by it.
        grey: (N,) bool.
    """

    gain: Tensor
    grey: Tensor


def draw_light(config: AugmentationConfig, count: int, generator: torch.Generator) -> Light:
    """Draw the light of some faces; arguments as for `draw_placement`."""
    draw = torch.rand(2, count, generator=generator)
    return Light(torch.exp2(config.exposure * (2 * draw[0] - 1)), draw[1] < config.grey_share)


def relight(faces: Tensor, light: Light) -> Tensor:
    """Change the light of faces.

    Args:
        faces: (N, 3, H, W) float RGB in [0, 1].
        light: of N faces, on the same device.

    Returns:
        (N, 3, H, W) float, clipped and rounded to 8 bits; a gain of 1 leaves faces of 8 bits as they are.
    """
    weights = torch.tensor(LUMA_WEIGHTS, device=faces.device)
    plain = (faces * weights[:, None, None]).sum(dim=1, keepdim=True).expand_as(faces)
    lit = torch.where(light.grey[:, None, None, None], plain, faces) * light.gain[:, None, None, None]
    return round_to_8_bits(lit)
