"""The layers that several parts of the network share."""

from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from dicface.images.pixels import CHANNEL_MEANS

PRELU_START = 0.2
LEAKY_SLOPE = 0.2


def channel_means() -> Tensor:
    """(3, 1, 1) float32: what the networks subtract from RGB in [0, 1]."""
    return torch.tensor(CHANNEL_MEANS).reshape(3, 1, 1)


def leaky_gradients(gradient: Tensor, inputs: Tensor, slope: float) -> tuple[Tensor, Tensor]:
    """Gradients of a one-parameter PReLU.

    Args:
        gradient: of its result, any shape (N, C, ...).
        inputs: what it was called with, same shape.
        slope: its parameter.

    Returns:
        The gradient of its inputs, and (C,) that add up to the gradient of its parameter.
    """
    to_inputs = torch.ops.aten.leaky_relu_backward(gradient, inputs, slope, False)
    product = inputs.clamp(max=0) * gradient
    # Summed up in float32; with a dtype, PyTorch would convert the whole array first.
    return to_inputs, product.sum([axis for axis in range(product.ndim) if axis != 1])


class _Leaky(torch.autograd.Function):
    """A one-parameter PReLU whose parameter's gradient is summed up without an array of the inputs' size in float32."""

    @staticmethod
    def forward(ctx: Any, inputs: Tensor, slope: Tensor) -> Tensor:
        """(N, C, ...) and (1,) -> (N, C, ...)."""
        ctx.save_for_backward(inputs, slope)
        return nn.functional.leaky_relu(inputs, slope.item())

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor]:  # type: ignore[override]
        """Gradients of both."""
        inputs, slope = ctx.saved_tensors
        to_inputs, by_channel = leaky_gradients(gradient, inputs, slope.item())
        return to_inputs, by_channel.sum(dtype=torch.float32).reshape(1).to(slope.dtype)


class PReLU(nn.PReLU):
    """PReLU with one parameter for all channels, quick to train on a CPU.

    PyTorch's first makes an array of the parameter's gradient at each value, which took a seventh of a training step
    (ADR 0030). Elsewhere, and without gradients, it is PyTorch's.
    """

    def __init__(self) -> None:
        super().__init__(init=PRELU_START)

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - nn.PReLU's name
        """(N, C, ...) float -> the same."""
        if input.is_cpu and torch.is_grad_enabled() and not torch.compiler.is_compiling():
            return cast(Tensor, _Leaky.apply(input, self.weight))
        return super().forward(input)


def conv_prelu(inputs: int, outputs: int, kernel: int, stride: int = 1, padding: int = 0) -> nn.Sequential:
    """Convolution followed by a one-parameter PReLU started at 0.2, the recovery branch's unit."""
    return nn.Sequential(nn.Conv2d(inputs, outputs, kernel, stride, padding), PReLU())


def deconv_prelu(inputs: int, outputs: int, kernel: int, stride: int, padding: int) -> nn.Sequential:
    """Transposed convolution followed by a one-parameter PReLU started at 0.2."""
    return nn.Sequential(nn.ConvTranspose2d(inputs, outputs, kernel, stride, padding), PReLU())


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
