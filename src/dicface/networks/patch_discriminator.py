"""Discriminators that judge patches of a face at its full and at half its size."""

import itertools
import math
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from dicface.networks.blocks import LEAKY_SLOPE

_LAYERS = 4
_LARGEST_WIDTHS = 8
"""Widest layer, relative to the first."""


class PatchJudgement(NamedTuple):
    """Output of one patch discriminator.

    Attributes:
        scores: (N, 1, R/16, R/16) float, positive for a photo.
        features: output of every layer before the scores, (N, C, H, W) float, from the finest to the coarsest.
    """

    scores: Tensor
    features: tuple[Tensor, ...]


class PatchDiscriminator(nn.Module):
    """Four strided convolutions and a score for every patch, each with spectral normalisation.

    A score depends on a part of the face only, so that it judges texture and not the face.

    Args:
        width: channels of the first layer; each further layer has twice as many.

    Source: Miyato et al., "Spectral Normalization for Generative Adversarial Networks", 2018; patches: Isola et al.,
    "Image-to-Image Translation with Conditional Adversarial Networks", 2017. ADR 45; not in the paper.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        widths = [4, *(min(2**layer, _LARGEST_WIDTHS) * width for layer in range(_LAYERS))]
        self.layers = nn.ModuleList(
            spectral_norm(nn.Conv2d(inputs, outputs, 4, stride=2, padding=1))
            for inputs, outputs in itertools.pairwise(widths)
        )
        self.activation = nn.LeakyReLU(LEAKY_SLOPE)
        self.head = spectral_norm(nn.Conv2d(widths[-1], 1, 3, padding=1))

    def forward(self, image: Tensor) -> PatchJudgement:
        """(N, 4, R, R) float: RGB and the plane of the crop's side -> scores and features."""
        features: list[Tensor] = []
        for layer in self.layers:
            image = self.activation(layer(image))
            features.append(image)
        return PatchJudgement(self.head(image), tuple(features))


class PatchDiscriminators(nn.Module):
    """A patch discriminator for the face at its full size and one for the face at half its size.

    Args:
        width: channels of the first layer of each.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.at_full_size = PatchDiscriminator(width)
        self.at_half_size = PatchDiscriminator(width)

    def forward(self, image: Tensor, lr_px: int) -> tuple[PatchJudgement, PatchJudgement]:
        """Judge faces.

        Args:
            image: (N, 3, R, R) float, channel means subtracted.
            lr_px: S, side of the crops that the faces come from; what is missing depends on it.

        Returns:
            Judgements of the full and of half the size.
        """
        side = image.new_full((len(image), 1, *image.shape[2:]), math.log2(lr_px / image.shape[-1]))
        planes = torch.cat([image, side], dim=1)
        return self.at_full_size(planes), self.at_half_size(nn.functional.avg_pool2d(planes, 2))
