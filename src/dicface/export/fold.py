"""The same network with cheaper arithmetic, for graphs whose weights no longer change.

What it computes stays what it was, up to rounding (ADR 0021). Training and the torch backend keep the paper's layers.
"""

import copy
from typing import TypeVar, cast

import torch
from torch import Tensor, nn

from dicface.export.phases import fixed_convolution, keep_phases, parts_of
from dicface.landmarks import COMPONENTS
from dicface.networks.fusion import ComponentMaps
from dicface.networks.phases import Border, geometry
from dicface.networks.recovery import Reconstruction, RecoveryBlock

Network = TypeVar("Network", bound=nn.Module)


class _Crop(nn.Module):
    """Cut a border off every side."""

    def __init__(self, border: int) -> None:
        super().__init__()
        self.border = border

    def forward(self, images: Tensor) -> Tensor:
        return images[:, :, self.border : -self.border, self.border : -self.border]


def shuffled_convolution(unit: nn.Module) -> nn.Sequential:
    """A transposed convolution and its activation as one convolution to all phases, and a pixel shuffle.

    The phases are counted from half a stride before a pixel. Then all meet the same 2x2 input pixels, and the half
    stride too many on every side is cut off.

    Args:
        unit: the two, see `parts_of`, the kernel twice the stride. The activation acts on each value alone; it comes
            before the shuffle, where a runtime can fuse it.
    """
    deconv, weight, bias, activation = parts_of(unit)
    kernel, stride, _ = geometry(deconv)
    assert kernel == 2 * stride, deconv
    inputs, outputs = weight.shape[:2]
    # From (inputs, outputs, down, phase down, across, phase across); a convolution counts its taps the other way round.
    phases = weight.reshape(inputs, outputs, 2, stride, 2, stride).flip(2, 4).permute(1, 3, 5, 0, 2, 4)
    shuffled = phases.reshape(outputs * stride**2, inputs, 2, 2)
    conv = fixed_convolution(shuffled, bias.repeat_interleave(stride**2), Border(1, 1, 1, 1))
    return nn.Sequential(conv, activation, nn.PixelShuffle(stride), _Crop(stride // 2))


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
    match module:
        case RecoveryBlock():
            keep_phases(module)
        case Reconstruction():
            module.up = shuffled_convolution(module.up)
        case ComponentMaps():
            return _ConvolvedMaps()
        case _:
            pass
    return module


def for_inference(network: Network) -> Network:
    """A copy of a network that computes the same with fixed weights, and can be neither trained nor saved.

    One-parameter PReLUs become leaky ReLUs, which runtimes fuse with the convolution before them. In recovery blocks
    enlarged features stay phases, so that what enlarges and reduces them become ordinary convolutions, and their
    concatenations sums. The reconstruction's transposed convolution becomes an ordinary one and a shuffle, and the sums
    of landmarks' heatmaps a convolution.
    """
    return cast(Network, _replace(copy.deepcopy(network))).requires_grad_(False)
