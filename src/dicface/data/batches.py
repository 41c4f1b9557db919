"""Training batches: augmented, reduced, with target heatmaps; each a pure function of seed and step."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import IterableDataset

from dicface.data.packs import FacePack
from dicface.errors import ConfigError
from dicface.images import FACE_PX
from dicface.landmarks import HEATMAP_SIZE, HEATMAP_STRIDE, MIRROR_68
from dicface.networks.resize import crop_bicubic, resize_bicubic

_ORDER, _AUGMENTATION = 0, 1


@dataclass(frozen=True)
class BatchConfig:
    """How faces become batches.

    Attributes:
        size: faces in a batch.
        lr_size_min, lr_size_max: range of the low-resolution side S; one S for a batch, its logarithm uniform.
        lr_size_16_share: share of the batches that get S = 16 whatever the range says.
        flip: mirror half of the faces.
        crop_side_min, crop_side_max: side in pixels of the square that is cut and resized to 128; the nominal crop
            is 128.
        unscaled_share: share of the faces whose square is 128 px and lies on whole pixels, so that it is not resampled.
    """

    size: int = 8
    lr_size_min: int = 16
    lr_size_max: int = 16
    lr_size_16_share: float = 0.0
    flip: bool = True
    crop_side_min: float = 128.0
    crop_side_max: float = 128.0
    unscaled_share: float = 0.5

    def __post_init__(self) -> None:
        if self.size < 1 or not 1 <= self.lr_size_min <= self.lr_size_max or self.crop_side_min > self.crop_side_max:
            raise ConfigError(f"expected batch.size from 1 up and batch.*_min not above batch.*_max, got {self}")


class FaceBatch(NamedTuple):
    """Faces to learn from.

    Attributes:
        hr: (N, 3, 128, 128) float32 RGB in [0, 1], rounded to 8 bits.
        lr: (N, 3, S, S) float32 RGB in [0, 1], the bicubic reduction of `hr`, rounded to 8 bits.
        landmarks: (N, 68, 2) float32 x, y in pixels of `hr`, pixel centres at integers.
    """

    hr: Tensor
    lr: Tensor
    landmarks: Tensor


def target_heatmaps(landmarks: Tensor, sigma: float = 1.0) -> Tensor:
    """Gaussians around landmarks, the landmark branch's training target.

    Fractions count: the Gaussian is evaluated at whole cells about its exact centre, and is not normalised.

    Args:
        landmarks: (..., 2) float x, y in pixels of the 128x128 image.
        sigma: standard deviation in heatmap cells (4 px).

    Returns:
        (..., 32, 32) float in [0, 1].

    Source: the paper's landmark branch; sigma from the released code.
    """
    cells = torch.arange(HEATMAP_SIZE, device=landmarks.device, dtype=landmarks.dtype)
    centre = landmarks / HEATMAP_STRIDE
    across = torch.exp(-((cells - centre[..., :1]) ** 2) / (2 * sigma**2))
    down = torch.exp(-((cells - centre[..., 1:]) ** 2) / (2 * sigma**2))
    return down[..., :, None] * across[..., None, :]


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


def _generator(*key: int) -> torch.Generator:
    """Random numbers that depend on all parts of the key; torch's own seeding looks at the low 32 bits only."""
    return torch.Generator().manual_seed(int(np.random.SeedSequence(key).generate_state(1)[0]))


class FaceSampler:
    """Draws batches from a pack that lies decoded in memory (on the device that trains, if there is room).

    Batch k depends on the seed and on k alone: a resumed run goes on with the batches it would have had. Every epoch
    visits all faces once, in its own order.
    """

    def __init__(self, pack: FacePack, config: BatchConfig, seed: int, device: torch.device | None = None) -> None:
        side = pack.images.shape[1]
        if config.crop_side_max > side:
            raise ConfigError(
                f"expected batch.crop_side_max of at most {side}, the side of the packs' images, "
                f"got {config.crop_side_max:g}"
            )
        self.config = config
        self.seed = seed
        self.images = torch.from_numpy(pack.images).to(device)
        self.landmarks = torch.from_numpy(pack.landmarks).to(device)
        self._order: tuple[int, Tensor] = (-1, torch.empty(0, dtype=torch.int64))

    def _epoch_order(self, epoch: int) -> Tensor:
        if self._order[0] != epoch:
            generator = _generator(self.seed, _ORDER, epoch)
            self._order = epoch, torch.randperm(len(self.images), generator=generator)
        return self._order[1]

    def _faces(self, step: int) -> Tensor:
        first, count = step * self.config.size, len(self.images)
        return torch.stack([self._epoch_order(k // count)[k % count] for k in range(first, first + self.config.size)])

    def _lr_size(self, generator: torch.Generator) -> int:
        share, where = torch.rand(2, generator=generator).tolist()
        low, high = self.config.lr_size_min, self.config.lr_size_max
        if share < self.config.lr_size_16_share:
            return 16
        return min(high, int(low * ((high + 1) / low) ** where))

    def batch(self, step: int) -> FaceBatch:
        """Batch number `step`, on the device of the images."""
        generator = _generator(self.seed, _AUGMENTATION, step)
        config, device = self.config, self.images.device
        chosen = self._faces(step).to(device)
        images = self.images[chosen].permute(0, 3, 1, 2).float() / 255
        landmarks = self.landmarks[chosen]
        full = images.shape[-1]

        draw = torch.rand(5, config.size, generator=generator)
        side = config.crop_side_min + (config.crop_side_max - config.crop_side_min) * draw[0]
        whole = draw[1] < config.unscaled_share
        side = torch.where(whole, torch.tensor(float(FACE_PX)), side)
        corner = draw[2:4] * (full - side)
        corner = torch.where(whole, corner.round(), corner)
        side, (left, top) = side.to(device), corner.to(device)

        hr = crop_bicubic(images, left, top, side, FACE_PX)
        offset = torch.stack([left, top], dim=-1)[:, None]
        landmarks = (landmarks + 0.5 - offset) * (FACE_PX / side)[:, None, None] - 0.5
        if config.flip:
            mirrored = (draw[4] < 0.5).to(device)
            hr = torch.where(mirrored[:, None, None, None], hr.flip(-1), hr)
            landmarks = torch.where(mirrored[:, None, None], mirror_landmarks(landmarks), landmarks)
        return FaceBatch(hr, reduce_faces(hr, self._lr_size(generator)), landmarks)


def mirror_landmarks(landmarks: Tensor) -> Tensor:
    """Landmarks of the mirrored 128x128 image: x reversed, left and right points exchanged (ADR 0003).

    Args:
        landmarks: (..., 68, 2) float x, y in pixels, pixel centres at integers.
    """
    swapped = landmarks[..., torch.from_numpy(MIRROR_68).to(landmarks.device), :]
    return torch.stack([FACE_PX - 1 - swapped[..., 0], swapped[..., 1]], dim=-1)


class BatchStream(IterableDataset[FaceBatch]):
    """The sampler's batches from one step to another, for a data loader."""

    def __init__(self, sampler: FaceSampler, first: int, last: int) -> None:
        self.sampler = sampler
        self.first, self.last = first, last

    def __iter__(self) -> Iterator[FaceBatch]:
        return (self.sampler.batch(step) for step in range(self.first, self.last))
