"""A recovery branch shaped like a U: most of its work on a wide trunk of an eighth of the side, a light tail.

R is the side of the result, 128 or 256 px. A face of 128 px has its trunk at 16x16.

It takes the places of the paper's recovery block and reconstruction and keeps their part in the collaboration: the
trunk's features and the heatmaps of a step go on to the next. Source: ADR 31; not in the paper.
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from dicface.images.pixels import FACE_PX
from dicface.landmarks import KEYPOINTS
from dicface.networks.recovery import GRID_PX, StemOutput, any_size_grid
from dicface.networks.resize import resize_bicubic

_LARGEST = 32.0
"""Bound of the features of residual blocks. Those of faces stay below 16, of strongly sharpened ones below 29."""
_SMALL = 0.1
"""Initial scale of the last layers of residual blocks and network, relative to He-normal weights."""


def _draw(module: nn.Module) -> None:
    """Draw the convolutions of a module He-normal, biases zero.

    With torch's smaller default weights, features shrink by half in every layer and the U starts to learn late. With a
    zero last layer, AdamW turns gradients without a direction into full steps: at 6e-4 the activations die within
    fifty steps (ADR 31).
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
    """Residual block whose branch is gated by channel and position.

    conv - SiLU - conv, times the sigmoid of 1x1 to a quarter - SiLU - depthwise 3x3 - 1x1. No normalisation: the gate
    keeps features small. Where an odd input opens it fully, as a checkerboard can, features would grow tenfold in every
    block up to 1e10 and end a training run, so they are bounded.
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
        return (features + change * self.gate(change)).clamp(-_LARGEST, _LARGEST)


class UStem(nn.Module):
    """The way down: crops of any side S on a grid with a plane that holds S, reduced to the trunk.

    For faces of R = 128 px the grid is that of `AnySizeStem` (ADR 2), for 256 px the face's own, of which four pixels
    lie side by side in channels: both begin with a raster of R / 2, and a crop of 192 px loses nothing.
    """

    def __init__(self, features: int, width: int, output_px: int = FACE_PX) -> None:
        super().__init__()
        self.output_px = output_px
        self.grid_px = GRID_PX if output_px == FACE_PX else output_px
        self.fold = 2 * self.grid_px // output_px
        self.conv = nn.Sequential(nn.Conv2d(3 * self.fold**2 + 1, features, 3, padding=1), nn.SiLU())
        self.down = nn.Sequential(nn.Conv2d(features, 2 * features, 4, stride=2, padding=1), nn.SiLU())
        self.trunk = nn.Conv2d(2 * features, width, 4, stride=2, padding=1)
        _draw(self)

    def forward(self, lr: Tensor) -> StemOutput:
        """(N, 3, S, S) float, means subtracted -> features (N, width, R/8, R/8), skips of sides R/2 and R/4."""
        half = self.conv(any_size_grid(lr, self.grid_px, self.fold))
        quarter = self.down(half)
        return StemOutput(self.trunk(quarter), resize_bicubic(lr, self.output_px), (half, quarter))


class HeatmapChannels(nn.Module):
    """Heatmaps as further channels of the trunk: a strided convolution of them is added to the features.

    That equals a concatenation before the trunk's first convolution, at no cost for the steps without heatmaps.
    """

    def __init__(self, width: int, keypoints: int = KEYPOINTS) -> None:
        super().__init__()
        self.conv = nn.Conv2d(keypoints, width, 4, stride=2, padding=1)
        _draw(self)

    def forward(self, features: Tensor, heatmaps: Tensor) -> Tensor:
        """(N, width, R/8, R/8) float and (N, K, R/4, R/4) float -> (N, width, R/8, R/8) float."""
        return features + self.conv(heatmaps)


class ReducedHeatmaps(nn.Module):
    """A fusion of the paper on the trunk's grid, with heatmaps averaged to half the side."""

    def __init__(self, fusion: nn.Module) -> None:
        super().__init__()
        self.fusion = fusion

    def forward(self, features: Tensor, heatmaps: Tensor) -> Tensor:
        """(N, width, R/8, R/8) float and (N, K, R/4, R/4) float -> (N, width, R/8, R/8) float."""
        return self.fusion(features, nn.functional.avg_pool2d(heatmaps, 2))


class UTrunk(nn.Module):
    """The trunk of the U at an eighth of the side, computed once per step.

    Args:
        inputs: input channels: the stem's, after the first step also the previous trunk's.
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
        """(N, inputs, 16, 16) float and (N, K, R/4, R/4) float or None -> (N, width, R/8, R/8) float."""
        features = self.compress_in(features)
        if self.fusion is not None:
            features = self.fusion(features, heatmaps)
        return self.blocks(features)


def enlarging_kernel(weight: Tensor) -> Tensor:
    """Kernel of the transposed convolution that equals an enlargement by nearest neighbours and a convolution.

    Args:
        weight: (outputs, inputs, 3, 3) float of the convolution, with padding 1.

    Returns:
        (inputs, outputs, 4, 4) float, for stride 2 and padding 1.
    """
    padded = nn.functional.pad(weight, (1, 1, 1, 1))
    rows = padded[:, :, :-1] + padded[:, :, 1:]
    return (rows[..., :-1] + rows[..., 1:]).flip(2, 3).transpose(0, 1)


class _Enlarge(nn.Module):
    """Twice the side: nearest neighbour, 3x3 convolution, SiLU.

    Computed as a transposed convolution, which takes four ninths of the products (ADR 43). Its 16 taps are sums of the
    nine weights that are learned: with 16 weights of its own it would leave checkerboards.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv = nn.Sequential(nn.Conv2d(inputs, outputs, 3, padding=1), nn.SiLU())
        _draw(self)

    def forward(self, features: Tensor) -> Tensor:
        """(N, inputs, H, W) float -> (N, outputs, 2H, 2W) float."""
        conv, activation = self.conv
        assert isinstance(conv, nn.Conv2d)
        kernel = enlarging_kernel(conv.weight)
        return activation(nn.functional.conv_transpose2d(features, kernel, conv.bias, stride=2, padding=1))


class UReconstruction(nn.Module):
    """The way up: trunk features to the image residual, with the stem's features added on the way."""

    def __init__(self, features: int, width: int) -> None:
        super().__init__()
        self.to_quarter = _Enlarge(width, 2 * features)
        self.at_quarter = GatedResidual(2 * features)
        self.to_half = _Enlarge(2 * features, features)
        self.at_half = GatedResidual(features)
        self.to_whole = _Enlarge(features, features // 2)
        self.conv = nn.Conv2d(features // 2, 3, 3, padding=1)
        _draw(self.conv)
        _shrink(self.conv)

    def forward(self, features: Tensor, skips: tuple[Tensor, ...]) -> Tensor:
        """Enlarge.

        Args:
            features: (N, width, R/8, R/8) float of the trunk.
            skips: (N, C, R/2, R/2) and (N, 2C, R/4, R/4) float of the stem.

        Returns:
            (N, 3, R, R) float, to be added to the plain enlargement.
        """
        half, quarter = skips
        features = self.at_quarter(self.to_quarter(features) + quarter)
        features = self.at_half(self.to_half(features) + half)
        return self.conv(self.to_whole(features))


class DamageGate(nn.Module):
    """Weight of the data consistency of each face, estimated from the trunk's features."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.linear = nn.Linear(width, 1)

    def forward(self, features: Tensor) -> Tensor:
        """(N, width, R/8, R/8) float -> (N, 1, 1, 1) float in (0, 1), 1 for a crop without damage."""
        return torch.sigmoid(self.linear(features.mean(dim=(2, 3))))[..., None, None]


def grown_state(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Weights for a U of R = 256 px from those of a U of R = 128 px with the same channels (ADR 43).

    The layers are applied to details of half the size. The plane that holds S is scaled so that crops of 32 to 256 px
    have the values that crops of 16 to 64 px had. The smaller U has never seen larger values, and its features explode.

    Args:
        state: state dict of a `DICNetwork` with a U of 128 px.

    Returns:
        State dict of the same network with `output_px` 256. The parameters that both share are the same tensors.
    """
    weight = state["stem.conv.0.weight"]
    colours, plane = weight[:, :-1], weight[:, -1:]
    # Each colour is the mean of the four pixels that the finer grid folds into channels.
    folded = (colours / 4).repeat_interleave(4, dim=1)
    return {**state, "stem.conv.0.weight": torch.cat([folded, 2 / 3 * plane], dim=1)}
