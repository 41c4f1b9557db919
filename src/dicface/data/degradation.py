"""From high-resolution faces to the low-resolution ones that a network gets to see."""

import dataclasses
from dataclasses import dataclass
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from dicface.data.damage import JPEG_GRID, blur, correlate, jpeg_faces, sharpen
from dicface.errors import ConfigError
from dicface.networks.resize import resize_bicubic

# Ranges of what has no setting of its own, in pixels of the image that is damaged.
_ROUNDNESS_MIN = 0.3
_STROKE_PER_SIGMA = 3.3
_BLUR_BESIDE_STROKE = 0.3
_GRAIN_CORRELATION_PX = 0.8
_HALO_RADIUS_PX = 0.5, 1.2
_NO_JPEG = 100
_SMALLEST_RASTER_PX = 4


@dataclass(frozen=True)
class DegradationConfig:
    """Low-resolution faces: how large, and what they have suffered.

    Each fault has a share, of the faces that have it, and a range, from which each of these draws its strength evenly.

    Attributes:
        size_min, size_max: range of the side S; one S for a batch, its logarithm uniform.
        size_16_share: share of the batches that get S = 16 whatever the range says.
        kind: `bicubic` is the paper's reduction. `camera` adds the faults of photos, drawn face by face (ADR 0029).
        clean_share: share of a camera's faces that have no fault and are reduced as by `bicubic`.
        single_share: share of the others that have exactly one fault, which is drawn in proportion to the faults'
            shares.
        blur_share, blur_min, blur_max: standard deviation of the blur before the reduction, in pixels of the result.
        anisotropic_share: share of the blurred faces whose blur is narrower in one direction.
        motion_share: share of the blurred faces that are blurred along a straight stroke instead, of the same width.
        sensor_share, sensor_scale_min, sensor_scale_max: side of the image that has noise, sharpening and JPEG, divided
            by S; it is resized to S afterwards. One scale for a batch.
        noise_share, noise_min, noise_max: standard deviation of the noise, in grey levels.
        grain_share: share of the noisy faces whose noise is the same in all colours and similar in neighbours.
        sharpening_share, sharpening_min, sharpening_max: amount of an unsharp mask, after the noise.
        jpeg_share, jpeg_min, jpeg_max: JPEG quality; 100 leaves JPEG out.
        jpeg_444_share: share of the JPEG files that store colour at full resolution.
        jpeg_twice_share: share of the faces with JPEG that are stored as JPEG a second time, at the side S.
    """

    size_min: int = 16
    size_max: int = 16
    size_16_share: float = 0.0
    kind: Literal["bicubic", "camera"] = "bicubic"
    clean_share: float = 0.0
    single_share: float = 0.0
    blur_share: float = 1.0
    blur_min: float = 0.0
    blur_max: float = 0.0
    anisotropic_share: float = 0.0
    motion_share: float = 0.0
    sensor_share: float = 1.0
    sensor_scale_min: float = 1.0
    sensor_scale_max: float = 1.0
    noise_share: float = 1.0
    noise_min: float = 0.0
    noise_max: float = 0.0
    grain_share: float = 0.0
    sharpening_share: float = 1.0
    sharpening_min: float = 0.0
    sharpening_max: float = 0.0
    jpeg_share: float = 1.0
    jpeg_min: int = _NO_JPEG
    jpeg_max: int = _NO_JPEG
    jpeg_444_share: float = 0.0
    jpeg_twice_share: float = 0.0

    def __post_init__(self) -> None:
        ranges = (
            (1, self.size_min, self.size_max, 128),
            (0, self.blur_min, self.blur_max, 8),
            (0.25, self.sensor_scale_min, self.sensor_scale_max, 4),
            (0, self.noise_min, self.noise_max, 255),
            (0, self.sharpening_min, self.sharpening_max, 5),
            (1, self.jpeg_min, self.jpeg_max, _NO_JPEG),
        )
        if any(not least <= low <= high <= most for least, low, high, most in ranges):
            raise ConfigError(
                "expected degradation.*_min not above degradation.*_max, size from 1 to 128, blur 0 to 8, sensor_scale "
                f"0.25 to 4, noise 0 to 255, sharpening 0 to 5, jpeg 1 to 100, got {self}"
            )
        for name in (field.name for field in dataclasses.fields(self) if field.name.endswith("_share")):
            if not 0 <= getattr(self, name) <= 1:
                raise ConfigError(f"expected degradation.{name} from 0 to 1, got {getattr(self, name)}")
        if self.anisotropic_share + self.motion_share > 1:
            raise ConfigError(
                "expected degradation.anisotropic_share and motion_share to make at most 1 together, "
                f"got {self.anisotropic_share} and {self.motion_share}"
            )


class Faults(NamedTuple):
    """What each face suffers; a fault that a face does not have has its neutral value.

    Attributes:
        sigma_px: (N, 2) float, blur along and across its angle, in pixels of the result.
        stroke_px: (N,) float, length of the stroke of motion along the angle, in pixels of the result.
        angle: (N,) float, radians.
        resampled: (N,) bool, photographed at the sensor's side instead of S.
        noise: (N,) float, standard deviation in grey levels.
        grain: (N,) bool, noise of luma alone.
        correlation_px: (N,) float, smoothness of the grain.
        sharpening: (N,) float, amount of the unsharp mask.
        halo_px: (N,) float, its radius.
        quality: (N, 2) int, of the first and the second JPEG file; 100 for none.
        full_colour: (N, 2) bool, of the JPEG files.
        offset: (N, 2, 2) int, where on the grid of each JPEG file the face lies.
    """

    sigma_px: Tensor
    stroke_px: Tensor
    angle: Tensor
    resampled: Tensor
    noise: Tensor
    grain: Tensor
    correlation_px: Tensor
    sharpening: Tensor
    halo_px: Tensor
    quality: Tensor
    full_colour: Tensor
    offset: Tensor

    def of(self, chosen: Tensor | slice) -> "Faults":
        """The faults of some of the faces."""
        return Faults(*(value[chosen] for value in self))


def draw_size(config: DegradationConfig, generator: torch.Generator) -> int:
    """Draw the side S of one batch."""
    share, where = torch.rand(2, generator=generator).tolist()
    if share < config.size_16_share:
        return 16
    return min(config.size_max, int(config.size_min * ((config.size_max + 1) / config.size_min) ** where))


def reduce_faces(hr: Tensor, size: int) -> Tensor:
    """Low-resolution faces by the paper's recipe: bicubic, rounded to 8 bits.

    Args:
        hr: (N, 3, 128, 128) float RGB in [0, 1].
        size: side of the result in pixels.

    Returns:
        (N, 3, size, size) float, within one grey level of Pillow's reduction.

    Source: the paper's data preparation.
    """
    return resize_bicubic(hr, size, eight_bits=True)


def _draw_present(config: DegradationConfig, draw: Tensor) -> Tensor:
    """(7, N) uniform numbers -> (5, N) bool: which face has blur, sensor, noise, sharpening, JPEG."""
    names = ("blur", "sensor", "noise", "sharpening", "jpeg")
    shares = torch.tensor([getattr(config, f"{name}_share") for name in names])
    several = draw[2:7] < shares[:, None]
    if float(shares.sum()) == 0:
        return several
    # Of the faults' shares laid end to end, the single fault is the one that a random place falls in.
    ends = (shares / shares.sum()).cumsum(dim=0)[:-1]
    single = torch.bucketize(draw[1], ends, right=True)
    rest = (draw[0] - config.clean_share) / max(1 - config.clean_share, 1e-6)
    alone = torch.arange(len(names))[:, None] == single
    present = torch.where(rest < config.single_share, alone, several)
    return present & (draw[0] >= config.clean_share)


def draw_faults(config: DegradationConfig, count: int, generator: torch.Generator) -> Faults:
    """Draw what some faces suffer.

    Args:
        config: shares and ranges.
        count: N, number of faces.
        generator: all randomness comes from it.
    """
    blurred, resampled, noisy, sharpened, stored = _draw_present(config, torch.rand(7, count, generator=generator))
    strength = torch.rand(6, count, generator=generator)
    kind = torch.rand(6, count, generator=generator)
    file = torch.rand(count, 2, 4, generator=generator)

    def between(low: float, high: float, where: Tensor) -> Tensor:
        return low + (high - low) * where

    sigma = torch.where(blurred, between(config.blur_min, config.blur_max, strength[0]), 0.0)
    moved = kind[0] < config.motion_share
    oval = (kind[0] >= config.motion_share) & (kind[0] < config.motion_share + config.anisotropic_share)
    roundness = torch.where(oval, between(_ROUNDNESS_MIN, 1, kind[1]), 1.0)
    still = torch.where(moved, _BLUR_BESIDE_STROKE * sigma, sigma)
    quality = between(config.jpeg_min, config.jpeg_max, file[..., 0]).round().long()
    twice = stored & (kind[4] < config.jpeg_twice_share)
    quality = torch.where(torch.stack([stored, twice], dim=-1), quality, _NO_JPEG)
    return Faults(
        sigma_px=torch.stack([still, still * roundness], dim=-1),
        # The stroke's variance, a twelfth of its length squared, and that of the blur beside it make sigma's.
        stroke_px=torch.where(moved, _STROKE_PER_SIGMA * sigma, 0.0),
        angle=torch.pi * kind[2],
        resampled=resampled,
        noise=torch.where(noisy, between(config.noise_min, config.noise_max, strength[1]), 0.0),
        grain=kind[3] < config.grain_share,
        correlation_px=_GRAIN_CORRELATION_PX * strength[2],
        sharpening=torch.where(sharpened, between(config.sharpening_min, config.sharpening_max, strength[3]), 0.0),
        halo_px=between(*_HALO_RADIUS_PX, strength[4]),
        quality=quality,
        full_colour=file[..., 1] < config.jpeg_444_share,
        offset=(file[..., 2:] * JPEG_GRID).long(),
    )


def _blurred(hr: Tensor, faults: Faults, px: float) -> Tensor:
    """Faces (n, 3, H, H) after the blur; `px` is a pixel of the result in pixels of `hr`."""
    chosen = ((faults.sigma_px[:, 0] > 0) | (faults.stroke_px > 0)).nonzero()[:, 0]
    if len(chosen) == 0:
        return hr
    mine = Faults(*(value.to(hr.device) for value in faults.of(chosen)))
    result = hr.clone()
    result[chosen] = blur(hr[chosen], mine.sigma_px * px, mine.stroke_px * px, mine.angle)
    return result


def _recorded(images: Tensor, faults: Faults, noise: Tensor) -> Tensor:
    """Faces (n, 3, s, s) after noise, sharpening and the first JPEG file; `noise` is white, of variance 1."""
    device = images.device
    if bool((faults.noise > 0).any()):
        # Grain is one draw for all colours.
        grain = correlate(noise[:, :1], faults.correlation_px)
        drawn = torch.where(faults.grain[:, None, None, None], grain, noise)
        images = images + (faults.noise[:, None, None, None] / 255 * drawn).to(device)
    chosen = faults.sharpening.nonzero()[:, 0]
    if len(chosen):
        mine = faults.of(chosen)
        images = images.index_copy(
            0, chosen.to(device), sharpen(images[chosen], mine.sharpening.to(device), mine.halo_px.to(device))
        )
    return jpeg_faces(images, faults.quality[:, 0], faults.offset[:, 0], faults.full_colour[:, 0])


def camera_degradation(
    hr: Tensor, size: int, config: DegradationConfig, generator: torch.Generator, count: int, part: slice
) -> Tensor:
    """Low-resolution faces with the faults of photos, drawn face by face.

    In this order: blur, reduction, noise, sharpening, JPEG, a resize from the sensor's side to S, a second JPEG.

    Args:
        hr: (n, 3, 128, 128) float RGB in [0, 1]: the wanted faces of a batch.
        size: S, side of the result in pixels.
        config: shares and ranges of the faults.
        generator: all randomness comes from it, as much for a part as for the whole batch.
        count: faces in the whole batch.
        part: which of them `hr` holds.

    Returns:
        (n, 3, S, S) float RGB in [0, 1], rounded to 8 bits. A face without faults is that of `reduce_faces`.

    Source: ADR 0029.
    """
    faults = draw_faults(config, count, generator).of(part)
    # One sensor for a batch, since its faces share a shape.
    scale = torch.rand(1, generator=generator).item() * (config.sensor_scale_max - config.sensor_scale_min)
    sensor_px = round(size * (config.sensor_scale_min + scale))
    sensor_px = min(max(sensor_px, _SMALLEST_RASTER_PX), hr.shape[-1])
    largest = max(size, sensor_px)
    noise = torch.randn(count, 3, largest, largest, generator=generator)[part]
    blurred = _blurred(hr, faults, hr.shape[-1] / size)
    lr = torch.empty(len(hr), 3, size, size, device=hr.device)
    resampled = faults.resampled & (sensor_px != size)
    for chosen, side in ((~resampled, size), (resampled, sensor_px)):
        members = chosen.nonzero()[:, 0]
        if len(members):
            reduced = reduce_faces(blurred[members.to(hr.device)], side)
            recorded = _recorded(reduced, faults.of(members), noise[members, :, :side, :side])
            lr[members.to(hr.device)] = recorded if side == size else reduce_faces(recorded, size)
    return jpeg_faces(lr, faults.quality[:, 1], faults.offset[:, 1], faults.full_colour[:, 1])
