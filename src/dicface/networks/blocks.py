"""The layers that several parts of the network share."""

from torch import Tensor, nn

PRELU_START = 0.2
LEAKY_SLOPE = 0.2


def conv_prelu(inputs: int, outputs: int, kernel: int, stride: int = 1, padding: int = 0) -> nn.Sequential:
    """Convolution followed by a one-parameter PReLU started at 0.2, the recovery branch's unit."""
    return nn.Sequential(nn.Conv2d(inputs, outputs, kernel, stride, padding), nn.PReLU(init=PRELU_START))


def deconv_prelu(inputs: int, outputs: int, kernel: int, stride: int, padding: int) -> nn.Sequential:
    """Transposed convolution followed by a one-parameter PReLU started at 0.2."""
    return nn.Sequential(nn.ConvTranspose2d(inputs, outputs, kernel, stride, padding), nn.PReLU(init=PRELU_START))


class Residual(nn.Module):
    """Bottleneck residual block of the landmark branch: 1x1 to half the width, ReLU, 3x3, 1x1.

    Source: the released code; no activation between the last two convolutions and none after the sum.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        half = outputs // 2
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
