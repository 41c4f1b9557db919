"""Data consistency inside the network: faces that reduce to their input, as far as the input can be believed."""

import torch
from torch import Tensor

from dicface.networks.resize import bicubic_weights

_NEWTON_ROUNDS = 4


def _pseudo_inverse(reduction: Tensor) -> Tensor:
    """(S, L) float of full row rank, S at most L / 2 -> (L, S) float, A^T (A A^T)^-1.

    The inverse comes from Newton's iteration, in products only, since graph formats have no inverse. The eigenvalues of
    A A^T times L / S lie between 0.47 and 1.02 for bicubic reductions, where four rounds leave less than 1e-5.
    """
    side, length = reduction.shape
    normal = reduction @ reduction.T * (length / side)
    identity = torch.diag(torch.ones_like(normal[0]))
    inverse = identity
    for _ in range(_NEWTON_ROUNDS):
        inverse = inverse @ (2 * identity - normal @ inverse)
    return reduction.T @ inverse * (length / side)


def back_project(sr: Tensor, lr: Tensor, share: Tensor) -> Tensor:
    """Move faces towards the nearest ones whose bicubic reduction is the input.

    Args:
        sr: (N, 3, 128, 128) float.
        lr: (N, 3, S, S) float in the same frame, S at most 64.
        share: (N, 1, 1, 1) float: 0 leaves a face as it is, 1 makes its reduction the input exactly (but for rounding).

    Returns:
        (N, 3, 128, 128) float.

    Source: ADR 0018 and 0031; not in the paper.
    """
    with torch.autocast(sr.device.type, enabled=False):
        sr, lr, share = sr.float(), lr.float(), share.float()
        reduction = bicubic_weights(sr, lr.shape[-1])
        inverse = _pseudo_inverse(reduction)
        missing = lr - reduction @ sr @ reduction.T
        return sr + share * (inverse @ missing @ inverse.T)
