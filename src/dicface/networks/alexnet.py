"""AlexNet's convolutions, and the perceptual distance LPIPS that is measured on them."""

import torch
from torch import Tensor, nn

_CHANNELS = (64, 192, 384, 256, 256)
# Mean and standard deviation of ImageNet for RGB in [-1, 1], with the digits of the method's authors.
_SHIFT = (-0.030, -0.088, -0.188)
_SCALE = (0.458, 0.448, 0.450)
# Added to the length of a feature vector, which may be zero.
_TINY = 1e-10


class LPIPS(nn.Module):
    """Learned perceptual image patch similarity on AlexNet, version 0.1; lower is better, 0 for equal images.

    Source: Zhang et al., "The Unreasonable Effectiveness of Deep Features as a Perceptual Metric", CVPR 2018,
    equation 1. Constants and layers are those of its authors' released code, and AlexNet is that of torchvision.
    """

    def __init__(self) -> None:
        super().__init__()
        first, second, third, fourth, fifth = _CHANNELS
        self.convolutions = nn.ModuleList(
            [
                nn.Conv2d(3, first, 11, stride=4, padding=2),
                nn.Conv2d(first, second, 5, padding=2),
                nn.Conv2d(second, third, 3, padding=1),
                nn.Conv2d(third, fourth, 3, padding=1),
                nn.Conv2d(fourth, fifth, 3, padding=1),
            ]
        )
        self.linear = nn.ModuleList(nn.Conv2d(channels, 1, 1, bias=False) for channels in _CHANNELS)
        self.shift: Tensor
        self.scale: Tensor
        self.register_buffer("shift", torch.tensor(_SHIFT).reshape(3, 1, 1), persistent=False)
        self.register_buffer("scale", torch.tensor(_SCALE).reshape(3, 1, 1), persistent=False)

    def _directions(self, images: Tensor) -> list[Tensor]:
        """Features of every layer at every place, divided by their length: five of (N, C, H, W) float."""
        features = (2 * images - 1 - self.shift) / self.scale
        directions: list[Tensor] = []
        for depth, convolution in enumerate(self.convolutions):
            if depth in (1, 2):
                features = nn.functional.max_pool2d(features, 3, stride=2)
            features = convolution(features).relu()
            directions.append(features / (features.square().sum(dim=1, keepdim=True).sqrt() + _TINY))
        return directions

    def forward(self, images: Tensor, references: Tensor) -> Tensor:
        """Distances between images and their references.

        Args:
            images, references: (N, 3, H, W) float RGB in [0, 1], at least 31 px high and wide.

        Returns:
            (N,) float: the weighted squared difference, averaged over places, summed over layers.
        """
        pairs = zip(self.linear, self._directions(images), self._directions(references), strict=True)
        layers = [linear((one - other).square()).mean(dim=(1, 2, 3)) for linear, one, other in pairs]
        return torch.stack(layers).sum(dim=0)
