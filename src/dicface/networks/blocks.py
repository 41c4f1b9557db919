"""The layers that several parts of the network share."""

import torch
from torch import Tensor, nn

from dicface.images.pixels import CHANNEL_MEANS

PRELU_START = 0.2
LEAKY_SLOPE = 0.2


def channel_means() -> Tensor:
    """(3, 1, 1) float32: what the networks subtract from RGB in [0, 1]."""
    return torch.tensor(CHANNEL_MEANS).reshape(3, 1, 1)


def conv_prelu(inputs: int, outputs: int, kernel: int, stride: int = 1, padding: int = 0) -> nn.Sequential:
    """Convolution followed by a one-parameter PReLU started at 0.2, the recovery branch's unit."""
    return nn.Sequential(nn.Conv2d(inputs, outputs, kernel, stride, padding), nn.PReLU(init=PRELU_START))


def deconv_prelu(inputs: int, outputs: int, kernel: int, stride: int, padding: int) -> nn.Sequential:
    """Transposed convolution followed by a one-parameter PReLU started at 0.2."""
    return nn.Sequential(nn.ConvTranspose2d(inputs, outputs, kernel, stride, padding), nn.PReLU(init=PRELU_START))


class Residual(nn.Module):
    """Bottleneck residual block of the landmark networks: 1x1 to half the width, 3x3, 1x1.

    Without normalisation (the landmark branch) there is a ReLU after the first convolution only. With it (the stacked
    hourglass) batch normalisation follows every convolution and a ReLU the first two. Nothing follows the sum.

    Source: the released code.
    """

    def __init__(self, inputs: int, outputs: int, normalised: bool = False) -> None:
        super().__init__()
        half = outputs // 2
        if normalised:
            self.body = nn.Sequential(
                nn.Conv2d(inputs, half, 1),
                nn.BatchNorm2d(half),
                nn.ReLU(),
                nn.Conv2d(half, half, 3, padding=1),
                nn.BatchNorm2d(half),
                nn.ReLU(),
                nn.Conv2d(half, outputs, 1),
                nn.BatchNorm2d(outputs),
            )
            widen = nn.Sequential(nn.Conv2d(inputs, outputs, 1), nn.BatchNorm2d(outputs))
            self.skip = nn.Identity() if inputs == outputs else widen
            return
        self.body = nn.Sequential(
            nn.Conv2d(inputs, half, 1),
            nn.ReLU(),
            nn.Conv2d(half, half, 3, padding=1),
            nn.Conv2d(half, outputs, 1),
        )
        self.skip = nn.Identity() if inputs == outputs else nn.Conv2d(inputs, outputs, 1)

    def forward(self, features: Tensor) -> Tensor:
        """(N, inputs, H, W) float -> (N, outputs, H, W) float."""
        return self.body(features) + self.skip(features)
