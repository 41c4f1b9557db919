"""The same network with cheaper arithmetic, for graphs whose weights no longer change.

What it computes stays what it was, up to rounding (ADR 0021). Training and the torch backend keep the paper's layers.
"""

import copy
from typing import TypeVar, cast

import torch
from torch import Tensor, nn

from dicface.landmarks import COMPONENTS
from dicface.networks.fusion import ComponentMaps
from dicface.networks.phases import keep_phases, shuffled_convolution
from dicface.networks.recovery import Reconstruction, RecoveryBlock

Network = TypeVar("Network", bound=nn.Module)


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

    One-parameter PReLUs become leaky ReLUs, which runtimes fuse with the convolution before them. Enlarged features
    stay phases, so that transposed convolutions and those with a stride become ordinary ones, and concatenations sums.
    The sums of landmarks' heatmaps become a convolution.
    """
    return cast(Network, _replace(copy.deepcopy(network))).requires_grad_(False)
