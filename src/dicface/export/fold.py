"""Networks rewritten for inference: equal functions with cheaper arithmetic and fixed weights.

Results are equal up to rounding (ADR 21). Training and the torch backend keep the paper's layers.
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

Folded = TypeVar("Folded", bound=nn.Module)


class _Crop(nn.Module):
    """Cut a border off every side."""

    def __init__(self, border: int) -> None:
        super().__init__()
        self.border = border

    def forward(self, images: Tensor) -> Tensor:
        return images[:, :, self.border : -self.border, self.border : -self.border]


def shuffled_convolution(unit: nn.Module) -> nn.Sequential:
    """Rewrite a transposed convolution with activation as a convolution to all phases and a pixel shuffle.

    Phases are counted from half a stride before a pixel, so that all have the same 2x2 input pixels. The extra half
    stride on every side is cut off.

    Args:
        unit: convolution and activation, see `parts_of`; the kernel is twice the stride. The activation is pointwise
            and comes before the shuffle, where a runtime can fuse it.
    """
    deconv, weight, bias, activation = parts_of(unit)
    kernel, stride, _ = geometry(deconv)
    assert kernel == 2 * stride, deconv
    inputs, outputs = weight.shape[:2]
    # From (inputs, outputs, down, phase down, across, phase across); a convolution has its taps in reverse order.
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
    """The equivalent of a module, or the module itself with its parts replaced."""
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


def for_inference(network: Folded) -> Folded:
    """An equivalent copy of a network for inference. It can be neither trained nor saved.

    One-parameter PReLUs become leaky ReLUs, which runtimes fuse with the convolution before them. Enlarged features of
    recovery blocks stay phases: strided and transposed convolutions become ordinary ones, concatenations become sums.
    The reconstruction's transposed convolution becomes a convolution and a pixel shuffle, and the sums of heatmaps a
    convolution.
    """
    return cast(Folded, _replace(copy.deepcopy(network))).requires_grad_(requires_grad=False)
