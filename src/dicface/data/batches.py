"""Training batches: augmented, reduced, with target heatmaps; each a pure function of seed and step."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import IterableDataset

from dicface.data.augmentation import (
    AugmentationConfig,
    PhotometricJitter,
    Placement,
    apply_jitter,
    choose_by_width,
    cut_faces,
    draw_jitter,
    draw_placement,
    face_widths,
    move_landmarks,
)
from dicface.data.degradation import DegradationConfig, camera_degradation, draw_size, reduce_faces
from dicface.data.packs import FacePack
from dicface.errors import ConfigError
from dicface.landmarks import HEATMAP_SIZE, HEATMAP_STRIDE

_ORDER, _AUGMENTATION, _WIDTHS = 0, 1, 2
MEASURED_BATCH = 50


@dataclass(frozen=True)
class BatchConfig:
    """How many faces a step sees.

    Attributes:
        size: faces in a batch, over all processes of the run together.
    """

    size: int = 8

    def __post_init__(self) -> None:
        if self.size < 1:
            raise ConfigError(f"expected batch.size from 1 up, got {self.size}")


class FaceBatch(NamedTuple):
    """Faces to learn from.

    Attributes:
        hr: (N, 3, 128, 128) float32 RGB in [0, 1], rounded to 8 bits.
        lr: (N, 3, S, S) float32 RGB in [0, 1], `hr` reduced and, with `camera`, damaged; rounded to 8 bits.
        landmarks: (N, 68, 2) float32 x, y in pixels of `hr`, pixel centres at integers.
        identities: (N,) int64, -1 where unknown.
    """

    hr: Tensor
    lr: Tensor
    landmarks: Tensor
    identities: Tensor


class Share(NamedTuple):
    """Which faces of every batch a process trains on: every `of`-th, from number `rank` on."""

    rank: int = 0
    of: int = 1


WHOLE = Share()


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


def seeded(*key: int) -> torch.Generator:
    """Random numbers that depend on all parts of the key; torch's own seeding looks at the low 32 bits only."""
    return torch.Generator().manual_seed(int(np.random.SeedSequence(key).generate_state(1)[0]))


def _check_sides(augmentation: AugmentationConfig, image_px: int) -> None:
    largest = image_px / (1 - augmentation.padding_max)
    if augmentation.crop_side_max > largest:
        beyond = f" and padding_max {augmentation.padding_max:g}" if augmentation.padding_max else ""
        raise ConfigError(
            f"expected augmentation.crop_side_max of at most {int(largest)}, the side of the packs' images{beyond}, "
            f"got {augmentation.crop_side_max:g}"
        )


class FaceSampler:
    """Draws batches from a pack that lies decoded in memory, on the device that trains.

    Batch k depends on the seed and on k alone: a resumed run goes on with the batches it would have had, and several
    processes share the batches that one would have had. Every epoch visits all faces once, in its own order, unless
    `augmentation.face_width_max` has faces chosen by their width: then each is drawn from all.

    Args:
        pack: faces, images of at least `augmentation.crop_side_max` pixels less `augmentation.padding_max`.
        batch, augmentation, degradation: what batches are made of.
        seed: of order, augmentation and degradation.
        device: where the faces lie and the batches appear; the CPU if None.
        share: the part of each batch that is wanted.

    Raises:
        ConfigError: crops larger than the images, or a batch that cannot be shared out evenly.
    """

    def __init__(
        self,
        pack: FacePack,
        batch: BatchConfig,
        augmentation: AugmentationConfig,
        degradation: DegradationConfig,
        seed: int,
        device: torch.device | None = None,
        share: Share = WHOLE,
    ) -> None:
        _check_sides(augmentation, pack.images.shape[1])
        if batch.size % share.of:
            raise ConfigError(f"expected batch.size to be a multiple of the {share.of} processes, got {batch.size}")
        self.size = batch.size
        self.augmentation = augmentation
        self.degradation = degradation
        self.seed = seed
        self.part = slice(share.rank, batch.size, share.of)
        self.images = torch.from_numpy(pack.images).to(device)
        self.landmarks = torch.from_numpy(pack.landmarks).to(device)
        self.identities = torch.from_numpy(pack.identities).to(device)
        # Widths stay on the CPU, so that every device chooses the same faces.
        self._widths_px = face_widths(torch.from_numpy(pack.landmarks))
        self._order: tuple[int, Tensor] = (-1, torch.empty(0, dtype=torch.int64))

    def _epoch_order(self, epoch: int) -> Tensor:
        if self._order[0] != epoch:
            generator = seeded(self.seed, _ORDER, epoch)
            self._order = epoch, torch.randperm(len(self.images), generator=generator)
        return self._order[1]

    def _faces(self, step: int) -> Tensor:
        first, count = step * self.size, len(self.images)
        return torch.stack([self._epoch_order(k // count)[k % count] for k in range(first, first + self.size)])

    def _chosen(self, step: int) -> tuple[Tensor, Tensor | None]:
        """The faces of a batch and, if they are chosen by their width, the sides of their squares."""
        if self.augmentation.face_width_max == 0:
            return self._faces(step), None
        return choose_by_width(self.augmentation, self._widths_px, self.size, seeded(self.seed, _WIDTHS, step))

    def batch(self, step: int) -> FaceBatch:
        """This process's share of batch number `step`, on the device of the images."""
        generator = seeded(self.seed, _AUGMENTATION, step)
        part, device = self.part, self.images.device
        faces, side_px = self._chosen(step)
        chosen = faces[part].to(device)
        images = self.images[chosen].permute(0, 3, 1, 2).float() / 255
        drawn = draw_placement(self.augmentation, self.size, images.shape[-1], generator, side_px)
        placement = Placement(*(value[part].to(device) for value in drawn))
        light = draw_jitter(self.augmentation, self.size, generator)
        jitter = PhotometricJitter(*(value[part].to(device) for value in light))
        hr = apply_jitter(cut_faces(images, placement), jitter)
        landmarks = move_landmarks(self.landmarks[chosen], placement, self.augmentation.flip == "exchange")
        size = draw_size(self.degradation, generator)
        if self.degradation.kind == "camera":
            lr = camera_degradation(hr, size, self.degradation, generator, self.size, part)
        else:
            lr = reduce_faces(hr, size)
        return FaceBatch(hr, lr, landmarks, self.identities[chosen])


def nominal_batches(pack: FacePack, limit: int | None = None) -> list[FaceBatch]:
    """Faces to measure on: nominal crops, reduced to 16 px, 50 in a batch, the same every time.

    Args:
        pack: the faces.
        limit: that many of them; all if None.
    """
    images, landmarks = pack.nominal()
    batches: list[FaceBatch] = []
    for first in range(0, len(images) if limit is None else min(len(images), limit), MEASURED_BATCH):
        part = slice(first, first + MEASURED_BATCH)
        hr = torch.from_numpy(images[part]).permute(0, 3, 1, 2).float() / 255
        identities = torch.from_numpy(pack.identities[part])
        batches.append(FaceBatch(hr, reduce_faces(hr, 16), torch.from_numpy(landmarks[part]), identities))
    return batches


class BatchStream(IterableDataset[FaceBatch]):
    """The sampler's batches from one step to another, for a data loader."""

    def __init__(self, sampler: FaceSampler, first: int, last: int) -> None:
        self.sampler = sampler
        self.first, self.last = first, last

    def __iter__(self) -> Iterator[FaceBatch]:
        return (self.sampler.batch(step) for step in range(self.first, self.last))
