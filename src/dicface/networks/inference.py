"""The same network with cheaper arithmetic, for graphs whose weights no longer change.

What it computes stays what it was, up to rounding (ADR 0021). Training and the torch backend keep the paper's layers.
"""

import copy
from collections.abc import Sequence
from typing import TypeVar

import torch
from torch import Tensor, nn

from dicface.landmarks import COMPONENTS
from dicface.networks.fusion import ComponentMaps
from dicface.networks.recovery import DenseMerge

Network = TypeVar("Network", bound=nn.Module)
LARGEST_PHASE_STRIDE = 4
"""Transposed convolutions up to this stride become ordinary ones. At 8, nearly half of their weights would be zero."""


class _Crop(nn.Module):
    """Cut a border off every side."""

    def __init__(self, border: int) -> None:
        super().__init__()
        self.border = border

    def forward(self, images: Tensor) -> Tensor:
        return images[:, :, self.border : -self.border, self.border : -self.border]


def phase_convolution(deconv: nn.ConvTranspose2d, activation: nn.Module) -> nn.Sequential:
    """A transposed convolution and its activation as an ordinary convolution and a pixel shuffle.

    The s x s results about an input pixel see the same few input pixels, each through other weights of the kernel. So
    they are s x s output channels of a small convolution. With a kernel of at most 2s they are counted from half a
    stride before the pixel: then each sees 2x2 input pixels rather than 3x3, and the half stride too many on every side
    is cut off.

    Args:
        deconv: square, ungrouped, undilated, enlarging by exactly its stride.
        activation: acts on each value alone; it comes before the shuffle, where a runtime can fuse it.
    """
    inputs, outputs = deconv.in_channels, deconv.out_channels
    kernel, stride = deconv.kernel_size[0], deconv.stride[0]
    taps = 2 if kernel <= 2 * stride else 3
    margin = (taps * stride - kernel) // 2
    padded = nn.functional.pad(deconv.weight.detach(), [margin] * 4)
    # From (inputs, outputs, down, phase down, across, phase across); a convolution counts its taps the other way round.
    phases = padded.reshape(inputs, outputs, taps, stride, taps, stride).flip(2, 4).permute(1, 3, 5, 0, 2, 4)
    conv = nn.Conv2d(inputs, outputs * stride**2, taps, padding=1)
    assert deconv.bias is not None
    assert conv.bias is not None
    with torch.no_grad():
        conv.weight.copy_(phases.reshape(conv.weight.shape))
        conv.bias.copy_(deconv.bias.repeat_interleave(stride**2))
    layers = [conv, activation, nn.PixelShuffle(stride)]
    return nn.Sequential(*layers, _Crop(stride // 2)) if taps == 2 else nn.Sequential(*layers)


class _SummedMerge(nn.Module):
    """A `DenseMerge` as a sum of one convolution a feature, so that no concatenation has to be copied together."""

    def __init__(self, merge: DenseMerge) -> None:
        super().__init__()
        conv, self.activation = merge.conv, merge.activation
        assert conv.bias is not None
        channels = conv.out_channels
        weights = conv.weight.detach().split(channels, dim=1)
        # The first adds the bias for all.
        self.parts = nn.ModuleList(nn.Conv2d(channels, channels, 1, bias=number == 0) for number in range(len(weights)))
        state = {f"{number}.weight": weight for number, weight in enumerate(weights)}
        self.parts.load_state_dict({**state, "0.bias": conv.bias.detach()})

    def forward(self, features: Sequence[Tensor]) -> Tensor:
        total, *others = (part(feature) for part, feature in zip(self.parts, features, strict=True))
        for other in others:
            total = total + other
        return self.activation(total)


class _ConvolvedMaps(ComponentMaps):
    """Component maps whose sums are a 1x1 convolution with zeros and ones.

    ONNX Runtime adds up the channels of one face in another order than those of several, so that with plain sums a
    face's last digit would depend on how many are in its batch (ADR 25).
    """

    def sums(self, scaled: Tensor) -> Tensor:
        keypoints = scaled.shape[1]
        members = [
            [float(any(first <= point < last for first, last in ranges)) for point in range(keypoints)]
            for ranges in COMPONENTS[keypoints]
        ]
        return nn.functional.conv2d(scaled, torch.tensor(members)[:, :, None, None])


def _replace(module: nn.Module) -> nn.Module:
    """A module's cheaper equal, or itself with its parts replaced."""
    if isinstance(module, nn.PReLU) and module.num_parameters == 1:
        return nn.LeakyReLU(module.weight.item())
    for name, part in module.named_children():
        setattr(module, name, _replace(part))
    if isinstance(module, DenseMerge):
        return _SummedMerge(module)
    if isinstance(module, ComponentMaps):
        return _ConvolvedMaps()
    match list(module.children()) if isinstance(module, nn.Sequential) else []:
        case [nn.ConvTranspose2d() as deconv, nn.LeakyReLU() as activation] if deconv.stride[0] <= LARGEST_PHASE_STRIDE:
            return phase_convolution(deconv, activation)
        case _:
            return module


def for_inference(network: Network) -> Network:
    """A copy of a network that computes the same with fixed weights, and can be neither trained nor saved.

    One-parameter PReLUs become leaky ReLUs, which runtimes fuse with the convolution before them; transposed
    convolutions of small stride become ordinary ones; dense concatenations become sums, and the sums of landmarks'
    heatmaps a convolution.
    """
    folded = copy.deepcopy(network)
    for name, part in folded.named_children():
        setattr(folded, name, _replace(part))
    return folded.requires_grad_(False)
