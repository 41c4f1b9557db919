"""A recovery branch shaped like a U: most of its work on a wide 16x16 trunk, a light tail that enlarges.

It takes the places of the paper's recovery block and reconstruction and keeps their part in the collaboration: the
trunk's features and the heatmaps of a step go on to the next. Source: ADR 0031; not in the paper.
"""

import torch
from torch import Tensor, nn

from dicface.images.pixels import FACE_PX
from dicface.landmarks import KEYPOINTS
from dicface.networks.recovery import StemOutput, any_size_grid
from dicface.networks.resize import resize_bicubic

_SMALL = 0.1
"""Of what residual blocks add and what the last layer gives at first, relative to He-normal weights."""


def _draw(module: nn.Module) -> None:
    """Draw the convolutions of a module He-normal, biases zero.

    With torch's own smaller weights the features lose half of their size in every layer, and the U begins to learn
    late. A zero last layer, on the other hand, leaves gradients without a direction, which AdamW turns into full
    steps: at 6e-4 the activations then die within fifty steps (ADR 31).
    """
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            assert layer.bias is not None
            nn.init.zeros_(layer.bias)


@torch.no_grad()
def _shrink(layer: nn.Conv2d) -> None:
    layer.weight.mul_(_SMALL)


class GatedResidual(nn.Module):
    """Residual block whose change is weighed by a map of all channels and places.

    conv - SiLU - conv, times the sigmoid of 1x1 to a quarter - SiLU - depthwise 3x3 - 1x1. No normalisation.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        quarter = max(1, width // 4)
        last = nn.Conv2d(width, width, 3, padding=1)
        self.body = nn.Sequential(nn.Conv2d(width, width, 3, padding=1), nn.SiLU(), last)
        self.gate = nn.Sequential(
            nn.Conv2d(width, quarter, 1),
            nn.SiLU(),
            nn.Conv2d(quarter, quarter, 3, padding=1, groups=quarter),
            nn.Conv2d(quarter, width, 1),
            nn.Sigmoid(),
        )
        _draw(self)
        _shrink(last)

    def forward(self, features: Tensor) -> Tensor:
        """(N, width, H, W) float -> the same."""
        change = self.body(features)
        return features + change * self.gate(change)


class UStem(nn.Module):
    """The way down: crops of any side S from 8 to 64 on a 64x64 grid with a plane that says S, reduced to 16x16.

    The grid is that of `AnySizeStem` (ADR 0002).
    """

    def __init__(self, features: int, width: int) -> None:
        super().__init__()
        self.conv = nn.Sequential(nn.Conv2d(4, features, 3, padding=1), nn.SiLU())
        self.down = nn.Sequential(nn.Conv2d(features, 2 * features, 4, stride=2, padding=1), nn.SiLU())
        self.trunk = nn.Conv2d(2 * features, width, 4, stride=2, padding=1)
        _draw(self)

    def forward(self, lr: Tensor) -> StemOutput:
        """(N, 3, S, S) float, means subtracted -> features (N, width, 16, 16), skips at 64x64 and at 32x32."""
        at_64 = self.conv(any_size_grid(lr))
        at_32 = self.down(at_64)
        return StemOutput(self.trunk(at_32), resize_bicubic(lr, FACE_PX), (at_64, at_32))


class HeatmapChannels(nn.Module):
    """The heatmaps as further channels of the trunk: a strided convolution of theirs is added to the features.

    That equals a concatenation before the trunk's first convolution, at no cost for the steps without heatmaps.
    """

    def __init__(self, width: int, keypoints: int = KEYPOINTS) -> None:
        super().__init__()
        self.conv = nn.Conv2d(keypoints, width, 4, stride=2, padding=1)
        _draw(self)

    def forward(self, features: Tensor, heatmaps: Tensor) -> Tensor:
        """(N, width, 16, 16) float and (N, K, 32, 32) float -> (N, width, 16, 16) float."""
        return features + self.conv(heatmaps)


class ReducedHeatmaps(nn.Module):
    """A fusion of the paper on the trunk's grid: it is given heatmaps of 16x16, each cell the mean of four."""

    def __init__(self, fusion: nn.Module) -> None:
        super().__init__()
        self.fusion = fusion

    def forward(self, features: Tensor, heatmaps: Tensor) -> Tensor:
        """(N, width, 16, 16) float and (N, K, 32, 32) float -> (N, width, 16, 16) float."""
        return self.fusion(features, nn.functional.avg_pool2d(heatmaps, 2))


class UTrunk(nn.Module):
    """What the U computes at 16x16, once a step.

    Args:
        inputs: channels of what comes in: the stem's, and after the first step the previous trunk's beside them.
        width: channels of the trunk.
        blocks: residual blocks.
        fusion: takes (features, heatmaps) to features; None for the first step, which has no heatmaps.
    """

    def __init__(self, inputs: int, width: int, blocks: int, fusion: nn.Module | None) -> None:
        super().__init__()
        self.compress_in = nn.Conv2d(inputs, width, 1)
        _draw(self.compress_in)
        self.fusion = fusion
        self.blocks = nn.Sequential(*(GatedResidual(width) for _ in range(blocks)))

    def forward(self, features: Tensor, heatmaps: Tensor | None) -> Tensor:
        """(N, inputs, 16, 16) float and (N, K, 32, 32) float or None -> (N, width, 16, 16) float."""
        features = self.compress_in(features)
        if self.fusion is not None:
            features = self.fusion(features, heatmaps)
        return self.blocks(features)


class _Enlarge(nn.Module):
    """Twice the side: nearest neighbours, 3x3 convolution, SiLU. A transposed convolution would leave stitches."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv = nn.Sequential(nn.Conv2d(inputs, outputs, 3, padding=1), nn.SiLU())
        _draw(self)

    def forward(self, features: Tensor) -> Tensor:
        """(N, inputs, H, W) float -> (N, outputs, 2H, 2W) float."""
        return self.conv(nn.functional.interpolate(features, scale_factor=2, mode="nearest"))


class UReconstruction(nn.Module):
    """The way up: trunk features to the image residual, with the stem's features added on the way."""

    def __init__(self, features: int, width: int) -> None:
        super().__init__()
        self.to_32 = _Enlarge(width, 2 * features)
        self.at_32 = GatedResidual(2 * features)
        self.to_64 = _Enlarge(2 * features, features)
        self.at_64 = GatedResidual(features)
        self.to_128 = _Enlarge(features, features // 2)
        self.conv = nn.Conv2d(features // 2, 3, 3, padding=1)
        _draw(self.conv)
        _shrink(self.conv)

    def forward(self, features: Tensor, skips: tuple[Tensor, ...]) -> Tensor:
        """Enlarge.

        Args:
            features: (N, width, 16, 16) float of the trunk.
            skips: (N, C, 64, 64) and (N, 2C, 32, 32) float of the stem.

        Returns:
            (N, 3, 128, 128) float, to be added to the plain enlargement.
        """
        at_64, at_32 = skips
        features = self.at_32(self.to_32(features) + at_32)
        features = self.at_64(self.to_64(features) + at_64)
        return self.conv(self.to_128(features))


class DamageGate(nn.Module):
    """How far the input can be believed: one number a face, from the trunk's features."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.linear = nn.Linear(width, 1)

    def forward(self, features: Tensor) -> Tensor:
        """(N, width, 16, 16) float -> (N, 1, 1, 1) float in (0, 1), 1 for a crop without damage."""
        return torch.sigmoid(self.linear(features.mean(dim=(2, 3))))[..., None, None]
