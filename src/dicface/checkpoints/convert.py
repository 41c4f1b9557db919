"""Conversion of the authors' and mmagic's checkpoints to safetensors."""

import dataclasses
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from dicface.checkpoints.names import NetworkKind
from dicface.checkpoints.networks import check_parameters, load_strictly, save_network, write_tensors
from dicface.checkpoints.pickled import read_pickled
from dicface.checkpoints.recognise import recognise_network
from dicface.errors import CheckpointError
from dicface.landmarks import COMPONENTS
from dicface.networks.dic import DIC, DICConfig, DICNetwork
from dicface.networks.landmark_branch import LandmarkBranch
from dicface.networks.lightcnn import Discriminator, LightCNNFeatures
from dicface.networks.stacked_hourglass import StackedHourglass, StackedHourglassConfig


class Conversion(NamedTuple):
    """A converted network.

    Attributes:
        network: kind of network.
        parameters: number of parameters.
        steps: T of a DIC network; None for the others.
        source: owner and form of the checkpoint.
        left_out: other networks in the file, which were not converted.
    """

    network: NetworkKind
    parameters: int
    steps: int | None
    source: str
    left_out: tuple[str, ...]

    def __str__(self) -> str:
        steps = "" if self.steps is None else f", T = {self.steps}"
        others = f" (left out: {', '.join(self.left_out)})" if self.left_out else ""
        return f"{self.network}, {self.parameters / 1e6:.2f} M parameters{steps}; from {self.source}{others}"


def convert(source: Path, out: Path, steps: int) -> Conversion:
    """Write a network of the authors or of mmagic as safetensors.

    A DIC network and a stacked hourglass are written by `save_network`. Others are written with their configuration as
    a note; of these, training reads the landmark branch and the LightCNN features.

    Args:
        source: a `.pth` file; it need not be trusted, nothing in it is executed.
        out: the file to write; replaced in one step if it exists.
        steps: T of a DIC network, which cannot be read off its weights.

    Returns:
        What was converted.

    Raises:
        CheckpointError: not such a file, or not exactly the parameters of a network.
        OutputError: the result cannot be written.
    """
    found = recognise_network(read_pickled(source))
    # Checked on the meta device first, so that claimed sizes allocate no memory.
    with torch.device("meta"):
        check_parameters(_empty_network(found.network, found.state, steps)[0], found.state)
    network, config = _empty_network(found.network, found.state, steps)
    load_strictly(network, found.state)
    notes = {"source": found.source}
    if isinstance(network, DICNetwork | StackedHourglass):
        save_network(network, out, notes)
    else:
        write_tensors(network.state_dict(), out, {found.network: json.dumps(config), **notes})
    return Conversion(
        found.network,
        sum(parameter.numel() for parameter in network.parameters()),
        network.config.steps if isinstance(network, DICNetwork) else None,
        found.source,
        found.left_out,
    )


def _empty_network(network: NetworkKind, state: Mapping[str, Tensor], steps: int) -> tuple[nn.Module, dict[str, Any]]:
    """A network with the sizes of the parameters, and its configuration."""
    if network == "DIC network":
        config = dic_config(state, steps)
        return DICNetwork(config), dataclasses.asdict(config)
    if network == "landmark branch":
        width, keypoints = _landmark_sizes(state, "")
        return LandmarkBranch(width, keypoints), {"width": width, "keypoints": keypoints}
    if network == "stacked hourglass":
        sizes = stacked_hourglass_config(state)
        return StackedHourglass(sizes), dataclasses.asdict(sizes)
    return Discriminator() if network == "discriminator" else LightCNNFeatures(), {}


def dic_config(state: Mapping[str, Tensor], steps: int) -> DICConfig:
    """Infer the configuration of a DIC network from its parameters.

    A missing or misshapen parameter leaves its size at the authors' value; `load_strictly` then names it.

    Args:
        state: parameters in our names.
        steps: T.

    Raises:
        CheckpointError: landmarks that are neither iBUG's nor Helen's.
    """
    width, keypoints = _landmark_sizes(state, "landmark.")
    if keypoints not in COMPONENTS:
        raise CheckpointError(f"expected 68 (iBUG) or 194 (Helen) landmarks, got {keypoints} heatmaps")
    return DICConfig(
        steps=steps,
        features=_size(state, "stem.conv.0.weight", 0, 4 * DIC.features, least=4) // 4,
        groups=_count(state, r"first_recovery\.up\.(\d+)\.", DIC.groups),
        projection_stride=_size(state, "first_recovery.up.0.0.weight", 2, DIC.projection_stride + 4, least=5) - 4,
        fusion_blocks=_count(state, r"recovery\.fusion\.paths\.(\d+)\.", DIC.fusion_blocks),
        hourglass_width=width,
        keypoints=keypoints,
    )


def stacked_hourglass_config(state: Mapping[str, Tensor]) -> StackedHourglassConfig:
    """Infer the configuration of a stacked hourglass from its parameters, as `dic_config` does.

    Args:
        state: parameters in our names.
    """
    usual = StackedHourglassConfig()
    return StackedHourglassConfig(
        width=_size(state, "stacks.0.head.weight", 1, usual.width, least=4),
        stacks=_count(state, r"stacks\.(\d+)\.", usual.stacks),
        keypoints=_size(state, "stacks.0.head.weight", 0, usual.keypoints),
    )


def _landmark_sizes(state: Mapping[str, Tensor], prefix: str) -> tuple[int, int]:
    """Width and number of keypoints of a landmark branch."""
    head = f"{prefix}head.3.weight"
    return _size(state, head, 1, DIC.hourglass_width, least=4), _size(state, head, 0, DIC.keypoints)


def _size(state: Mapping[str, Tensor], key: str, axis: int, usual: int, least: int = 1) -> int:
    """Size of a convolution's weights along an axis; `usual` if missing, misshapen or below `least`."""
    weights = state.get(key)
    return usual if weights is None or weights.ndim != 4 or weights.shape[axis] < least else weights.shape[axis]


def _count(state: Mapping[str, Tensor], pattern: str, usual: int) -> int:
    """Number of different indices in keys of a pattern; `usual` if there are none."""
    return len({match[1] for key in state if (match := re.match(pattern, key))}) or usual
