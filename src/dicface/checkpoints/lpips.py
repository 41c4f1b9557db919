"""Weights of LPIPS in the files of torchvision and of the method's authors."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from dicface.checkpoints.networks import load_strictly
from dicface.checkpoints.pickled import plain_tensors, read_pickled
from dicface.errors import CheckpointError, UsageError
from dicface.files import file_digest
from dicface.networks.alexnet import LPIPS

_CONVOLUTIONS = (0, 3, 6, 8, 10)
# Layers of torchvision's AlexNet behind its convolutions, which LPIPS does not use.
_UNUSED = "classifier."
# Of both files, our names of their parameters by theirs.
_ALEXNET = {
    f"features.{theirs}.{kind}": f"convolutions.{ours}.{kind}"
    for ours, theirs in enumerate(_CONVOLUTIONS)
    for kind in ("weight", "bias")
}
_LINEAR = {f"lin{depth}.model.1.weight": f"linear.{depth}.weight" for depth in range(len(_CONVOLUTIONS))}
_BOTH = (
    "torchvision's AlexNet (alexnet-owt-7be5be79.pth, parameters features.0.weight and so on) and the linear layers of "
    "LPIPS for AlexNet (weights/v0.1/alex.pth, parameters lin0.model.1.weight and so on)"
)


class LPIPSDigests(NamedTuple):
    """SHA-256 in hex of the files that LPIPS was read from.

    Attributes:
        alexnet: digest of torchvision's AlexNet.
        linear: digest of the linear layers.
    """

    alexnet: str
    linear: str


def read_lpips(one: Path, other: Path) -> tuple[LPIPS, LPIPSDigests]:
    """Read LPIPS from its two files. Nothing in them is executed.

    Args:
        one, other: in either order torchvision's AlexNet and the linear layers that the authors of LPIPS trained for
            it, recognised by their parameter names.

    Returns:
        The network in evaluation mode, on the CPU, and the digests of the files.

    Raises:
        UsageError: both files hold the same of the two.
        CheckpointError: a file is damaged, holds neither, or does not hold exactly their parameters, all finite.
    """
    states = [_read_part(path) for path in (one, other)]
    if states[0].keys() == states[1].keys():
        got = "the linear layers" if next(iter(states[0])).startswith("linear.") else "AlexNet"
        raise UsageError(f"expected {_BOTH}, got {got} twice, {str(one)!r} and {str(other)!r}; give one of each")
    network = LPIPS()
    load_strictly(network, states[0] | states[1])
    digests = [file_digest(path) for path in (one, other)]
    return network.eval(), LPIPSDigests(*(digests if "linear.0.weight" in states[1] else digests[::-1]))


def _read_part(path: Path) -> dict[str, Tensor]:
    """The parameters of one of the two files, in our names."""
    content = read_pickled(path)
    try:
        return _to_our_names(plain_tensors(content))
    except CheckpointError as error:
        raise CheckpointError(f"{error}, in {path.name!r}; LPIPS takes {_BOTH}") from error


def _to_our_names(content: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Rename one of the two parts; it has exactly its parameters, with their shapes and finite values."""
    state = {key: value for key, value in content.items() if not key.startswith(_UNUSED)}
    names = next((names for names in (_ALEXNET, _LINEAR) if not names.keys().isdisjoint(state)), None)
    if names is None:
        raise CheckpointError(f"expected the parameters of one of its two files, got such as {list(content)[:3]}")
    missing, unexpected = ([key for key in one if key not in other] for one, other in ((names, state), (state, names)))
    if missing or unexpected:
        raise CheckpointError(f"expected {len(names)} parameters; missing {missing[:3]}, unexpected {unexpected[:3]}")
    with torch.device("meta"):
        wanted = LPIPS().state_dict()
    for key, value in state.items():
        shape = wanted[names[key]].shape
        if value.shape != shape:
            raise CheckpointError(f"expected shape {tuple(shape)} for {key}, got {tuple(value.shape)}")
        if not value.is_floating_point():
            raise CheckpointError(f"expected floating-point numbers for {key}, got {value.dtype}")
        if not value.float().isfinite().all():
            raise CheckpointError(f"expected finite numbers for {key}, got NaN or infinity")
    return {names[key]: value.float() for key, value in state.items()}
