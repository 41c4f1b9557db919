"""Trained weights by name, for runs that start from them."""

from pathlib import Path

from torch import Tensor

from dicface.checkpoints.networks import read_state
from dicface.checkpoints.runs import how_to_make, weights_file
from dicface.errors import ConfigError
from dicface.runtime.models import embedded_models, find_model


def find_weights(name: str) -> Path:
    """File of trained weights.

    Args:
        name: name of an embedded model, or path of a file (.safetensors), of a run's folder or of a checkpoint in it.

    Raises:
        ConfigError: no such weights. If a shipped config makes them, the error names the command.
    """
    cards = embedded_models()
    if name in cards:
        return find_model(name, ".safetensors", cards[name].kind)
    path = weights_file(Path(name))
    if path.is_file():
        return path
    raise ConfigError(
        f"expected one of {', '.join(cards)}, a file of weights or a run's folder, got {name!r}{how_to_make(name)}"
    )


def read_weights(name: str) -> dict[str, Tensor]:
    """State dict of trained weights.

    Args:
        name: see `find_weights`.

    Raises:
        ConfigError: no such weights.
        CheckpointError: not a file of weights.
    """
    return read_state(find_weights(name))


def part_of(state: dict[str, Tensor], name: str) -> dict[str, Tensor]:
    """State dict of one part of a network.

    Args:
        state: state dict of the network; or of the part alone, which is returned as it is.
        name: attribute of the network that holds the part.
    """
    prefix = f"{name}."
    part = {key.removeprefix(prefix): value for key, value in state.items() if key.startswith(prefix)}
    return part or state
