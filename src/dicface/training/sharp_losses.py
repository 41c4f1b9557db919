"""Terms of the losses of the task `sharp`, and how they are weighted."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from dicface.errors import ConfigError

CROPPED_PX = 16
"""Difference between the side of a face and of what the discriminators see: their patches lie that far apart."""
_LARGEST_BALANCE = 100.0
"""Bound of the adversarial weight where the adversarial gradient vanishes."""


@dataclass(frozen=True)
class SharpConfig:
    """Discriminators, trained parts and loss of the task `sharp` (ADR 45).

    Attributes:
        trained: parts of the network that learn: the `trunk` of the last step, the `reconstruction`. All others are
            frozen.
        image: weight of the L1 error of the last step's image.
        consistency: weight of the L1 distance between the reduced image and the undamaged crop.
        feature: weight of the L1 distance between face features.
        matching: weight of the L1 distance between the discriminators' features of image and photo.
        adversarial_ratio: norm of the adversarial gradient at the network's last layer, relative to that of the other
            terms. The weight of the adversarial term follows from it at every step.
        ramp_steps: number of steps, after those of the discriminators alone, over which `adversarial_ratio` and
            `matching` rise from zero.
        discriminator_steps: number of steps, from the first, in which only the discriminators learn.
        discriminator_width: channels of the first layer of each discriminator.
        discriminator_learning_rate: highest learning rate of the discriminators; it follows the network's schedule.
        beta1, beta2: decay of the optimiser's first and second moments, for network and discriminators.
    """

    trained: tuple[Literal["trunk", "reconstruction"], ...] = ("trunk", "reconstruction")
    image: float = 1.0
    consistency: float = 1.0
    feature: float = 0.1
    matching: float = 0.1
    adversarial_ratio: float = 0.15
    ramp_steps: int = 1250
    discriminator_steps: int = 250
    discriminator_width: int = 32
    discriminator_learning_rate: float = 2e-4
    beta1: float = 0.5
    beta2: float = 0.99

    def __post_init__(self) -> None:
        if not self.trained or len(set(self.trained)) < len(self.trained):
            raise ConfigError(f"expected sharp.trained to name each trained part once, got {list(self.trained)}")
        weights = (self.image, self.consistency, self.feature, self.matching, self.adversarial_ratio)
        counts = (self.ramp_steps, self.discriminator_steps, self.discriminator_learning_rate)
        # Written as `not (...)`, so that NaN fails, too.
        if not all(0 <= value < float("inf") for value in (*weights, *counts)):
            raise ConfigError(f"expected weights, steps and rates of [sharp] from 0 up, got {self}")
        if not self.image:
            raise ConfigError("expected sharp.image above 0: without it, nothing holds the face in place, got 0")
        if self.discriminator_width < 1:
            raise ConfigError(f"expected sharp.discriminator_width from 1 up, got {self.discriminator_width}")
        if not (0 <= self.beta1 < 1 and 0 <= self.beta2 < 1):
            raise ConfigError(f"expected sharp.beta1 and sharp.beta2 from 0 to under 1, got {self.beta1}, {self.beta2}")


def adversarial_ramp(step: int, config: SharpConfig) -> float:
    """Share of the adversarial and matching terms at a step.

    Args:
        step: number of the step, from 0.
        config: table of the run.

    Returns:
        0 while the discriminators learn alone, then rising linearly to 1 at the last step of the ramp.
    """
    since = step - config.discriminator_steps
    if since < 0:
        return 0.0
    return min(1.0, (since + 1) / config.ramp_steps) if config.ramp_steps else 1.0


def balanced_weight(others: Tensor, adversarial: Tensor, ratio: float) -> Tensor:
    """Weight that gives the adversarial gradient a norm relative to that of the other terms.

    Args:
        others: gradient of the other terms at one layer, of any shape.
        adversarial: gradient of the adversarial term at the same layer.
        ratio: wanted norm of the weighted adversarial gradient, relative to `others`.

    Returns:
        Scalar, bounded where the adversarial gradient vanishes.

    Source: Esser et al., "Taming Transformers for High-Resolution Image Synthesis", 2021, equation 7.
    """
    weight = others.norm() / adversarial.norm().clamp_min(1e-12)
    return ratio * weight.clamp_max(_LARGEST_BALANCE)


def moved_crop(images: Tensor, step: int) -> Tensor:
    """Cut what the discriminators see out of faces, at another place in every step.

    Their strides tie each of their layers to a grid. On faces that never move, they teach the network that grid.

    Args:
        images: (N, C, R, R) float.
        step: number of the step, from which the place follows, so that a resumed run takes the same.

    Returns:
        (N, C, R - 16, R - 16) float, the same place for all.
    """
    top, left = torch.randint(0, CROPPED_PX + 1, (2,), generator=torch.Generator().manual_seed(step)).tolist()
    side = images.shape[-1] - CROPPED_PX
    return images[..., top : top + side, left : left + side]


def hinge_loss(real: Sequence[Tensor], fake: Sequence[Tensor]) -> Tensor:
    """Discriminators' hinge loss, averaged over patches and discriminators.

    Args:
        real, fake: (N, 1, H, W) float scores of photos and of generated faces, by discriminator.

    Returns:
        Scalar; 1 for scores of zero, 0 where all are beyond the margin of 1.
    """
    each = [((1 - photo).relu().mean() + (1 + made).relu().mean()) / 2 for photo, made in zip(real, fake, strict=True)]
    return torch.stack(each).mean()


def generator_hinge_loss(fake: Sequence[Tensor]) -> Tensor:
    """Generator's part of the hinge loss: the lower, the more the discriminators take its faces for photos.

    Args:
        fake: (N, 1, H, W) float scores of generated faces, by discriminator.

    Returns:
        Scalar.
    """
    return -torch.stack([made.mean() for made in fake]).mean()


def matching_loss(real: Sequence[Sequence[Tensor]], fake: Sequence[Sequence[Tensor]]) -> Tensor:
    """L1 distance between the discriminators' features of photos and of generated faces, averaged over the layers.

    Args:
        real, fake: (N, C, H, W) float features by discriminator and layer. No gradient reaches those of the photos.

    Returns:
        Scalar.

    Source: Wang et al., "High-Resolution Image Synthesis and Semantic Manipulation with Conditional GANs", 2018.
    """
    each = [
        (one.detach() - other).abs().mean()
        for photos, made in zip(real, fake, strict=True)
        for one, other in zip(photos, made, strict=True)
    ]
    return torch.stack(each).mean()
