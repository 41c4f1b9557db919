"""Training losses."""

from dataclasses import dataclass
from typing import NamedTuple

from torch import Tensor

from dicface.networks.dic import DICOutput


@dataclass(frozen=True)
class LossConfig:
    """Weights of the loss terms; the defaults are the paper's.

    Attributes:
        image: weight of the images' L1 error.
        heatmap: weight of the heatmaps' mean squared error.
    """

    image: float = 1.0
    heatmap: float = 0.1


class DICLoss(NamedTuple):
    """The terms of the DIC loss, unweighted, and their weighted sum.

    Attributes:
        total, image, heatmap: scalars; both terms are summed over the steps.
    """

    total: Tensor
    image: Tensor
    heatmap: Tensor


def dic_loss(output: DICOutput, hr: Tensor, heatmaps: Tensor, config: LossConfig) -> DICLoss:
    """L1 of every step's image plus mean squared error of every step's heatmaps, summed over the steps.

    Args:
        output: of the network.
        hr: (N, 3, 128, 128) float RGB in [0, 1].
        heatmaps: (N, K, 32, 32) float targets in [0, 1].
        config: weights.

    Source: the paper's objective for DIC.
    """
    steps = output.sr.shape[1]
    image = (output.sr - hr[:, None]).abs().mean() * steps
    heatmap = (output.heatmaps - heatmaps[:, None]).square().mean() * steps
    return DICLoss(config.image * image + config.heatmap * heatmap, image, heatmap)


def heatmap_loss(heatmaps: Tensor, targets: Tensor) -> Tensor:
    """Squared error summed over a heatmap's cells, averaged over all else.

    An all-zero answer costs pi times sigma squared; a mean over cells would make the same answer look almost right.

    Args:
        heatmaps: (N, T, K, 32, 32) float.
        targets: (N, K, 32, 32) float in [0, 1].
    """
    return (heatmaps - targets[:, None]).square().sum(dim=(-2, -1)).mean()
