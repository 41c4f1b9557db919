"""LightCNN-9: face features, and the discriminator and recogniser built on them."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from dicface.networks.blocks import LEAKY_SLOPE

LIGHTCNN_9 = (48, 96, 192, 128)
"""Channels of LightCNN-9 after its first convolution and after its groups."""


class MaxFeatureMap(nn.Module):
    """A convolution to twice the channels, followed by the maximum of both halves.

    Source: Wu et al., "A Light CNN for Deep Face Representation with Noisy Labels", 2018.
    """

    def __init__(self, inputs: int, outputs: int, kernel: int) -> None:
        super().__init__()
        self.filter = nn.Conv2d(inputs, 2 * outputs, kernel, padding=kernel // 2)

    def forward(self, features: Tensor) -> Tensor:
        """(N, inputs, H, W) float -> (N, outputs, H, W) float."""
        one, other = self.filter(features).chunk(2, dim=1)
        return one.maximum(other)


def _group(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(MaxFeatureMap(inputs, inputs, 1), MaxFeatureMap(inputs, outputs, 3))


def _pool() -> nn.MaxPool2d:
    return nn.MaxPool2d(2, ceil_mode=True)


class LightCNNFeatures(nn.Module):
    """Features of a face.

    Args:
        widths: four numbers of channels, after the first convolution and after the groups; the last group keeps the
            last one.

    Source: LightCNN-9 without its classifier, as the released code uses it.
    """

    def __init__(self, widths: Sequence[int] = LIGHTCNN_9) -> None:
        super().__init__()
        first, second, third, last = widths
        self.layers = nn.Sequential(
            MaxFeatureMap(3, first, 5),
            _pool(),
            _group(first, second),
            _pool(),
            _group(second, third),
            _pool(),
            _group(third, last),
            _group(last, last),
            _pool(),
        )

    def forward(self, image: Tensor) -> Tensor:
        """(N, 3, 128, 128) float, channel means subtracted -> (N, widths[3], 8, 8) float."""
        return self.layers(image)


def _linear(widths: Sequence[int], outputs: int) -> nn.Linear:
    """A linear layer on flattened features, to twice the outputs for a max-feature-map."""
    return nn.Linear(widths[-1] * 8 * 8, 2 * outputs)


class Discriminator(nn.Module):
    """Discriminator of 128x128 faces: photo or network.

    Args:
        widths: see `LightCNNFeatures`.

    Source: the released code: LightCNN-9 with a max-feature-map linear layer and one logit.
    """

    def __init__(self, widths: Sequence[int] = LIGHTCNN_9) -> None:
        super().__init__()
        self.features = LightCNNFeatures(widths)
        self.filter = _linear(widths, 256)
        self.activation = nn.LeakyReLU(LEAKY_SLOPE)
        self.head = nn.Linear(256, 1)

    def forward(self, image: Tensor) -> Tensor:
        """(N, 3, 128, 128) float, channel means subtracted -> (N, 1) float logit, positive for a photo."""
        one, other = self.filter(self.features(image).flatten(1)).chunk(2, dim=1)
        return self.head(self.activation(one.maximum(other)))


class FaceRecogniser(nn.Module):
    """Embedding of a face, similar for images of one identity.

    Args:
        embedding: length of the embedding.
        widths: see `LightCNNFeatures`.

    Source: LightCNN-9 with its max-feature-map linear layer.
    """

    def __init__(self, embedding: int, widths: Sequence[int] = LIGHTCNN_9) -> None:
        super().__init__()
        self.features = LightCNNFeatures(widths)
        self.filter = _linear(widths, embedding)

    def forward(self, image: Tensor) -> Tensor:
        """(N, 3, 128, 128) float, channel means subtracted -> (N, embedding) float, of any length."""
        one, other = self.filter(self.features(image).flatten(1)).chunk(2, dim=1)
        return one.maximum(other)

    def scale_features(self, factor: float) -> None:
        """Multiply features by a positive factor; embeddings keep their direction.

        The factor is spread over all convolutions: in one alone, weights could exceed the precision of float16.
        """
        layers = [layer.filter for layer in self.features.modules() if isinstance(layer, MaxFeatureMap)]
        part = factor ** (1 / len(layers))
        with torch.no_grad():
            for depth, layer in enumerate(layers, 1):
                layer.weight.mul_(part)
                assert layer.bias is not None
                layer.bias.mul_(part**depth)
            self.filter.bias.mul_(factor)
