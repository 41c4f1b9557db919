"""Polyphase form of enlarged features in few, large operations, for accelerators.

What `phases` computes group by group is computed for all phases at once: they are one group, and an enlargement is one
convolution whose kernel is zero where a phase does not depend on a pixel. That is four times the arithmetic for the
authors' sizes, in a twentieth of the operations (ADR 30). The functions are those of `phases`.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from dicface.networks.phases import Geometry, Merged


def _taps(weight: Tensor, shape: Geometry) -> Tensor:
    """Taps by shift and phase, zero where there are none: (A, B, k, k) float -> (A, B, shifts, s, shifts, s)."""
    kernel, stride, padding = shape
    reach = max((kernel - 1 - padding) // stride, (stride - 1 + padding) // stride)
    before = stride * reach - padding
    after = stride * (2 * reach + 1) - kernel - before
    by_phase = 2 * reach + 1, stride
    framed = nn.functional.pad(weight, (before, after, before, after))
    return framed.unflatten(3, by_phase).unflatten(2, by_phase)


def enlarge(features: Tensor, weight: Tensor, bias: Tensor, shape: Geometry) -> list[Tensor]:
    """A transposed convolution that gives phases; see `phases.enlarge`."""
    # A convolution has its taps in reverse order, and outputs before inputs.
    kernel = _taps(weight, shape).flip(2, 4).permute(3, 5, 1, 0, 2, 4).flatten(0, 2)
    return [_convolution(features, kernel, bias.repeat(len(kernel) // len(bias)))]


def reduce(phases: Sequence[Tensor], weight: Tensor, bias: Tensor, shape: Geometry) -> Tensor:
    """A strided convolution that takes phases; see `phases.reduce`."""
    (phase,) = phases
    return _convolution(phase, _taps(weight, shape).permute(0, 3, 5, 1, 2, 4).flatten(1, 3), bias)


def merge(features: Sequence[Sequence[Tensor]], weight: Tensor, bias: Tensor, slope: Tensor) -> Merged:
    """A 1x1 convolution of the concatenation of several enlarged features with PReLU; see `phases.merge`."""
    parts = weight.flatten(1).t().chunk(len(features))
    total = bias
    for (feature,), part in zip(features, parts, strict=True):
        total = torch.addmm(total, feature.permute(0, 2, 3, 1).reshape(-1, len(part)), part)
    count, _, height, width = features[0][0].shape
    merged = nn.functional.prelu(total, slope).reshape(count, height, width, -1).permute(0, 3, 1, 2)
    return Merged([merged], [list(feature) for feature in features])


def _convolution(features: Tensor, kernel: Tensor, bias: Tensor) -> Tensor:
    kernel = kernel.contiguous(memory_format=torch.channels_last)
    return nn.functional.conv2d(features, kernel, bias, padding=kernel.shape[-1] // 2)
