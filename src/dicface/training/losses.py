"""Training losses: images, landmarks (heatmaps), adversarial."""

from dataclasses import dataclass
from typing import Literal, NamedTuple

from torch import Tensor, nn

from dicface.networks.dic import DICOutput


@dataclass(frozen=True)
class LossConfig:
    """Weights of the terms of DIC's loss; the defaults are the paper's.

    Attributes:
        image: weight of the images' L1 error.
        heatmap: weight of the heatmaps' mean squared error.
        image_steps: `every` compares each step's image; `released` takes the last one's error as often as there are
            steps, as the authors' code does for DICGAN (ADR 7).
    """

    image: float = 1.0
    heatmap: float = 0.1
    image_steps: Literal["every", "released"] = "every"


@dataclass(frozen=True)
class GANConfig:
    """Weights of the terms that DICGAN's loss adds; the defaults are the paper's.

    Attributes:
        feature: weight of the L1 distance between face features.
        adversarial: weight of the generator's part of the vanilla GAN loss.
    """

    feature: float = 0.1
    adversarial: float = 0.005


class DICLoss(NamedTuple):
    """The terms of the DIC loss, unweighted, and their weighted sum.

    Attributes:
        total, image, heatmap: scalars; both terms are summed over the steps.
    """

    total: Tensor
    image: Tensor
    heatmap: Tensor


def dic_loss(output: DICOutput, hr: Tensor, heatmaps: Tensor, config: LossConfig) -> DICLoss:
    """L1 of the steps' images plus mean squared error of every step's heatmaps, summed over the steps.

    Args:
        output: output of the network.
        hr: (N, 3, R, R) float RGB in [0, 1].
        heatmaps: (N, K, R/4, R/4) float targets in [0, 1].
        config: weights of the terms.

    Source: the paper's objective for DIC.
    """
    steps = output.sr.shape[1]
    images = output.sr if config.image_steps == "every" else output.sr[:, -1:]
    image = (images - hr[:, None]).abs().mean() * steps
    heatmap = (output.heatmaps - heatmaps[:, None]).square().mean() * steps
    return DICLoss(config.image * image + config.heatmap * heatmap, image, heatmap)


def heatmap_loss(heatmaps: Tensor, targets: Tensor) -> Tensor:
    """Squared error of heatmaps, summed over cells and averaged over faces, steps and landmarks.

    All-zero heatmaps cost pi times sigma squared. Averaged over cells, they would cost almost nothing.

    Args:
        heatmaps: (N, T, K, H, W) float.
        targets: (N, K, H, W) float in [0, 1].

    Returns:
        Scalar.

    Source: the paper's landmark loss; the sum over cells is that of ADR 4.
    """
    return (heatmaps - targets[:, None]).square().sum(dim=(-2, -1)).mean()


def adversarial_loss(fake: Tensor) -> Tensor:
    """Generator's part of the vanilla GAN loss: low where its faces are classified as photos.

    Args:
        fake: (N, 1) float logits of generated faces.

    Returns:
        Scalar.

    Source: the paper's adversarial loss.
    """
    return nn.functional.softplus(-fake).mean()


def discriminator_loss(real: Tensor, fake: Tensor) -> Tensor:
    """Discriminator's part of the vanilla GAN loss: the mean of both cross-entropies.

    Args:
        real, fake: (N, 1) float logits of photos and of generated faces.

    Returns:
        Scalar.

    Source: the paper's adversarial loss.
    """
    return (nn.functional.softplus(-real).mean() + nn.functional.softplus(fake).mean()) / 2
