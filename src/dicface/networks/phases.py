"""Polyphase form of enlarged features: the pixels of a stride are kept as channels.

Every s-th pixel of an image enlarged s times, from row r and column c on, forms an image of the original size, the
phase (r, c). A transposed convolution of stride s computes each phase by an ordinary small convolution, and a
convolution of stride s is a sum of small convolutions of the phases. Between the two, the large image is never needed
(ADR 21, and ADR 30 for training).

Phases that depend on the same small pixels form a group, stored as one tensor (N, phases * C, H, W): phase by phase,
row by row, each with its C channels.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, NamedTuple, cast

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from dicface.networks.blocks import leaky_gradients

ROWS = 8192
"""Pixels per piece of a merge: 0.8 MB of 48 channels in bfloat16, so that a few pieces fit into a core's cache."""

Taps = dict[int, int]
"""The kernel's tap of a row or column of phases for each shift in pixels of the small image, ascending."""


Geometry = tuple[int, int, int]
"""Kernel, stride and padding of a square convolution."""


class Border(NamedTuple):
    """Pixels that a convolution adds on each side."""

    left: int = 0
    right: int = 0
    above: int = 0
    below: int = 0


@dataclass(frozen=True)
class PhaseGroup:
    """Phases that depend on the same pixels of the small image, each through other taps.

    Attributes:
        rows, columns: taps of each row and column of phases.
    """

    rows: tuple[Taps, ...]
    columns: tuple[Taps, ...]

    @property
    def count(self) -> int:
        """Number of phases."""
        return len(self.rows) * len(self.columns)

    def kernels(self, weight: Tensor) -> list[Tensor]:
        """Each phase's part (A, B, h, w) of a kernel (A, B, k, k)."""
        return [
            weight[:, :, list(rows.values())][..., list(columns.values())]
            for rows in self.rows
            for columns in self.columns
        ]

    def border(self) -> Border:
        """Padding of the small image that the phases need."""
        rows, columns = list(self.rows[0]), list(self.columns[0])
        return Border(-columns[0], columns[-1], -rows[0], rows[-1])


def phase_groups(kernel: int, stride: int, padding: int) -> list[PhaseGroup]:
    """All phases of an enlargement, in groups, row by row.

    For kernel 12, stride 8 and padding 2, rows 0 and 1, rows 2 to 5, and rows 6 and 7 share pixels, and so do columns:
    9 groups.

    Args:
        kernel, stride, padding: geometry of the convolution or transposed convolution.
    """
    shifts = range(-(kernel // stride), kernel // stride + 1)
    taps: list[Taps] = [
        {shift: tap for shift in shifts if 0 <= (tap := phase + padding + shift * stride) < kernel}
        for phase in range(stride)
    ]
    runs = [tuple(run) for _, run in groupby(taps, key=list)]
    return [PhaseGroup(rows, columns) for rows in runs for columns in runs]


def geometry(conv: nn.Conv2d | nn.ConvTranspose2d) -> Geometry:
    """Kernel, stride and padding of a square convolution."""
    return conv.kernel_size[0], conv.stride[0], int(conv.padding[0])


def group_kernels(weight: Tensor, groups: Sequence[PhaseGroup]) -> list[Tensor]:
    """Each group's part of a kernel. Its gradient takes two copies of the kernel.

    Args:
        weight: (A, B, k, k) float.
        groups: all groups of its geometry; each tap of the kernel belongs to one phase.

    Returns:
        (h, w, A, B, rows, columns) float for each group: its taps by shift and phase.
    """
    # The taps of consecutive phases for one shift are consecutive.
    lengths = {start: len(group.rows) for group in groups for start in group.rows[0].values()}
    starts = sorted(lengths)
    sizes = [lengths[start] for start in starts]
    pieces = {
        (row, column): piece
        for row, band in zip(starts, weight.split(sizes, dim=2), strict=True)
        for column, piece in zip(starts, band.split(sizes, dim=3), strict=True)
    }

    def stacked(group: PhaseGroup) -> Tensor:
        rows, columns = group.rows[0].values(), group.columns[0].values()
        return torch.stack([torch.stack([pieces[row, column] for column in columns]) for row in rows])

    return [stacked(group) for group in groups]


def enlarge(features: Tensor, weight: Tensor, bias: Tensor, shape: Geometry) -> list[Tensor]:
    """A transposed convolution that gives phases.

    Args:
        features: (N, A, H, W) float.
        weight: (A, B, k, k) float, the transposed convolution's.
        bias: (B,) float.
        shape: its geometry.

    Returns:
        (N, phases * B, H, W) float for each group.
    """
    phases: list[Tensor] = []
    groups = phase_groups(*shape)
    for group, kernel in zip(groups, group_kernels(weight, groups), strict=True):
        # A convolution has its taps in reverse order, and outputs before inputs.
        flipped = kernel.flip(0, 1).permute(4, 5, 3, 2, 0, 1).flatten(0, 2)
        left, right, above, below = group.border()
        border = (right, left, below, above)
        padded = nn.functional.pad(features, border) if any(border) else features
        phases.append(nn.functional.conv2d(padded, _channels_last(flipped), bias.repeat(group.count)))
    return phases


def reduce(phases: Sequence[Tensor], weight: Tensor, bias: Tensor, shape: Geometry) -> Tensor:
    """A strided convolution that takes phases.

    Args:
        phases: (N, phases * B, H, W) float for each group.
        weight: (A, B, k, k) float.
        bias: (A,) float.
        shape: the convolution's geometry.

    Returns:
        (N, A, H, W) float.
    """
    parts: list[Tensor] = []
    height, width = phases[0].shape[2:]
    groups = phase_groups(*shape)
    for group, phase, kernel in zip(groups, phases, group_kernels(weight, groups), strict=True):
        left, right, above, below = group.border()
        across, down = max(left, right), max(above, below)
        # Pad both sides equally and cut off the excess of the result, which is smaller than the phases.
        wide = nn.functional.conv2d(
            phase,
            _channels_last(kernel.permute(2, 4, 5, 3, 0, 1).flatten(1, 3)),
            None if parts else bias,
            padding=(down, across),
        )
        parts.append(wide.narrow(2, down - above, height).narrow(3, across - left, width))
    return sum(parts[1:], parts[0])


class _MergePhases(torch.autograd.Function):
    """A 1x1 convolution of the concatenation of several features with PReLU, on rows of channels.

    The features are also results, for the next merge: a feature's gradients are then accumulated one merge after the
    other within the matrix product, without separate passes over memory. Rows are processed in pieces that stay in the
    processor's cache.
    """

    @staticmethod
    def forward(ctx: Any, slope: Tensor, bias: Tensor, weight: Tensor, *features: Tensor) -> tuple[Tensor, ...]:
        """(1,), (B,), (B, count * A), `count` times (rows, A) -> (rows, B), and the features."""
        weights = weight.t().split(features[0].shape[1])
        sums = features[0].new_empty(len(features[0]), len(weight))
        for total, *pieces in zip(*(rows.split(ROWS) for rows in (sums, *features)), strict=True):
            torch.addmm(bias, pieces[0], weights[0], out=total)
            for piece, part in zip(pieces[1:], weights[1:], strict=True):
                total.addmm_(piece, part)
        ctx.save_for_backward(slope, weight, sums, *features)
        ctx.set_materialize_grads(False)
        return nn.functional.leaky_relu(sums, slope.item()), *features

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor, *later: Tensor | None) -> tuple[Tensor, ...]:  # type: ignore[override] - torch declares any arguments
        """Gradients of all arguments, given those of the result and of the features from later merges."""
        slope, weight, sums, *features = ctx.saved_tensors
        weights = weight.split(features[0].shape[1], dim=1)
        # Only the next merge refers to these, so that they may be changed in place.
        to_features = [
            torch.zeros_like(feature) if so_far is None else so_far
            for feature, so_far in zip(features, later, strict=True)
        ]
        to_weights = [part.new_zeros(part.shape, dtype=torch.float32) for part in weights]
        to_bias = sums.new_zeros(len(weight), dtype=torch.float32)
        to_slope = torch.zeros_like(to_bias)
        rows = zip(*(rows.split(ROWS) for rows in (gradient, sums)), strict=True)
        inputs = zip(*(feature.split(ROWS) for feature in features), strict=True)
        results = zip(*(rows.split(ROWS) for rows in to_features), strict=True)
        for (part, total), pieces, sinks in zip(rows, inputs, results, strict=True):
            below, by_channel = leaky_gradients(part, total, slope.item())
            to_slope += by_channel
            to_bias += below.sum(0)
            for piece, sink, to_weight, one in zip(pieces, sinks, to_weights, weights, strict=True):
                sink.addmm_(below, one)
                to_weight.add_(below.t() @ piece)
        return (
            to_slope.sum().reshape(1).to(slope.dtype),
            to_bias.to(weight.dtype),
            torch.cat(to_weights, dim=1).to(weight.dtype),
            *to_features,
        )


class Merged(NamedTuple):
    """Result of `merge`.

    Attributes:
        phases: (N, phases * B, H, W) float for each group, channels last in memory.
        features: the merged features; later operations must use these in their place.
    """

    phases: list[Tensor]
    features: list[list[Tensor]]


def merge(features: Sequence[Sequence[Tensor]], weight: Tensor, bias: Tensor, slope: Tensor) -> Merged:
    """A 1x1 convolution of the concatenation of several enlarged features with PReLU, in phases.

    Args:
        features: `count` times (N, phases * A, H, W) float for each group, channels last in memory.
        weight: (B, count * A, 1, 1) float.
        bias: (B,) float.
        slope: (1,) float.
    """
    inputs = weight.shape[1] // len(features)
    kind = features[0][0].dtype
    weight, bias = weight.flatten(1).to(kind), bias.to(kind)
    groups: list[list[Tensor]] = []
    for parts in zip(*features, strict=True):
        # Phases lie between width and channels, so every pixel of every phase is a row.
        pixels = [part.permute(0, 2, 3, 1) for part in parts]
        rows = cast(
            "tuple[Tensor, ...]", _MergePhases.apply(slope, bias, weight, *(p.reshape(-1, inputs) for p in pixels))
        )
        shape = (*pixels[0].shape[:3], -1)
        groups.append([each.reshape(shape).permute(0, 3, 1, 2) for each in rows])
    merged, *passed = (list(each) for each in zip(*groups, strict=True))
    return Merged(merged, passed)


def _channels_last(kernel: Tensor) -> Tensor:
    return kernel.contiguous(memory_format=torch.channels_last)
