"""Weights in files: our safetensors format, and state dicts in the authors' key names."""

import dataclasses
import json
import pickle
import re
from collections.abc import Mapping
from pathlib import Path

import safetensors
import safetensors.torch
import torch
from torch import Tensor, nn

from dicface.errors import CheckpointError
from dicface.files import written_whole
from dicface.networks.dic import DICConfig, DICNetwork

# Authors' names on the left. Order matters: the first pattern that matches the start of a key renames it, and the
# remainder is renamed again by the table of the part it belongs to.
_BLOCK_KEYS = (
    (r"compress_in\.", "compress_in."),
    (r"upBlocks\.", "up."),
    (r"downBlocks\.", "down."),
    (r"uptranBlocks\.", "merge_low."),
    (r"downtranBlocks\.", "merge_high."),
    (r"compress_out\.", "compress_out."),
    (r"fusion_block\.conv_in\.", "fusion.expand."),
    (r"fusion_block\.resnet\.(\d+)\.res\.", r"fusion.paths.\1.body."),
)
_RESIDUAL_KEYS = ((r"conv_block\.", "body."), (r"skip_layer\.", "skip."))


def _hourglass_keys(theirs: str, ours: str) -> list[tuple[str, str, tuple[tuple[str, str], ...]]]:
    """The authors count levels from the smallest (1) to the largest (4); ours count in the order of use."""
    rows = [(rf"{theirs}res_center\.", f"{ours}centre.", _RESIDUAL_KEYS)]
    for level in range(1, 5):
        rows.append((rf"{theirs}res{level}_1\.", f"{ours}skip.{4 - level}.", _RESIDUAL_KEYS))
        rows.append((rf"{theirs}res{level}_2\.", f"{ours}down.{4 - level}.", _RESIDUAL_KEYS))
        rows.append((rf"{theirs}res{level}_3\.", f"{ours}up.{level - 1}.", _RESIDUAL_KEYS))
    return rows


_AUTHORS_KEYS = {
    "DIC network": (
        (r"conv_in\.", "stem.conv.", ()),
        (r"first_block\.", "first_recovery.", _BLOCK_KEYS),
        (r"block\.", "recovery.", _BLOCK_KEYS),
        (r"out\.", "reconstruction.up.", ()),
        (r"conv_out\.0\.", "reconstruction.conv.", ()),
        (r"HG\.pre_conv_block\.0\.", "landmark.stem.0.", ()),
        (r"HG\.pre_conv_block\.(\d)\.", r"landmark.stem.\1.", _RESIDUAL_KEYS),
        (r"HG\.compress_in\.", "landmark.compress.", ()),
        *_hourglass_keys(r"HG\.hg\.", "landmark.hourglass."),
        (r"HG\.hg_conv_out\.0\.", "landmark.head.0.", _RESIDUAL_KEYS),
        (r"HG\.hg_conv_out\.1\.conv_block\.0\.", "landmark.head.1.", ()),
        (r"HG\.hg_conv_out\.2\.", "landmark.head.3.", ()),
    ),
    "stacked hourglass": (
        (r"pre_conv_block\.([01])\.", r"stem.\1.", ()),
        (r"pre_conv_block\.(\d)\.", r"stem.\1.", _RESIDUAL_KEYS),
        *_hourglass_keys(r"hg(\d)\.", r"stacks.\1.hourglass."),
        (r"hg(\d)_res1\.", r"stacks.\1.residual.", _RESIDUAL_KEYS),
        (r"hg(\d)_lin1\.conv_block\.", r"stacks.\1.mix.", ()),
        (r"hg(\d)_conv_pred\.", r"stacks.\1.head.", ()),
        (r"hg(\d)_conv1\.", r"feedbacks.\1.from_features.", ()),
        (r"hg(\d)_conv2\.", r"feedbacks.\1.from_heatmaps.", ()),
    ),
    "discriminator": (
        (r"features\.(\d)\.filter\.", r"features.layers.\1.filter.", ()),
        (r"features\.(\d)\.conv_a\.", r"features.layers.\1.0.", ()),
        (r"features\.(\d)\.conv\.", r"features.layers.\1.1.", ()),
        (r"classifier\.0\.filter\.", "filter.", ()),
        (r"classifier\.2\.", "head.", ()),
    ),
}


def rename_authors_key(key: str, network: str = "DIC network") -> str:
    """Our name of a parameter of one of the authors' networks.

    Args:
        key: their name.
        network: `DIC network`, `stacked hourglass` or `discriminator`.

    Raises:
        CheckpointError: the key is none of theirs.
    """
    for pattern, replacement, inner in _AUTHORS_KEYS[network]:
        match = re.match(pattern, key)
        if match is None:
            continue
        head, tail = match.expand(replacement), key[match.end() :]
        for inner_pattern, inner_replacement in inner:
            renamed, count = re.subn(f"^{inner_pattern}", inner_replacement, tail)
            if count:
                return head + renamed
        if not inner:
            return head + tail
    raise CheckpointError(f"expected a parameter of the authors' {network}, got {key!r}; is this another network?")


def from_authors(state: Mapping[str, Tensor], network: str = "DIC network") -> dict[str, Tensor]:
    """Rename a state dict from the authors' keys to ours, values untouched.

    Args:
        state: of one of the authors' networks, as saved by their code or by mmagic's port of it.
        network: see `rename_authors_key`.

    Returns:
        A state dict for our network of the same kind.

    Raises:
        CheckpointError: a key is not one of the authors'.
    """
    return {rename_authors_key(key, network): value for key, value in state.items()}


def load_strictly(network: nn.Module, state: Mapping[str, Tensor]) -> None:
    """Fill a network; every parameter must be there, with its shape, and nothing else.

    Raises:
        CheckpointError: naming the first missing, unexpected or misshapen parameters.
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
    network.load_state_dict(dict(state))


def write_tensors(state: Mapping[str, Tensor], path: Path, notes: Mapping[str, str]) -> None:
    """Write a state dict as safetensors, to a temporary name first.

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
    """Tensors and notes of a safetensors file; nothing in it is executed.

    Raises:
        CheckpointError: unreadable, or another kind of file.
    """
    try:
        with safetensors.safe_open(path, "pt") as file:
            names = file.keys()
            return {name: file.get_tensor(name) for name in names}, file.metadata() or {}
    except (OSError, safetensors.SafetensorError) as error:
        raise CheckpointError(f"expected a safetensors file, could not read {str(path)!r}: {error}") from error


def save_network(network: DICNetwork, path: Path, notes: Mapping[str, str] | None = None) -> None:
    """Write a network's weights and configuration as safetensors.

    Args:
        network: on any device.
        path: the file to write; replaced in one step if it exists.
        notes: further strings to store beside the configuration.
    """
    config = json.dumps(dataclasses.asdict(network.config))
    write_tensors(network.state_dict(), path, {"network": config, **(notes or {})})


def load_network(path: Path) -> DICNetwork:
    """Read a network written by `save_network`.

    Returns:
        The network in evaluation mode, on the CPU.

    Raises:
        CheckpointError: not such a file, or weights that do not fit its configuration.
    """
    state, notes = read_tensors(path)
    try:
        config = DICConfig(**json.loads(notes["network"]))
    except (KeyError, TypeError, ValueError) as error:
        raise CheckpointError(
            f"expected a network configuration inside {str(path)!r}, found {sorted(notes)}; "
            "only files written by `dicface train` carry one"
        ) from error
    network = DICNetwork(config)
    load_strictly(network, state)
    return network.eval()


def load_run(path: Path) -> DICNetwork:
    """Read the averaged weights of a training run, finished or not.

    Args:
        path: a run's folder, a checkpoint in it (`last.ckpt`, `best.ckpt`) or a file of `save_network`. A folder gives
            its finished weights, or else its best checkpoint.

    Returns:
        The network in evaluation mode, on the CPU.

    Raises:
        CheckpointError: none of these, or a run of another task. Nothing in the file is executed.
    """
    if path.is_dir():
        names = ("weights.safetensors", "best.ckpt", "last.ckpt")
        path = next((path / name for name in names if (path / name).exists()), path / names[0])
    if path.suffix != ".ckpt":
        return load_network(path)
    try:
        config = DICConfig(**json.loads((path.parent / "config.json").read_text())["network"])
        state = torch.load(path, map_location="cpu", weights_only=True)["state_dict"]
    except (OSError, KeyError, TypeError, ValueError, RuntimeError, pickle.UnpicklingError) as error:
        raise CheckpointError(
            f"expected a run's checkpoint with config.json beside it, got {str(path)!r}: {error}"
        ) from error
    network = DICNetwork(config)
    mine = {key.removeprefix("network."): value for key, value in state.items() if key.startswith("network.")}
    load_strictly(network, mine)
    return network.eval()
