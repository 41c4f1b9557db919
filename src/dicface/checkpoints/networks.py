"""Our checkpoints: weights and configuration in safetensors files."""

import dataclasses
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import safetensors
import safetensors.torch
import torch
from torch import Tensor, nn

from dicface.checkpoints.runs import PUBLISHED, how_to_make, weights_file
from dicface.errors import CheckpointError, ConfigError
from dicface.files import check_readable, written_whole
from dicface.networks.dic import DICConfig, DICNetwork
from dicface.networks.face_finder import Finder, FinderConfig
from dicface.networks.stacked_hourglass import StackedHourglass, StackedHourglassConfig

Saved = DICNetwork | StackedHourglass | Finder
AnySaved = TypeVar("AnySaved", DICNetwork, StackedHourglass, Finder)
# By the name of the config table that describes them.
_NETWORKS: dict[str, tuple[Any, type[Saved]]] = {
    "network": (DICConfig, DICNetwork),
    "hourglass": (StackedHourglassConfig, StackedHourglass),
    "finder": (FinderConfig, Finder),
}
_DESCRIPTIONS: dict[type[Saved], str] = {
    DICNetwork: "a network that restores faces",
    StackedHourglass: "a stacked hourglass",
    Finder: "a face finder",
}

_MOST = 1024
"""Largest value of a size in a network's configuration: a file may claim anything."""


def check_parameters(network: nn.Module, state: Mapping[str, Tensor]) -> None:
    """Check that a state dict has exactly the parameters of a network, with their shapes.

    Args:
        network: on any device, `meta` included.
        state: parameters to load.

    Raises:
        CheckpointError: names the first missing, unexpected or misshapen parameters.
    """
    wanted = network.state_dict()
    missing = sorted(wanted.keys() - state.keys())
    unexpected = sorted(state.keys() - wanted.keys())
    if missing or unexpected:
        raise CheckpointError(
            f"expected exactly the {len(wanted)} parameters of the network; missing {missing[:3]} "
            f"({len(missing)} in all), unexpected {unexpected[:3]} ({len(unexpected)} in all); "
            "check that the network's configuration is the checkpoint's"
        )
    for key, value in wanted.items():
        if state[key].shape != value.shape:
            raise CheckpointError(
                f"expected shape {tuple(value.shape)} for {key}, got {tuple(state[key].shape)}; "
                "check that the network's configuration is the checkpoint's"
            )


def load_strictly(network: nn.Module, state: Mapping[str, Tensor]) -> None:
    """Load exactly the parameters of a network.

    Raises:
        CheckpointError: see `check_parameters`.
    """
    check_parameters(network, state)
    network.load_state_dict(dict(state))


def write_tensors(state: Mapping[str, Tensor], path: Path, notes: Mapping[str, str]) -> None:
    """Write a state dict as safetensors.

    Args:
        state: tensors on any device.
        path: the file to write; replaced in one step if it exists.
        notes: strings to store beside the tensors.
    """
    encoded = safetensors.torch.save(
        {key: value.detach().cpu().contiguous() for key, value in state.items()}, dict(notes)
    )
    with written_whole(path) as part:
        part.write_bytes(encoded)


def read_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Read the tensors and notes of a safetensors file.

    Raises:
        InputError: it may not be read, or is another kind of file.
    """
    check_readable(path)
    try:
        with safetensors.safe_open(path, "pt") as file:
            names = file.keys()
            return {name: file.get_tensor(name) for name in names}, file.metadata() or {}
    except (OSError, safetensors.SafetensorError) as error:
        raise CheckpointError(f"expected a safetensors file, could not read {str(path)!r}: {error}") from error


def is_ours(path: Path) -> bool:
    """Whether a safetensors file holds one of our networks, by its metadata; tensors are not read.

    Raises:
        InputError: it may not be read, or is another kind of file.
    """
    check_readable(path)
    try:
        with safetensors.safe_open(path, "pt") as file:
            return not _NETWORKS.keys().isdisjoint(file.metadata() or {})
    except (OSError, safetensors.SafetensorError) as error:
        raise CheckpointError(f"expected a safetensors file, could not read {str(path)!r}: {error}") from error


def save_network(network: Saved, path: Path, notes: Mapping[str, str] | None = None) -> None:
    """Write a network's weights and configuration as safetensors.

    Args:
        network: on any device.
        path: the file to write; replaced in one step if it exists.
        notes: further strings to store beside the configuration.
    """
    kind = next(kind for kind, (_, network_type) in _NETWORKS.items() if isinstance(network, network_type))
    config = json.dumps(dataclasses.asdict(network.config))
    write_tensors(network.state_dict(), path, {kind: config, **(notes or {})})


def save_published(network: Saved, folder: str | os.PathLike[str]) -> None:
    """Write a network as `save_network` does, under the name that the hub expects in its folder."""
    save_network(network, Path(folder) / PUBLISHED)


def _build(described: Mapping[str, Any]) -> Saved:
    """An untrained network of a configuration.

    Raises:
        KeyError, TypeError, ConfigError: unknown kind, or sizes out of range.
    """
    kind = next((kind for kind in _NETWORKS if kind in described), None)
    if kind is None:
        raise KeyError("no network configuration")
    config_type, network_type = _NETWORKS[kind]
    config = config_type(**described[kind])
    numbers = [value for value in dataclasses.asdict(config).values() if type(value) is not bool]
    if not all(isinstance(value, str) or (type(value) is int and 0 < value <= _MOST) for value in numbers):
        raise ConfigError(f"expected whole numbers from 1 to {_MOST} as sizes, got {config}")
    return network_type(config)


def _load_saved(path: Path) -> Saved:
    state, notes = read_tensors(path)
    try:
        described = {kind: json.loads(notes[kind]) for kind in _NETWORKS if kind in notes}
        # Built on the meta device first, so that claimed sizes allocate no memory.
        with torch.device("meta"):
            claimed = _build(described)
    except Exception as error:  # inconsistent sizes raise exceptions of torch
        raise CheckpointError(
            f"expected a network configuration inside {str(path)!r}, found {sorted(notes)}; "
            "only networks written by `dicface train` or `dicface convert` carry one"
        ) from error
    check_parameters(claimed, state)
    network = _build(described)
    load_strictly(network, state)
    return network.eval()


def _of_type(network: Saved, network_type: type[AnySaved], path: Path) -> AnySaved:
    if not isinstance(network, network_type):
        wanted, got = _DESCRIPTIONS[network_type], _DESCRIPTIONS[type(network)]
        raise CheckpointError(f"expected {wanted}, got {got}, {str(path)!r}")
    return network


def load_network(path: Path) -> DICNetwork:
    """Read a DIC network.

    Args:
        path: see `load_run`.

    Returns:
        The network in evaluation mode, on the CPU.

    Raises:
        CheckpointError: not such a file, or weights that do not fit its configuration.
    """
    return _of_type(load_run(path), DICNetwork, path)


def load_hourglass(path: Path) -> StackedHourglass:
    """Read a stacked hourglass written by `save_network`.

    Returns:
        The network in evaluation mode, on the CPU.

    Raises:
        CheckpointError: not such a file, or weights that do not fit its configuration.
    """
    return _of_type(_load_saved(path), StackedHourglass, path)


def read_state(path: Path) -> dict[str, Tensor]:
    """State dict of the network that a training run is for. Nothing in the file is executed.

    Args:
        path: of `weights_file`.

    Raises:
        CheckpointError: unreadable, or another kind of file.
    """
    if path.suffix != ".ckpt":
        return read_tensors(path)[0]
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)["state_dict"]
        return {key.removeprefix("network."): state[key] for key in state if key.startswith("network.")}
    except MemoryError:
        raise
    except Exception as error:  # damaged pickles fail in every way there is
        raise CheckpointError(f"expected a run's checkpoint, got {str(path)!r}: {error}") from error


def load_run(path: Path) -> Saved:
    """Read the averaged weights of a finished or running training run.

    Args:
        path: a run's folder, a checkpoint in it (`last.ckpt`, `best.ckpt`) or a file of `save_network`. Of a folder,
            the finished weights are read, or else the best checkpoint.

    Returns:
        The network in evaluation mode, on the CPU.

    Raises:
        CheckpointError: none of these, or a run of another task. Nothing in the file is executed.
    """
    path = weights_file(path)
    if not path.exists():
        raise CheckpointError(
            f"expected a run's folder, its checkpoint or a file of weights, found nothing at {str(path)!r}"
            f"{how_to_make(path)}"
        )
    if path.suffix != ".ckpt":
        return _load_saved(path)
    try:
        network = _build(json.loads((path.parent / "config.json").read_text()))
        load_strictly(network, read_state(path))
    except (CheckpointError, MemoryError):
        raise
    except Exception as error:  # damaged pickles raise exceptions of any class
        raise CheckpointError(
            f"expected a run's checkpoint with config.json beside it, got {str(path)!r}: {error}"
        ) from error
    return network.eval()
