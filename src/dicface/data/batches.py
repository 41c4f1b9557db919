"""Training batches: augmented and reduced faces with target heatmaps; a pure function of seed and step."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple, Protocol, TypeAlias, TypeVar

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import IterableDataset, get_worker_info

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
from dicface.images.pixels import FACE_PX
from dicface.landmarks import HEATMAP_STRIDE
from dicface.networks.resize import round_to_8_bits

_ORDER, _AUGMENTATION, _WIDTHS, _DEGRADATION = 0, 1, 2, 4
MEASURED_BATCH = 50


Degrade: TypeAlias = Callable[[Tensor, int, torch.Generator], Tensor]
"""A degradation of one's own: faces (n, 3, 128, 128) float RGB in [0, 1], the side S and a random generator on the CPU
-> (n, 3, S, S) float on the device of the faces, which is then clipped and rounded to 8 bits. Each process of a run
draws for its own faces."""


@dataclass(frozen=True)
class BatchConfig:
    """Size of batches.

    Attributes:
        size: faces in a batch, over all processes of a run.
    """

    size: int = 8

    def __post_init__(self) -> None:
        if self.size < 1:
            raise ConfigError(f"expected batch.size from 1 up, got {self.size}")


class FaceBatch(NamedTuple):
    """A batch of N training faces.

    Attributes:
        hr: (N, 3, R, R) float32 RGB in [0, 1], rounded to 8 bits.
        lr: (N, 3, S, S) float32 RGB in [0, 1], `hr` reduced and, with `camera`, damaged; rounded to 8 bits.
        landmarks: (N, 68, 2) float32 x, y in pixels of `hr`, pixel centres at integers.
        identities: (N,) int64, -1 where unknown.
    """

    hr: Tensor
    lr: Tensor
    landmarks: Tensor
    identities: Tensor


class Share(NamedTuple):
    """Share of each batch that a process trains on: every `of`-th face, from number `rank` on."""

    rank: int = 0
    of: int = 1


WHOLE = Share()


def target_heatmaps(landmarks: Tensor, sigma: float = 1.0, face_px: int = FACE_PX) -> Tensor:
    """Gaussians around landmarks, the training target of the landmark branch.

    The Gaussian is centred at the exact position, evaluated at the cells and not normalised.

    Args:
        landmarks: (..., 2) float x, y in pixels of the RxR image.
        sigma: standard deviation in heatmap cells (4 px).
        face_px: R, side of the image.

    Returns:
        (..., R/4, R/4) float in [0, 1].

    Source: the paper's landmark branch; sigma from the released code.
    """
    cells = torch.arange(face_px // HEATMAP_STRIDE, device=landmarks.device, dtype=landmarks.dtype)
    centre = landmarks / HEATMAP_STRIDE
    across = torch.exp(-((cells - centre[..., :1]) ** 2) / (2 * sigma**2))
    down = torch.exp(-((cells - centre[..., 1:]) ** 2) / (2 * sigma**2))
    return down[..., :, None] * across[..., None, :]


def seeded(*key: int) -> torch.Generator:
    """Create a random generator on the CPU, seeded by all parts of a key. torch itself uses 32 bits of a seed only."""
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
    """Draws batches from a decoded pack in memory, on the training device.

    Batch k depends on the seed and k alone: a resumed run continues with the same batches, and several processes share
    the batches of one. Every epoch visits all faces once in a random order, unless `augmentation.face_width_max` has
    faces drawn by their width.

    Args:
        pack: faces, images of at least `augmentation.crop_side_max` pixels less `augmentation.padding_max`.
        batch, augmentation, degradation: configuration of the batches.
        seed: seed of order, augmentation and degradation.
        device: device of the faces and batches; the CPU if None.
        share: this process's share of each batch.
        face_px: side of the training faces.
        degrade: makes the low-resolution faces instead of `degradation`, which still draws their side.

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
        face_px: int = FACE_PX,
        *,
        degrade: Degrade | None = None,
    ) -> None:
        _check_sides(augmentation, pack.images.shape[1])
        if batch.size % share.of:
            raise ConfigError(f"expected batch.size to be a multiple of the {share.of} processes, got {batch.size}")
        self.size = batch.size
        self.face_px = face_px
        self.augmentation = augmentation
        self.degradation = degradation
        self.degrade = degrade
        self.seed = seed
        self.rank = share.rank
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
        """Indices of a batch's faces, and the sides of their squares if faces are drawn by their width."""
        if self.augmentation.face_width_max == 0:
            return self._faces(step), None
        return choose_by_width(self.augmentation, self._widths_px, self.size, seeded(self.seed, _WIDTHS, step))

    def batch(self, step: int) -> FaceBatch:
        """Draw this process's share of batch number `step`, on the device of the images."""
        generator = seeded(self.seed, _AUGMENTATION, step)
        part, device = self.part, self.images.device
        faces, side_px = self._chosen(step)
        chosen = faces[part].to(device)
        images = self.images[chosen].permute(0, 3, 1, 2).float() / 255
        drawn = draw_placement(self.augmentation, self.size, images.shape[-1], generator, side_px, self.face_px)
        placement = Placement(*(value[part].to(device) for value in drawn))
        light = draw_jitter(self.augmentation, self.size, generator)
        jitter = PhotometricJitter(*(value[part].to(device) for value in light))
        hr = apply_jitter(cut_faces(images, placement, self.face_px), jitter)
        exchange = self.augmentation.flip == "exchange"
        landmarks = move_landmarks(self.landmarks[chosen], placement, exchange=exchange, face_px=self.face_px)
        lr = self._reduced(hr, step, generator)
        return FaceBatch(hr, lr, landmarks, self.identities[chosen])

    def _reduced(self, hr: Tensor, step: int, generator: torch.Generator) -> Tensor:
        """The low-resolution faces of this process's share of a batch."""
        size = draw_size(self.degradation, generator)
        if self.degrade is not None:
            lr = self.degrade(hr, size, seeded(self.seed, _DEGRADATION, step, self.rank))
            if lr.shape != (len(hr), 3, size, size):
                raise ConfigError(f"expected degrade to give {(len(hr), 3, size, size)}, got {tuple(lr.shape)}")
            return round_to_8_bits(lr)
        if self.degradation.kind == "camera":
            return camera_degradation(hr, size, self.degradation, generator, self.size, self.part)
        return reduce_faces(hr, size)


def nominal_batches(pack: FacePack, limit: int | None = None) -> list[FaceBatch]:
    """Validation batches: nominal crops reduced to 16 px, 50 faces each, without augmentation.

    Args:
        pack: the faces.
        limit: number of faces from the start; all if None.
    """
    images, landmarks = pack.nominal()
    batches: list[FaceBatch] = []
    for first in range(0, len(images) if limit is None else min(len(images), limit), MEASURED_BATCH):
        part = slice(first, first + MEASURED_BATCH)
        hr = torch.from_numpy(images[part]).permute(0, 3, 1, 2).float() / 255
        identities = torch.from_numpy(pack.identities[part])
        batches.append(FaceBatch(hr, reduce_faces(hr, 16), torch.from_numpy(landmarks[part]), identities))
    return batches


Drawn = TypeVar("Drawn")
Drawn_co = TypeVar("Drawn_co", covariant=True)


class Sampler(Protocol[Drawn_co]):
    """Draws batches, each a pure function of its number."""

    def batch(self, step: int) -> Drawn_co:
        """Draw batch number `step`."""
        ...


class BatchStream(IterableDataset[Drawn]):
    """The batches of a sampler from step `first` up to but not including step `last`, as a dataset.

    Of several workers of a loader each draws its share, and the loader puts them in order.
    """

    def __init__(self, sampler: Sampler[Drawn], first: int, last: int) -> None:
        self.sampler = sampler
        self.first, self.last = first, last

    def __iter__(self) -> Iterator[Drawn]:
        worker = get_worker_info()
        number, of = (worker.id, worker.num_workers) if worker else WHOLE
        return (self.sampler.batch(step) for step in range(self.first + number, self.last, of))
